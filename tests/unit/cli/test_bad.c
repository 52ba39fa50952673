/* SPDX-License-Identifier: Apache-2.0
 *
 * Command lines that are refused, each with its whole message.
 */
#include "core/cli/options.h"
#include "tests/kit/unit.h"

#include <string.h>

#define WORDS_MAX 12

/* words: the command line after the program's name, cut at '|'. */
static const struct {
    const char *words;
    const char *message;
} lines[] = {
    {"", "no command: see snapferry --help"},
    {"--json", "no command: see snapferry --help"},
    {"bakup", "unknown command 'bakup': did you mean 'backup'?"},
    {"Restore|latest", "unknown command 'Restore': did you mean 'restore'?"},
    {"frobnicate", "unknown command 'frobnicate': see snapferry --help"},
    {"a\nb", "unknown command 'a\\x0ab': see snapferry --help"},
    {"plugin", "plugin needs one word more: list, info or check"},
    {"config", "config needs one word more: check, show or schema"},
    {"plugin|lst", "unknown command 'plugin lst': did you mean 'plugin list'?"},
    {"config|shema", "unknown command 'config shema': did you mean 'config schema'?"},
    {"config|frobnicate", "unknown command 'config frobnicate': see snapferry --help"},
    {"timedir|list", "unknown command 'timedir': see snapferry --help"},
    {"frobnicate|--help", "unknown command 'frobnicate': see snapferry --help"},
    {"backup|--dets|file:///x", "unknown flag '--dets' for backup: did you mean '--dest'?"},
    {"--dets|file:///x|backup", "unknown flag '--dets': did you mean '--dest'?"},
    {"backup|--dryrun", "unknown flag '--dryrun' for backup: did you mean '--dry-run'?"},
    {"backup|--frobnicate=secret", "unknown flag '--frobnicate' for backup: see snapferry backup --help"},
    {"config|check|--frobnicate", "unknown flag '--frobnicate' for config check: see snapferry config check --help"},
    {"--frobnicate", "unknown flag '--frobnicate': see snapferry --help"},
    {"backup|-x", "unknown flag '-x' for backup: see snapferry backup --help"},
    {"backup|--deep", "--deep is not a flag of backup (but of verify): see snapferry backup --help"},
    {"verify|--source|a", "--source is not a flag of verify (but of backup): see snapferry verify --help"},
    {"list|--source|a", "--source is not a flag of list (but of backup): see snapferry list --help"},
    {"backup|--to|/x", "--to is not a flag of backup (but of restore): see snapferry backup --help"},
    {"backup|--replace", "--replace is not a flag of backup (but of restore): see snapferry backup --help"},
    {"plugin|list|--dest|file:///x",
     "--dest is not a flag of plugin list (but of backup): see snapferry plugin list --help"},
    {"config|schema|-o|a=b", "-o is not a flag of config schema (but of backup): see snapferry config schema --help"},
    {"list|--progress|bar", "--progress is not a flag of list (but of backup): see snapferry list --help"},
    {"backup|--json=yes", "--json takes no value"},
    {"backup|--dest", "--dest needs a value: URL"},
    {"backup|--dest=", "--dest needs a value: URL"},
    {"backup|--config|", "--config needs a value: FILE"},
    {"backup|-o", "-o needs a value: KEY=VALUE"},
    {"backup|--dest|file:///a|--dest|file:///b", "--dest is given twice"},
    {"backup|--config=a|--config=b", "--config is given twice"},
    {"backup|-o|hunter2", "-o needs KEY=VALUE, with a key of [a-z0-9_]+"},
    {"backup|-o=x", "-o needs KEY=VALUE, with a key of [a-z0-9_]+"},
    {"backup|-oSecret=x", "-o needs KEY=VALUE, with a key of [a-z0-9_]+"},
    {"backup|--progress|fancy", "--progress fancy: expected one of auto|bar|plain|none"},
    {"backup|--log-level|trace", "--log-level trace: expected one of error|warning|info|debug"},
    {"backup|--log-level|warn", "--log-level warn: expected one of error|warning|info|debug"},
    {"backup|--source|a/b", "--source a/b: not a source's name, which is [A-Za-z0-9_][A-Za-z0-9._-]{0,63}"},
    {"backup|--source|=/x", "--source =/x: not a source's name, which is [A-Za-z0-9_][A-Za-z0-9._-]{0,63}"},
    {"backup|--source|a=", "--source a=: no folder after '='"},
    {"backup|--source|a|--source|A=/x", "--source A=/x: source 'a' is given twice"},
    {"backup|now", "backup takes no argument: 'now' is too much"},
    {"list|latest", "list takes no argument: 'latest' is too much"},
    {"backup|a|b|c|d|e|f", "backup takes no argument: 'a' is too much"},
    {"restore", "restore needs a point: name one or latest (snapferry list shows them)"},
    {"restore|--to|/x", "restore needs a point: name one or latest (snapferry list shows them)"},
    {"restore|", "restore: POINT is empty"},
    {"restore|latest|2026-11-22", "restore takes one POINT: '2026-11-22' is too much"},
    {"restore|latest|--only|", "--only needs a value: GLOB"},
    {"restore|latest|--only|dir/", "--only: a pattern that ends in '/' matches nothing: leave the '/' off"},
    {"verify|latest|--all", "verify: name a point or give --all, not both"},
    {"plugin|info", "plugin info needs a plugin: its name or its path"},
    {"plugin|check", "plugin check needs a plugin: its name or its path"},
    {"plugin|info|a|b", "plugin info takes one NAME|PATH: 'b' is too much"},
    {"backup|--|--json", "backup takes no argument: '--json' is too much"},
    {"backup|-", "backup takes no argument: '-' is too much"},
    {"backup|--|-o", "backup takes no argument: '-o' is too much"},
};

START_TEST(refused)
{
    size_t i;

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char copy[256], program[] = "/usr/bin/snapferry", *argv[WORDS_MAX] = {program}, *word = copy;
        struct sf_error err = SF_ERROR_INIT;
        struct options options;
        int argc = 1;

        strcpy(copy, lines[i].words);
        while (word != NULL && copy[0] != '\0') {
            char *bar = strchr(word, '|');

            if (bar != NULL)
                *bar = '\0';
            argv[argc++] = word;
            word = bar != NULL ? bar + 1 : NULL;
        }
        ck_assert_msg(options_parse(&options, argc, argv, &err) < 0, "%s: is not refused", lines[i].words);
        ck_assert_str_eq(err.text, lines[i].message);
        ck_assert_int_eq(err.cls, SF_INVALID);
        options_cleanup(&options);
    }
}
END_TEST

/* A failed command line too says in which form its failure is wanted. */
START_TEST(json_is_known_on_failure)
{
    char *wanted[] = {(char[]){"snapferry"}, (char[]){"backup"}, (char[]){"--frob"}, (char[]){"--json"}};
    char *behind[] = {(char[]){"snapferry"}, (char[]){"backup"}, (char[]){"--"}, (char[]){"--json"}};
    struct sf_error err = SF_ERROR_INIT;
    struct options options;

    ck_assert_int_eq(options_parse(&options, 4, wanted, &err), -1);
    ck_assert(options.json);
    options_cleanup(&options);
    ck_assert_int_eq(options_parse(&options, 4, behind, &err), -1);
    ck_assert(!options.json);
    options_cleanup(&options);
}
END_TEST

UNIT_MAIN("bad", &refused, &json_is_known_on_failure)
