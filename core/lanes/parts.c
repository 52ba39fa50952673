/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lanes/parts.h"

#include "base/mem.h"
#include "core/lanes/hash.h"
#include "core/lanes/upload.h"
#include "core/store/call.h"
#include "core/store/store.h"

#include <fcntl.h>

/* A part in the lane. */
struct part {
    struct upload *upload;
    uint32_t number;
};

/* ---- parts in the lane ---- */

static void send_and_note(struct upload *upload, struct worker *worker, uint32_t number)
{
    struct sf_error err = SF_ERROR_INIT;

    if (!upload_is_spoiled(upload))
        upload_note(upload, upload_send_part(upload, worker, number, &err), &err);
}

static int let_go(struct upload *upload, struct worker *worker, struct sf_error *err);

static int run_part(struct worker *worker, void *job, struct sf_error *err)
{
    struct part part = *(struct part *)job;

    free(job);
    send_and_note(part.upload, worker, part.number);
    return let_go(part.upload, worker, err);
}

/* The pool had failed before the part was queued: whoever hashes still holds the upload. */
static void drop_part(void *job)
{
    struct part *part = job;

    atomic_fetch_sub(&part->upload->holders, 1);
    free(part);
}

/* To the part lane; if that is full this worker sends the part itself. So nobody ever waits for a worker, and hashing does not run
 * further ahead than the lane is long. */
static void hand_out(struct upload *upload, struct worker *worker, uint32_t number)
{
    struct sf_error err = SF_ERROR_INIT;
    struct part *part;
    int result = 0;

    if (upload->parallel && worker->pool != NULL) {
        part = mem_alloc(sizeof(*part));
        *part = (struct part){upload, number};
        atomic_fetch_add(&upload->holders, 1);
        if (pool_try_submit(worker->pool, LANE_PART, run_part, drop_part, part, &result, &err)) {
            if (result < 0)
                upload_note(upload, FAILED, &err);
            return;
        }
        drop_part(part);
    }
    send_and_note(upload, worker, number);
}

/* ---- the pass over the file ---- */

static enum outcome hash_part(struct upload *upload, struct worker *worker, uint32_t number, struct hash *whole,
                              struct hash *own, struct sf_error *err)
{
    uint64_t position = (number - 1) * upload->part_bytes, end = position + upload_part_length(upload, number);
    struct sf_digests digests;

    if (hash_init(own, answers_digests_of_parts(worker->store->info.wanted_digests), err) != 0)
        return FAILED;
    while (position < end) {
        size_t most = end - position < WORKER_BUFFER ? (size_t)(end - position) : WORKER_BUFFER;
        ssize_t got;

        if (run_call_cancelled(worker->run)) {
            run_call_cancel_error(worker->run, err);
            return FAILED;
        }
        got = passage_read(&upload->passage, worker->buffer, most, position, err);
        if (got < 0)
            return FAILED;
        if ((size_t)got != most)
            return CHANGED;
        hash_update(whole, worker->buffer, most);
        hash_update(own, worker->buffer, most);
        position += most;
    }
    hash_final(own, &digests);
    answers_set_digests(&upload->answers, number, &digests);
    return DONE_STORED;
}

/* Every part is handed out as soon as it is hashed, or none yet. */
static enum outcome hash_file(struct upload *upload, struct worker *worker, bool hand_out_parts, struct sf_error *err)
{
    uint32_t whole_digests = SF_DIGEST_SHA256 | (worker->store->info.wanted_digests & SF_DIGEST_CRC32C);
    SF_AUTO(hash) whole = {0}, own = {0};
    enum outcome outcome = hash_init(&whole, whole_digests, err) != 0 ? FAILED : DONE_STORED;
    uint32_t number;
    int same;

