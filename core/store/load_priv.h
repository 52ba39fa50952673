/* SPDX-License-Identifier: Apache-2.0
 *
 * The three parts of loading a plugin: find.c (where it is), load.c (the file and the library), table.c (what it hands over).
 * Private to core/store. Main thread.
 */
#ifndef CORE_STORE_LOAD_PRIV_H
#define CORE_STORE_LOAD_PRIV_H

#include "core/store/load.h"

/* The file of a plugin, to free, or NULL. */
char *plugin_locate(const struct plugin_path *path, const char *name);

/* "/a/libx.so" gives "libx", to free; NULL if file does not end in ".so". */
char *plugin_stem(const char *file);

/* Checks the plugin's table, whatever its size, and copies what this core knows of it. */
MUST_CHECK int plugin_take_table(struct sf_plugin *own, const struct sf_plugin *theirs, const char *file,
                                 struct sf_error *err);

#endif
