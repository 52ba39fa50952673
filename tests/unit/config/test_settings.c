/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "tests/kit/unit.h"
#include "tests/unit/config/plugins.h"

#include <string.h>
#include <sys/stat.h>

/* What a destination (JSON, or NULL), --dest and -o (up to two) become. */
struct given {
    const char *destination;
    const char *dest;
    const char *first, *second;
};

static int settle(struct setting_list *values, const struct sf_plugin *plugin, const struct given *given,
                  struct sf_error *err)
{
    char pairs[2][64], *overrides[2] = {pairs[0], pairs[1]};
    struct options options = {.command = COMMAND_CONFIG_CHECK, .dest = given->dest, .dest_options = overrides};
    SF_AUTO(config) config = {.file = NULL};
    AUTO_FREE char *text = mem_printf("{%s%s}", given->destination != NULL ? "\n\"destination\": " : "",
                                      given->destination != NULL ? given->destination : "");

    if (given->first != NULL)
        strcpy(pairs[options.dest_option_count++], given->first);
    if (given->second != NULL)
        strcpy(pairs[options.dest_option_count++], given->second);
    ck_assert_msg(load_text(&config, &options, text, err) == 0, "%s", err->text);
    *values = (struct setting_list){.items = NULL};
    return config_settings(&config, plugin, values, err);
}

static const char *value(const struct setting_list *values, const char *key)
{
    return sf_setting_value(&values->settings, key);
}

static void check_url(const struct sf_plugin *plugin, const char *url, const char *key, const char *wanted,
                      const char *prefix)
{
    SF_AUTO(setting_list) values = {.items = NULL};
    struct sf_error err = SF_ERROR_INIT;
    const struct given given = {NULL, url, NULL, NULL};

    ck_assert_msg(settle(&values, plugin, &given, &err) == 0, "%s", err.text);
    if (key != NULL)
        ck_assert_str_eq(value(&values, key), wanted);
    ck_assert_str_eq(values.prefix, prefix);
}

START_TEST(from_keys)
{
    const struct given given = {
        "{\"plugin\": \"s3\", \"bucket\": \"b\", \"prefix\": \"x/\", \"path_style\": true, \"attempts\": -3, "
        "\"part_size\": \"1MiB\", \"stall\": \"1m30s\", \"checksum\": \"sha256\", \"later\": \"on\"}",
        NULL, NULL, NULL};
    SF_AUTO(setting_list) values = {.items = NULL};
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_msg(settle(&values, &plugin_s3, &given, &err) == 0, "%s", err.text);
    ck_assert_str_eq(value(&values, "bucket"), "b");
    ck_assert_str_eq(value(&values, "region"), "us-east-1"); /* default */
    ck_assert_str_eq(value(&values, "path_style"), "true");
    ck_assert_str_eq(value(&values, "attempts"), "-3");
    ck_assert_str_eq(value(&values, "part_size"), "1048576");
    ck_assert_str_eq(value(&values, "stall"), "90000");
    ck_assert_str_eq(value(&values, "checksum"), "sha256");
    ck_assert_str_eq(value(&values, "later"), "on");
    ck_assert_ptr_null(value(&values, "secret_key")); /* neither value nor default */
    ck_assert_ptr_null(value(&values, "prefix"));     /* the core's */
    ck_assert_uint_eq(values.settings.count, 8);
    ck_assert_uint_eq(values.settings.element_size, sizeof(struct sf_setting));
    ck_assert_uint_eq(values.settings.size, sizeof(struct sf_settings));
    ck_assert_str_eq(values.prefix, "x");
}
END_TEST

START_TEST(defaults_are_normalised)
{
    const struct given given = {"{\"plugin\": \"s3\", \"bucket\": \"b\", \"part_size\": 77}", NULL, NULL, NULL};
    SF_AUTO(setting_list) values = {.items = NULL};
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_msg(settle(&values, &plugin_s3, &given, &err) == 0, "%s", err.text);
    ck_assert_str_eq(value(&values, "path_style"), "false");
    ck_assert_str_eq(value(&values, "stall"), "30000");
    ck_assert_str_eq(value(&values, "part_size"), "77");
    ck_assert_ptr_null(value(&values, "attempts"));
    ck_assert_str_eq(values.prefix, "");
}
END_TEST

START_TEST(from_urls)
{
    check_url(&plugin_s3, "s3://bucket/a//b/", "bucket", "bucket", "a/b");
    check_url(&plugin_s3, "s3://bucket", "bucket", "bucket", "");
    check_url(&plugin_s3, "s3:///bucket/a/b", "bucket", "bucket", "a/b");
    check_url(&plugin_s3, "s3:///bucket", "bucket", "bucket", "");
    check_url(&plugin_folder, "file:///srv/backup/", "path", "/srv/backup", "");
    check_url(&plugin_folder, "file:///", "path", "/", "");
    check_url(&plugin_folder, "file:///a%20b/.snapferry", "path", "/a b/.snapferry", "");
    check_url(&plugin_plain, "plain:///a/b", NULL, NULL, "a/b");
    check_url(&plugin_plain, "plain://", NULL, NULL, "");
}
END_TEST

