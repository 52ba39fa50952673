/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/cli_priv.h"

#include <string.h>

#define WIDTH 80
#define COLUMN 26 /* where the texts of the tables begin */

/* Prints text from column at on, each further line indented by indent. */
static void print_wrapped(FILE *out, size_t at, size_t indent, const char *text)
{
    while (*text != '\0') {
        size_t word = strcspn(text, " ");

        if (at > indent && at + 1 + word > WIDTH) {
            fputc('\n', out);
            at = 0;
        } else if (at > indent) {
            fputc(' ', out);
            at++;
        }
        for (; at < indent; at++)
            fputc(' ', out);
        fwrite(text, 1, word, out);
        at += word;
        text += word;
        while (*text == ' ')
            text++;
    }
    fputc('\n', out);
}

static void print_row(FILE *out, const char *left, const char *right)
{
    int width = fprintf(out, "  %s", left);

    if (width < 0)
        return;
    if (width + 2 > COLUMN) {
        fputc('\n', out);
        width = 0;
    }
    print_wrapped(out, (size_t)width, COLUMN, right);
}

static void print_flag(FILE *out, const struct flag *flag)
{
    char left[64], letter[8] = "", help[320];

    if (flag->letter != 0 && flag->name[1] == '-')
        snprintf(letter, sizeof(letter), "-%c, ", flag->letter);
    snprintf(left, sizeof(left), "%s%s%s%s", letter, flag->name, flag->value != NULL ? " " : "",
             flag->value != NULL ? flag->value : "");
    if (flag->choices != NULL)
        snprintf(help, sizeof(help), "%s; %s", flag->choices, flag->help);
    else
        snprintf(help, sizeof(help), "%s%s", flag->help, flag->repeats && flag->value != NULL ? " (repeatable)" : "");
    print_row(out, left, help);
}

static void print_flags(FILE *out, const struct command_row *row)
{
    size_t i;

    for (i = 0; i < cli_flag_count; i++)
        if (row == NULL || flag_is_of(&cli_flags[i], row))
            print_flag(out, &cli_flags[i]);
}

static void usage_of(const struct command_row *row, char *out, size_t size)
{
    if (row->argument == NULL)
        snprintf(out, size, "%s", row->name);
    else
        snprintf(out, size, row->argument_needed ? "%s %s" : "%s [%s]", row->name, row->argument);
}

static void print_main(FILE *out)
{
    static const char *const statuses[] = {"0        done",
                                           "1        failed",
                                           "2        wrong command line or config",
                                           "3        another run holds the guard",
                                           "4        damage found",
                                           "5        no such complete restore point",
                                           "6        access denied",
                                           "130, 143 ended by a signal"};
    char usage[64];
    size_t i;

    fputs("usage: snapferry COMMAND [FLAG]...\n\n", out);
    print_wrapped(
        out, 0, 0,
        "Ferries the snapshot folders of a database to a storage backend, as restore points that are whole or "
        "absent, and brings them back.");
    fputs("\nCommands:\n", out);
    for (i = 0; i < cli_command_count; i++) {
        usage_of(&cli_commands[i], usage, sizeof(usage));
        print_row(out, usage, cli_commands[i].help);
    }
    fputs("\nFlags, before or after the command (snapferry COMMAND --help: those it takes):\n", out);
    print_flags(out, NULL);
    fputs("\nExit status:\n", out);
    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        fprintf(out, "  %s\n", statuses[i]);
}

void help_print(FILE *out, const struct command_row *row)
{
    char usage[64];

    if (row == NULL) {
        print_main(out);
        return;
    }
    usage_of(row, usage, sizeof(usage));
    fprintf(out, "usage: snapferry %s [FLAG]...\n\n", usage);
    print_wrapped(out, 0, 0, row->detail);
    fputs("\nFlags:\n", out);
    print_flags(out, row);
}
