/* SPDX-License-Identifier: Apache-2.0
 *
 * The destination's settings, checked against the option table of its plugin.
 */
#include "core/config/config_priv.h"

#include "base/err.h"
#include "base/mem.h"

#include <inttypes.h>
#include <errno.h>
#include <string.h>

/* A value on its way: the texts run parallel to the plugin's options. */
struct draft {
    const struct config *config;
    const struct sf_plugin *plugin;
    char **texts;
    char *prefix; /* NULL: that of the file */
};

static void draft_cleanup(struct draft *draft)
{
    uint32_t i;

    for (i = 0; i < draft->plugin->option_count; i++) {
        if (draft->texts[i] != NULL)
            explicit_bzero(draft->texts[i], strlen(draft->texts[i]));
        free(draft->texts[i]);
    }
    free(draft->texts);
    free(draft->prefix);
}

struct sf_option plugin_option(const struct sf_plugin *plugin, uint32_t index)
{
    struct sf_option option;

    sf_take(&option, sizeof(option), (const char *)plugin->options + (size_t)index * plugin->option_element_size);
    return option;
}

static void set(char **text, char *value)
{
    free(*text);
    *text = value;
}

/* The option's place in the table, or -1. */
static int64_t find_option(const struct sf_plugin *plugin, const char *key, size_t length)
{
    uint32_t i;

    for (i = 0; i < plugin->option_count; i++) {
        struct sf_option option = plugin_option(plugin, i);

        if (strlen(option.key) == length && memcmp(option.key, key, length) == 0)
            return i;
    }
    return -1;
}

static int unknown_option(const struct sf_plugin *plugin, const char *where, const char *key, struct sf_error *err)
{
    AUTO_FREE const char **names = mem_alloc((plugin->option_count + 2) * sizeof(*names));
    SF_AUTO(buf) known = BUF_INIT;
    char shown[SHOWN_BYTES];
    const char *near;
    uint32_t i;

    for (i = 0; i < plugin->option_count; i++)
        names[i] = plugin_option(plugin, i).key;
    names[i++] = "plugin";
    names[i++] = "prefix";
    near = nearest_name(key, names, i);
    err_printable(key, shown, sizeof(shown));
    if (near != NULL)
        return sf_fail(err, SF_INVALID, "%sunknown key '%s' for plugin %s: did you mean '%s'?", where, shown,
                       plugin->name, near);
    for (i = 0; i < plugin->option_count; i++)
        buf_printf(&known, "%s, ", names[i]);
    return sf_fail(err, SF_INVALID, "%sunknown key '%s' for plugin %s: it knows %sprefix", where, shown, plugin->name,
                   buf_text(&known));
}

static bool is_choice(const char *choices, const char *text)
{
    size_t length = strlen(text);

    while (choices != NULL && *choices != '\0') {
        size_t one = strcspn(choices, "|");

        if (one == length && memcmp(choices, text, one) == 0)
            return true;
        choices += choices[one] == '|' ? one + 1 : one;
    }
    return false;
}

