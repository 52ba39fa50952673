/* SPDX-License-Identifier: Apache-2.0
 *
 * The config in effect as a config file, and the one line that names its base.
 */
#include "core/config/keys.h"

#include "base/mem.h"
#include "base/real.h"

#include <string.h>

/* JSON text with a newline at its end; takes the reference. */
static char *finish(json_t *json)
{
    AUTO_FREE char *text = json_dumps(json, JSON_INDENT(2));

    json_decref(json);
    return mem_printf("%s\n", text != NULL ? text : "{}");
}

static json_t *setting_json(const struct sf_option *option, const char *text)
{
    char unit[FORMAT_TEXT];

    switch (option->type) {
    case SF_OPTION_BOOL:
        return json_boolean(strcmp(text, "true") == 0);
    case SF_OPTION_INTEGER:
        return json_integer(strtoll(text, NULL, 10));
    case SF_OPTION_BYTES:
        return json_string(format_bytes(strtoull(text, NULL, 10), unit));
    case SF_OPTION_DURATION:
        return json_string(format_duration(strtoll(text, NULL, 10), unit));
    default:
        return json_text(text);
    }
}

/* Where a secret comes from, never what it is. */
static json_t *secret_json(const struct config *config, const char *key)
{
    json_t *given = json_object_get(config->destination.keys, key);

    return json_is_object(given) ? json_incref(given) : json_string("***");
}

static json_t *destination_json(const struct config *config, const struct sf_plugin *plugin,
                                const struct setting_list *values)
{
    json_t *json = json_object();
    uint32_t i;

    json_object_set_new(json, "plugin", json_text(plugin->name));
    json_object_set_new(json, "prefix", json_text(values->prefix));
    for (i = 0; i < plugin->option_count; i++) {
        struct sf_option option = plugin_option(plugin, i);
        const char *text = sf_setting_value(&values->settings, option.key);

        if (text == NULL)
            continue;
        json_object_set_new(json, option.key,
                            (option.flags & SF_OPTION_SECRET) != 0 ? secret_json(config, option.key)
                                                                   : setting_json(&option, text));
    }
    return json;
}

/* Without the plugin: what the file says, its texts masked. */
static json_t *masked_json(const struct config *config)
{
    const struct destination *destination = &config->destination;
    json_t *json, *value;
    const char *key;

    if (destination->plugin == NULL)
        return NULL;
    json = json_object();
    json_object_set_new(json, "plugin", json_text(destination->plugin));
    json_object_set_new(json, "prefix", json_text(destination->prefix));
    json_object_foreach(destination->keys, key, value)
        json_object_set_new(json, key, json_is_string(value) ? json_string("***") : json_incref(value));
    return json;
}

/* The rows of scope ("upload.", "sources[].") that base has values for. */
static json_t *group_json(const char *scope, const void *base)
{
    json_t *json = json_object();
    const struct key *key;
    size_t at = 0;

    while ((key = key_next(scope, &at)) != NULL)
        json_object_set_new(json, key_member(key), key_get(key, base)); /* NULL is left out */
    return json;
}

static json_t *sources_json(const struct config *config)
{
    json_t *list = json_array();
    size_t i;

    for (i = 0; i < config->source_count; i++)
        json_array_append_new(list, group_json("sources[].", &config->sources[i]));
    return list;
}

char *config_show(const struct config *config, const struct sf_plugin *plugin, const struct setting_list *values)
{
    json_t *json = json_object(), *value;
    const struct key *key;
    size_t at = 0;

    while ((key = key_next("", &at)) != NULL) {
        AUTO_FREE char *scope = mem_printf("%s.", key->name);

        if (key->type == KEY_DESTINATION)
            value = plugin != NULL && values != NULL ? destination_json(config, plugin, values) : masked_json(config);
        else if (key->type == KEY_SOURCES)
            value = sources_json(config);
        else
            value = key->type == KEY_GROUP ? group_json(scope, config) : key_get(key, config);
        if (value != NULL)
            json_object_set_new(json, key->name, value);
    }
    return finish(json);
}

/* A base in a folder, in the one form that it has: the guard must see that "/b/p", "/b/p/", a link to it, and "/b" with prefix "p" are
 * one. */
static void add_folder(struct buf *out, const char *path, const char *prefix)
{
    AUTO_FREE char *whole = mem_printf("%s/%s", path, prefix);
    AUTO_FREE char *real = real_path(whole);

    buf_add_text(out, real != NULL ? real : whole);
}

char *config_base_name(const struct config *config, const struct sf_plugin *plugin, const struct setting_list *values)
{
    const char *prefix = values->prefix != NULL ? values->prefix : "";
    SF_AUTO(buf) out = BUF_INIT;
    bool in_folder = false;
    uint32_t i;

    (void)config;
    buf_add_text(&out, plugin->name);
    for (i = 0; i < plugin->option_count; i++) {
        struct sf_option option = plugin_option(plugin, i);
        const char *text = sf_setting_value(&values->settings, option.key);

        if (text == NULL || (option.flags & SF_OPTION_SECRET) != 0 ||
            (option.flags & (SF_OPTION_REQUIRED | SF_OPTION_URL_HOST | SF_OPTION_URL_PATH)) == 0)
            continue;
        buf_printf(&out, " %s=", option.key);
        if ((option.flags & SF_OPTION_URL_PATH) != 0) {
            in_folder = true;
            add_folder(&out, text, prefix);
        } else {
            buf_add_text(&out, text);
        }
    }
    if (prefix[0] != '\0' && !in_folder)
        buf_printf(&out, " prefix=%s", prefix);
    return mem_text(buf_text(&out));
}
