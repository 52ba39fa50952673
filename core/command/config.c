/* SPDX-License-Identifier: Apache-2.0
 *
 * config check, show and schema.
 */
#include "core/command/command.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/config/config.h"
#include "core/progress/log.h"
#include "core/store/load.h"

#include <jansson.h>
#include <string.h>

/* The config, the plugin of its destination and the settings for that. */
struct resolved {
    struct config config;
    struct plugin_path path;
    struct plugin plugin;
    const struct sf_plugin *table; /* NULL: no destination */
    struct setting_list values;
};

static void resolved_cleanup(struct resolved *resolved)
{
    setting_list_cleanup(&resolved->values);
    plugin_cleanup(&resolved->plugin);
    plugin_path_cleanup(&resolved->path);
    config_cleanup(&resolved->config);
}

/* To stdout; a full disk or a closed pipe is a failure like any other. */
static enum exit_code print(const char *text, struct log *log)
{
    if (fputs(text, stdout) != EOF && fflush(stdout) == 0)
        return EXIT_DONE;
    log_error(log, "write to standard output: %m");
    return EXIT_FAILED;
}

static enum exit_code print_json(json_t *json, struct log *log)
{
    AUTO_FREE char *text = json_dumps(json, JSON_INDENT(2));
    AUTO_FREE char *line = mem_printf("%s\n", text != NULL ? text : "{}");

    json_decref(json);
    return print(line, log);
}

static enum exit_code fail(const struct options *options, struct log *log, const struct sf_error *err)
{
    char text[4 * SF_ERROR_TEXT];

    log_error(log, "%s", err->text);
    if (options->json) {
        err_printable(err->text, text, sizeof(text));
        (void)print_json(json_pack("{s:s, s:{s:s, s:s, s:i}}", "status", "failed", "error", "class",
                                   err_class_name(err->cls), "text", text, "status", (int)err->status),
                         log);
    }
    return EXIT_USAGE;
}

static bool serves(const struct sf_plugin *table, const char *scheme)
{
    uint32_t i;

    for (i = 0; i < table->scheme_count; i++)
        if (strcmp(table->schemes[i], scheme) == 0)
            return true;
    return false;
}

static int load_by_scheme(struct resolved *resolved, const char *scheme, struct log *log, struct sf_error *err)
{
    struct plugin_found *found = NULL;
    size_t count = 0, i;
    bool loaded = false;

    plugin_find_all(&resolved->path, &found, &count);
    for (i = 0; i < count && !loaded; i++) {
        struct sf_error why = SF_ERROR_INIT;

        if (plugin_load(&resolved->plugin, found[i].name, &resolved->path, log, &why) < 0) {
            log_debug(log, "plugin %s: %s", found[i].name, why.text);
            continue;
        }
        loaded = serves(&resolved->plugin.table, scheme);
        if (!loaded)
            plugin_cleanup(&resolved->plugin);
    }
    plugin_found_free(found, count);
    if (!loaded)
        return sf_fail(err, SF_INVALID, "no plugin serves %s:// URLs; see snapferry plugin list", scheme);
    return 0;
}

static int resolve(struct resolved *resolved, const struct options *options, struct log *log, struct sf_error *err)
{
    struct config *config = &resolved->config;
    const char *scheme;

    if (config_load(config, options, err) < 0)
        return -1;
    plugin_path_init(&resolved->path, (const char *const *)config->plugin_dirs, config->plugin_dir_count);
    scheme = config_scheme(config);
    if (scheme == NULL && config->destination.plugin == NULL)
        return 0;
    if (scheme != NULL ? load_by_scheme(resolved, scheme, log, err) < 0
                       : plugin_load(&resolved->plugin, config->destination.plugin, &resolved->path, log, err) < 0)
        return -1;
    resolved->table = &resolved->plugin.table;
    return config_settings(config, resolved->table, &resolved->values, err);
}

enum exit_code command_config_check(const struct options *options, struct log *log)
{
    SF_AUTO(resolved) resolved = {.table = NULL};
    struct sf_error err = SF_ERROR_INIT;
    AUTO_FREE char *base = NULL;
    SF_AUTO(buf) out = BUF_INIT;
    char shown[4096], file[4096];
    json_t *sources;
    size_t i;

    if (resolve(&resolved, options, log, &err) < 0)
        return fail(options, log, &err);
    if (resolved.table != NULL)
        base = config_base_name(&resolved.config, resolved.table, &resolved.values);
    err_printable(resolved.config.file != NULL ? resolved.config.file : "no config file", file, sizeof(file));
    err_printable(base != NULL ? base : "none (--dest URL names one)", shown, sizeof(shown));
    if (options->json) {
        sources = json_array();
        for (i = 0; i < resolved.config.source_count; i++)
            json_array_append_new(sources, json_string(resolved.config.sources[i].name));
        return print_json(json_pack("{s:s, s:s?, s:s?, s:o}", "status", "ok", "file",
                                    resolved.config.file != NULL ? file : NULL, "destination",
                                    base != NULL ? shown : NULL, "sources", sources),
                          log);
    }
    buf_printf(&out, "%s: ok\ndestination: %s\n", file, shown);
    for (i = 0; i < resolved.config.source_count; i++)
        buf_printf(&out, "source: %s %s\n", resolved.config.sources[i].name,
                   err_printable(resolved.config.sources[i].path, shown, sizeof(shown)));
    return print(buf_text(&out), log);
}

enum exit_code command_config_show(const struct options *options, struct log *log)
{
    SF_AUTO(resolved) resolved = {.table = NULL};
    struct sf_error err = SF_ERROR_INIT;
    AUTO_FREE char *text = NULL;

    if (resolve(&resolved, options, log, &err) < 0)
        return fail(options, log, &err);
    text = config_show(&resolved.config, resolved.table, &resolved.values);
    return print(text, log);
}

enum exit_code command_config_schema(const struct options *options, struct log *log)
{
    SF_AUTO(resolved) resolved = {.table = NULL};
    struct sf_error err = SF_ERROR_INIT;
    struct plugin_found *found = NULL;
    AUTO_FREE const struct sf_plugin **tables = NULL;
    AUTO_FREE struct plugin *plugins = NULL;
    AUTO_FREE char *text = NULL;
    size_t count = 0, loaded = 0, i;

    if (config_load(&resolved.config, options, &err) < 0)
        return fail(options, log, &err);
    plugin_path_init(&resolved.path, (const char *const *)resolved.config.plugin_dirs,
                     resolved.config.plugin_dir_count);
    plugin_find_all(&resolved.path, &found, &count);
    plugins = mem_alloc((count + 1) * sizeof(*plugins));
    tables = mem_alloc((count + 1) * sizeof(*tables));
    for (i = 0; i < count; i++) {
        if (plugin_load(&plugins[loaded], found[i].name, &resolved.path, log, &err) < 0) {
            log_warning(log, "left out of the schema: plugin %s: %s", found[i].name, err.text);
            continue;
        }
        tables[loaded] = &plugins[loaded].table;
        loaded++;
    }
    text = config_schema(tables, loaded);
    for (i = 0; i < loaded; i++)
        plugin_cleanup(&plugins[i]);
    plugin_found_free(found, count);
    return print(text, log);
}
