/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two files of the retrying wrapper share. Private to them.
 */
#ifndef CORE_STORE_WRAP_RETRY_H
#define CORE_STORE_WRAP_RETRY_H

#include "core/store/pace.h"
#include "core/store/settle.h"
#include "core/store/store.h"
#include "core/store/tries.h"

struct sf_store {
    struct store inner;
    struct sf_plugin table;
    struct run_call *run;
    struct log *log;
    struct pace pace;
};

struct sf_conn {
    struct sf_store *store;
    struct sf_conn *inner;
    struct watch_call watch;
};

/* call is what the tries are made with; it and key live as long as they. */
void retry_begin(struct tries *tries, const struct sf_call *call, struct sf_conn *conn, const char *slot,
                 const char *key);

/* Ends a call with a precondition that failed for good: 0 and the object in tries->object if what was sent stands there all the same,
 * else -1. in_doubt: an answer was lost, and the last error may be the echo of our own success. */
MUST_CHECK int retry_conclude(const struct sf_call *call, struct sf_conn *conn, const struct sent *sent,
                              uint32_t precondition, bool in_doubt, struct tries *tries);

/* The slots upload_* and uploads_list (wrap_retry_upload.c). */
void retry_fill_upload_slots(struct sf_plugin *slots);

#endif
