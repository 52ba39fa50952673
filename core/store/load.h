/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds and loads plugins (docs/abi.md, "Loading"). Main thread.
 */
#ifndef CORE_STORE_LOAD_H
#define CORE_STORE_LOAD_H

#include "base/auto.h"
#include "snapferry/plugin.h"

#include <stddef.h>

struct log;

/* A loaded plugin. table is the core's own copy: slots beyond the plugin's size are NULL. */
struct plugin {
    char *path;
    struct sf_plugin table;
    void *handle; /* dlopen's */
    const struct sf_host *host;
};

/* Folders in search order. */
struct plugin_path {
    char **folders;
    size_t count;
};

/* extra: folders that come first (--plugin-dir, then the config's plugin_dirs); then "plugins" beside the executable if that is
 * a build tree; then <libdir>/snapferry. */
void plugin_path_init(struct plugin_path *path, const char *const *extra, size_t extra_count);
void plugin_path_cleanup(struct plugin_path *path);

/* By name: the first <folder>/<name>.so. Refuses names that are not [a-z0-9_-]+, and a file or folder that is not owned by root
 * or the caller or is writable by others, before dlopen. Messages tell apart: no such plugin (with the folders searched),
 * unsafe file, not a plugin (no symbol / not a shared object, dlerror), wrong ABI major, missing required slot (named),
 * bad or differing name, plugin's own refusal. */
MUST_CHECK int plugin_load(struct plugin *plugin, const char *name, const struct plugin_path *path, struct log *log,
                           struct sf_error *err);
/* By file, for `plugin info` and `plugin check`. Same rules. */
MUST_CHECK int plugin_load_file(struct plugin *plugin, const char *file, struct log *log, struct sf_error *err);
void plugin_cleanup(struct plugin *plugin); /* zero value is fine; the library stays mapped (-z nodelete) */

/* Names of all *.so in the search path, first hit wins, sorted; *names is an array of count strings to free. */
struct plugin_found {
    char *name;
    char *path;
};
void plugin_find_all(const struct plugin_path *path, struct plugin_found **found, size_t *count);
void plugin_found_free(struct plugin_found *found, size_t count);

#endif
