/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "tests/kit/unit.h"
#include "tests/unit/config/plugins.h"

#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

static const char whole[] =
    "{\n"
    "  \"$schema\": \"x\", \"_comment\": \"y\", \"_comment 2\": [\"z\"],\n"
    "  \"destination\": { \"plugin\": \"s3\", \"bucket\": \"b\",\n"
    "    \"prefix\": \"//prod///db-1/\" },\n"
    "  \"sources\": [\n"
    "    { \"name\": \"stream\", \"path\": \"/var/lib/db/stream/\", \"exclude\": [\"*.tmp\", \"a/b\"] },\n"
    "    { \"name\": \"Measure\", \"path\": \"/\", \"restore_to\": \"/m\" } ],\n"
    "  \"plugin_dirs\": [\"/p\", \"/q/\"],\n"
    "  \"timeout\": \"2h\", \"time_style\": \"hourly\", \"incremental\": \"off\", \"compare\": \"hash\",\n"
    "  \"upload\": { \"concurrency\": 256, \"large_file_concurrency\": 3, \"small_file_threshold\": 4096 }\n"
    "}\n";

static const char small[] =
    "{\"destination\": {\"plugin\": \"s3\"}, \"sources\": [{\"name\": \"a\", \"path\": \"/a\"}]}";

static void must_load(struct config *config, struct options *options, const char *text)
{
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_msg(load_text(config, options, text, &err) == 0, "%s", err.text);
}

START_TEST(everything)
{
    struct options options = {.command = COMMAND_BACKUP};
    SF_AUTO(config) config = {.file = NULL};

    must_load(&config, &options, whole);
    ck_assert_str_eq(config.file, text_file());
    ck_assert_str_eq(config.destination.plugin, "s3");
    ck_assert_str_eq(config.destination.prefix, "prod/db-1");
    ck_assert_ptr_null(config.destination.url);
    ck_assert_ptr_null(config_scheme(&config));
    ck_assert_uint_eq(json_object_size(config.destination.keys), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(config.destination.lines, "bucket")), 3);
    ck_assert_uint_eq(config.source_count, 2);
    ck_assert_str_eq(config.sources[0].name, "stream");
    ck_assert_str_eq(config.sources[0].path, "/var/lib/db/stream");
    ck_assert_str_eq(config.sources[0].restore_to, "/var/lib/db/stream");
    ck_assert_uint_eq(config.sources[0].exclude.count, 2);
    ck_assert_str_eq(config.sources[0].exclude.items[1], "a/b");
    ck_assert_str_eq(config.sources[1].path, "/");
    ck_assert_str_eq(config.sources[1].restore_to, "/m");
    ck_assert_uint_eq(config.sources[1].exclude.count, 0);
    ck_assert_uint_eq(config.plugin_dir_count, 2);
    ck_assert_str_eq(config.plugin_dirs[1], "/q");
    ck_assert_int_eq(config.timeout_ms, 7200000);
    ck_assert_int_eq((int)config.time_style, (int)TIME_STYLE_HOURLY);
    ck_assert_int_eq((int)config.incremental, (int)INCREMENTAL_OFF);
    ck_assert_int_eq((int)config.compare, (int)COMPARE_HASH);
    ck_assert_uint_eq(config.concurrency, 256);
    ck_assert_uint_eq(config.large_file_concurrency, 3);
    ck_assert_uint_eq(config.small_file_threshold, 4096);
}
END_TEST

START_TEST(defaults)
{
    struct options options = {.command = COMMAND_BACKUP};
    SF_AUTO(config) config = {.file = NULL};

    must_load(&config, &options, small);
    ck_assert_str_eq(config.destination.prefix, "");
    ck_assert_int_eq(config.timeout_ms, 86400000);
    ck_assert_int_eq((int)config.time_style, (int)TIME_STYLE_DAILY);
    ck_assert_int_eq((int)config.incremental, (int)INCREMENTAL_REFERENCE);
    ck_assert_int_eq((int)config.compare, (int)COMPARE_STAT);
    ck_assert_uint_eq(config.concurrency, 8);
    ck_assert_uint_eq(config.large_file_concurrency, 0);
    ck_assert_uint_eq(config.small_file_threshold, 5242880);
    ck_assert_uint_eq(config.plugin_dir_count, 0);
}
END_TEST

