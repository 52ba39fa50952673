/* SPDX-License-Identifier: Apache-2.0
 *
 * config check, show and schema.
 */
#include "core/command/command.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/command/output.h"
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
    if (scheme != NULL ? plugin_load_by_scheme(&resolved->plugin, scheme, &resolved->path, log, err) < 0
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
        return output_failure(options, log, &err, EXIT_USAGE);
    if (resolved.table != NULL)
        base = config_base_name(&resolved.config, resolved.table, &resolved.values);
    err_printable(resolved.config.file != NULL ? resolved.config.file : "no config file", file, sizeof(file));
    err_printable(base != NULL ? base : "none (--dest URL names one)", shown, sizeof(shown));
    if (options->json) {
        sources = json_array();
        for (i = 0; i < resolved.config.source_count; i++)
            json_array_append_new(sources, json_string(resolved.config.sources[i].name));
        return output_json(json_pack("{s:s, s:s?, s:s?, s:o}", "status", "ok", "file",
                                     resolved.config.file != NULL ? file : NULL, "destination",
                                     base != NULL ? shown : NULL, "sources", sources),
                           log);
    }
    buf_printf(&out, "%s: ok\ndestination: %s\n", file, shown);
    for (i = 0; i < resolved.config.source_count; i++)
        buf_printf(&out, "source: %s %s\n", resolved.config.sources[i].name,
                   err_printable(resolved.config.sources[i].path, shown, sizeof(shown)));
    return output_text(buf_text(&out), log);
}

enum exit_code command_config_show(const struct options *options, struct log *log)
{
    SF_AUTO(resolved) resolved = {.table = NULL};
    struct sf_error err = SF_ERROR_INIT;
    AUTO_FREE char *text = NULL;

    if (resolve(&resolved, options, log, &err) < 0)
        return output_failure(options, log, &err, EXIT_USAGE);
    text = config_show(&resolved.config, resolved.table, &resolved.values);
    return output_text(text, log);
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
        return output_failure(options, log, &err, EXIT_USAGE);
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
    return output_text(text, log);
}
