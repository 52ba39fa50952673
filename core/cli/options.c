/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/options.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/cli/cli_priv.h"
#include "core/cli/names.h"
#include "core/manifest/manifest.h"

#include <string.h>
#include <strings.h>

#define WORDS_MAX 4 /* two of the command, its argument, and one that is too many */
#define SHOWN 200   /* bytes of a word in a message */

struct given {
    const struct flag *flag;
    const char *value;
};

/* The command line, cut up: what it says, before what it means. */
struct line {
    const char *words[WORDS_MAX];
    size_t word_count;
    struct given *given;
    size_t given_count;
};

static void line_cleanup(struct line *line)
{
    free(line->given);
}

static bool has_flag(const struct line *line, enum flag_id id)
{
    size_t i;

    for (i = 0; i < line->given_count; i++)
        if (line->given[i].flag->id == id)
            return true;
    return false;
}

/* The command that the words begin with, and how many of them it takes. */
static const struct command_row *find_command(const struct line *line, size_t *used)
{
    size_t i;

    for (i = 0; i < cli_command_count; i++) {
        const struct command_row *row = &cli_commands[i];
        const char *space = strchr(row->name, ' ');
        size_t first = space != NULL ? (size_t)(space - row->name) : strlen(row->name);

        if (line->word_count == 0 || strlen(line->words[0]) != first || memcmp(line->words[0], row->name, first) != 0)
            continue;
        *used = 1;
        if (space == NULL)
            return row;
        *used = 2;
        if (line->word_count > 1 && strcmp(line->words[1], space + 1) == 0)
            return row;
    }
    return NULL;
}

/* Is it the first word of commands of two? */
static bool is_group(const char *word)
{
    size_t i, length = strlen(word);

    for (i = 0; i < cli_command_count; i++)
        if (strncmp(cli_commands[i].name, word, length) == 0 && cli_commands[i].name[length] == ' ')
            return true;
    return false;
}

static int unknown_command(const struct line *line, struct sf_error *err)
{
    char typed[2 * SHOWN + 2], first[SHOWN], second[SHOWN] = "";
    bool group = is_group(line->words[0]);
    const char **names, *near;
    size_t i;

    err_printable(line->words[0], first, sizeof(first));
    if (line->word_count > 1)
        err_printable(line->words[1], second, sizeof(second));
    if (group && line->word_count == 1)
        return sf_fail(err, SF_INVALID, "%s needs one word more: %s", first,
                       strcmp(first, "plugin") == 0 ? "list, info or check" : "check, show or schema");
    snprintf(typed, sizeof(typed), "%s%s%s", first, group ? " " : "", group ? second : "");
    names = mem_alloc(cli_command_count * sizeof(*names));
    for (i = 0; i < cli_command_count; i++)
        names[i] = cli_commands[i].name;
    near = nearest_name(typed, names, cli_command_count);
    free(names);
    if (near != NULL)
        return sf_fail(err, SF_INVALID, "unknown command '%s': did you mean '%s'?", typed, near);
    return sf_fail(err, SF_INVALID, "unknown command '%s': see snapferry --help", typed);
}

/* name is as typed, dashes included; row is NULL while the command is not known. */
static int unknown_flag(const char *name, const struct command_row *row, struct sf_error *err)
{
    char shown[SHOWN], of[64] = "";
    const char **names, *near;
    size_t i, count = 0;

    err_printable(name, shown, sizeof(shown));
    if (row != NULL)
        snprintf(of, sizeof(of), " for %s", row->name);
    names = mem_alloc(cli_flag_count * sizeof(*names));
    for (i = 0; i < cli_flag_count; i++)
        if (row == NULL || flag_is_of(&cli_flags[i], row))
            names[count++] = cli_flags[i].name;
    near = name[1] == '-' ? nearest_name(name, names, count) : NULL; /* of one letter all are near */
    free(names);
    if (near != NULL)
        return sf_fail(err, SF_INVALID, "unknown flag '%s'%s: did you mean '%s'?", shown, of, near);
    return sf_fail(err, SF_INVALID, "unknown flag '%s'%s: see snapferry %s%s--help", shown, of,
                   row != NULL ? row->name : "", row != NULL ? " " : "");
}

static const struct flag *find_flag(const char *name, size_t length)
{
    size_t i;

    for (i = 0; i < cli_flag_count; i++)
        if (strlen(cli_flags[i].name) == length && memcmp(cli_flags[i].name, name, length) == 0)
            return &cli_flags[i];
    return NULL;
}

static const struct flag *find_letter(char letter)
{
    size_t i;

    for (i = 0; i < cli_flag_count; i++)
        if (letter != '\0' && cli_flags[i].letter == letter)
            return &cli_flags[i];
    return NULL;
}

