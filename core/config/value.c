/* SPDX-License-Identifier: Apache-2.0
 *
 * The values of config keys: what is expected, from JSON into struct config, and back.
 */
#include "core/config/keys.h"

#include "base/err.h"
#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

/* A choice is stored as its place in the list, whatever its enum is called. */
_Static_assert(sizeof(enum time_style) == sizeof(unsigned) && sizeof(enum plan_compare) == sizeof(unsigned) &&
                   sizeof(enum plan_incremental) == sizeof(unsigned),
               "enums are as wide as unsigned");

/* The lists of paths that KEY_PATHS can stand for have their count right behind them. */
_Static_assert(offsetof(struct config, plugin_dir_count) == offsetof(struct config, plugin_dirs) + sizeof(char **),
               "count follows list");

struct path_list {
    char **items;
    size_t count;
};

static void *member_of(const struct key *key, void *base)
{
    return (char *)base + key->offset;
}

static const void *const_member_of(const struct key *key, const void *base)
{
    return (const char *)base + key->offset;
}

void key_describe(const struct key *key, struct buf *out)
{
    char low[FORMAT_TEXT], high[FORMAT_TEXT];
    const char *at;

    switch (key->type) {
    case KEY_DESTINATION:
    case KEY_GROUP:
        buf_add_text(out, "an object");
        return;
    case KEY_SOURCES:
        buf_add_text(out, "a list of objects");
        return;
    case KEY_PLUGIN:
        buf_add_text(out, "a plugin's name, [a-z0-9_-]+");
        return;
    case KEY_PREFIX:
        buf_add_text(out, "a prefix such as \"prod/db-1\"");
        return;
    case KEY_NAME:
        buf_add_text(out, "a name, " SOURCE_NAME_FORM);
        return;
    case KEY_PATH:
        buf_add_text(out, "an absolute path");
        return;
    case KEY_PATHS:
        buf_add_text(out, "a list of absolute paths");
        return;
    case KEY_PATTERNS:
        buf_add_text(out, "a list of patterns such as \"*.tmp\"");
        return;
    case KEY_CHOICE:
        buf_add_text(out, "one of ");
        for (at = key->choices; *at != '\0'; at++)
            buf_add(out, *at == '|' ? ", " : at, *at == '|' ? 2 : 1);
        return;
    case KEY_COUNT:
        buf_printf(out, "a whole number from %" PRIu64 " to %" PRIu64, key->min, key->max);
        return;
    case KEY_BYTES:
        if (key->min > 0)
            buf_printf(out, "a size such as \"64MiB\", from %s to %s", format_bytes(key->min, low),
                       format_bytes(key->max, high));
        else
            buf_printf(out, "a size such as \"64KiB\", at most %s", format_bytes(key->max, high));
        return;
    case KEY_DURATION:
        buf_printf(out, "a duration such as \"90s\" or \"1h30m\", from %s to %s",
                   format_duration((int64_t)key->min, low), format_duration((int64_t)key->max, high));
        return;
    }
}

static int refuse(const struct key *key, const json_t *value, const struct config_text *in, const char *dotted,
                  struct sf_error *err)
{
    SF_AUTO(buf) expected = BUF_INIT;
    char shown[SHOWN_BYTES];

    key_describe(key, &expected);
    return config_text_fail(in, dotted, err, "%s: expected %s, got %s", dotted, buf_text(&expected),
                            json_shown(value, shown));
}

static bool is_plugin_name(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");

    return length != 0 && text[length] == '\0' && length <= 64;
}

static bool is_pattern(const char *text)
{
    size_t length = strlen(text);

    return length != 0 && text[length - 1] != '/'; /* such a one matches nothing: paths do not end so */
}

/* Without the slashes at its end. */
static char *tidy_path(const char *text)
{
    size_t length = strlen(text);

    while (length > 1 && text[length - 1] == '/')
        length--;
    return mem_printf("%.*s", (int)length, text);
}

