/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "core/config/keys.h"
#include "tests/kit/unit.h"
#include "tests/unit/config/plugins.h"

#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char whole[] =
    "{\"destination\": {\"plugin\": \"s3\", \"secret_key\": {\"env\": \"SNAPFERRY_TEST_KEY\"}, \"prefix\": \"/p/\", \"bucket\": \"b\","
    "\"attempts\": 3}, \"sources\": [{\"path\": \"/a/\", \"name\": \"a\"}], \"timeout\": \"120m\"}";

/* What `config show` says of text, and the settings behind it. */
static char *show(const char *text, const char *dest, const struct sf_plugin *plugin)
{
    struct options options = {.command = COMMAND_CONFIG_SHOW, .dest = dest};
    SF_AUTO(config) config = {.file = NULL};
    SF_AUTO(setting_list) values = {.items = NULL};
    struct sf_error err = SF_ERROR_INIT;

    setenv("SNAPFERRY_TEST_KEY", "hunter2", 1);
    ck_assert_msg(load_text(&config, &options, text, &err) == 0, "%s", err.text);
    if (plugin != NULL)
        ck_assert_msg(config_settings(&config, plugin, &values, &err) == 0, "%s", err.text);
    return config_show(&config, plugin, plugin != NULL ? &values : NULL);
}

START_TEST(effective)
{
    AUTO_FREE char *text = show(whole, NULL, &plugin_s3);

    ck_assert_str_eq(text, "{\n"
                           "  \"destination\": {\n"
                           "    \"plugin\": \"s3\",\n"
                           "    \"prefix\": \"p\",\n"
                           "    \"bucket\": \"b\",\n"
                           "    \"region\": \"us-east-1\",\n"
                           "    \"secret_key\": {\n"
                           "      \"env\": \"SNAPFERRY_TEST_KEY\"\n"
                           "    },\n"
                           "    \"path_style\": false,\n"
                           "    \"attempts\": 3,\n"
                           "    \"part_size\": \"16MiB\",\n"
                           "    \"stall\": \"30s\",\n"
                           "    \"checksum\": \"crc32c\"\n"
                           "  },\n"
                           "  \"sources\": [\n"
                           "    {\n"
                           "      \"name\": \"a\",\n"
                           "      \"path\": \"/a\",\n"
                           "      \"exclude\": [],\n"
                           "      \"restore_to\": \"/a\"\n"
                           "    }\n"
                           "  ],\n"
                           "  \"plugin_dirs\": [],\n"
                           "  \"timeout\": \"2h\",\n"
                           "  \"grace\": \"30s\",\n"
                           "  \"time_style\": \"daily\",\n"
                           "  \"incremental\": \"reference\",\n"
                           "  \"compare\": \"stat\",\n"
                           "  \"memory_max\": \"0\",\n"
                           "  \"upload\": {\n"
                           "    \"concurrency\": 8,\n"
                           "    \"large_file_concurrency\": 0,\n"
                           "    \"small_file_threshold\": \"5MiB\",\n"
                           "    \"part_size\": \"16MiB\",\n"
                           "    \"bandwidth\": \"0\"\n"
                           "  }\n"
                           "}\n");
}
END_TEST

START_TEST(loads_again)
{
    AUTO_FREE char *once = show(whole, NULL, &plugin_s3);
    AUTO_FREE char *twice = show(once, NULL, &plugin_s3);
    AUTO_FREE char *url = show(whole, "file:///srv/x/", &plugin_folder);
    AUTO_FREE char *again = show(url, NULL, &plugin_folder);

    ck_assert_str_eq(once, twice);
    ck_assert_str_eq(url, again);
    ck_assert_ptr_nonnull(strstr(url, "\"path\": \"/srv/x\""));
}
END_TEST

/* Nobody knows which texts are secrets. */
START_TEST(without_the_plugin)
{
    AUTO_FREE char *text = show("{\"destination\": {\"plugin\": \"x\", \"key\": \"hunter2\", \"n\": 1}}", NULL, NULL);

    ck_assert_ptr_null(strstr(text, "hunter2"));
    ck_assert_ptr_nonnull(strstr(text, "\"key\": \"***\",\n    \"n\": 1\n"));
}
END_TEST

static void check_base(const char *destination, const char *dest, const struct sf_plugin *plugin, const char *wanted)
{
    struct options options = {.command = COMMAND_CONFIG_SHOW, .dest = dest};
    SF_AUTO(config) config = {.file = NULL};
    SF_AUTO(setting_list) values = {.items = NULL};
    struct sf_error err = SF_ERROR_INIT;
    AUTO_FREE char *text = mem_printf("{\"destination\": %s}", destination);
    AUTO_FREE char *name = NULL;

    setenv("SNAPFERRY_TEST_KEY", "hunter2", 1);
    ck_assert_msg(load_text(&config, &options, text, &err) == 0, "%s", err.text);
    ck_assert_msg(config_settings(&config, plugin, &values, &err) == 0, "%s", err.text);
    name = config_base_name(&config, plugin, &values);
    ck_assert_str_eq(name, wanted);
}