START_TEST(overrides_come_on_top)
{
    const struct given file = {"{\"plugin\": \"s3\", \"bucket\": \"b\", \"prefix\": \"x\"}", NULL, "bucket=c=d",
                               "prefix=/y/"};
    const struct given url = {NULL, "s3://b/x", "prefix=y", "part_size=2KiB"};
    const struct given twice = {NULL, "s3://b/x", "region=first", "region=last"};
    SF_AUTO(setting_list) values = {.items = NULL};
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_msg(settle(&values, &plugin_s3, &file, &err) == 0, "%s", err.text);
    ck_assert_str_eq(value(&values, "bucket"), "c=d");
    ck_assert_str_eq(values.prefix, "y");
    setting_list_cleanup(&values);
    ck_assert_msg(settle(&values, &plugin_s3, &url, &err) == 0, "%s", err.text);
    ck_assert_str_eq(value(&values, "bucket"), "b");
    ck_assert_str_eq(value(&values, "part_size"), "2048");
    ck_assert_str_eq(values.prefix, "y");
    setting_list_cleanup(&values);
    ck_assert_msg(settle(&values, &plugin_s3, &twice, &err) == 0, "%s", err.text);
    ck_assert_str_eq(value(&values, "region"), "last");
}
END_TEST

#define S3(more) "{\"plugin\": \"s3\", \"bucket\": \"b\",\n" more "}"
#define SECRET_WAY                                                                                                     \
    "a secret does not belong on a command line: put {\"env\": NAME} or {\"file\": PATH} into the config file"