static bool set_text(const struct key *key, void *member, const char *text)
{
    if (text == NULL)
        return false;
    if (key->type == KEY_NAME) {
        if (!source_name_is_valid(text))
            return false;
        memcpy(member, text, strlen(text) + 1);
        return true;
    }
    if (key->type == KEY_PLUGIN ? !is_plugin_name(text) : text[0] != '/')
        return false;
    free(*(char **)member);
    *(char **)member = tidy_path(text);
    return true;
}

static int set_prefix(void *member, const char *text, const struct config_text *in, const char *dotted,
                      struct sf_error *err)
{
    struct sf_error why = SF_ERROR_INIT;

    if (prefix_normalise(member, text, &why) == 0)
        return 0;
    return config_text_fail(in, dotted, err, "%s: %s", dotted, why.text);
}

static bool set_choice(const struct key *key, void *member, const char *text)
{
    const char *at = key->choices;
    unsigned index;

    if (text == NULL)
        return false;
    for (index = 0; *at != '\0'; index++) {
        size_t length = strcspn(at, "|");

        if (strlen(text) == length && memcmp(at, text, length) == 0) {
            memcpy(member, &index, sizeof(index));
            return true;
        }
        at += at[length] == '|' ? length + 1 : length;
    }
    return false;
}

static bool set_count(const struct key *key, void *member, int64_t number)
{
    unsigned count = (unsigned)number;

    if (number < (int64_t)key->min || number > (int64_t)key->max)
        return false;
    memcpy(member, &count, sizeof(count));
    return true;
}

static bool set_bytes(const struct key *key, void *member, uint64_t bytes)
{
    if (bytes < key->min || bytes > key->max)
        return false;
    memcpy(member, &bytes, sizeof(bytes));
    return true;
}

static bool set_duration(const struct key *key, void *member, const char *text)
{
    int64_t ms;

    if (text == NULL || !parse_duration(text, &ms) || ms < (int64_t)key->min || ms > (int64_t)key->max)
        return false;
    memcpy(member, &ms, sizeof(ms));
    return true;
}

static bool set_bytes_json(const struct key *key, void *member, const json_t *value)
{
    const char *text = json_string_value(value);
    uint64_t bytes;

    if (json_is_integer(value) && json_integer_value(value) >= 0)
        return set_bytes(key, member, (uint64_t)json_integer_value(value));
    return text != NULL && parse_bytes(text, &bytes) && set_bytes(key, member, bytes);
}

static int set_list(const struct key *key, void *member, const json_t *value, const struct config_text *in,
                    const char *dotted, struct sf_error *err)
{
    struct path_list *paths = member;
    struct json_t *item;
    size_t i;

    if (!json_is_array(value))
        return refuse(key, value, in, dotted, err);
    json_array_foreach(value, i, item)
    {
        AUTO_FREE char *place = mem_printf("%s[%zu]", dotted, i);
        const char *text = json_string_value(item);
        char shown[SHOWN_BYTES];

        if (key->type == KEY_PATTERNS) {
            if (text == NULL || !is_pattern(text))
                return config_text_fail(in, place, err,
                                        "%s: expected a pattern such as \"*.tmp\", without '/' at the end, got %s",
                                        place, json_shown(item, shown));
            patterns_add(member, text);
            continue;
        }
        if (text == NULL || text[0] != '/')
            return config_text_fail(in, place, err, "%s: expected an absolute path, got %s", place,
                                    json_shown(item, shown));
        paths->items = mem_resize(paths->items, (paths->count + 1) * sizeof(*paths->items));
        paths->items[paths->count++] = tidy_path(text);
    }
    return 0;
}

int key_set(const struct key *key, void *base, const json_t *value, const struct config_text *in, const char *dotted,
            struct sf_error *err)
{
    void *member = member_of(key, base);
    const char *text = json_string_value(value);
    bool fits = false;

