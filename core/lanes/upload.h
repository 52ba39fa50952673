/* SPDX-License-Identifier: Apache-2.0
 *
 * One file on its way in parts: what it is, what has gone wrong with it so far, and the requests that it takes. Who holds it and
 * when which request is made is for parts.c. Private to core/lanes.
 */
#ifndef CORE_LANES_UPLOAD_H
#define CORE_LANES_UPLOAD_H

#include "core/lanes/answers.h"
#include "core/lanes/parts.h"
#include "core/lanes/passage.h"

#include <pthread.h>
#include <stdatomic.h>

/* Goes through as many tries as the file takes. Belongs to all that hold it: the worker that hashes, and each part
 * that is queued or being sent. The last one to let go of it concludes the try, alone. */
struct upload {
    struct passage passage; /* opened by who hashes, read by all, concluded by the last */
    struct parts_events events;
    bool parallel;
    uint64_t part_bytes;
    uint32_t part_count;
    struct sf_upload *handle; /* NULL: not begun */
    unsigned tries;
    atomic_uint holders;
    struct answers answers; /* a part's digests are set before it is handed out, the rest needs the mutex */
    struct {
        pthread_mutex_t mutex;
        enum outcome outcome;
        struct sf_error error; /* of a failure with the file's name, cls 0: none */
    } locked;
};

/* Keeps what is worse than all before. If the file has failed by it, events->failed() is called. */
void upload_note(struct upload *upload, enum outcome outcome, const struct sf_error *err);
/* Something was noted: nothing more is to be sent in this try. */
bool upload_is_spoiled(struct upload *upload);
/* -1 and the error, if the file has failed: so each job that has to do with it ends, and the first of them fails the pool. */
MUST_CHECK int upload_failure(struct upload *upload, struct sf_error *err);

/* Once the passage is open: how many parts of which size, and room for what is kept of them. */
MUST_CHECK int upload_choose_parts(struct upload *upload, struct sf_error *err);
uint64_t upload_part_length(const struct upload *upload, uint32_t number);

MUST_CHECK int upload_begin(struct upload *upload, struct worker *worker, struct sf_error *err);
/* Any worker, several at once if the store takes parallel parts. */
enum outcome upload_send_part(struct upload *upload, struct worker *worker, uint32_t number, struct sf_error *err);
/* These two: by the only holder. The handle is closed, except after a commit that failed. */
enum outcome upload_commit(struct upload *upload, struct worker *worker, struct sf_error *err);
void upload_abort(struct upload *upload, struct worker *worker); /* nothing was begun, or is any more: fine */

#endif
