/* SPDX-License-Identifier: Apache-2.0
 *
 * The tries of one call that the retrying wrapper makes into the store inside it: between begin or again and judge, the call has a
 * place in flight (pace.h) and is watched (watch.h). Private to core/store; one per call, on its stack.
 */
#ifndef CORE_STORE_TRIES_H
#define CORE_STORE_TRIES_H

#include "base/auto.h"
#include "core/store/backoff.h"
#include "core/store/watch.h"
#include "snapferry/plugin.h"

#include <stdbool.h>

struct tries {
    const struct sf_plugin *table; /* of the inner store, for messages */
    const char *slot;
    struct backoff backoff;
    struct sf_error err;      /* of the last try */
    struct sf_object object;  /* of the last try, where the slot answers with one */
    bool lost;                /* the answer of some try was: it may have been applied */
    struct watch_call *watch; /* of the connection */
    const char *key;
    bool has_place;
};

/* The caller has filled table, slot, key, watch, backoff. Waits for a place; without one the run was cancelled, and the plugin will
 * say so. */
void tries_begin(struct tries *tries);
/* The try is over, with class cls. */
void tries_end(struct tries *tries, int cls);
/* Ends the try. Makes result and what came with it believable: 0, or -1 with a proper error. */
MUST_CHECK int tries_judge(struct tries *tries, int result);
/* After a failed try; true: waited, everything is fresh for the next. */
bool tries_again(struct tries *tries);
/* What the caller gets: *err, or *object if that is not NULL. Returns result. */
int tries_give(const struct tries *tries, int result, struct sf_object *object, struct sf_error *err);

#endif
