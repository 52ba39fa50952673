/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of flags and commands (tables.c), from which the parser (options.c) and --help (help.c) are made.
 */
#ifndef CORE_CLI_CLI_PRIV_H
#define CORE_CLI_CLI_PRIV_H

#include "core/cli/options.h"

#include <stdio.h>

enum flag_id {
    FLAG_ALL,
    FLAG_CONFIG,
    FLAG_DEEP,
    FLAG_DEST,
    FLAG_DRY_RUN,
    FLAG_HELP,
    FLAG_JSON,
    FLAG_LOG_LEVEL,
    FLAG_ONLY,
    FLAG_OPTION,
    FLAG_PLUGIN_DIR,
    FLAG_PROGRESS,
    FLAG_REPLACE,
    FLAG_SOURCE,
    FLAG_STATE_DIR,
    FLAG_TO,
    FLAG_VERSION,
};

struct flag {
    enum flag_id id;
    unsigned commands;   /* 1u << enum command, ored: who knows it */
    const char *name;    /* "--dest"; "-o" where there is no long form */
    char letter;         /* of its short form, or 0 */
    bool repeats;        /* may be given more than once */
    const char *value;   /* what --help calls its value; NULL: a switch */
    const char *choices; /* "a|b|c" if the value is one of these */
    const char *help;
};

struct command_row {
    enum command id;
    const char *name;     /* "backup", "plugin list" */
    const char *argument; /* "POINT", or NULL if it takes none */
    bool argument_needed;
    const char *help;   /* one line */
    const char *detail; /* the paragraph of its own page */
};

extern const struct flag cli_flags[];
extern const size_t cli_flag_count;
extern const struct command_row cli_commands[];
extern const size_t cli_command_count;

static inline bool flag_is_of(const struct flag *flag, const struct command_row *row)
{
    return (flag->commands & (1u << row->id)) != 0;
}

/* The page of a command, the main page if row is NULL; at most 80 columns wide. */
void help_print(FILE *out, const struct command_row *row);

#endif
