/* SPDX-License-Identifier: Apache-2.0
 *
 * Config files that are refused, each with its whole message ("@" stands for the file's path).
 */
#include "base/buf.h"
#include "base/mem.h"
#include "tests/kit/unit.h"
#include "tests/unit/config/plugins.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define DEST "{\"destination\": {\"plugin\": \"s3\", \"bucket\": \"b\"},\n"

static const struct {
    const char *text;
    const char *message;
} files[] = {
    /* not a config at all */
    {"", "@:1: not valid JSON: '[' or '{' expected near end of file (column 0)"},
    {"[]", "@:1: expected an object"},
    {"7", "@:1: not valid JSON: '[' or '{' expected (column 1)"},
    {"{\"a\": 1,\n\"b\" 2}", "@:2: not valid JSON: ':' expected (column 5)"},
    {"{\"destination\": {\"secret\": \"hunter2\" \"x\"}}", "@:1: not valid JSON: '}' expected (column 40)"},
    {"{\"timeout\": \"1h\",\n\n\"timeout\": \"2h\"}",
     "@:3: not valid JSON: duplicate object key near '\"timeout\"' (column 9)"},
    {"{} {}", "@:1: not valid JSON: end of file expected (column 4)"},
    {"{\"timeout\": \"\\u0000\"}", "@:1: not valid JSON: \\u0000 is not allowed without JSON_ALLOW_NUL (column 20)"},
    /* unknown keys */
    {"{\n\"destinatoin\": {}}", "@:2: unknown key 'destinatoin': did you mean 'destination'?"},
    {"{\n\"upload\": {\n  \"concurency\": 8}}",
     "@:3: unknown key 'upload.concurency': did you mean 'upload.concurrency'?"},
    {"{\"concurrency\": 8}", "@:1: unknown key 'concurrency': did you mean 'upload.concurrency'?"},
    {"{\"exclude\": []}", "@:1: unknown key 'exclude': did you mean 'sources[].exclude'?"},
    {"{\"retention\": {}}",
     "@:1: unknown key 'retention': known here are destination, sources, plugin_dirs, timeout, grace, "
     "time_style, incremental, compare, memory_max, upload"},
    {"{\"upload\": {\"_comment\": 1}}", "@:1: unknown key 'upload._comment': known here are concurrency, "
                                        "large_file_concurrency, small_file_threshold, part_size, bandwidth"},
    {"{\"sources\": [{\"name\": \"a\", \"path\": \"/a\"},\n{\"name\": \"b\",\n\"pth\": \"/b\"}]}",
     "@:3: unknown key 'sources[1].pth': did you mean 'sources[1].path'?"},
    {"{\"sources\": [{\"nme\": \"a\"}]}", "@:1: unknown key 'sources[0].nme': did you mean 'sources[0].name'?"},
    {"{\n\"up\\u006coads\": {}}", "@:2: unknown key 'uploads': did you mean 'upload'?"},
    {"{\"a\\nb\": 1}", "@:1: unknown key 'a\\x0ab': known here are destination, sources, plugin_dirs, timeout, grace, "
                       "time_style, incremental, compare, memory_max, upload"},
    {"{\"\": 1}",
     "@:1: unknown key '': known here are destination, sources, plugin_dirs, timeout, grace, time_style, incremental, "
     "compare, memory_max, upload"},
    /* wrong types */
    {"{\"destination\": \"file:///x\"}", "@:1: destination: expected an object"},
    {"{\"destination\": null}", "@:1: destination: expected an object"},
    {"{\"sources\": {}}", "@:1: sources: expected a list of objects"},
    {"{\"sources\": [\n\"a\"]}", "@:2: sources[0]: expected an object with name and path"},
    {"{\"upload\": 8}", "@:1: upload: expected an object"},
    {"{\"plugin_dirs\": \"/a\"}", "@:1: plugin_dirs: expected a list of absolute paths, got \"/a\""},
    {"{\"plugin_dirs\": [\"/a\",\n7]}", "@:2: plugin_dirs[1]: expected an absolute path, got 7"},
    {"{\"timeout\": 60}", "@:1: timeout: expected a duration such as \"90s\" or \"1h30m\", from 1s to 8760h, got 60"},
    {"{\"time_style\": 1}", "@:1: time_style: expected one of daily, hourly, run, got 1"},
    {"{\"upload\": {\"concurrency\": \"8\"}}",
     "@:1: upload.concurrency: expected a whole number from 1 to 256, got \"8\""},
    {"{\"upload\": {\"concurrency\": 8.0}}", "@:1: upload.concurrency: expected a whole number from 1 to 256, got 8.0"},
    {"{\"upload\": {\"concurrency\": true}}",
     "@:1: upload.concurrency: expected a whole number from 1 to 256, got true"},
    {"{\"upload\": {\"small_file_threshold\": {}}}",
     "@:1: upload.small_file_threshold: expected a size such as \"64KiB\", at most 5GiB, got an object"},
    {"{\"compare\": [\"stat\"]}", "@:1: compare: expected one of stat, hash, got a list"},
    /* out of range, not one of */
    {"{\"upload\": {\"concurrency\": 0}}", "@:1: upload.concurrency: expected a whole number from 1 to 256, got 0"},
    {"{\"upload\": {\"concurrency\": 257}}", "@:1: upload.concurrency: expected a whole number from 1 to 256, got 257"},
    {"{\"upload\": {\n\"large_file_concurrency\": -1}}",
     "@:2: upload.large_file_concurrency: expected a whole number from 0 to 256, got -1"},
    {"{\"upload\": {\"small_file_threshold\": \"5M\"}}",
     "@:1: upload.small_file_threshold: expected a size such as \"64KiB\", at most 5GiB, got \"5M\""},
    {"{\"upload\": {\"small_file_threshold\": \"6GiB\"}}",
     "@:1: upload.small_file_threshold: expected a size such as \"64KiB\", at most 5GiB, got \"6GiB\""},
    {"{\"upload\": {\"part_size\": \"4MiB\"}}",
     "@:1: upload.part_size: expected a size such as \"64MiB\", from 5MiB to 5GiB, got \"4MiB\""},
    {"{\"memory_max\": \"much\"}", "@:1: memory_max: expected a size such as \"64KiB\", at most 1TiB, got \"much\""},
    {"{\"upload\": {\"small_file_threshold\": -1}}",
     "@:1: upload.small_file_threshold: expected a size such as \"64KiB\", at most 5GiB, got -1"},
    {"{\"timeout\": \"999ms\"}",
     "@:1: timeout: expected a duration such as \"90s\" or \"1h30m\", from 1s to 8760h, got \"999ms\""},
    {"{\"timeout\": \"366d\"}",
     "@:1: timeout: expected a duration such as \"90s\" or \"1h30m\", from 1s to 8760h, got \"366d\""},
    {"{\"time_style\": \"dayly\"}", "@:1: time_style: expected one of daily, hourly, run, got \"dayly\""},
    {"{\"incremental\": \"copy\"}", "@:1: incremental: expected one of reference, off, got \"copy\""},
    {"{\"compare\": \"\"}", "@:1: compare: expected one of stat, hash, got \"\""},
    /* sources */
    {"{\"sources\": [{\"path\": \"/a\"}]}",
     "@:1: sources[0].name is missing: expected a name, [A-Za-z0-9_][A-Za-z0-9._-]{0,63}"},
    {"{\"sources\": [{\"name\": \"a\", \"path\": \"/a\"},\n\n{\"name\": \"b\"}]}",
     "@:3: sources[1].path is missing: expected an absolute path"},
    {"{\"sources\": [{\"name\": \"a/b\", \"path\": \"/a\"}]}",
     "@:1: sources[0].name: expected a name, [A-Za-z0-9_][A-Za-z0-9._-]{0,63}, got \"a/b\""},
    {"{\"sources\": [{\"name\": \".snapferry\", \"path\": \"/a\"}]}",
     "@:1: sources[0].name: expected a name, [A-Za-z0-9_][A-Za-z0-9._-]{0,63}, got \".snapferry\""},
    {"{\"sources\": [{\"name\": \"a\", \"path\": \"a\"}]}",
     "@:1: sources[0].path: expected an absolute path, got \"a\""},
    {"{\"sources\": [{\"name\": \"a\", \"path\": \"\"}]}", "@:1: sources[0].path: expected an absolute path, got \"\""},
    {"{\"sources\": [{\"name\": \"a\", \"path\": \"/a\", \"restore_to\": \"b\"}]}",
     "@:1: sources[0].restore_to: expected an absolute path, got \"b\""},
    {"{\"sources\": [{\"name\": \"a\", \"path\": \"/a\"},\n{\"path\": \"/b\",\n\"name\": \"A\"}]}",
     "@:3: sources[1].name: 'A' is the name of sources[0] already (case does not count)"},
    {"{\"sources\": [{\"name\": \"a\", \"path\": \"/a\",\n\"exclude\": \"*.tmp\"}]}",
     "@:2: sources[0].exclude: expected a list of patterns such as \"*.tmp\", got \"*.tmp\""},
    {"{\"sources\": [{\"name\": \"a\", \"path\": \"/a\", \"exclude\": [\"x\",\n\n\"tmp/\"]}]}",
     "@:3: sources[0].exclude[1]: expected a pattern such as \"*.tmp\", without '/' at the end, got \"tmp/\""},
    {"{\"sources\": [{\"name\": \"a\", \"path\": \"/a\", \"exclude\": [\"\"]}]}",
     "@:1: sources[0].exclude[0]: expected a pattern such as \"*.tmp\", without '/' at the end, got \"\""},
    /* destination */
    {"{\n\"destination\": {}}", "@:2: destination.plugin is missing: expected a plugin's name, [a-z0-9_-]+"},
    {"{\"destination\": {\"bucket\": \"b\"}}",
     "@:1: destination.plugin is missing: expected a plugin's name, [a-z0-9_-]+"},
    {"{\"destination\": {\"plugin\": \"../s3\"}}",
     "@:1: destination.plugin: expected a plugin's name, [a-z0-9_-]+, got \"../s3\""},
    {"{\"destination\": {\"plugin\": 3}}", "@:1: destination.plugin: expected a plugin's name, [a-z0-9_-]+, got 3"},
    {"{\"destination\": {\"plugin\": \"s3\",\n\"prefix\": 1}}",
     "@:2: destination.prefix: expected a prefix such as \"prod/db-1\", got 1"},
    {"{\"destination\": {\"plugin\": \"s3\", \"prefix\": \"a/../b\"}}",
     "@:1: destination.prefix: prefix 'a/../b': '.' and '..' cannot be part of it"},
    {"{\"destination\": {\"plugin\": \"s3\", \"prefix\": \"a\\nb\"}}",
     "@:1: destination.prefix: prefix 'a\\x0ab': control characters and what is not UTF-8 cannot be in a key"},
    {"{\"destination\": {\"plugin\": \"s3\", \"prefix\": \".snapferry\"}}",
     "@:1: destination.prefix: prefix '.snapferry': names that begin with '.snapferry' are Snapferry's own"},
    {"{\"destination\": {\"plugin\": \"s3\", \"prefix\": \"/a//.snapferry-x/b\"}}",
     "@:1: destination.prefix: prefix '/a//.snapferry-x/b': names that begin with '.snapferry' are Snapferry's own"},
    {DEST "\"sources\": []}", "no sources: add \"sources\" to the config file, or give --source NAME=DIR"},
    {"{\"sources\": []}", "@: no destination: add \"destination\", or give --dest URL"},
};

