/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin list and plugin info: what is installed, and what one plugin says of itself. Nothing is opened: what a
 * store can do depends on its endpoint and is plugin check's to say.
 */
#include "core/command/command.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/command/output.h"
#include "core/config/config.h"
#include "core/progress/log.h"
#include "core/store/load.h"

#include <jansson.h>
#include <string.h>

/* ---- list ---- */

struct row {
    struct plugin_found *found;
    struct sf_error err; /* cls 0: it can be used */
    char *version;
    char *schemes;
    char *description;
};

static char *join_schemes(const struct sf_plugin *table)
{
    struct buf out = BUF_INIT;
    uint32_t i;

    for (i = 0; i < table->scheme_count; i++)
        buf_printf(&out, "%s%s", i > 0 ? "," : "", table->schemes[i]);
    if (out.length == 0)
        buf_add_text(&out, "-");
    return out.data;
}

static char *printable(const char *raw)
{
    struct buf out = BUF_INIT;

    buf_reserve(&out, 1);
    output_printable(&out, raw);
    return out.data;
}

/* Each is loaded and let go at once. */
static void fill_row(struct row *row, struct plugin_found *found, struct log *log)
{
    SF_AUTO(plugin) plugin = {0};

    *row = (struct row){.found = found, .err = SF_ERROR_INIT};
    if (plugin_load_file(&plugin, found->path, log, &row->err) < 0)
        return;
    row->version = printable(plugin.table.version);
    row->schemes = join_schemes(&plugin.table);
    row->description = printable(plugin.table.description);
}

static enum exit_code list_json(const struct row *rows, size_t count, struct log *log)
{
    json_t *list = json_array();
    size_t i;

    for (i = 0; i < count; i++) {
        json_t *item = json_object(), *schemes = json_array();
        AUTO_FREE char *words = mem_text(rows[i].schemes != NULL && rows[i].schemes[0] != '-' ? rows[i].schemes : "");
        char *state = NULL, *word;

        for (word = strtok_r(words, ",", &state); word != NULL; word = strtok_r(NULL, ",", &state))
            json_array_append_new(schemes, json_string(word));
        json_object_set_new(item, "name", json_string(rows[i].found->name));
        json_object_set_new(item, "version", output_string(rows[i].version));
        json_object_set_new(item, "schemes", schemes);
        json_object_set_new(item, "description", output_string(rows[i].description));
        json_object_set_new(item, "path", output_string(rows[i].found->path));
        json_object_set_new(item, "error", rows[i].err.cls == SF_OK ? json_null() : output_string(rows[i].err.text));
        json_array_append_new(list, item);
    }
    return output_json(list, log);
}

static void widen(size_t *width, const char *text)
{
    if (text != NULL && strlen(text) > *width)
        *width = strlen(text);
}

static enum exit_code list_text(const struct row *rows, size_t count, struct log *log)
{
    size_t i, name = 4, version = 7, schemes = 7, description = 11;
    SF_AUTO(buf) out = BUF_INIT;

    for (i = 0; i < count; i++) {
        widen(&name, rows[i].found->name);
        widen(&version, rows[i].version);
        widen(&schemes, rows[i].schemes);
        widen(&description, rows[i].description);
    }
    buf_printf(&out, "%-*s  %-*s  %-*s  %-*s  PATH\n", (int)name, "NAME", (int)version, "VERSION", (int)schemes,
               "SCHEMES", (int)description, "DESCRIPTION");
    for (i = 0; i < count; i++) {
        buf_printf(&out, "%-*s  ", (int)name, rows[i].found->name);
        if (rows[i].err.cls != SF_OK) {
            buf_add_text(&out, "cannot be used: ");
            output_printable(&out, rows[i].err.text);
        } else {
            buf_printf(&out, "%-*s  %-*s  %-*s  ", (int)version, rows[i].version, (int)schemes, rows[i].schemes,
                       (int)description, rows[i].description);
            output_printable(&out, rows[i].found->path);
        }
        buf_add_byte(&out, '\n');
    }
    return output_text(buf_text(&out), log);
}

