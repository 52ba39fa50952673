/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line. One table of flags, one of commands (options.c); --help is made from them. Main thread.
 */
#ifndef CORE_CLI_OPTIONS_H
#define CORE_CLI_OPTIONS_H

#include "base/auto.h"
#include "core/walk/pattern.h"
#include "snapferry/plugin.h"

#include <stdbool.h>

/* Exit codes (docs/snapferry.1, "Exit status"). */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2, /* command line or config */
    EXIT_GUARD = 3, /* another run holds the guard */
    EXIT_DAMAGE = 4,
    EXIT_NO_POINT = 5, /* no such (complete) restore point */
    EXIT_DENIED = 6,
    EXIT_SIGNAL = 128, /* + signal */
};

enum command {
    COMMAND_BACKUP,
    COMMAND_RESTORE,
    COMMAND_VERIFY,
    COMMAND_LIST,
    COMMAND_PLUGIN_LIST,
    COMMAND_PLUGIN_INFO,
    COMMAND_PLUGIN_CHECK,
    COMMAND_CONFIG_CHECK,
    COMMAND_CONFIG_SHOW,
    COMMAND_CONFIG_SCHEMA,
    COMMAND_HELP,    /* text was printed */
    COMMAND_VERSION, /* text was printed */
};

enum progress_style { PROGRESS_AUTO, PROGRESS_BAR, PROGRESS_PLAIN, PROGRESS_NONE };

struct source_flag {
    char *name;
    char *dir; /* NULL without "=DIR" */
};

struct options {
    enum command command;
    const char *program;
    /* common */
    const char *config_file;
    const char *dest;
    char **dest_options; /* -o key=value */
    size_t dest_option_count;
    const char *state_dir;
    char **plugin_dirs;
    size_t plugin_dir_count;
    bool json;
    enum progress_style progress;
    enum sf_log_level log_level;
    /* commands */
    const char *argument; /* POINT, NAME or PATH; NULL if not given */
    struct source_flag *sources;
    size_t source_count;
    bool dry_run;
    const char *to;
    struct patterns only;
    bool replace;
    bool all;
    bool deep;
};

/* -1 with *err (SF_INVALID: usage). Flags that the command does not know are refused with the nearest that it knows.
 * On failure too, options->json says whether --json was among the arguments, and options_cleanup is due. --help and --version
 * print their text on stdout. Points into argv. */
MUST_CHECK int options_parse(struct options *options, int argc, char **argv, struct sf_error *err);
void options_cleanup(struct options *options);

#endif