/* Takes the flag at argv[*at], and its value if that is the next word. */
static int scan_flag(struct line *line, int argc, char **argv, int *at, struct sf_error *err)
{
    const char *word = argv[*at], *value = NULL;
    const struct flag *flag;
    char typed[SHOWN];
    size_t used, length;

    if (word[1] == '-') {
        length = strcspn(word, "=");
        flag = find_flag(word, length);
        value = word[length] == '=' ? word + length + 1 : NULL;
    } else {
        length = 2;
        flag = find_letter(word[1]);
        if (word[2] != '\0')
            value = word + 2;
    }
    if (flag == NULL) {
        snprintf(typed, sizeof(typed), "%.*s", (int)(length < sizeof(typed) ? length : sizeof(typed) - 1), word);
        return unknown_flag(typed, find_command(line, &used), err);
    }
    if (flag->value == NULL && value != NULL)
        return sf_fail(err, SF_INVALID, "%.*s takes no value", (int)length, word);
    if (flag->value != NULL && value == NULL && *at + 1 < argc)
        value = argv[++*at];
    if (flag->value != NULL && (value == NULL || value[0] == '\0'))
        return sf_fail(err, SF_INVALID, "%.*s needs a value: %s", (int)length, word, flag->value);
    if (!flag->repeats && flag->value != NULL && has_flag(line, flag->id))
        return sf_fail(err, SF_INVALID, "%s is given twice", flag->name);
    line->given[line->given_count++] = (struct given){flag, value};
    return 0;
}

static int scan(struct line *line, int argc, char **argv, struct sf_error *err)
{
    bool flags_ended = false;
    int i;

    line->given = mem_alloc((size_t)(argc > 0 ? argc : 1) * sizeof(*line->given));
    for (i = 1; i < argc; i++) {
        if (!flags_ended && strcmp(argv[i], "--") == 0) {
            flags_ended = true;
        } else if (!flags_ended && argv[i][0] == '-' && argv[i][1] != '\0') {
            if (scan_flag(line, argc, argv, &i, err) < 0)
                return -1;
        } else if (line->word_count < WORDS_MAX) {
            line->words[line->word_count++] = argv[i];
        }
    }
    return 0;
}

/* The place of value in "a|b|c", -1 if it is none of them. */
static int choice_index(const char *choices, const char *value)
{
    size_t length = strlen(value);
    int index;

    for (index = 0; *choices != '\0'; index++) {
        size_t one = strcspn(choices, "|");

        if (one == length && memcmp(choices, value, one) == 0)
            return index;
        choices += choices[one] == '|' ? one + 1 : one;
    }
    return -1;
}

static int add_source(struct options *options, const char *value, struct sf_error *err)
{
    size_t length = strcspn(value, "="), i;
    AUTO_FREE char *name = mem_printf("%.*s", (int)length, value);
    char shown[SHOWN];
    struct source_flag *flag;

    err_printable(value, shown, sizeof(shown));
    if (!source_name_is_valid(name))
        return sf_fail(err, SF_INVALID, "--source %s: not a source's name, which is " SOURCE_NAME_FORM, shown);
    if (value[length] == '=' && value[length + 1] == '\0')
        return sf_fail(err, SF_INVALID, "--source %s: no folder after '='", shown);
    for (i = 0; i < options->source_count; i++)
        if (strlen(options->sources[i].name) == length && strncasecmp(options->sources[i].name, value, length) == 0)
            return sf_fail(err, SF_INVALID, "--source %s: source '%s' is given twice", shown, options->sources[i].name);
    options->sources = mem_resize(options->sources, (options->source_count + 1) * sizeof(*options->sources));
    flag = &options->sources[options->source_count++];
    flag->name = ptr_take(&name);
    flag->dir = value[length] == '=' ? mem_text(value + length + 1) : NULL;
    return 0;
}

static void add_text(char ***items, size_t *count, const char *text)
{
    *items = mem_resize(*items, (*count + 1) * sizeof(**items));
    (*items)[(*count)++] = mem_text(text);
}

/* The value is not shown: someone may have put a secret there. */
static int add_option(struct options *options, const char *value, struct sf_error *err)
{
    size_t key = strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_");

    if (key == 0 || value[key] != '=')
        return sf_fail(err, SF_INVALID, "-o needs KEY=VALUE, with a key of [a-z0-9_]+");
    add_text(&options->dest_options, &options->dest_option_count, value);
    return 0;
}

static int take_choice(const struct given *given, int *choice, struct sf_error *err)
{
    char shown[SHOWN];

    *choice = choice_index(given->flag->choices, given->value);
    if (*choice >= 0)
        return 0;
    return sf_fail(err, SF_INVALID, "%s %s: expected one of %s", given->flag->name,
                   err_printable(given->value, shown, sizeof(shown)), given->flag->choices);
}

