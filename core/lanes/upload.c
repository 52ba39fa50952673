/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lanes/upload.h"

#include "base/err.h"
#include "core/lanes/part_size.h"
#include "core/store/call.h"
#include "core/store/store.h"

#include <inttypes.h>

#define ABORT_MS 5000 /* for the request that aborts an upload; what it leaves behind, a later run's sweep finds */

/* ---- what has gone wrong so far ---- */

void upload_note(struct upload *upload, enum outcome outcome, const struct sf_error *err)
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

bool upload_is_spoiled(struct upload *upload)
{
    bool spoiled;

    pthread_mutex_lock(&upload->locked.mutex);
    spoiled = upload->locked.outcome != DONE_STORED;
    pthread_mutex_unlock(&upload->locked.mutex);
    return spoiled;
}

int upload_failure(struct upload *upload, struct sf_error *err)
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

/* ---- begin ---- */

int upload_choose_parts(struct upload *upload, struct sf_error *err)
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

int upload_begin(struct upload *upload, struct worker *worker, struct sf_error *err)
{
    struct sf_upload_token token = {.size = sizeof(token)};
    struct sf_upload_args args;
    struct passage_meta meta;

    fill_args(upload, &meta, &args);
    return worker->store->table->upload_begin(&worker->run->call, worker->conn, &args, &token, &upload->handle, err);
}

/* ---- a part ---- */

/* Bytes that changed on the way, another writer at the same moment, or an upload that is gone (a lifecycle rule, another's clean-up): the
 * file starts again with an upload of its own. */
static enum outcome judge(const struct sf_error *err)
{
    return err->cls == SF_CORRUPT || err->cls == SF_CONFLICT || err->cls == SF_NOT_FOUND ? CHANGED : FAILED;
}

uint64_t upload_part_length(const struct upload *upload, uint32_t number)
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
enum outcome upload_send_part(struct upload *upload, struct worker *worker, uint32_t number, struct sf_error *err)
{
    const struct store *store = worker->store;
    uint64_t length = upload_part_length(upload, number), done = 0;
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
            return judge(err);
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

/* ---- commit and abort ---- */

/* One that may still take effect is not followed by another: of two tries' objects, which have the same metadata and may have the
 * same size, nobody could tell which one stands. */
enum outcome upload_commit(struct upload *upload, struct worker *worker, struct sf_error *err)
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
        return err->maybe_applied ? FAILED : judge(err);
    worker->store->table->upload_close(upload->handle);
    upload->handle = NULL;
    return passage_check_answer(passage, err);
}

void upload_abort(struct upload *upload, struct worker *worker)
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
