/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks the table that a plugin hands over, before anything in the core believes it. A larger one (newer plugin) and a smaller one (older
 * plugin) are fine as long as the required part is there.
 */
#include "core/store/load_priv.h"

#include "base/err.h"

#include <stdint.h>
#include <string.h>

/* The required part ends where the first optional slot begins. Up to here no 1.x table is smaller. */
#define REQUIRED_BYTES offsetof(struct sf_plugin, copy)
#define OPTION_BYTES (offsetof(struct sf_option, help) + sizeof(const char *))

#define KEY_BYTES "abcdefghijklmnopqrstuvwxyz0123456789_"

#define SLOT(name)                                                                                                     \
    {                                                                                                                  \
#name, offsetof(struct sf_plugin, name)                                                                        \
    }

/* Every slot has the size of a pointer to function, whatever its type; all bits zero is NULL wherever there is dlopen. */
static const struct {
    const char *name;
    size_t offset;
} slots[] = {
    SLOT(store_open),    SLOT(store_close),  SLOT(conn_open),    SLOT(conn_close),    SLOT(put),
    SLOT(get),           SLOT(stat),         SLOT(list_open),    SLOT(list_next),     SLOT(list_close),
    SLOT(remove),        SLOT(copy),         SLOT(upload_begin), SLOT(upload_resume), SLOT(upload_part),
    SLOT(upload_commit), SLOT(upload_abort), SLOT(upload_close), SLOT(uploads_list),  SLOT(probe),
};

const char *plugin_slot(const struct sf_plugin *table, size_t index, bool *filled)
{
    void (*slot)(void);

    if (index >= sizeof(slots) / sizeof(slots[0]))
        return NULL;
    memcpy(&slot, (const char *)table + slots[index].offset, sizeof(slot));
    *filled = slot != NULL;
    return slots[index].name;
}

static int check_head(const struct sf_plugin *theirs, const char *file, struct sf_error *err)
{
    uint32_t size;

    memcpy(&size, theirs, sizeof(size)); /* nothing beyond it may be read before it is known */
    if (size < offsetof(struct sf_plugin, name))
        return sf_fail(err, SF_UNSUPPORTED, "plugin %s: its table of %u bytes is too small to have an ABI version",
                       file, size);
    if (theirs->abi_major != SF_ABI_MAJOR)
        return sf_fail(
            err, SF_UNSUPPORTED,
            "plugin %s was built for the plugin ABI %u, this version speaks %d: one of the two must be updated", file,
            theirs->abi_major, SF_ABI_MAJOR);
    if (size < REQUIRED_BYTES)
        return sf_fail(err, SF_UNSUPPORTED, "plugin %s: its table of %u bytes is too small, %zu are required", file,
                       size, REQUIRED_BYTES);
    return 0;
}

static int check_slots(const struct sf_plugin *table, const char *file, struct sf_error *err)
{
    size_t i;

    for (i = 0; slots[i].offset < REQUIRED_BYTES; i++) {
        bool filled;
        const char *name = plugin_slot(table, i, &filled);

        if (!filled)
            return sf_fail(err, SF_UNSUPPORTED, "plugin %s: the required slot '%s' is missing", file, name);
    }
    return 0;
}

static int check_texts(const struct sf_plugin *table, const char *file, struct sf_error *err)
{
    char text[80];

    if (table->name == NULL || !plugin_is_name(table->name))
        return sf_fail(err, SF_UNSUPPORTED, "plugin %s: its name '%s' is not [a-z0-9_-]+", file,
                       err_printable(table->name != NULL ? table->name : "", text, sizeof(text)));
    if (table->version == NULL || table->version[0] == '\0')
        return sf_fail(err, SF_UNSUPPORTED, "plugin %s: it has no version", file);
    if (table->description == NULL)
        return sf_fail(err, SF_UNSUPPORTED, "plugin %s: it has no description", file);
    return 0;
}

static bool has_choice(const char *choices, const char *word)
{
    size_t length = strlen(word);
    const char *at;

    for (at = choices; at != NULL; at = strchr(at, '|')) {
        at += *at == '|';
        if (strncmp(at, word, length) == 0 && (at[length] == '|' || at[length] == '\0'))
            return true;
    }
    return false;
}