/* message with the file's path for each '@'. */
static char *expected(const char *message)
{
    return message[0] == '@' ? mem_printf("%s%s", text_file(), message + 1) : mem_text(message);
}

START_TEST(refused)
{
    size_t i;

    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        AUTO_FREE char *message = expected(files[i].message);
        struct options options = {.command = COMMAND_BACKUP};
        struct sf_error err = SF_ERROR_INIT;
        struct config config;

        ck_assert_msg(load_text(&config, &options, files[i].text, &err) < 0, "not refused: %s", files[i].text);
        ck_assert_str_eq(err.text, message);
        ck_assert_int_eq(err.cls, SF_INVALID);
        config_cleanup(&config);
    }
}
END_TEST

static void check_file(const char *path, const char *message)
{
    struct options options = {.command = COMMAND_BACKUP, .config_file = path};
    struct sf_error err = SF_ERROR_INIT;
    struct config config;

    ck_assert_int_eq(config_load(&config, &options, &err), -1);
    ck_assert_str_eq(err.text, message);
    config_cleanup(&config);
}

START_TEST(unreadable)
{
    AUTO_FREE char *text = mem_alloc(CONFIG_BYTES_MAX + 2);
    AUTO_FREE char *folder = mem_printf("read config file %s: Is a directory", unit_temp_dir());
    AUTO_FREE char *large = mem_printf("%s: a config file of more than 1 MiB is not read", text_file());
    struct options options = {.command = COMMAND_CONFIG_SHOW};
    struct sf_error err = SF_ERROR_INIT;
    struct config config;

    check_file("/nonexistent/c.json", "open config file /nonexistent/c.json: No such file or directory");
    check_file(unit_temp_dir(), folder);
    memset(text, ' ', CONFIG_BYTES_MAX + 1);
    memcpy(text + CONFIG_BYTES_MAX - 2, "{}", 2);
    unit_write("c.json", text, CONFIG_BYTES_MAX + 1);
    check_file(text_file(), large);
    text[CONFIG_BYTES_MAX] = '\0'; /* to the byte */
    ck_assert_msg(load_text(&config, &options, text, &err) == 0, "%s", err.text);
    config_cleanup(&config);
}
END_TEST

/* Nested as deep as jansson allows: the search for a line stands that. */
START_TEST(deep)
{
    SF_AUTO(buf) text = BUF_INIT;
    struct options options = {.command = COMMAND_CONFIG_SHOW};
    struct sf_error err = SF_ERROR_INIT;
    struct config config;
    AUTO_FREE char *message = NULL;
    int i;

    buf_add_text(&text, "{\"_comment\": ");
    for (i = 0; i < 2000; i++)
        buf_add_text(&text, i % 2 == 0 ? "[" : "{\"k\":");
    buf_add_text(&text, "7");
    for (i = 1999; i >= 0; i--)
        buf_add_text(&text, i % 2 == 0 ? "]" : "}");
    buf_add_text(&text, ",\n\"tiemout\": 1}");
    ck_assert_int_eq(load_text(&config, &options, buf_text(&text), &err), -1);
    message = mem_printf("%s:2: unknown key 'tiemout': did you mean 'timeout'?", text_file());
    ck_assert_str_eq(err.text, message);
    config_cleanup(&config);
}
END_TEST

UNIT_MAIN("bad", &refused, &unreadable, &deep)