static bool is_integer(const char *text, long long *number)
{
    char *end;

    if (strspn(text, "-0123456789") != strlen(text))
        return false;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

/* The text as the plugin gets it, owned; NULL: not what the option's type expects. */
static char *normalise(const struct sf_option *option, const char *text)
{
    long long number;
    uint64_t bytes;
    int64_t ms;

    switch (option->type) {
    case SF_OPTION_BOOL:
        return strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ? mem_text(text) : NULL;
    case SF_OPTION_INTEGER:
        return is_integer(text, &number) ? mem_printf("%lld", number) : NULL;
    case SF_OPTION_BYTES:
        return parse_bytes(text, &bytes) ? mem_printf("%" PRIu64, bytes) : NULL;
    case SF_OPTION_DURATION:
        return parse_duration(text, &ms) ? mem_printf("%" PRId64, ms) : NULL;
    case SF_OPTION_CHOICE:
        return is_choice(option->choices, text) ? mem_text(text) : NULL;
    default: /* SF_OPTION_TEXT, and a type newer than this host: the plugin checks it */
        return mem_text(text);
    }
}

static void describe(const struct sf_option *option, struct buf *out)
{
    const char *at;

    switch (option->type) {
    case SF_OPTION_BOOL:
        buf_add_text(out, "true or false");
        return;
    case SF_OPTION_INTEGER:
        buf_add_text(out, "a whole number");
        return;
    case SF_OPTION_BYTES:
        buf_add_text(out, "a size such as \"64KiB\"");
        return;
    case SF_OPTION_DURATION:
        buf_add_text(out, "a duration such as \"90s\" or \"1h30m\"");
        return;
    case SF_OPTION_CHOICE:
        buf_add_text(out, "one of ");
        for (at = option->choices != NULL ? option->choices : ""; *at != '\0'; at++)
            buf_add(out, *at == '|' ? ", " : at, *at == '|' ? 2 : 1);
        return;
    default:
        buf_add_text(out, "a text");
        return;
    }
}

/* A JSON value as text in the form of -o; NULL if its JSON type is not the option's. */
static char *json_as_text(const struct sf_option *option, const json_t *value)
{
    switch (option->type) {
    case SF_OPTION_BOOL:
        return json_is_boolean(value) ? mem_text(json_is_true(value) ? "true" : "false") : NULL;
    case SF_OPTION_INTEGER:
        return json_is_integer(value) ? mem_printf("%lld", (long long)json_integer_value(value)) : NULL;
    case SF_OPTION_BYTES:
        if (json_is_integer(value) && json_integer_value(value) >= 0)
            return mem_printf("%lld", (long long)json_integer_value(value));
        return json_is_string(value) ? mem_text(json_string_value(value)) : NULL;
    default:
        return json_is_string(value) ? mem_text(json_string_value(value)) : NULL;
    }
}

/* --- the three places that values come from, in this order --- */

static int take_key(struct draft *draft, const char *key, const json_t *value, struct sf_error *err)
{
    int64_t index = find_option(draft->plugin, key, strlen(key)), line;
    AUTO_FREE char *where = NULL;
    AUTO_FREE char *raw = NULL;
    SF_AUTO(buf) expected = BUF_INIT;
    char shown[SHOWN_BYTES], *text;
    struct sf_option option;

    line = json_integer_value(json_object_get(draft->config->destination.lines, key));
    err_printable(draft->config->file, shown, sizeof(shown));
    where = line > 0 ? mem_printf("%s:%" PRId64 ": ", shown, line) : mem_printf("%s: ", shown);
    if (index < 0)
        return unknown_option(draft->plugin, where, key, err);
    option = plugin_option(draft->plugin, (uint32_t)index);
    if ((option.flags & SF_OPTION_SECRET) != 0) {
        AUTO_FREE char *place = mem_printf("%sdestination.%s", where, key);

        return secret_read(&draft->texts[index], place, value, err);
    }
    raw = json_as_text(&option, value);
    text = raw != NULL ? normalise(&option, raw) : NULL;
    if (text == NULL) {
        describe(&option, &expected);
        return sf_fail(err, SF_INVALID, "%sdestination.%s: expected %s, got %s", where, key, buf_text(&expected),
                       json_shown(value, shown));
    }
    set(&draft->texts[index], text);
    return 0;
}

static int take_keys(struct draft *draft, struct sf_error *err)
{
    const char *key;
    json_t *value;

    json_object_foreach(draft->config->destination.keys, key,
                        value) if (take_key(draft, key, value, err) < 0) return -1;
    return 0;
}

/* The first option with the flag, or -1. */
static int64_t find_flagged(const struct sf_plugin *plugin, uint32_t flag)
{
    uint32_t i;

    for (i = 0; i < plugin->option_count; i++)
        if ((plugin_option(plugin, i).flags & flag) != 0)
            return i;
    return -1;
}

static int take_url(struct draft *draft, struct sf_error *err)
{
    int64_t host = find_flagged(draft->plugin, SF_OPTION_URL_HOST);
    int64_t path = find_flagged(draft->plugin, SF_OPTION_URL_PATH);
    SF_AUTO(url) url = {NULL, NULL, NULL};
    const char *rest;

    if (url_parse(&url, draft->config->destination.url, err) < 0)
        return err_prefix(err, "--dest");
    if (host < 0 && url.host[0] != '\0')
        return sf_fail(err, SF_INVALID, "--dest: plugin %s has no use for the host '%s': write %s:///%s%s%s",
                       draft->plugin->name, url.host, url.scheme, url.host, url.path[0] != '\0' ? "/" : "", url.path);
    rest = url.path;
    if (host >= 0 && url.host[0] != '\0') {
        set(&draft->texts[host], mem_text(url.host));
    } else if (host >= 0) {
        size_t length = strcspn(rest, "/");

        if (length != 0)
            set(&draft->texts[host], mem_printf("%.*s", (int)length, rest));
        rest += rest[length] == '/' ? length + 1 : length;
    }
    if (path < 0)
        return prefix_normalise(&draft->prefix, rest, err) < 0 ? err_prefix(err, "--dest") : 0;
    set(&draft->texts[path], mem_printf("/%s", rest));
    draft->prefix = mem_text("");
    return 0;
}

static int take_override(struct draft *draft, const char *pair, struct sf_error *err)
{
    size_t length = strcspn(pair, "=");
    AUTO_FREE char *key = mem_printf("%.*s", (int)length, pair);
    const char *value = pair[length] == '=' ? pair + length + 1 : "";
    SF_AUTO(buf) expected = BUF_INIT;
    char shown[SHOWN_BYTES], *text;
    struct sf_option option;
    int64_t index;

    if (strcmp(key, "prefix") == 0)
        return prefix_normalise(&draft->prefix, value, err) < 0 ? err_prefix(err, "-o prefix") : 0;
    if (strcmp(key, "plugin") == 0)
        return sf_fail(err, SF_INVALID,
                       "-o plugin: the plugin is named in the config file, or by the scheme of --dest");
    index = find_option(draft->plugin, key, strlen(key));
    if (index < 0)
        return unknown_option(draft->plugin, "-o: ", key, err);
    option = plugin_option(draft->plugin, (uint32_t)index);
    if ((option.flags & SF_OPTION_SECRET) != 0)
        return sf_fail(
            err, SF_INVALID,
            "-o %s: a secret does not belong on a command line: put {\"env\": NAME} or {\"file\": PATH} into the "
            "config file",
            key);
    text = normalise(&option, value);
    if (text == NULL) {
        describe(&option, &expected);
        return sf_fail(err, SF_INVALID, "-o %s: expected %s, got '%s'", key, buf_text(&expected),
                       err_printable(value, shown, sizeof(shown)));
    }
    set(&draft->texts[index], text);
    return 0;
}

/* What is still without a value gets the plugin's default. */
static int take_fallback(struct draft *draft, uint32_t index, struct sf_error *err)
{
    struct sf_option option = plugin_option(draft->plugin, index);

    if (draft->texts[index] != NULL)
        return 0;
    if (option.fallback != NULL) {
        draft->texts[index] = normalise(&option, option.fallback);
        if (draft->texts[index] == NULL)
            return sf_fail(err, SF_INVALID, "plugin %s: its own default of '%s' is not valid: '%s'",
                           draft->plugin->name, option.key, option.fallback);
    }
    if (draft->texts[index] != NULL || (option.flags & SF_OPTION_REQUIRED) == 0)
        return 0;
    if (draft->config->destination.url != NULL && (option.flags & (SF_OPTION_URL_HOST | SF_OPTION_URL_PATH)) != 0)
        return sf_fail(err, SF_INVALID, "--dest: plugin %s needs '%s', which the URL does not say", draft->plugin->name,
                       option.key);
    if ((option.flags & SF_OPTION_SECRET) != 0)
        return sf_fail(err, SF_INVALID,
                       "plugin %s needs '%s': add it to \"destination\", as {\"env\": NAME} or {\"file\": PATH}",
                       draft->plugin->name, option.key);
    return sf_fail(err, SF_INVALID, "plugin %s needs '%s': add it to \"destination\", or give -o %s=VALUE",
                   draft->plugin->name, option.key, option.key);
}

static void hand_over(struct draft *draft, struct setting_list *values)
{
    uint32_t i, count = 0, options = draft->plugin->option_count;

    values->items = mem_alloc((options + 1) * sizeof(*values->items));
    values->texts = mem_alloc((options + 1) * sizeof(*values->texts));
    for (i = 0; i < options; i++) {
        if (draft->texts[i] == NULL)
            continue;
        values->texts[count] = ptr_take(&draft->texts[i]);
        values->items[count] = (struct sf_setting){sizeof(struct sf_setting), 0, plugin_option(draft->plugin, i).key,
                                                   values->texts[count]};
        count++;
    }
    values->settings =
        (struct sf_settings){sizeof(struct sf_settings), count, sizeof(struct sf_setting), 0, values->items};
    values->prefix = draft->prefix != NULL ? ptr_take(&draft->prefix) : mem_text(draft->config->destination.prefix);
}

int config_settings(const struct config *config, const struct sf_plugin *plugin, struct setting_list *values,
                    struct sf_error *err)
{
    SF_AUTO(draft) draft = {config, plugin, mem_alloc((plugin->option_count + 1) * sizeof(char *)), NULL};
    uint32_t i;
    size_t j;

    *values = (struct setting_list){.items = NULL};
    if (config->destination.url != NULL ? take_url(&draft, err) < 0 : take_keys(&draft, err) < 0)
        return -1;
    for (j = 0; j < config->destination.override_count; j++)
        if (take_override(&draft, config->destination.overrides[j], err) < 0)
            return -1;
    for (i = 0; i < plugin->option_count; i++)
        if (take_fallback(&draft, i, err) < 0)
            return -1;
    hand_over(&draft, values);
    return 0;
}

void setting_list_cleanup(struct setting_list *values)
{
    uint32_t i;

    for (i = 0; i < values->settings.count; i++) {
        explicit_bzero(values->texts[i], strlen(values->texts[i]));
        free(values->texts[i]);
    }
    free(values->items);
    free(values->texts);
    free(values->prefix);
    *values = (struct setting_list){.items = NULL};
}