    (void)posix_fadvise(upload->passage.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    for (number = 1; outcome == DONE_STORED && number <= upload->part_count && !upload_is_spoiled(upload); number++) {
        outcome = hash_part(upload, worker, number, &whole, &own, err);
        if (outcome == DONE_STORED && hand_out_parts)
            hand_out(upload, worker, number);
    }
    if (outcome != DONE_STORED || upload_is_spoiled(upload))
        return outcome;
    hash_final(&whole, &upload->passage.digests);
    same = passage_is_unchanged(&upload->passage, err);
    return same < 0 ? FAILED : same ? DONE_STORED : CHANGED;
}

static enum outcome read_once(struct upload *upload, struct worker *worker, struct sf_error *err)
{
    bool hash_first = upload->passage.send->known != NULL || !upload->parallel;
    enum outcome outcome;
    uint32_t number;

    if (passage_open(&upload->passage, err) != 0 || upload_choose_parts(upload, err) != 0)
        return FAILED;
    if (!hash_first && upload_begin(upload, worker, err) != 0)
        return FAILED;
    outcome = hash_file(upload, worker, !hash_first, err);
    if (outcome != DONE_STORED || !hash_first)
        return outcome;
    if (passage_is_known(&upload->passage))
        return DONE_KNOWN;
    if (upload_begin(upload, worker, err) != 0)
        return FAILED;
    for (number = 1; number <= upload->part_count && !upload_is_spoiled(upload); number++)
        hand_out(upload, worker, number);
    return DONE_STORED;
}

static void read_and_note(struct upload *upload, struct worker *worker)
{
    struct sf_error err = SF_ERROR_INIT;

    upload_note(upload, read_once(upload, worker, &err), &err);
}

/* ---- the end of a try: whoever comes here is the only one ---- */

/* true: the file is done with; false: it is to be read again. */
static bool conclude(struct upload *upload, struct worker *worker)
{
    struct sf_error err = SF_ERROR_INIT;

    if (!upload_is_spoiled(upload))
        upload_note(upload, upload_commit(upload, worker, &err), &err);
    upload_abort(upload, worker);
    answers_cleanup(&upload->answers);
    passage_close(&upload->passage);
    if (upload->locked.outcome != CHANGED || ++upload->tries == SEND_TRIES)
        return true;
    upload->locked.outcome = DONE_STORED;
    upload->locked.error = (struct sf_error)SF_ERROR_INIT;
    return false;
}

static int finish(struct upload *upload, struct sf_error *err)
{
    const struct parts_events events = upload->events;
    enum outcome outcome = upload->locked.outcome;
    struct sf_error failure = upload->locked.error;
    int result = -1;

    if (outcome == CHANGED) {
        passage_give_up(&failure);
        passage_prefix(&upload->passage, &failure);
    }
    if (outcome == CHANGED || outcome == FAILED) {
        *err = failure;
    } else {
        passage_fill_entry(&upload->passage, outcome == DONE_STORED);
        result = events.stored(events.ctx, outcome == DONE_STORED ? SEND_STORED : SEND_KNOWN, err);
    }
    if (result < 0 && outcome != FAILED)
        events.failed(events.ctx);
    pthread_mutex_destroy(&upload->locked.mutex);
    free(upload);
    events.end(events.ctx);
    return result;
}

/* Ends what a worker has to do with the upload for now. The last one finishes it, or begins it anew as who hashes. */
static int let_go(struct upload *upload, struct worker *worker, struct sf_error *err)
{
    int result = upload_failure(upload, err);

    while (atomic_fetch_sub(&upload->holders, 1) == 1) {
        if (conclude(upload, worker))
            return finish(upload, err);
        atomic_store(&upload->holders, 1);
        read_and_note(upload, worker);
        result = upload_failure(upload, err);
    }
    return result;
}

int parts_send(struct worker *worker, const struct send *send, struct entry *entry, const struct parts_events *events,
               struct sf_error *err)
{
    struct upload *upload = mem_alloc(sizeof(*upload));

    upload->passage =
        (struct passage){.store = worker->store, .run = worker->run, .send = send, .entry = entry, .fd = -1};
    upload->events = *events;
    upload->parallel = (worker->store->info.capabilities & SF_CAP_PARALLEL_PARTS) != 0;
    upload->locked.error = (struct sf_error)SF_ERROR_INIT;
    pthread_mutex_init(&upload->locked.mutex, NULL);
    atomic_init(&upload->holders, 1);
    read_and_note(upload, worker);
    return let_go(upload, worker, err);
}