static const struct {
    struct given given;
    const struct sf_plugin *plugin;
    const char *message; /* '@' at its start: the file */
} refusals[] = {
    {{"{\"plugin\": \"s3\",\n\"buket\": \"b\"}", NULL, NULL, NULL},
     &plugin_s3,
     "@:3: unknown key 'buket' for plugin s3: did you mean 'bucket'?"},
    {{S3("\"perfix\": \"x\""), NULL, NULL, NULL},
     &plugin_s3,
     "@:3: unknown key 'perfix' for plugin s3: did you mean 'prefix'?"},
    {{S3("\"frobnicate\": 1"), NULL, NULL, NULL},
     &plugin_s3,
     "@:3: unknown key 'frobnicate' for plugin s3: it knows bucket, region, secret_key, path_style, attempts, part_size, stall, "
     "checksum, later, prefix"},
    {{"{\"plugin\": \"plain\", \"url\": \"x\"}", NULL, NULL, NULL},
     &plugin_plain,
     "@:2: unknown key 'url' for plugin plain: it knows prefix"},
    {{"{\"plugin\": \"s3\"}", NULL, NULL, NULL},
     &plugin_s3,
     "plugin s3 needs 'bucket': add it to \"destination\", or give -o bucket=VALUE"},
    {{S3("\"region\": 1"), NULL, NULL, NULL}, &plugin_s3, "@:3: destination.region: expected a text, got 1"},
    {{S3("\"region\": {\"env\": \"R\"}"), NULL, NULL, NULL},
     &plugin_s3,
     "@:3: destination.region: expected a text, got an object"},
    {{S3("\"path_style\": \"true\""), NULL, NULL, NULL},
     &plugin_s3,
     "@:3: destination.path_style: expected true or false, got \"true\""},
    {{S3("\"attempts\": 1.5"), NULL, NULL, NULL},
     &plugin_s3,
     "@:3: destination.attempts: expected a whole number, got 1.5"},
    {{S3("\"part_size\": \"16M\""), NULL, NULL, NULL},
     &plugin_s3,
     "@:3: destination.part_size: expected a size such as \"64KiB\", got \"16M\""},
    {{S3("\"part_size\": -1"), NULL, NULL, NULL},
     &plugin_s3,
     "@:3: destination.part_size: expected a size such as \"64KiB\", got -1"},
    {{S3("\"stall\": 30"), NULL, NULL, NULL},
     &plugin_s3,
     "@:3: destination.stall: expected a duration such as \"90s\" or \"1h30m\", got 30"},
    {{S3("\"checksum\": \"md5\""), NULL, NULL, NULL},
     &plugin_s3,
     "@:3: destination.checksum: expected one of crc32c, sha256, got \"md5\""},
    {{S3("\"checksum\": \"crc32c|sha256\""), NULL, NULL, NULL},
     &plugin_s3,
     "@:3: destination.checksum: expected one of crc32c, sha256, got \"crc32c|sha256\""},
    {{S3("\"secret_key\": \"hunter2\""), NULL, NULL, NULL},
     &plugin_s3,
     "@:3: destination.secret_key: a secret does not belong into the config: write {\"env\": NAME} or {\"file\": PATH}"},
    {{S3("\"secret_key\": 17"), NULL, NULL, NULL},
     &plugin_s3,
     "@:3: destination.secret_key: expected {\"env\": NAME} or {\"file\": PATH}"},
    {{S3("\"secret_key\": {\"env\": \"A\", \"file\": \"/b\"}"), NULL, NULL, NULL},
     &plugin_s3,
     "@:3: destination.secret_key: expected {\"env\": NAME} or {\"file\": PATH}"},
    {{S3("\"secret_key\": {\"evn\": \"A\"}"), NULL, NULL, NULL},
     &plugin_s3,
     "@:3: destination.secret_key: expected {\"env\": NAME} or {\"file\": PATH}"},
    {{S3("\"secret_key\": {\"env\": \"SNAPFERRY_TEST_UNSET\"}"), NULL, NULL, NULL},
     &plugin_s3,
     "@:3: destination.secret_key: environment variable SNAPFERRY_TEST_UNSET is not set"},
    {{S3("\"secret_key\": {\"env\": \"SNAPFERRY_TEST_EMPTY\"}"), NULL, NULL, NULL},
     &plugin_s3,
     "@:3: destination.secret_key: environment variable SNAPFERRY_TEST_EMPTY is empty"},
    {{S3("\"secret_key\": {\"file\": \"key\"}"), NULL, NULL, NULL},
     &plugin_s3,
     "@:3: destination.secret_key: secret file key: expected an absolute path"},
    {{NULL, "s3://b", "secret_key=hunter2", NULL}, &plugin_s3, "-o secret_key: " SECRET_WAY},
    {{NULL, "s3://b", "buket=x", NULL}, &plugin_s3, "-o: unknown key 'buket' for plugin s3: did you mean 'bucket'?"},
    {{NULL, "s3://b", "plugin=gcs", NULL},
     &plugin_s3,
     "-o plugin: the plugin is named in the config file, or by the scheme of --dest"},
    {{NULL, "s3://b", "path_style=yes", NULL}, &plugin_s3, "-o path_style: expected true or false, got 'yes'"},
    {{NULL, "s3://b", "attempts=3x", NULL}, &plugin_s3, "-o attempts: expected a whole number, got '3x'"},
    {{NULL, "s3://b", "attempts=", NULL}, &plugin_s3, "-o attempts: expected a whole number, got ''"},
    {{NULL, "s3://b", "attempts=99999999999999999999", NULL},
     &plugin_s3,
     "-o attempts: expected a whole number, got '99999999999999999999'"},
    {{NULL, "s3://b", "prefix=a/./b", NULL},
     &plugin_s3,
     "-o prefix: prefix 'a/./b': '.' and '..' cannot be part of it"},
    {{NULL, "s3://b/.snapferry", NULL, NULL},
     &plugin_s3,
     "--dest: prefix '.snapferry': names that begin with '.snapferry' are Snapferry's own"},
    {{NULL, "s3:///", NULL, NULL}, &plugin_s3, "--dest: plugin s3 needs 'bucket', which the URL does not say"},
    {{NULL, "file://srv/backup", NULL, NULL},
     &plugin_folder,
     "--dest: plugin folder has no use for the host 'srv': write file:///srv/backup"},
    {{NULL, "plain://host", NULL, NULL},
     &plugin_plain,
     "--dest: plugin plain has no use for the host 'host': write plain:///host"},
};

START_TEST(refused)
{
    size_t i;

    setenv("SNAPFERRY_TEST_EMPTY", "", 1);
    unsetenv("SNAPFERRY_TEST_UNSET");
    for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        SF_AUTO(setting_list) values = {.items = NULL};
        struct sf_error err = SF_ERROR_INIT;
        AUTO_FREE char *message = refusals[i].message[0] == '@'
                                      ? mem_printf("%s%s", text_file(), refusals[i].message + 1)
                                      : mem_text(refusals[i].message);

        ck_assert_msg(settle(&values, refusals[i].plugin, &refusals[i].given, &err) < 0, "not refused: %s", message);
        ck_assert_str_eq(err.text, message);
        ck_assert_int_eq(err.cls, SF_INVALID);
    }
}
END_TEST

