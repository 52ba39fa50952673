/* SPDX-License-Identifier: Apache-2.0
 *
 * The tries of one call that the retrying wrapper makes into the store inside it. Private to core/store; one per call, on
 * its stack.
 */
#ifndef CORE_STORE_TRIES_H
#define CORE_STORE_TRIES_H

#include "base/auto.h"
#include "core/store/backoff.h"
#include "snapferry/plugin.h"

#include <stdbool.h>

struct tries {
    const struct sf_plugin *table; /* of the inner store, for messages */
    const char *slot;
    struct backoff backoff;
    struct sf_error err;     /* of the last try */
    struct sf_object object; /* of the last try, where the slot answers with one */
    bool lost;               /* the answer of some try was: it may have been applied */
};

void tries_begin(struct tries *tries, const struct sf_plugin *table, const char *slot, struct run_call *run,
                 struct log *log);
/* Makes result and what came with it believable: 0, or -1 with a proper error. */
MUST_CHECK int tries_judge(struct tries *tries, int result);
/* After a failed try; true: waited, everything is fresh for the next. */
bool tries_again(struct tries *tries);
/* What the caller gets: *err, or *object if that is not NULL. Returns result. */
int tries_give(const struct tries *tries, int result, struct sf_object *object, struct sf_error *err);

#endif