START_TEST(dest_replaces)
{
    char pair[] = "checksum=sha256", *pairs[] = {pair};
    struct options options = {
        .command = COMMAND_BACKUP, .dest = "S3://other/x", .dest_options = pairs, .dest_option_count = 1};
    SF_AUTO(config) config = {.file = NULL};

    must_load(&config, &options, whole);
    ck_assert_ptr_null(config.destination.plugin);
    ck_assert_ptr_null(config.destination.keys);
    ck_assert_str_eq(config.destination.url, "S3://other/x");
    ck_assert_str_eq(config_scheme(&config), "s3");
    ck_assert_str_eq(config.destination.prefix, "");
    ck_assert_uint_eq(config.destination.override_count, 1);
    ck_assert_str_eq(config.destination.overrides[0], "checksum=sha256");
}
END_TEST

START_TEST(where_the_file_is)
{
    struct options options = {.command = COMMAND_LIST};
    struct sf_error err = SF_ERROR_INIT;
    struct config config;

    /* There is none at the default place on machines that build this. */
    unsetenv("SNAPFERRY_CONFIG");
    if (access(CONFIG_FILE_DEFAULT, F_OK) != 0) {
        ck_assert_int_eq(config_load(&config, &options, &err), -1);
        ck_assert_str_eq(err.text, "no config file: " CONFIG_FILE_DEFAULT
                                   " does not exist; name one with --config, or a destination with --dest");
        config_cleanup(&config);
        options.command = COMMAND_PLUGIN_LIST;
        ck_assert_int_eq(config_load(&config, &options, &err), 0);
        ck_assert_ptr_null(config.file);
        ck_assert_uint_eq(config.concurrency, 8);
        config_cleanup(&config);
        options = (struct options){.command = COMMAND_LIST, .dest = "file:///b"};
        ck_assert_int_eq(config_load(&config, &options, &err), 0);
        config_cleanup(&config);
        setenv("SNAPFERRY_CONFIG", "", 1); /* as if not set */
        ck_assert_int_eq(config_load(&config, &options, &err), 0);
        config_cleanup(&config);
    }
    unit_write("c.json", small, -1);
    unit_write("other.json", "{}", -1);
    setenv("SNAPFERRY_CONFIG", text_file(), 1);
    options = (struct options){.command = COMMAND_LIST};
    ck_assert_msg(config_load(&config, &options, &err) == 0, "%s", err.text);
    ck_assert_str_eq(config.file, text_file());
    config_cleanup(&config);
    setenv("SNAPFERRY_CONFIG", "/nonexistent", 1);
    ck_assert_int_eq(config_load(&config, &options, &err), -1);
    config_cleanup(&config);
    options.config_file = text_file(); /* the flag comes first */
    ck_assert_msg(config_load(&config, &options, &err) == 0, "%s", err.text);
    config_cleanup(&config);
}
END_TEST

START_TEST(no_destination_needed)
{
    struct options options = {.command = COMMAND_CONFIG_CHECK};
    SF_AUTO(config) config = {.file = NULL};

    must_load(&config, &options, "{}");
    ck_assert_ptr_null(config.destination.plugin);
    ck_assert_ptr_null(config.destination.url);
}
END_TEST

static const char three[] =
    "{\"destination\": {\"plugin\": \"s3\"}, \"sources\": [{\"name\": \"a\", \"path\": \"/a\"},"
    "{\"name\": \"b\", \"path\": \"/b\", \"exclude\": [\"x\"]}, {\"name\": \"c\", \"path\": \"/c\"}]}";

