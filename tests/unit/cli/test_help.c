/* SPDX-License-Identifier: Apache-2.0
 *
 * --help is made from the tables: nothing is left out, nothing is wider than a terminal.
 */
#include "core/cli/cli_priv.h"
#include "base/mem.h"
#include "tests/kit/unit.h"

#include <string.h>

static char *page(const struct command_row *row)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    ck_assert_ptr_nonnull(out);
    help_print(out, row);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

static void check_width(const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");

        ck_assert_msg(length <= 80, "%zu columns: %.*s", length, (int)length, text);
        ck_assert_msg(length == 0 || text[length - 1] != ' ', "space at the end: %.*s", (int)length, text);
        ck_assert_msg(text[length] == '\n', "no newline at the end");
        text += length + 1;
    }
}

static bool has_row(const char *text, const char *name)
{
    AUTO_FREE char *line = mem_printf("\n  %s", name);
    AUTO_FREE char *with_letter = mem_printf("\n  -h, %s", name);
    const char *at = strstr(text, line);

    if (at == NULL)
        at = strstr(text, with_letter);
    return at != NULL;
}

START_TEST(main_page)
{
    AUTO_FREE char *text = page(NULL);
    char status[4];
    size_t i;

    check_width(text);
    for (i = 0; i < cli_command_count; i++)
        ck_assert_msg(has_row(text, cli_commands[i].name), "%s", cli_commands[i].name);
    for (i = 0; i < cli_flag_count; i++)
        ck_assert_msg(has_row(text, cli_flags[i].name), "%s", cli_flags[i].name);
    ck_assert_ptr_nonnull(strstr(text, "Exit status:\n"));
    for (i = 0; i <= 6; i++) {
        snprintf(status, sizeof(status), "%zu ", i);
        ck_assert_msg(has_row(text, status), "exit status %zu", i);
    }
}
END_TEST

START_TEST(command_pages)
{
    size_t i, j;

    for (i = 0; i < cli_command_count; i++) {
        AUTO_FREE char *text = page(&cli_commands[i]);

        check_width(text);
        ck_assert_int_eq(strncmp(text, "usage: snapferry ", 17), 0);
        ck_assert_int_eq(strncmp(text + 17, cli_commands[i].name, strlen(cli_commands[i].name)), 0);
        for (j = 0; j < cli_flag_count; j++)
            ck_assert_msg(has_row(text, cli_flags[j].name) == flag_is_of(&cli_flags[j], &cli_commands[i]), "%s %s",
                          cli_commands[i].name, cli_flags[j].name);
    }
}
END_TEST

static enum command run(const char *first, const char *second)
{
    char words[3][32] = {"snapferry"};
    char *argv[] = {words[0], words[1], words[2], NULL};
    struct sf_error err = SF_ERROR_INIT;
    struct options options;
    FILE *quiet = freopen("/dev/null", "w", stdout);
    enum command command;

    ck_assert_ptr_nonnull(quiet);
    strcpy(words[1], first);
    strcpy(words[2], second);
    ck_assert_msg(options_parse(&options, 3, argv, &err) == 0, "%s", err.text);
    command = options.command;
    options_cleanup(&options);
    return command;
}

START_TEST(flags_that_print)
{
    ck_assert_int_eq((int)run("--help", "--json"), (int)COMMAND_HELP);
    ck_assert_int_eq((int)run("backup", "--help"), (int)COMMAND_HELP);
    ck_assert_int_eq((int)run("-h", "restore"), (int)COMMAND_HELP); /* though no point is named */
    ck_assert_int_eq((int)run("--version", "--json"), (int)COMMAND_VERSION);
    ck_assert_int_eq((int)run("--version", "--help"), (int)COMMAND_HELP);
}
END_TEST

UNIT_MAIN("help", &main_page, &command_pages, &flags_that_print)