/* Why an option makes no sense, or NULL. Of a newer type only the key and the help are known to be there. */
static const char *option_fault(const struct sf_option *option)
{
    const char *fallback = option->fallback;

    if (option->help == NULL)
        return "it has no help";
    if ((option->flags & SF_OPTION_SECRET) && (option->flags & (SF_OPTION_URL_HOST | SF_OPTION_URL_PATH)))
        return "a secret cannot be part of a URL";
    if ((option->flags & SF_OPTION_SECRET) && fallback != NULL)
        return "a secret cannot have a default";
    if (option->type == SF_OPTION_BOOL && fallback != NULL && strcmp(fallback, "true") != 0 &&
        strcmp(fallback, "false") != 0)
        return "its default is neither true nor false";
    if (option->type != SF_OPTION_CHOICE)
        return NULL;
    if (option->choices == NULL || option->choices[0] == '\0')
        return "it has no choices";
    return fallback != NULL && !has_choice(option->choices, fallback) ? "its default is not one of its choices" : NULL;
}

static const struct sf_option *option_at(const struct sf_plugin *table, uint32_t index)
{
    return (const struct sf_option *)((const char *)table->options + (size_t)index * table->option_element_size);
}

/* The flags that only one option may have: a URL has one host and one path. */
static bool repeats_flag(const struct sf_plugin *table, uint32_t index)
{
    uint32_t i, once = option_at(table, index)->flags & (SF_OPTION_URL_HOST | SF_OPTION_URL_PATH);

    for (i = 0; i < index; i++)
        if (option_at(table, i)->flags & once)
            return true;
    return false;
}

static bool repeats_key(const struct sf_plugin *table, uint32_t index)
{
    uint32_t i;

    for (i = 0; i < index; i++)
        if (strcmp(option_at(table, i)->key, option_at(table, index)->key) == 0)
            return true;
    return false;
}

static int check_options(const struct sf_plugin *table, const char *file, struct sf_error *err)
{
    uint32_t i;

    if (table->option_count == 0)
        return 0;
    if (table->options == NULL || table->option_element_size < OPTION_BYTES ||
        table->option_element_size % _Alignof(struct sf_option) != 0)
        return sf_fail(err, SF_UNSUPPORTED, "plugin %s: its %u options of %u bytes each are no table of options", file,
                       table->option_count, table->option_element_size);
    for (i = 0; i < table->option_count; i++) {
        const struct sf_option *option = option_at(table, i);
        const char *key = option->key, *fault = NULL;
        char text[80];

        if (option->size < OPTION_BYTES || option->size > table->option_element_size)
            return sf_fail(err, SF_UNSUPPORTED, "plugin %s: option %u says that it has %u bytes, in a table of %u each",
                           file, i + 1, option->size, table->option_element_size);
        if (key == NULL || *key == '\0' || key[strspn(key, KEY_BYTES)] != '\0')
            return sf_fail(err, SF_UNSUPPORTED, "plugin %s: the key '%s' of option %u is not [a-z0-9_]+", file,
                           err_printable(key != NULL ? key : "", text, sizeof(text)), i + 1);
        if (strcmp(key, "plugin") == 0 || strcmp(key, "prefix") == 0)
            fault = "the key is Snapferry's own";
        else if (repeats_key(table, i))
            fault = "it is there twice";
        else if (repeats_flag(table, i))
            fault = "another option takes the same part of a URL";
        else
            fault = option_fault(option);
        if (fault != NULL)
            return sf_fail(err, SF_UNSUPPORTED, "plugin %s: option '%s': %s", file, key, fault);
    }
    return 0;
}

static int check_schemes(const struct sf_plugin *table, const char *file, struct sf_error *err)
{
    char text[80];
    uint32_t i;

    if (table->scheme_count > 0 && table->schemes == NULL)
        return sf_fail(err, SF_UNSUPPORTED, "plugin %s: its %u URL schemes are no table", file, table->scheme_count);
    for (i = 0; i < table->scheme_count; i++) {
        const char *scheme = table->schemes[i];

        if (scheme == NULL || *scheme < 'a' || *scheme > 'z' ||
            scheme[strspn(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+.-")] != '\0')
            return sf_fail(err, SF_UNSUPPORTED, "plugin %s: its URL scheme '%s' is not [a-z][a-z0-9+.-]*", file,
                           err_printable(scheme != NULL ? scheme : "", text, sizeof(text)));
    }
    return 0;
}

int plugin_take_table(struct sf_plugin *own, const struct sf_plugin *theirs, const char *file, struct sf_error *err)
{
    struct sf_plugin table;

    if (check_head(theirs, file, err) < 0)
        return -1;
    sf_take(&table, sizeof(table), theirs);
    if (check_slots(&table, file, err) < 0 || check_texts(&table, file, err) < 0 ||
        check_options(&table, file, err) < 0 || check_schemes(&table, file, err) < 0)
        return -1;
    *own = table;
    return 0;
}
