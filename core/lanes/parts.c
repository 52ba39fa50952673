/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lanes/parts.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/lanes/answers.h"
#include "core/lanes/hash.h"
#include "core/lanes/part_size.h"
#include "core/lanes/passage.h"
#include "core/store/call.h"
#include "core/store/store.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

#define ABORT_MS 5000 /* for the request that aborts an upload; what it leaves behind, a later run's sweep finds */

/* One file on its way in parts, through as many tries as it takes. Belongs to all that hold it: the worker that hashes, and each part
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

/* A part in the lane. */
struct part {
    struct upload *upload;
    uint32_t number;
};

/* ---- what has gone wrong so far ---- */

static void note(struct upload *upload, enum outcome outcome, const struct sf_error *err)
{
    bool failed = false;

    pthread_mutex_lock(&upload->locked.mutex);
    if (outcome > upload->locked.outcome) {
        failed = outcome == FAILED;
        upload->locked.outcome = outcome;
        upload->locked.error = *err;
        if (failed)
            passage_prefix(&upload->passage, &upload->locked.error);
    }
    pthread_mutex_unlock(&upload->locked.mutex);
    if (failed)
        upload->events.failed(upload->events.ctx);
}

static bool is_spoiled(struct upload *upload)
{
    bool spoiled;

    pthread_mutex_lock(&upload->locked.mutex);
    spoiled = upload->locked.outcome != DONE_STORED;
    pthread_mutex_unlock(&upload->locked.mutex);
    return spoiled;
}

/* -1 and the error, if the file has failed: so each job that has to do with it ends, and the first of them fails the pool. */
static int failure_of(struct upload *upload, struct sf_error *err)
{
    int result = 0;

    pthread_mutex_lock(&upload->locked.mutex);
    if (upload->locked.outcome == FAILED) {
        *err = upload->locked.error;
        result = -1;
    }
    pthread_mutex_unlock(&upload->locked.mutex);
    return result;
}

/* ---- a part ---- */

static uint64_t length_of(const struct upload *upload, uint32_t number)
{
    uint64_t before = (number - 1) * upload->part_bytes;

    return number < upload->part_count ? upload->part_bytes : (uint64_t)upload->passage.st.st_size - before;
}

/* 1: all of the part is on the store, 0: some of it; *done is how much. */
static int check_kept(const struct upload *upload, const struct sf_part *part, const struct sf_part_result *result,
                      uint64_t length, uint64_t *done, struct sf_error *err)
{
    if (result->persisted == part->body->length) {
        *done = length;
        return 1;
    }
    if (upload->parallel || result->persisted == 0 || result->persisted > part->body->length)
        return sf_fail(err, SF_PERMANENT,
                       "the store says that it keeps %" PRIu64 " of the %" PRIu64 " bytes of part %u of %u",
                       result->persisted, part->body->length, part->number, upload->part_count);
    *done += result->persisted;
    return 0;
}

/* A store that takes parts in order may keep less than was sent: then the rest follows, whose digests nobody has. */
static enum outcome send_part(struct upload *upload, struct worker *worker, uint32_t number, struct sf_error *err)
{
    const struct store *store = worker->store;
    uint64_t length = length_of(upload, number), done = 0;
    struct sf_digests digests;
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_FD, .fd = upload->passage.fd};
    struct sf_part part = {.size = sizeof(part), .number = number, .body = &body};
    struct sf_part_result result;
    int kept;

    answers_get_digests(&upload->answers, number, &digests);
    do {
        if (run_call_cancelled(worker->run)) {
            run_call_cancel_error(worker->run, err);
            return FAILED;
        }
        part.offset = body.offset = (number - 1) * upload->part_bytes + done;
        body.length = length - done;
        part.digests = done == 0 ? &digests : NULL;
        result = (struct sf_part_result){.size = sizeof(result)};
        if (store->table->upload_part(&worker->run->call, worker->conn, upload->handle, &part, &result, err) != 0) {
            err_prefix(err, "part %u of %u", number, upload->part_count);
            return err->cls == SF_CORRUPT ? CHANGED : FAILED;
        }
        kept = check_kept(upload, &part, &result, length, &done, err);
    } while (kept == 0);
    if (kept < 0)
        return FAILED;
    pthread_mutex_lock(&upload->locked.mutex);
    answers_keep(&upload->answers, number, &result);
    pthread_mutex_unlock(&upload->locked.mutex);
    if (upload->tries == 0)
        upload->events.sent(upload->events.ctx, length);
    return DONE_STORED;
}

static void send_and_note(struct upload *upload, struct worker *worker, uint32_t number)
{
    struct sf_error err = SF_ERROR_INIT;

    if (!is_spoiled(upload))
        note(upload, send_part(upload, worker, number, &err), &err);
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
                note(upload, FAILED, &err);
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
    uint64_t position = (number - 1) * upload->part_bytes, end = position + length_of(upload, number);
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
    for (number = 1; outcome == DONE_STORED && number <= upload->part_count && !is_spoiled(upload); number++) {
        outcome = hash_part(upload, worker, number, &whole, &own, err);
        if (outcome == DONE_STORED && hand_out_parts)
            hand_out(upload, worker, number);
    }
    if (outcome != DONE_STORED || is_spoiled(upload))
        return outcome;
    hash_final(&whole, &upload->passage.digests);
    same = passage_is_unchanged(&upload->passage, err);
    return same < 0 ? FAILED : same ? DONE_STORED : CHANGED;
}