START_TEST(chosen_sources)
{
    struct source_flag flags[] = {
        {(char[]){"c"}, NULL}, {(char[]){"B"}, (char[]){"/other/"}}, {(char[]){"d"}, (char[]){"sub"}}};
    struct options options = {.command = COMMAND_BACKUP, .sources = flags, .source_count = 3};
    SF_AUTO(config) config = {.file = NULL};
    AUTO_FREE char *sub = NULL;

    ck_assert_int_eq(chdir(unit_temp_dir()), 0);
    sub = mem_printf("%s/sub", unit_temp_dir());
    must_load(&config, &options, three);
    ck_assert_uint_eq(config.source_count, 3);
    ck_assert_str_eq(config.sources[0].name, "c");
    ck_assert_str_eq(config.sources[0].path, "/c");
    ck_assert_str_eq(config.sources[1].name, "b"); /* as in the file */
    ck_assert_str_eq(config.sources[1].path, "/other");
    ck_assert_uint_eq(config.sources[1].exclude.count, 1); /* the rest stays */
    ck_assert_str_eq(config.sources[2].name, "d");
    ck_assert_str_eq(config.sources[2].path, sub);
    ck_assert_str_eq(config.sources[2].restore_to, sub);
}
END_TEST

/* A restore maps its --source itself. */
START_TEST(sources_of_a_restore)
{
    struct source_flag flags[] = {{(char[]){"zzz"}, NULL}};
    struct options options = {.command = COMMAND_RESTORE, .sources = flags, .source_count = 1};
    SF_AUTO(config) config = {.file = NULL};

    must_load(&config, &options, three);
    ck_assert_uint_eq(config.source_count, 3);
}
END_TEST

START_TEST(unknown_sources)
{
    struct source_flag flags[] = {{(char[]){"zzz"}, NULL}};
    struct options options = {.command = COMMAND_BACKUP, .sources = flags, .source_count = 1};
    struct sf_error err = SF_ERROR_INIT;
    struct config config;
    AUTO_FREE char *message =
        mem_printf("--source zzz: no such source in %s: it has a, b, c; or give its folder, --source "
                   "zzz=DIR",
                   text_file());

    ck_assert_int_eq(load_text(&config, &options, three, &err), -1);
    ck_assert_str_eq(err.text, message);
    config_cleanup(&config);
    ck_assert_int_eq(load_text(&config, &options, "{\"destination\": {\"plugin\": \"s3\"}}", &err), -1);
    ck_assert_str_eq(err.text, "--source zzz: the config has no sources: give its folder, --source zzz=DIR");
    config_cleanup(&config);
}
END_TEST

START_TEST(plugin_dirs)
{
    char first[] = "/first", second[] = "rel", *dirs[] = {first, second};
    struct options options = {.command = COMMAND_PLUGIN_LIST, .plugin_dirs = dirs, .plugin_dir_count = 2};
    SF_AUTO(config) config = {.file = NULL};
    AUTO_FREE char *relative = NULL;

    ck_assert_int_eq(chdir(unit_temp_dir()), 0);
    relative = mem_printf("%s/rel", unit_temp_dir());
    must_load(&config, &options, whole);
    ck_assert_uint_eq(config.plugin_dir_count, 4);
    ck_assert_str_eq(config.plugin_dirs[0], "/first");
    ck_assert_str_eq(config.plugin_dirs[1], relative);
    ck_assert_str_eq(config.plugin_dirs[2], "/p");
    ck_assert_str_eq(config.plugin_dirs[3], "/q");
}
END_TEST

START_TEST(bad_dest)
{
    struct options options = {.command = COMMAND_LIST, .dest = "/backup"};
    struct sf_error err = SF_ERROR_INIT;
    struct config config;

    ck_assert_int_eq(config_load(&config, &options, &err), -1);
    ck_assert_str_eq(err.text, "--dest: '/backup' is not a URL: expected SCHEME://..., such as file:///DIR");
    config_cleanup(&config);
}
END_TEST

UNIT_MAIN("config", &everything, &defaults, &dest_replaces, &where_the_file_is, &no_destination_needed, &chosen_sources,
          &sources_of_a_restore, &unknown_sources, &plugin_dirs, &bad_dest)