/* Where plugins are looked for: flags, then the config's plugin_dirs, then where they are installed. */
static int open_path(struct plugin_path *path, const struct options *options, struct sf_error *err)
{
    SF_AUTO(config) config = {0};

    if (config_load(&config, options, err) < 0)
        return -1;
    plugin_path_init(path, (const char *const *)config.plugin_dirs, config.plugin_dir_count);
    return 0;
}

enum exit_code command_plugin_list(const struct options *options, struct log *log)
{
    SF_AUTO(plugin_path) path = {NULL, 0};
    struct sf_error err = SF_ERROR_INIT;
    AUTO_FREE struct row *rows = NULL;
    struct plugin_found *found = NULL;
    enum exit_code code;
    size_t i, count = 0;

    if (open_path(&path, options, &err) < 0)
        return output_failure(options, log, &err, EXIT_USAGE);
    plugin_find_all(&path, &found, &count);
    rows = mem_alloc((count + 1) * sizeof(*rows));
    for (i = 0; i < count; i++)
        fill_row(&rows[i], &found[i], log);
    code = options->json ? list_json(rows, count, log) : list_text(rows, count, log);
    for (i = 0; i < count; i++) {
        free(rows[i].version);
        free(rows[i].schemes);
        free(rows[i].description);
    }
    plugin_found_free(found, count);
    return code;
}

/* ---- info ---- */

static const char *threads_word(const struct sf_plugin *table)
{
    return table->threads == SF_PER_CONN ? "per_conn" : "serial"; /* as the core treats it */
}

static const char *type_word(uint32_t type)
{
    static const char *const words[] = {"text", "bool", "integer", "bytes", "duration", "choice"};

    return type < sizeof(words) / sizeof(words[0]) ? words[type] : "text";
}

static const struct sf_option *option_at(const struct sf_plugin *table, uint32_t index)
{
    return (const struct sf_option *)((const char *)table->options + (size_t)index * table->option_element_size);
}

static json_t *option_json(const struct sf_option *option)
{
    json_t *json = json_object(), *choices = json_null();

    json_object_set_new(json, "key", json_string(option->key));
    json_object_set_new(json, "type", json_string(type_word(option->type)));
    json_object_set_new(json, "default", output_string(option->fallback));
    json_object_set_new(json, "required", json_boolean(option->flags & SF_OPTION_REQUIRED));
    json_object_set_new(json, "secret", json_boolean(option->flags & SF_OPTION_SECRET));
    if (option->type == SF_OPTION_CHOICE) {
        AUTO_FREE char *words = mem_text(option->choices);
        char *state = NULL, *word;

        choices = json_array();
        for (word = strtok_r(words, "|", &state); word != NULL; word = strtok_r(NULL, "|", &state))
            json_array_append_new(choices, output_string(word));
    }
    json_object_set_new(json, "choices", choices);
    json_object_set_new(json, "url",
                        option->flags & SF_OPTION_URL_HOST   ? json_string("host")
                        : option->flags & SF_OPTION_URL_PATH ? json_string("path")
                                                             : json_null());
    json_object_set_new(json, "help", output_string(option->help));
    return json;
}

static enum exit_code info_json(const struct plugin *plugin, struct log *log)
{
    const struct sf_plugin *table = &plugin->table;
    json_t *json = json_object(), *schemes = json_array(), *options = json_array(), *slots = json_array();
    AUTO_FREE char *abi = mem_printf("%u.%u", table->abi_major, table->abi_minor);
    const char *slot;
    bool filled = false;
    uint32_t i;

