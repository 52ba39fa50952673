/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/cli_priv.h"

#define BIT(name) (1u << COMMAND_##name)
#define RUNS (BIT(BACKUP) | BIT(RESTORE) | BIT(VERIFY))
#define STORE (RUNS | BIT(LIST))
#define DESTINATION (STORE | BIT(PLUGIN_CHECK) | BIT(CONFIG_CHECK) | BIT(CONFIG_SHOW))
#define EVERY (DESTINATION | BIT(PLUGIN_LIST) | BIT(PLUGIN_INFO) | BIT(CONFIG_SCHEMA))

/* In the order in which --help prints them: a command's own first, then the common ones. */
const struct flag cli_flags[] = {
    {FLAG_SOURCE, BIT(BACKUP) | BIT(RESTORE), "--source", 0, true, "NAME[=DIR]", NULL,
     "take only this source; =DIR: its folder, for a backup the one to read, for a restore the one to write"},
    {FLAG_TO, BIT(RESTORE), "--to", 0, false, "DIR", NULL,
     "restore into DIR, several sources into DIR/NAME; default: where each was, or its restore_to"},
    {FLAG_ONLY, BIT(RESTORE), "--only", 0, true, "GLOB", NULL,
     "restore only what matches; without '/' the last part of a path is matched, else the whole path"},
    {FLAG_REPLACE, BIT(RESTORE), "--replace", 0, false, NULL, NULL,
     "the target may hold files: they become what the point holds, all others are removed"},
    {FLAG_DRY_RUN, BIT(BACKUP) | BIT(RESTORE), "--dry-run", 0, false, NULL, NULL,
     "say what would be done, change nothing"},
    {FLAG_ALL, BIT(VERIFY), "--all", 0, false, NULL, NULL, "verify every complete point"},
    {FLAG_DEEP, BIT(VERIFY), "--deep", 0, false, NULL, NULL, "read and hash every byte, not only names and sizes"},
    {FLAG_CONFIG, EVERY, "--config", 0, false, "FILE", NULL,
     "config file; default: $SNAPFERRY_CONFIG, else /etc/snapferry/snapferry.json"},
    {FLAG_DEST, DESTINATION, "--dest", 0, false, "URL", NULL,
     "destination, such as file:///DIR, in place of the one in the config file"},
    {FLAG_OPTION, DESTINATION, "-o", 'o', true, "KEY=VALUE", NULL,
     "a setting of the destination; not for secrets (snapferry plugin info NAME lists them)"},
    {FLAG_STATE_DIR, STORE, "--state-dir", 0, false, "DIR", NULL,
     "folder for locks and temporary files; default: $STATE_DIRECTORY, as root /var/lib/snapferry, else "
     "$XDG_STATE_HOME/snapferry or ~/.local/state/snapferry"},
    {FLAG_PLUGIN_DIR, EVERY, "--plugin-dir", 0, true, "DIR", NULL, "look for plugins here first"},
    {FLAG_JSON, EVERY, "--json", 0, false, NULL, NULL, "print the result as JSON on standard output, on failure too"},
    {FLAG_PROGRESS, RUNS, "--progress", 0, false, "STYLE", "auto|bar|plain|none",
     "auto: a bar on a terminal, else a plain line now and then"},
    {FLAG_LOG_LEVEL, EVERY, "--log-level", 0, false, "LEVEL", "error|warning|info|debug",
     "least important messages to print on standard error; default: info"},
    {FLAG_HELP, EVERY, "--help", 'h', true, NULL, NULL, "print this page"},
    {FLAG_VERSION, EVERY, "--version", 0, true, NULL, NULL, "print the version"},
};

const struct command_row cli_commands[] = {
    {COMMAND_BACKUP, "backup", NULL, false, "make a restore point of all sources",
     "Reads the folder of each source, sends what the newest restore point does not hold yet, and commits a restore "
     "point of all of them together, or none. With --source only the named sources are taken."},
    {COMMAND_RESTORE, "restore", "POINT", true, "bring the files of a restore point back",
     "Brings a restore point back bit for bit. POINT is a time-dir as `snapferry list` shows it, a run's id or its first 8 "
     "or more digits, or latest. "
     "The target of each source must be empty, or an unfinished restore, unless --replace is given."},
    {COMMAND_VERIFY, "verify", "POINT", false, "check that restore points are whole",
     "Checks that every object of a restore point is in the store as it was written. POINT is a time-dir, a run's id or "
     "its first 8 or more digits, or latest, which is the default."},
    {COMMAND_LIST, "list", NULL, false, "list the restore points",
     "Lists what lies at the destination: complete restore points, unfinished runs, and what other tools made."},
    {COMMAND_PLUGIN_LIST, "plugin list", NULL, false, "list the plugins that can be found",
     "Lists the plugins in --plugin-dir, in the config's plugin_dirs and where Snapferry is installed."},
    {COMMAND_PLUGIN_INFO, "plugin info", "NAME|PATH", true, "show a plugin's version and settings",
     "Loads a plugin and shows what it says of itself: version, URL schemes, settings."},
    {COMMAND_PLUGIN_CHECK, "plugin check", "NAME|PATH", true, "test a plugin against a live destination",
     "Runs the conformance suite with a plugin, below a folder of its own at the destination that --dest or the config "
     "names, and removes what it wrote."},
    {COMMAND_CONFIG_CHECK, "config check", NULL, false, "check the config file",
     "Checks the config file, loads the destination's plugin and checks its settings with it. Nothing is contacted."},
    {COMMAND_CONFIG_SHOW, "config show", NULL, false, "show the settings in effect",
     "Prints the config with all defaults filled in and flags applied, as JSON that can be a config file. Secrets are "
     "shown as the environment variable or file that they come from."},
    {COMMAND_CONFIG_SCHEMA, "config schema", NULL, false, "print the JSON Schema of the config file",
     "Prints a JSON Schema (2020-12) made from Snapferry's own keys and the settings of all plugins found."},
};

const size_t cli_flag_count = sizeof(cli_flags) / sizeof(cli_flags[0]);
const size_t cli_command_count = sizeof(cli_commands) / sizeof(cli_commands[0]);