    switch (key->type) {
    case KEY_DESTINATION:
    case KEY_SOURCES:
    case KEY_GROUP:
        break;
    case KEY_PREFIX:
        if (text != NULL)
            return set_prefix(member, text, in, dotted, err);
        break;
    case KEY_PLUGIN:
    case KEY_NAME:
    case KEY_PATH:
        fits = set_text(key, member, text);
        break;
    case KEY_PATHS:
    case KEY_PATTERNS:
        return set_list(key, member, value, in, dotted, err);
    case KEY_CHOICE:
        fits = set_choice(key, member, text);
        break;
    case KEY_COUNT:
        fits = json_is_integer(value) && set_count(key, member, json_integer_value(value));
        break;
    case KEY_BYTES:
        fits = set_bytes_json(key, member, value);
        break;
    case KEY_DURATION:
        fits = set_duration(key, member, text);
        break;
    }
    return fits ? 0 : refuse(key, value, in, dotted, err);
}

void key_set_fallback(const struct key *key, void *base)
{
    void *member = member_of(key, base);
    uint64_t bytes;

    if (key->fallback == NULL)
        return;
    switch (key->type) {
    case KEY_PREFIX:
        free(*(char **)member);
        *(char **)member = mem_text(key->fallback);
        return;
    case KEY_CHOICE:
        (void)set_choice(key, member, key->fallback);
        return;
    case KEY_COUNT:
        (void)set_count(key, member, strtoll(key->fallback, NULL, 10));
        return;
    case KEY_BYTES:
        if (parse_bytes(key->fallback, &bytes))
            (void)set_bytes(key, member, bytes);
        return;
    case KEY_DURATION:
        (void)set_duration(key, member, key->fallback);
        return;
    case KEY_DESTINATION:
    case KEY_SOURCES:
    case KEY_GROUP:
    case KEY_PLUGIN:
    case KEY_NAME:
    case KEY_PATH:
    case KEY_PATHS:
    case KEY_PATTERNS:
        return;
    }
}

/* --- back to JSON --- */

json_t *json_text(const char *text)
{
    json_t *string = json_string(text);
    AUTO_FREE char *printable = NULL;
    size_t size;

    if (string != NULL)
        return string;
    size = 4 * strlen(text) + 8;
    printable = mem_alloc(size);
    return json_string(err_printable(text, printable, size));
}

static json_t *get_list(char *const *items, size_t count)
{
    json_t *list = json_array();
    size_t i;

    for (i = 0; i < count; i++)
        json_array_append_new(list, json_text(items[i]));
    return list;
}

static json_t *get_choice(const struct key *key, unsigned index)
{
    const char *at = key->choices;

    for (; index > 0; index--)
        at += strcspn(at, "|") + 1;
    return json_stringn(at, strcspn(at, "|"));
}

json_t *key_get(const struct key *key, const void *base)
{
    const void *member = const_member_of(key, base);
    char text[FORMAT_TEXT];
    uint64_t bytes;
    unsigned number;
    int64_t ms;

    switch (key->type) {
    case KEY_PLUGIN:
    case KEY_PREFIX:
    case KEY_PATH:
        return *(char *const *)member != NULL ? json_text(*(char *const *)member) : NULL;
    case KEY_NAME:
        return json_text(member);
    case KEY_PATHS:
        return get_list(((const struct path_list *)member)->items, ((const struct path_list *)member)->count);
    case KEY_PATTERNS:
        return get_list(((const struct patterns *)member)->items, ((const struct patterns *)member)->count);
    case KEY_CHOICE:
    case KEY_COUNT:
        memcpy(&number, member, sizeof(number));
        return key->type == KEY_CHOICE ? get_choice(key, number) : json_integer((json_int_t)number);
    case KEY_BYTES:
        memcpy(&bytes, member, sizeof(bytes));
        return json_string(format_bytes(bytes, text));
    case KEY_DURATION:
        memcpy(&ms, member, sizeof(ms));
        return json_string(format_duration(ms, text));
    case KEY_DESTINATION:
    case KEY_SOURCES:
    case KEY_GROUP:
        return NULL;
    }
    return NULL;
}