START_TEST(own_default_that_is_wrong)
{
    static const struct sf_option options[] = {
        {sizeof(struct sf_option), SF_OPTION_BYTES, 0, 0, "size", "16M", NULL, NULL}};
    static const struct sf_plugin plugin = {.size = sizeof(plugin),
                                            .name = "odd",
                                            .option_count = 1,
                                            .option_element_size = sizeof(options[0]),
                                            .options = options};
    const struct given given = {"{\"plugin\": \"odd\"}", NULL, NULL, NULL};
    SF_AUTO(setting_list) values = {.items = NULL};
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_int_eq(settle(&values, &plugin, &given, &err), -1);
    ck_assert_str_eq(err.text, "plugin odd: its own default of 'size' is not valid: '16M'");
}
END_TEST

/* --- secrets --- */

static char *secret_file(void)
{
    return mem_printf("%s/key", unit_temp_dir());
}

static void check_secret(const void *text, long bytes, mode_t mode, const char *wanted, const char *message)
{
    AUTO_FREE char *path = secret_file();
    AUTO_FREE char *destination =
        mem_printf("{\"plugin\": \"s3\", \"bucket\": \"b\", \"secret_key\": {\"file\": \"%s\"}}", path);
    const struct given given = {destination, NULL, NULL, NULL};
    SF_AUTO(setting_list) values = {.items = NULL};
    struct sf_error err = SF_ERROR_INIT;
    AUTO_FREE char *whole = mem_printf("%s:2: destination.secret_key: secret file %s %s", text_file(), path,
                                       message != NULL ? message : "");

    unlink(path);
    unit_write("key", text, bytes);
    ck_assert_int_eq(chmod(path, mode), 0);
    if (message == NULL) {
        ck_assert_msg(settle(&values, &plugin_s3, &given, &err) == 0, "%s", err.text);
        ck_assert_str_eq(value(&values, "secret_key"), wanted);
    } else {
        ck_assert_int_eq(settle(&values, &plugin_s3, &given, &err), -1);
        ck_assert_str_eq(err.text, whole);
    }
}

START_TEST(secret_files)
{
    AUTO_FREE char *large = mem_alloc(64 * 1024 + 2);

    check_secret("hunter2\n", -1, 0600, "hunter2", NULL);
    check_secret("hunter2\r\n", -1, 0400, "hunter2", NULL);
    check_secret("hunter2\n\n", -1, 0600, "hunter2\n", NULL); /* one newline is the editor's */
    check_secret("hunter2", -1, 0700, "hunter2", NULL);
    check_secret("hunter2\n", -1, 0640, NULL, "can be used by group or others (mode 0640): chmod 600 it");
    check_secret("hunter2\n", -1, 0602, NULL, "can be used by group or others (mode 0602): chmod 600 it");
    check_secret("hunter2\n", -1, 0644, NULL, "can be used by group or others (mode 0644): chmod 600 it");
    check_secret("", -1, 0600, NULL, "is empty");
    check_secret("\n", -1, 0600, NULL, "is empty");
    check_secret("a\0b", 3, 0600, NULL, "holds a NUL byte");
    memset(large, 'x', 64 * 1024 + 1);
    check_secret(large, 64 * 1024 + 1, 0600, NULL, "is larger than 64 KiB");
    check_secret(large, 64 * 1024, 0600, (large[64 * 1024] = '\0', large), NULL);
}
END_TEST

START_TEST(secret_elsewhere)
{
    AUTO_FREE char *path = secret_file();
    AUTO_FREE char *destination =
        mem_printf("{\"plugin\": \"s3\", \"bucket\": \"b\", \"secret_key\": {\"file\": \"%s\"}}", path);
    AUTO_FREE char *missing =
        mem_printf("%s:2: destination.secret_key: open secret file %s: No such file or directory", text_file(), path);
    AUTO_FREE char *folder =
        mem_printf("%s:2: destination.secret_key: secret file %s is not a regular file", text_file(), path);
    const struct given file = {destination, NULL, NULL, NULL};
    const struct given env = {S3("\"secret_key\": {\"env\": \"SNAPFERRY_TEST_KEY\"}"), NULL, NULL, NULL};
    SF_AUTO(setting_list) values = {.items = NULL};
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_int_eq(settle(&values, &plugin_s3, &file, &err), -1);
    ck_assert_str_eq(err.text, missing);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(settle(&values, &plugin_s3, &file, &err), -1);
    ck_assert_str_eq(err.text, folder);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0); /* does not hang */
    ck_assert_int_eq(settle(&values, &plugin_s3, &file, &err), -1);
    ck_assert_str_eq(err.text, folder);
    setenv("SNAPFERRY_TEST_KEY", "hunter2", 1);
    ck_assert_msg(settle(&values, &plugin_s3, &env, &err) == 0, "%s", err.text);
    ck_assert_str_eq(value(&values, "secret_key"), "hunter2");
}
END_TEST

UNIT_MAIN("settings", &from_keys, &defaults_are_normalised, &from_urls, &overrides_come_on_top, &refused,
          &own_default_that_is_wrong, &secret_files, &secret_elsewhere)
