/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of keys, the reference in docs/config.md and the sample in etc/ say the same.
 */
#include "core/config/keys.h"
#include "base/mem.h"
#include "tests/kit/unit.h"
#include "tests/unit/config/plugins.h"

#include <ctype.h>
#include <string.h>

/* A row of docs/config.md. */
static char *row_of(const struct key *key)
{
    SF_AUTO(buf) expected = BUF_INIT;
    SF_AUTO(buf) row = BUF_INIT;
    const char *at;

    key_describe(key, &expected);
    buf_printf(&row, "| `%s` | %s | ", key->name, buf_text(&expected));
    if (key->required)
        buf_add_text(&row, "required");
    else if (key->fallback != NULL && key->fallback[0] != '\0')
        buf_printf(&row, "`%s`", key->fallback);
    buf_add_text(&row, " | ");
    for (at = key->help; *at != '\0'; at++)
        buf_add(&row, at, 1);
    buf_add_text(&row, " |");
    return mem_text(buf_text(&row));
}

static char *read_docs(void)
{
    SF_AUTO(buf) text = BUF_INIT;
    FILE *file = fopen(SOURCE_ROOT "/docs/config.md", "re");
    char chunk[4096];
    size_t got;

    ck_assert_ptr_nonnull(file);
    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0)
        buf_add(&text, chunk, got);
    fclose(file);
    return mem_text(buf_text(&text));
}

/* Every key has its row, in the order of the table, and there are no others. */
START_TEST(docs)
{
    AUTO_FREE char *text = read_docs();
    const char *at = strstr(text, "\n|---");
    size_t i;

    ck_assert_ptr_nonnull(at);
    at = strchr(at + 1, '\n') + 1;
    for (i = 0; i < config_key_count; i++) {
        AUTO_FREE char *row = row_of(&config_keys[i]);
        size_t length = strcspn(at, "\n");

        ck_assert_msg(length == strlen(row) && memcmp(at, row, length) == 0,
                      "docs/config.md has\n%.*s\nand should have\n%s", (int)length, at, row);
        at += length + 1;
    }
    ck_assert_msg(at[0] == '\n', "docs/config.md has a row for a key that does not exist: %.60s", at);
}
END_TEST

START_TEST(table)
{
    size_t i, j;

    for (i = 0; i < config_key_count; i++) {
        const struct key *key = &config_keys[i];

        ck_assert_msg(key->help != NULL && key->help[0] != '\0', "%s", key->name);
        ck_assert_msg(strchr(key->help, '|') == NULL, "%s: a '|' would break the table in the docs", key->name);
        ck_assert_msg(islower((unsigned char)key->help[0]) || key->help[0] == '-', "%s", key->name);
        for (j = 0; j < i; j++)
            ck_assert_str_ne(config_keys[j].name, key->name);
    }
}
END_TEST

/* A default that key_set would refuse would stay unset. */
START_TEST(fallbacks)
{
    struct options options = {.command = COMMAND_PLUGIN_LIST};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(config) config = {.file = NULL};
    size_t i;

    ck_assert_int_eq(load_text(&config, &options, "{}", &err), 0);
    for (i = 0; i < config_key_count; i++) {
        const struct key *key = &config_keys[i];
        AUTO_JSON *value = NULL;
        char unit[FORMAT_TEXT];

        if (key->fallback == NULL)
            continue;
        value = key_get(key, &config);
        ck_assert_msg(value != NULL, "%s", key->name);
        if (json_is_integer(value)) {
            snprintf(unit, sizeof(unit), "%lld", (long long)json_integer_value(value));
            ck_assert_str_eq(unit, key->fallback);
        } else {
            ck_assert_str_eq(json_string_value(value), key->fallback);
        }
    }
}
END_TEST

START_TEST(sample)
{
    struct options options = {.command = COMMAND_BACKUP, .config_file = SOURCE_ROOT "/etc/snapferry.json"};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(config) config = {.file = NULL};
    SF_AUTO(config) empty = {.file = NULL};

    ck_assert_msg(config_load(&config, &options, &err) == 0, "%s", err.text);
    ck_assert_str_eq(config.destination.plugin, "localfs");
    ck_assert_uint_ge(config.source_count, 1);
    /* what it shows are the defaults */
    options.command = COMMAND_PLUGIN_LIST;
    ck_assert_int_eq(load_text(&empty, &options, "{}", &err), 0);
    ck_assert_int_eq(config.timeout_ms, empty.timeout_ms);
    ck_assert_uint_eq(config.concurrency, empty.concurrency);
    ck_assert_uint_eq(config.small_file_threshold, empty.small_file_threshold);
}
END_TEST

UNIT_MAIN("keys", &docs, &table, &fallbacks, &sample)
