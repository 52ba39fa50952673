/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends one file as one object in parts. The worker that has the file reads it once, from front to back, for the digest of the whole and of
 * each part; what is hashed goes to the part lane and is sent by whichever worker is free, from the page cache. The last part to end
 * commits, on its worker: the one that hashed does not wait.
 */
#ifndef CORE_LANES_PARTS_H
#define CORE_LANES_PARTS_H

#include "core/lanes/send.h"

/* What becomes of the file; called on workers, one call at a time, but sent(). */
struct parts_events {
    /* entry is filled as send_file() fills it. -1 fails the file. */
    int (*stored)(void *ctx, enum send_result result, struct sf_error *err);
    /* So many bytes more are on the store; in the first try only. Any worker, also at once. */
    void (*sent)(void *ctx, uint64_t bytes);
    /* Once, if it fails: before the pool is told, so that nothing else has failed because of it yet. */
    void (*failed)(void *ctx);
    /* Last: nothing that was passed in is needed any more. */
    void (*end)(void *ctx);
    void *ctx;
};

/* After SEND_IN_PARTS. send, entry and what they point to live until events->end(), which comes before this returns or, if parts are still
 * on their way, later on another worker. Tries, errors and what is refused are as for send_file(); in addition a part or commit that the
 * store finds corrupt, and a commit that clashes, is a change. What was begun is committed or aborted, after a cancelled run too.
 * Where parts have to come in order (no SF_CAP_PARALLEL_PARTS), or send->known is set, the file is hashed before the upload begins. */
MUST_CHECK int parts_send(struct worker *worker, const struct send *send, struct entry *entry,
                          const struct parts_events *events, struct sf_error *err);

#endif
