/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys of one remove that have no final result yet. Each key's result reaches the caller's sink exactly once, whatever the
 * plugin does. Private to core/store; one per call.
 */
#ifndef CORE_STORE_BATCH_H
#define CORE_STORE_BATCH_H

#include "base/auto.h"
#include "snapferry/plugin.h"

struct batch_result;

struct batch {
    const struct sf_plugin *table; /* of the store, for messages */
    struct sf_remove *items;       /* still open, the first `open` of them */
    uint32_t *index;               /* the caller's index of each */
    struct batch_result *results;  /* of the try that runs, one per open item */
    uint32_t open;
};

void batch_init(struct batch *batch, const struct sf_plugin *table, const struct sf_remove *items, uint32_t count,
                uint32_t element_size);
void batch_cleanup(struct batch *batch);

/* The sink for a try with the open items. */
struct sf_remove_sink batch_begin(struct batch *batch);
/* After the try, which returned result (with *err if not 0): delivers what is final, keeps what is to be tried again. 0: all
 * is delivered. -1: some are open, and *err says why (the call's own error, or that of the first open key). */
MUST_CHECK int batch_end(struct batch *batch, int result, const struct sf_remove_sink *sink, struct sf_error *err);
/* Delivers the open ones with the class of their last try. */
void batch_give_up(struct batch *batch, const struct sf_remove_sink *sink);

#endif
