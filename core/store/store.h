/* SPDX-License-Identifier: Apache-2.0
 *
 * An open destination: a plugin's table and handle inside the wrappers that every run wants. Each wrapper implements the same
 * table round an inner store (wrap_*.c): serial, fault, retry, from the plugin outwards. Callers use store->table->put(&run->call, conn, ...).
 *
 * A struct store is read-only once open and may be used from any thread; connections as in plugin.h.
 */
#ifndef CORE_STORE_STORE_H
#define CORE_STORE_STORE_H

#include "base/auto.h"
#include "snapferry/plugin.h"

struct log;
struct run_call;

struct store {
    const struct sf_plugin *table;
    struct sf_store *handle;
    struct sf_store_info info;
};

/* Opens table's store with settings and wraps it. */
MUST_CHECK int store_open(struct store *store, const struct sf_plugin *table, const struct sf_settings *settings,
                          struct run_call *run, struct log *log, struct sf_error *err);
void store_cleanup(struct store *store); /* zero value is fine */

/* An object's whole body into memory, at most max bytes (else SF_TOO_LARGE). */
struct buf;
MUST_CHECK int store_get_memory(const struct store *store, const struct sf_call *call, struct sf_conn *conn,
                                const char *key, size_t max, struct buf *out, struct sf_object *object,
                                struct sf_error *err);
/* An object's whole body into an empty file, from offset 0; its SHA-256 in sha256 if that is not NULL. */
MUST_CHECK int store_get_file(const struct store *store, const struct sf_call *call, struct sf_conn *conn,
                              const char *key, int fd, uint64_t *bytes, uint8_t *sha256, struct sf_error *err);

/* Calls one for every object of a list (all pages), in order; one returns -1 with *err filled to stop. */
typedef int (*store_object_fn)(void *ctx, const struct sf_object *object, struct sf_error *err);
typedef int (*store_prefix_fn)(void *ctx, const char *prefix, struct sf_error *err);
MUST_CHECK int store_list(const struct store *store, const struct sf_call *call, struct sf_conn *conn,
                          const struct sf_list_query *query, store_object_fn object, store_prefix_fn prefix, void *ctx,
                          struct sf_error *err);

/* --- wrappers, each takes over *inner (which becomes zero) --- */

/* A wrapper's own table: inner's name and options, the wrapper's slots; optional ones only where inner has them. */
void wrap_table(struct sf_plugin *table, const struct sf_plugin *inner, const struct sf_plugin *slots);

/* One call at a time into a plugin that says SF_SERIAL. */
void wrap_serial(struct store *store, struct store *inner);
/* Does what the environment's SNAPFERRY_FAULT says; only in builds with -Dfaults=true (tests). */
MUST_CHECK int wrap_fault(struct store *store, struct store *inner, const char *spec, struct sf_error *err);
/* Sends what failed with a retryable class again: full-jitter backoff, up to RETRY_TRIES (to open a store or a connection
 * RETRY_TRIES_OPEN, so that a wrong host shows soon) and 15 minutes, from 50 ms (throttled: 1 s) to 20 s; waits retry_after if that is longer.
 * All connections share one pace: calls in flight go down on throttled answers and come back slowly, and retries cost. A retried put with a precondition whose first answer was lost is settled by stat: an object
 * with our run and digest is our success; so is upload_commit, but a conflict there is the caller's, who begins another upload. */
#define RETRY_TRIES 10
#define RETRY_TRIES_OPEN 6
void wrap_retry(struct store *store, struct store *inner, struct run_call *run, struct log *log);

#endif
