/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds and loads plugins (docs/abi.md, "Loading"). Main thread.
 */
#ifndef CORE_STORE_LOAD_H
#define CORE_STORE_LOAD_H

#include "base/auto.h"
#include "snapferry/plugin.h"

#include <stdbool.h>
#include <stddef.h>

struct log;

/* A loaded plugin. table is the core's own copy: slots beyond the plugin's size are NULL. */
struct plugin {
    char *path; /* absolute, without symlinks */
    struct sf_plugin table;
    void *handle;               /* dlopen's */
    const struct sf_host *host; /* what the plugin may keep until plugin_cleanup() */
};

/* Folders in search order. */
struct plugin_path {
    char **folders;
    size_t count;
};

/* extra: folders that come first (--plugin-dir, then the config's plugin_dirs); then "plugins" beside the executable, and the folders
 * in it, if that is a build tree (build.ninja stands there); then <libdir>/snapferry. */
void plugin_path_init(struct plugin_path *path, const char *const *extra, size_t extra_count);
void plugin_path_cleanup(struct plugin_path *path);

/* Whether name is [a-z0-9_-]+. */
bool plugin_is_name(const char *name);

/* By name: the first <folder>/<name>.so or <folder>/lib<name>.so. Refuses names that are not [a-z0-9_-]+ (SF_INVALID), and a
 * file or folder that is not owned by root or the caller or is writable by others (SF_DENIED), before dlopen. Messages tell
 * apart: no such plugin (SF_NOT_FOUND, with the folders searched and the plugins there are), unsafe file, not a plugin (no symbol / not
 * a shared object / cannot be loaded, with dlerror), wrong ABI major, table too small, missing required slot (named), bad or differing
 * name, wrong option table, wrong scheme, plugin's own refusal. *plugin is zero before, and after a failure. Do not load a
 * file again before plugin_cleanup(): a plugin may keep the host in a variable of its own. */
MUST_CHECK int plugin_load(struct plugin *plugin, const char *name, const struct plugin_path *path, struct log *log,
                           struct sf_error *err);
/* The first in the search path, by name, that serves the URL scheme; one that cannot be loaded is passed over. SF_INVALID if none does. */
MUST_CHECK int plugin_load_by_scheme(struct plugin *plugin, const char *scheme, const struct plugin_path *path,
                                     struct log *log, struct sf_error *err);
bool plugin_serves(const struct sf_plugin *table, const char *scheme);
/* By file, for `plugin info` and `plugin check`. Same rules. */
MUST_CHECK int plugin_load_file(struct plugin *plugin, const char *file, struct log *log, struct sf_error *err);
void plugin_cleanup(struct plugin *plugin); /* zero value is fine; the library stays mapped (-z nodelete) */

/* The name of a table's slot by index, in the order of struct sf_plugin; NULL beyond the last. *filled: the plugin has it. */
const char *plugin_slot(const struct sf_plugin *table, size_t index, bool *filled);

/* Names of all *.so in the search path, without lib and .so, whether they can be loaded or not; first hit wins, sorted; *found is an
 * array of count to give to plugin_found_free(). */
struct plugin_found {
    char *name;
    char *path;
};
void plugin_find_all(const struct plugin_path *path, struct plugin_found **found, size_t *count);
void plugin_found_free(struct plugin_found *found, size_t count);

#endif
