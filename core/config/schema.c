/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON Schema of the config file, for editors: from the table of keys and the option tables of plugins.
 */
#include "core/config/keys.h"

#include "base/mem.h"

#include <string.h>

#define BYTES_PATTERN "^[0-9]+( ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB))?$"
#define DURATION_PATTERN "^(?=[0-9])([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"

static json_t *typed(const char *type)
{
    return json_pack("{s:s}", "type", type);
}

static json_t *matching(const char *pattern)
{
    return json_pack("{s:s, s:s}", "type", "string", "pattern", pattern);
}

static json_t *list_of(json_t *items)
{
    return json_pack("{s:s, s:o}", "type", "array", "items", items);
}

/* A size is a number of bytes or a text with a unit. */
static json_t *bytes_schema(void)
{
    return json_pack("{s:[{s:s, s:i}, {s:s, s:s}]}", "anyOf", "type", "integer", "minimum", 0, "type", "string",
                     "pattern", BYTES_PATTERN);
}

static json_t *choice_schema(const char *choices)
{
    json_t *names = json_array();

    while (choices != NULL && *choices != '\0') {
        size_t length = strcspn(choices, "|");

        json_array_append_new(names, json_stringn(choices, length));
        choices += choices[length] == '|' ? length + 1 : length;
    }
    return json_pack("{s:o}", "enum", names);
}

static json_t *secret_schema(void)
{
    json_t *forms = json_array();
    const char *const names[] = {"env", "file"};
    size_t i;

    for (i = 0; i < 2; i++)
        json_array_append_new(forms,
                              json_pack("{s:s, s:{s:{s:s}}, s:[s], s:b}", "type", "object", "properties", names[i],
                                        "type", "string", "required", names[i], "additionalProperties", 0));
    return json_pack("{s:o}", "oneOf", forms);
}

json_t *key_schema(const struct key *key)
{
    switch (key->type) {
    case KEY_PLUGIN:
        return matching("^[a-z0-9_-]+$");
    case KEY_PREFIX:
        return typed("string");
    case KEY_NAME:
        return matching("^" SOURCE_NAME_FORM "$");
    case KEY_PATH:
        return matching("^/");
    case KEY_PATHS:
        return list_of(matching("^/"));
    case KEY_PATTERNS:
        return list_of(matching("[^/]$"));
    case KEY_CHOICE:
        return choice_schema(key->choices);
    case KEY_COUNT:
        return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum", (json_int_t)key->min, "maximum",
                         (json_int_t)key->max);
    case KEY_BYTES:
        return bytes_schema();
    case KEY_DURATION:
        return matching(DURATION_PATTERN);
    case KEY_DESTINATION:
    case KEY_SOURCES:
    case KEY_GROUP:
        return typed("object");
    }
    return json_object();
}

/* Adds help and default, and puts the schema under its name. */
static void add_property(json_t *properties, const char *name, json_t *schema, const char *help, json_t *fallback)
{
    json_object_set_new(schema, "description", json_text(help != NULL ? help : ""));
    if (fallback != NULL)
        json_object_set_new(schema, "default", fallback);
    json_object_set_new(properties, name, schema);
}

static json_t *object_schema(json_t *properties, json_t *required)
{
    return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required", required,
                     "additionalProperties", 0);
}

static json_t *key_fallback(const struct key *key)
{
    if (key->fallback == NULL)
        return NULL;
    return key->type == KEY_COUNT ? json_integer(strtoll(key->fallback, NULL, 10)) : json_string(key->fallback);
}

/* --- the destination: one variant a plugin --- */

static json_t *option_schema(const struct sf_option *option)
{
    if ((option->flags & SF_OPTION_SECRET) != 0)
        return secret_schema();
    switch (option->type) {
    case SF_OPTION_BOOL:
        return typed("boolean");
    case SF_OPTION_INTEGER:
        return typed("integer");
    case SF_OPTION_BYTES:
        return bytes_schema();
    case SF_OPTION_DURATION:
        return matching(DURATION_PATTERN);
    case SF_OPTION_CHOICE:
        return choice_schema(option->choices);
    default:
        return typed("string");
    }
}

static json_t *option_fallback(const struct sf_option *option)
{
    if (option->fallback == NULL)
        return NULL;
    if (option->type == SF_OPTION_BOOL)
        return json_boolean(strcmp(option->fallback, "true") == 0);
    return option->type == SF_OPTION_INTEGER ? json_integer(strtoll(option->fallback, NULL, 10))
                                             : json_text(option->fallback);
}

static json_t *plugin_schema(const struct sf_plugin *plugin)
{
    json_t *properties = json_object(), *required = json_pack("[s]", "plugin");
    const struct key *prefix = key_find("destination.", "prefix");
    uint32_t i;

    add_property(properties, "plugin", json_pack("{s:s}", "const", plugin->name), plugin->description, NULL);
    add_property(properties, "prefix", key_schema(prefix), prefix->help, key_fallback(prefix));
    for (i = 0; i < plugin->option_count; i++) {
        struct sf_option option = plugin_option(plugin, i);

        add_property(properties, option.key, option_schema(&option), option.help, option_fallback(&option));
        if ((option.flags & SF_OPTION_REQUIRED) != 0)
            json_array_append_new(required, json_text(option.key));
    }
    return object_schema(properties, required);
}

static json_t *group_schema(const char *scope);

static json_t *destination_schema(const struct sf_plugin *const *plugins, size_t count)
{
    json_t *variants = json_array(), *any;
    size_t i;

    for (i = 0; i < count; i++)
        json_array_append_new(variants, plugin_schema(plugins[i]));
    if (count > 0)
        return json_pack("{s:o}", "oneOf", variants);
    json_decref(variants);
    any = group_schema("destination."); /* no plugin is known: its own keys may be anything */
    json_object_set_new(any, "additionalProperties", json_true());
    return any;
}

static json_t *group_schema(const char *scope)
{
    json_t *properties = json_object(), *required = json_array();
    const struct key *key;
    size_t at = 0;

    while ((key = key_next(scope, &at)) != NULL) {
        add_property(properties, key_member(key), key_schema(key), key->help, key_fallback(key));
        if (key->required)
            json_array_append_new(required, json_string(key_member(key)));
    }
    return object_schema(properties, required);
}

char *config_schema(const struct sf_plugin *const *plugins, size_t count)
{
    json_t *properties = json_object(), *schema;
    AUTO_FREE char *text = NULL;
    const struct key *key;
    size_t at = 0;

    while ((key = key_next("", &at)) != NULL) {
        AUTO_FREE char *scope = mem_printf("%s.", key->name);
        json_t *value;

        if (key->type == KEY_DESTINATION)
            value = destination_schema(plugins, count);
        else if (key->type == KEY_SOURCES)
            value = list_of(group_schema("sources[]."));
        else
            value = key->type == KEY_GROUP ? group_schema(scope) : key_schema(key);
        add_property(properties, key->name, value, key->help, key_fallback(key));
    }
    add_property(properties, "$schema", typed("string"), "the schema of this file, for editors; ignored", NULL);
    schema = json_pack("{s:s, s:s, s:s, s:o, s:{s:{}}, s:b}", "$schema", "https://json-schema.org/draft/2020-12/schema",
                       "title", "Snapferry config", "type", "object", "properties", properties, "patternProperties",
                       "^_comment", "additionalProperties", 0);
    text = json_dumps(schema, JSON_INDENT(2));
    json_decref(schema);
    return mem_printf("%s\n", text != NULL ? text : "{}");
}