START_TEST(base_names)
{
    check_base("{\"plugin\": \"folder\", \"path\": \"/srv//x/\"}", NULL, &plugin_folder, "folder path=/srv/x");
    check_base("{}", "file:///srv/x", &plugin_folder, "folder path=/srv/x");
    check_base("{}", "file:///", &plugin_folder, "folder path=/");
    check_base("{\"plugin\": \"folder\", \"path\": \"//\", \"prefix\": \"p\"}", NULL, &plugin_folder, "folder path=/p");
    check_base("{\"plugin\": \"folder\", \"path\": \"/srv\", \"prefix\": \"x\"}", NULL, &plugin_folder,
               "folder path=/srv/x");
    check_base(
        "{\"plugin\": \"s3\", \"bucket\": \"b\", \"prefix\": \"p/q\", \"secret_key\": {\"env\": \"SNAPFERRY_TEST_KEY\"}}",
        NULL, &plugin_s3, "s3 bucket=b prefix=p/q");
}
END_TEST

/* Else the guard would let two runs into one base. */
START_TEST(base_name_by_a_link)
{
    AUTO_FREE char *root = realpath(unit_temp_dir(), NULL);
    AUTO_FREE char *link = mem_printf("%s/link", root);
    AUTO_FREE char *url = mem_printf("file://%s/new", link);
    AUTO_FREE char *wanted = mem_printf("folder path=%s/dir/new", root);
    AUTO_FREE char *dir = mem_printf("%s/dir", root);

    ck_assert_int_eq(mkdir(dir, 0700), 0);
    ck_assert_int_eq(symlink("dir", link), 0);
    check_base("{}", url, &plugin_folder, wanted);
}
END_TEST

/* --- schema --- */

static json_t *at(json_t *json, const char *name)
{
    json_t *properties = json_object_get(json, "properties");

    return json_object_get(properties, name);
}

START_TEST(schema_of_all_keys)
{
    const struct sf_plugin *const plugins[] = {&plugin_s3, &plugin_folder};
    AUTO_FREE char *text = config_schema(plugins, 2);
    json_t *schema = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *row;
    size_t i;

    ck_assert_ptr_nonnull(schema);
    ck_assert_str_eq(json_string_value(json_object_get(schema, "$schema")),
                     "https://json-schema.org/draft/2020-12/schema");
    ck_assert(json_is_false(json_object_get(schema, "additionalProperties")));
    for (i = 0; i < config_key_count; i++) {
        const char *name = config_keys[i].name;

        if (strncmp(name, "destination.", 12) == 0)
            continue;
        if (strncmp(name, "sources[].", 10) == 0)
            row = at(json_object_get(at(schema, "sources"), "items"), name + 10);
        else
            row = strncmp(name, "upload.", 7) == 0 ? at(at(schema, "upload"), name + 7) : at(schema, name);
        ck_assert_msg(row != NULL, "%s", name);
        ck_assert_str_eq(json_string_value(json_object_get(row, "description")), config_keys[i].help);
    }
    json_decref(schema);
}
END_TEST

START_TEST(schema_of_plugins)
{
    const struct sf_plugin *const plugins[] = {&plugin_s3, &plugin_folder};
    AUTO_FREE char *text = config_schema(plugins, 2);
    json_t *schema = json_loads(text, 0, NULL), *variants, *s3, *folder;

    variants = json_object_get(at(schema, "destination"), "oneOf");
    ck_assert_uint_eq(json_array_size(variants), 2);
    s3 = json_array_get(variants, 0);
    folder = json_array_get(variants, 1);
    ck_assert_str_eq(json_string_value(json_object_get(at(s3, "plugin"), "const")), "s3");
    ck_assert_str_eq(json_string_value(json_object_get(at(folder, "plugin"), "const")), "folder");
    ck_assert(json_is_false(json_object_get(s3, "additionalProperties")));
    ck_assert_uint_eq(json_object_size(json_object_get(s3, "properties")), 2 + plugin_s3.option_count);
    ck_assert_uint_eq(json_array_size(json_object_get(s3, "required")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(at(s3, "secret_key"), "oneOf")), 2);
    ck_assert_str_eq(json_string_value(json_object_get(at(s3, "path_style"), "type")), "boolean");
    ck_assert_uint_eq(json_array_size(json_object_get(at(folder, "sync"), "enum")), 3);
    ck_assert_str_eq(json_string_value(json_object_get(at(folder, "sync"), "default")), "batch");
    json_decref(schema);
}
END_TEST

START_TEST(schema_without_plugins)
{
    AUTO_FREE char *text = config_schema(NULL, 0);
    json_t *schema = json_loads(text, 0, NULL);

    ck_assert_ptr_nonnull(at(at(schema, "destination"), "plugin"));
    ck_assert(json_is_true(json_object_get(at(schema, "destination"), "additionalProperties")));
    json_decref(schema);
}
END_TEST

UNIT_MAIN("show", &effective, &loads_again, &without_the_plugin, &base_names, &base_name_by_a_link, &schema_of_all_keys,
          &schema_of_plugins, &schema_without_plugins)
