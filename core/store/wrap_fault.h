/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two files of the misbehaving wrapper share. Private to them.
 */
#ifndef CORE_STORE_WRAP_FAULT_H
#define CORE_STORE_WRAP_FAULT_H

#include "core/store/fault_rules.h"
#include "core/store/store.h"

struct sf_store {
    struct store inner;
    struct sf_plugin table;
    struct fault_rules rules;
};

struct sf_conn {
    struct sf_store *store;
    struct sf_conn *inner;
};

/* What the rules say about one call. */
struct fault {
    struct sf_store *store;
    const char *key;
    uint64_t number; /* of this call among all */
    bool lose;
    bool corrupt;
};

/* Before a call. -1: it does not take place, *err is what it answers. */
MUST_CHECK int fault_begin(struct fault *fault, const struct sf_call *call, struct sf_store *store,
                           enum fault_slot slot, const char *key, struct sf_error *err);
/* After the call, or instead of it, with its result. */
MUST_CHECK int fault_end(const struct fault *fault, int result, struct sf_error *err);

/* The slots upload_* and uploads_list (wrap_fault_upload.c). */
void fault_fill_upload_slots(struct sf_plugin *slots);

#endif
