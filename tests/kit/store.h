/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory plugin (examples/memory) inside a test program, without the loader and without wrappers. A program that uses this
 * cannot link a second plugin: each has the one symbol snapferry_plugin_v1.
 */
#ifndef TESTS_KIT_STORE_H
#define TESTS_KIT_STORE_H

#include "core/store/store.h"
#include "snapferry/plugin.h"

struct run_call;

/* Its table, for tests that call store_open() or a wrapper themselves. */
const struct sf_plugin *kit_memory_plugin(void);

/* Opens the memory store `name` bare; run comes from run_call_init(). What is put there stays until the process ends, so a second
 * open of the name finds it, after store_cleanup(store) too. Fails the test on any error. */
void kit_store_open(struct store *store, struct run_call *run, const char *name);

/* One object by its whole text, whatever stood there; its text into a buffer to free (NULL: no such object). */
void kit_store_put(const struct store *store, struct run_call *run, const char *key, const char *text);
char *kit_store_get(const struct store *store, struct run_call *run, const char *key);

#endif