static int apply(struct options *options, const struct given *given, struct sf_error *err)
{
    const char *value = given->value;
    int choice = 0;

    if (given->flag->choices != NULL && take_choice(given, &choice, err) < 0)
        return -1;
    switch (given->flag->id) {
    case FLAG_ALL:
        options->all = true;
        return 0;
    case FLAG_CONFIG:
        options->config_file = value;
        return 0;
    case FLAG_DEEP:
        options->deep = true;
        return 0;
    case FLAG_DEST:
        options->dest = value;
        return 0;
    case FLAG_DRY_RUN:
        options->dry_run = true;
        return 0;
    case FLAG_JSON:
        options->json = true;
        return 0;
    case FLAG_LOG_LEVEL:
        options->log_level = (enum sf_log_level)choice;
        return 0;
    case FLAG_ONLY:
        if (value[strlen(value) - 1] == '/')
            return sf_fail(err, SF_INVALID, "--only: a pattern that ends in '/' matches nothing: leave the '/' off");
        patterns_add(&options->only, value);
        return 0;
    case FLAG_OPTION:
        return add_option(options, value, err);
    case FLAG_PLUGIN_DIR:
        add_text(&options->plugin_dirs, &options->plugin_dir_count, value);
        return 0;
    case FLAG_PROGRESS:
        options->progress = (enum progress_style)choice;
        return 0;
    case FLAG_REPLACE:
        options->replace = true;
        return 0;
    case FLAG_SOURCE:
        return add_source(options, value, err);
    case FLAG_STATE_DIR:
        options->state_dir = value;
        return 0;
    case FLAG_TO:
        options->to = value;
        return 0;
    case FLAG_HELP:
    case FLAG_VERSION:
        return 0;
    }
    return 0;
}

static int check_argument(struct options *options, const struct line *line, const struct command_row *row, size_t used,
                          struct sf_error *err)
{
    size_t allowed = row->argument != NULL ? 1 : 0;
    char shown[SHOWN];

    if (line->word_count > used + allowed)
        return sf_fail(err, SF_INVALID, "%s takes %s%s: '%s' is too much", row->name,
                       row->argument != NULL ? "one " : "no argument", row->argument != NULL ? row->argument : "",
                       err_printable(line->words[used + allowed], shown, sizeof(shown)));
    if (line->word_count > used)
        options->argument = line->words[used];
    if (options->argument != NULL && options->argument[0] == '\0')
        return sf_fail(err, SF_INVALID, "%s: %s is empty", row->name, row->argument);
    if (row->argument_needed && options->argument == NULL) {
        if (row->id == COMMAND_RESTORE)
            return sf_fail(err, SF_INVALID, "restore needs a point: name one or latest (snapferry list shows them)");
        return sf_fail(err, SF_INVALID, "%s needs a plugin: its name or its path", row->name);
    }
    if (options->all && options->argument != NULL)
        return sf_fail(err, SF_INVALID, "%s: name a point or give --all, not both", row->name);
    return 0;
}

static int check_flag(const struct flag *flag, const struct command_row *row, struct sf_error *err)
{
    size_t i;

    if (flag_is_of(flag, row))
        return 0;
    for (i = 0; i < cli_command_count; i++)
        if (flag_is_of(flag, &cli_commands[i]))
            break;
    return sf_fail(err, SF_INVALID, "%s is not a flag of %s (but of %s): see snapferry %s --help", flag->name,
                   row->name, cli_commands[i].name, row->name);
}

static int interpret(struct options *options, const struct line *line, struct sf_error *err)
{
    const struct command_row *row;
    size_t used = 0, i;
    bool help = has_flag(line, FLAG_HELP);

    if (has_flag(line, FLAG_VERSION) && !help) {
        printf("snapferry %s\n", SF_VERSION);
        options->command = COMMAND_VERSION;
        return 0;
    }
    row = find_command(line, &used);
    if (help && (row != NULL || line->word_count == 0 || (line->word_count == 1 && is_group(line->words[0])))) {
        help_print(stdout, row);
        options->command = COMMAND_HELP;
        return 0;
    }
    if (line->word_count == 0)
        return sf_fail(err, SF_INVALID, "no command: see snapferry --help");
    if (row == NULL)
        return unknown_command(line, err);
    options->command = row->id;
    for (i = 0; i < line->given_count; i++)
        if (check_flag(line->given[i].flag, row, err) < 0 || apply(options, &line->given[i], err) < 0)
            return -1;
    return check_argument(options, line, row, used, err);
}

int options_parse(struct options *options, int argc, char **argv, struct sf_error *err)
{
    SF_AUTO(line) line = {{NULL}, 0, NULL, 0};
    const char *slash;
    bool json = false;
    int i;

    *options = (struct options){.progress = PROGRESS_AUTO, .log_level = SF_LOG_INFO, .program = "snapferry"};
    if (argc > 0 && argv[0] != NULL && argv[0][0] != '\0') {
        slash = strrchr(argv[0], '/');
        options->program = slash != NULL && slash[1] != '\0' ? slash + 1 : argv[0];
    }
    for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        json = json || strcmp(argv[i], "--json") == 0;
    if (scan(&line, argc, argv, err) < 0 || interpret(options, &line, err) < 0) {
        options->json = json;
        return -1;
    }
    return 0;
}

void options_cleanup(struct options *options)
{
    size_t i;

    for (i = 0; i < options->dest_option_count; i++)
        free(options->dest_options[i]);
    for (i = 0; i < options->plugin_dir_count; i++)
        free(options->plugin_dirs[i]);
    for (i = 0; i < options->source_count; i++) {
        free(options->sources[i].name);
        free(options->sources[i].dir);
    }
    free(options->dest_options);
    free(options->plugin_dirs);
    free(options->sources);
    patterns_cleanup(&options->only);
    *options = (struct options){.program = options->program};
}
