/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/options.h"
#include "tests/kit/unit.h"

#include <string.h>

#define PARSE(...) parse((const char *const[]){"/usr/bin/snapferry", __VA_ARGS__, NULL})

static char words[16][64];

static struct options parse(const char *const *arguments)
{
    struct sf_error err = SF_ERROR_INIT;
    struct options options;
    char *argv[17];
    int argc;

    for (argc = 0; arguments[argc] != NULL; argc++) {
        strcpy(words[argc], arguments[argc]);
        argv[argc] = words[argc];
    }
    argv[argc] = NULL;
    ck_assert_msg(options_parse(&options, argc, argv, &err) == 0, "%s", err.text);
    return options;
}

START_TEST(commands)
{
    static const struct {
        const char *first, *second, *argument;
        enum command command;
    } rows[] = {
        {"backup", NULL, NULL, COMMAND_BACKUP},
        {"restore", NULL, "latest", COMMAND_RESTORE},
        {"verify", NULL, NULL, COMMAND_VERIFY},
        {"verify", NULL, "2026-11-22", COMMAND_VERIFY},
        {"list", NULL, NULL, COMMAND_LIST},
        {"plugin", "list", NULL, COMMAND_PLUGIN_LIST},
        {"plugin", "info", "localfs", COMMAND_PLUGIN_INFO},
        {"plugin", "check", "./x.so", COMMAND_PLUGIN_CHECK},
        {"config", "check", NULL, COMMAND_CONFIG_CHECK},
        {"config", "show", NULL, COMMAND_CONFIG_SHOW},
        {"config", "schema", NULL, COMMAND_CONFIG_SCHEMA},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *second = rows[i].second != NULL ? rows[i].second : rows[i].argument;
        const char *third = rows[i].second != NULL ? rows[i].argument : NULL;
        struct options options = PARSE(rows[i].first, second, third);

        ck_assert_int_eq((int)options.command, (int)rows[i].command);
        ck_assert_pstr_eq(options.argument, rows[i].argument);
        options_cleanup(&options);
    }
}
END_TEST

START_TEST(defaults)
{
    struct options options = PARSE("backup");

    ck_assert_str_eq(options.program, "snapferry");
    ck_assert_int_eq((int)options.progress, (int)PROGRESS_AUTO);
    ck_assert_int_eq((int)options.log_level, (int)SF_LOG_INFO);
    ck_assert_ptr_null(options.config_file);
    ck_assert_ptr_null(options.dest);
    ck_assert_ptr_null(options.state_dir);
    ck_assert_ptr_null(options.to);
    ck_assert(!options.json && !options.dry_run && !options.replace && !options.all && !options.deep);
    ck_assert_uint_eq(options.source_count + options.dest_option_count + options.plugin_dir_count + options.only.count,
                      0);
    options_cleanup(&options);
}
END_TEST

START_TEST(every_flag)
{
    struct options options =
        PARSE("restore", "--config", "c.json", "--dest=file:///a=b", "-o", "key=v=w", "-oother=", "--state-dir", "/s",
              "latest", "--json", "--progress=plain", "--replace", "--dry-run");

    ck_assert_str_eq(options.config_file, "c.json");
    ck_assert_str_eq(options.dest, "file:///a=b");
    ck_assert_uint_eq(options.dest_option_count, 2);
    ck_assert_str_eq(options.dest_options[0], "key=v=w");
    ck_assert_str_eq(options.dest_options[1], "other=");
    ck_assert_str_eq(options.state_dir, "/s");
    ck_assert_str_eq(options.argument, "latest");
    ck_assert_int_eq((int)options.progress, (int)PROGRESS_PLAIN);
    ck_assert(options.json && options.replace && options.dry_run);
    options_cleanup(&options);
}
END_TEST

START_TEST(lists)
{
    struct options options = PARSE("restore", "latest", "--source", "a", "--source=b=/x=y", "--only", "*.c", "--only",
                                   "d/e", "--plugin-dir", "p", "--plugin-dir=q", "--to", "/t");

    ck_assert_uint_eq(options.source_count, 2);
    ck_assert_str_eq(options.sources[0].name, "a");
    ck_assert_ptr_null(options.sources[0].dir);
    ck_assert_str_eq(options.sources[1].name, "b");
    ck_assert_str_eq(options.sources[1].dir, "/x=y");
    ck_assert_uint_eq(options.only.count, 2);
    ck_assert_str_eq(options.only.items[1], "d/e");
    ck_assert_uint_eq(options.plugin_dir_count, 2);
    ck_assert_str_eq(options.plugin_dirs[0], "p");
    ck_assert_str_eq(options.plugin_dirs[1], "q");
    ck_assert_str_eq(options.to, "/t");
    options_cleanup(&options);
    ck_assert_uint_eq(options.source_count, 0);
}
END_TEST

START_TEST(flags_before_the_command)
{
    struct options options = PARSE("--json", "--dest", "file:///b", "plugin", "--log-level", "debug", "check", "x");

    ck_assert_int_eq((int)options.command, (int)COMMAND_PLUGIN_CHECK);
    ck_assert_str_eq(options.dest, "file:///b");
    ck_assert_int_eq((int)options.log_level, (int)SF_LOG_DEBUG);
    ck_assert_str_eq(options.argument, "x");
    ck_assert(options.json);
    options_cleanup(&options);
}
END_TEST

START_TEST(switches)
{
    struct options options = PARSE("verify", "--all", "--deep", "--deep");

    ck_assert(options.all && options.deep);
    options_cleanup(&options);
}
END_TEST

/* After "--" nothing is a flag; a value may look like one. */
START_TEST(looks_like_a_flag)
{
    struct options options = PARSE("restore", "--to", "--json", "--", "--odd");

    ck_assert_str_eq(options.to, "--json");
    ck_assert(!options.json);
    ck_assert_str_eq(options.argument, "--odd");
    options_cleanup(&options);
}
END_TEST

UNIT_MAIN("options", &commands, &defaults, &every_flag, &lists, &flags_before_the_command, &switches,
          &looks_like_a_flag)