static int choose_parts(struct upload *upload, struct sf_error *err)
{
    const struct sf_store_info *info = &upload->passage.store->info;
    uint64_t bytes = (uint64_t)upload->passage.st.st_size;

    if (info->object_max_bytes != 0 && bytes > info->object_max_bytes)
        return sf_fail(err, SF_TOO_LARGE, "%" PRIu64 " bytes, but the store takes objects of at most %" PRIu64 " bytes",
                       bytes, info->object_max_bytes);
    upload->part_bytes = part_size(info, upload->passage.send->part_bytes, bytes);
    if (upload->part_bytes == 0)
        return sf_fail(err, SF_TOO_LARGE,
                       "%" PRIu64 " bytes, but the store takes at most %u parts of at most %" PRIu64 " bytes", bytes,
                       part_count_max(info), info->part_max_bytes);
    upload->part_count = part_count(upload->part_bytes, bytes);
    answers_init(&upload->answers, upload->part_count, info->wanted_digests);
    return 0;
}

/* The same arguments for begin and commit; what is not known at begin yet is left out. */
static void fill_args(const struct upload *upload, struct passage_meta *meta, struct sf_upload_args *args)
{
    const struct passage *passage = &upload->passage;

    passage_meta(passage, meta);
    *args = (struct sf_upload_args){.size = sizeof(*args),
                                    .key = passage->send->key,
                                    .bytes = (uint64_t)passage->st.st_size,
                                    .part_bytes = upload->part_bytes,
                                    .digests = passage->digests.have != 0 ? &passage->digests : NULL,
                                    .meta = meta->items,
                                    .meta_count = meta->count,
                                    .meta_element_size = sizeof(meta->items[0])};
    args->precondition = passage_precondition(passage, &args->if_tag);
}

static int begin(struct upload *upload, struct worker *worker, struct sf_error *err)
{
    struct sf_upload_token token = {.size = sizeof(token)};
    struct sf_upload_args args;
    struct passage_meta meta;

    fill_args(upload, &meta, &args);
    return worker->store->table->upload_begin(&worker->run->call, worker->conn, &args, &token, &upload->handle, err);
}

static enum outcome read_once(struct upload *upload, struct worker *worker, struct sf_error *err)
{
    bool hash_first = upload->passage.send->known != NULL || !upload->parallel;
    enum outcome outcome;
    uint32_t number;

    if (passage_open(&upload->passage, err) != 0 || choose_parts(upload, err) != 0)
        return FAILED;
    if (!hash_first && begin(upload, worker, err) != 0)
        return FAILED;
    outcome = hash_file(upload, worker, !hash_first, err);
    if (outcome != DONE_STORED || !hash_first)
        return outcome;
    if (passage_is_known(&upload->passage))
        return DONE_KNOWN;
    if (begin(upload, worker, err) != 0)
        return FAILED;
    for (number = 1; number <= upload->part_count && !is_spoiled(upload); number++)
        hand_out(upload, worker, number);
    return DONE_STORED;
}

static void read_and_note(struct upload *upload, struct worker *worker)
{
    struct sf_error err = SF_ERROR_INIT;

    note(upload, read_once(upload, worker, &err), &err);
}

/* ---- the end of a try: whoever comes here is the only one ---- */

static enum outcome commit(struct upload *upload, struct worker *worker, struct sf_error *err)
{
    struct passage *passage = &upload->passage;
    AUTO_FREE struct sf_part_done *parts = NULL;
    struct sf_upload_args args;
    struct passage_meta meta;
    int same = passage_is_unchanged(passage, err);

    if (same <= 0)
        return same < 0 ? FAILED : CHANGED;
    parts = answers_list(&upload->answers, upload->part_bytes, (uint64_t)passage->st.st_size);
    fill_args(upload, &meta, &args);
    if (worker->store->table->upload_commit(&worker->run->call, worker->conn, upload->handle, &args, parts,
                                            upload->part_count, sizeof(parts[0]), &passage->object, err) != 0)
        return err->cls == SF_CORRUPT || err->cls == SF_CONFLICT ? CHANGED : FAILED;
    worker->store->table->upload_close(upload->handle);
    upload->handle = NULL;
    return passage_check_answer(passage, err);
}

static void abort_upload(struct upload *upload, struct worker *worker)
{
    struct sf_call call = run_call_afterwards(worker->run, ABORT_MS);
    struct sf_error err = SF_ERROR_INIT;

    if (upload->handle == NULL)
        return;
    if (worker->store->table->upload_abort(&call, worker->conn, upload->handle, &err) != 0)
        atomic_fetch_add(&worker->run->uploads_lost, 1);
    worker->store->table->upload_close(upload->handle);
    upload->handle = NULL;
}

/* true: the file is done with; false: it is to be read again. */
static bool conclude(struct upload *upload, struct worker *worker)
{
    struct sf_error err = SF_ERROR_INIT;

    if (!is_spoiled(upload))
        note(upload, commit(upload, worker, &err), &err);
    abort_upload(upload, worker);
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
    int result = failure_of(upload, err);

    while (atomic_fetch_sub(&upload->holders, 1) == 1) {
        if (conclude(upload, worker))
            return finish(upload, err);
        atomic_store(&upload->holders, 1);
        read_and_note(upload, worker);
        result = failure_of(upload, err);
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