    for (i = 0; i < table->scheme_count; i++)
        json_array_append_new(schemes, json_string(table->schemes[i]));
    for (i = 0; i < table->option_count; i++)
        json_array_append_new(options, option_json(option_at(table, i)));
    for (i = 0; (slot = plugin_slot(table, i, &filled)) != NULL; i++)
        if (filled)
            json_array_append_new(slots, json_string(slot));
    json_object_set_new(json, "name", json_string(table->name));
    json_object_set_new(json, "version", output_string(table->version));
    json_object_set_new(json, "description", output_string(table->description));
    json_object_set_new(json, "path", output_string(plugin->path));
    json_object_set_new(json, "abi", json_string(abi));
    json_object_set_new(json, "threads", json_string(threads_word(table)));
    json_object_set_new(json, "schemes", schemes);
    json_object_set_new(json, "options", options);
    json_object_set_new(json, "slots", slots);
    json_object_set_new(json, "capabilities", json_null()); /* known once a store is open */
    return output_json(json, log);
}

static void add_line(struct buf *out, const char *label, const char *value)
{
    buf_printf(out, value[0] != '\0' ? "%-14s" : "%s", label);
    output_printable(out, value);
    buf_add_byte(out, '\n');
}

static void add_option(struct buf *out, const struct sf_option *option)
{
    buf_printf(out, "  %s\n      %s", option->key, type_word(option->type));
    if (option->type == SF_OPTION_CHOICE) {
        buf_add_text(out, " of ");
        output_printable(out, option->choices);
    }
    if (option->flags & SF_OPTION_REQUIRED)
        buf_add_text(out, ", required");
    if (option->fallback != NULL) {
        buf_add_text(out, ", default ");
        output_printable(out, option->fallback);
    }
    if (option->flags & SF_OPTION_SECRET)
        buf_add_text(out, ", secret: {\"env\": NAME} or {\"file\": PATH} only");
    if (option->flags & SF_OPTION_URL_HOST)
        buf_add_text(out, ", the host of a URL");
    if (option->flags & SF_OPTION_URL_PATH)
        buf_add_text(out, ", the path of a URL");
    buf_add_text(out, "\n      ");
    output_printable(out, option->help);
    buf_add_byte(out, '\n');
}

static enum exit_code info_text(const struct plugin *plugin, struct log *log)
{
    const struct sf_plugin *table = &plugin->table;
    AUTO_FREE char *abi = mem_printf("%u.%u", table->abi_major, table->abi_minor);
    AUTO_FREE char *schemes = join_schemes(table);
    SF_AUTO(buf) slots = BUF_INIT;
    SF_AUTO(buf) out = BUF_INIT;
    const char *slot;
    bool filled = false;
    uint32_t i;

    for (i = 0; (slot = plugin_slot(table, i, &filled)) != NULL; i++)
        if (filled)
            buf_printf(&slots, "%s%s", i > 0 ? " " : "", slot);
    add_line(&out, "name", table->name);
    add_line(&out, "version", table->version);
    add_line(&out, "description", table->description);
    add_line(&out, "path", plugin->path);
    add_line(&out, "abi", abi);
    add_line(&out, "threads", threads_word(table));
    add_line(&out, "schemes", schemes);
    add_line(&out, "slots", buf_text(&slots));
    add_line(&out, "capabilities", "known once a destination is open");
    add_line(&out, "options", table->option_count == 0 ? "none" : "");
    for (i = 0; i < table->option_count; i++)
        add_option(&out, option_at(table, i));
    return output_text(buf_text(&out), log);
}

enum exit_code command_plugin_info(const struct options *options, struct log *log)
{
    SF_AUTO(plugin_path) path = {NULL, 0};
    SF_AUTO(plugin) plugin = {0};
    struct sf_error err = SF_ERROR_INIT;
    int result;

    if (strchr(options->argument, '/') != NULL) {
        result = plugin_load_file(&plugin, options->argument, log, &err);
    } else {
        if (open_path(&path, options, &err) < 0)
            return output_failure(options, log, &err, EXIT_USAGE);
        result = plugin_load(&plugin, options->argument, &path, log, &err);
    }
    if (result < 0)
        return output_failure(options, log, &err, err.cls == SF_INVALID ? EXIT_USAGE : EXIT_FAILED);
    return options->json ? info_json(&plugin, log) : info_text(&plugin, log);
}
