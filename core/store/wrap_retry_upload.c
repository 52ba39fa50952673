/* SPDX-License-Identifier: Apache-2.0
 *
 * The retrying wrapper's slots for objects in parts. A part and an abort may be made twice. A begin whose answer was lost leaves an
 * upload on the store that nobody has the token of: it is counted. A commit is made once, as far as anyone can tell: after a lost
 * answer the object that stands there decides, as it does for put.
 */
#include "core/store/wrap_retry.h"

#include "base/mem.h"
#include "core/store/boundary.h"
#include "core/store/call.h"
#include "core/store/uploads.h"

/* Read-only once begun, as parts come over several connections. */
struct sf_upload {
    struct sf_store *store;
    struct sf_upload *inner;
    char *key; /* for messages */
};

static struct sf_upload *wrap(struct sf_store *store, struct sf_upload *inner, const char *key)
{
    struct sf_upload *upload = mem_alloc(sizeof(*upload));

    upload->store = store;
    upload->inner = inner;
    upload->key = mem_text(key);
    return upload;
}

static void count_lost(const struct sf_conn *conn, const struct tries *tries)
{
    if (tries->err.maybe_applied)
        atomic_fetch_add_explicit(&conn->store->run->uploads_lost, 1, memory_order_relaxed);
}

static int retry_upload_begin(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                              struct sf_upload_token *token, struct sf_upload **upload, struct sf_error *err)
{
    const struct sf_plugin *inner = conn->store->inner.table;
    struct sf_upload_token got;
    struct sf_upload *begun = NULL;
    struct tries tries;
    int result;

    retry_begin(&tries, call, conn, "upload_begin", args->key);
    for (;;) {
        got = (struct sf_upload_token){.size = sizeof(got)};
        result = tries_judge(&tries, inner->upload_begin(call, conn->inner, args, &got, &begun, &tries.err));
        if (result == 0)
            break;
        count_lost(conn, &tries);
        if (!tries_again(&tries))
            return tries_give(&tries, -1, NULL, err);
    }
    if (boundary_token(inner, "upload_begin", &got, &tries.err) != 0) {
        inner->upload_close(begun);
        tries.err.maybe_applied = 1; /* it stands on the store */
        count_lost(conn, &tries);
        return tries_give(&tries, -1, NULL, err);
    }
    sf_give(token, &got);
    *upload = wrap(conn->store, begun, args->key);
    return 0;
}

static int retry_upload_resume(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                               const struct sf_upload_token *token, uint64_t *persisted, struct sf_upload **upload,
                               struct sf_error *err)
{
    const struct sf_plugin *inner = conn->store->inner.table;
    struct sf_upload *resumed = NULL;
    struct tries tries;
    uint64_t got = 0;
    int result;

    retry_begin(&tries, call, conn, "upload_resume", args->key);
    do {
        got = 0;
        result = tries_judge(&tries, inner->upload_resume(call, conn->inner, args, token, &got, &resumed, &tries.err));
    } while (result != 0 && tries_again(&tries));
    if (result != 0)
        return tries_give(&tries, -1, NULL, err);
    if (boundary_resumed(inner, args, got, &tries.err) != 0) {
        inner->upload_close(resumed);
        return tries_give(&tries, -1, NULL, err);
    }
    *persisted = got;
    *upload = wrap(conn->store, resumed, args->key);
    return 0;
}

static int retry_upload_part(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                             const struct sf_part *part, struct sf_part_result *result, struct sf_error *err)
{
    const struct sf_plugin *inner = conn->store->inner.table;
    struct sf_part_result got;
    struct tries tries;
    int status;

    retry_begin(&tries, call, conn, "upload_part", upload->key);
    do {
        got = (struct sf_part_result){.size = sizeof(got)};
        status = tries_judge(&tries, inner->upload_part(call, conn->inner, upload->inner, part, &got, &tries.err));
        if (status == 0)
            status = boundary_part(inner, upload->key, part, &got, &tries.err);
    } while (status != 0 && tries_again(&tries));
    if (status == 0)
        sf_give(result, &got);
    return tries_give(&tries, status, NULL, err);
}

/* What a commit may be answered with when an earlier try of it has been applied: the object stands, or the upload is gone. */
static bool may_be_an_echo(int cls)
{
    return cls == SF_EXISTS || cls == SF_PRECONDITION || cls == SF_NOT_FOUND || cls == SF_CONFLICT;
}

static int retry_upload_commit(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                               const struct sf_upload_args *args, const struct sf_part_done *parts, uint32_t count,
                               uint32_t element_size, struct sf_object *object, struct sf_error *err)
{
    const struct sf_plugin *inner = conn->store->inner.table;
    const struct sent sent = {.key = args->key,
                              .bytes = args->bytes,
                              .if_tag = args->precondition == SF_IF_TAG ? args->if_tag : NULL,
                              .digests = args->digests,
                              .meta = args->meta,
                              .meta_count = args->meta_count,
                              .meta_element_size = args->meta_element_size};
    struct tries tries;
    bool lost;
    int result;

    retry_begin(&tries, call, conn, "upload_commit", args->key);
    for (;;) {
        lost = tries.lost; /* by the tries before */
        result = tries_judge(&tries, inner->upload_commit(call, conn->inner, upload->inner, args, parts, count,
                                                          element_size, &tries.object, &tries.err));
        if (result == 0)
            break;
        /* After a clash the upload is of no more use: whoever sent the parts begins another. But if an answer was lost before, it may
         * be our own try that is still at work. */
        if ((tries.err.cls != SF_CONFLICT || lost) && tries_again(&tries))
            continue;
        result =
            retry_conclude(call, conn, &sent, args->precondition, tries.lost && may_be_an_echo(tries.err.cls), &tries);
        if (lost && tries.err.cls == SF_NOT_FOUND)
            tries.err.maybe_applied = 1; /* a store may hide an upload that it is putting together */
        break;
    }
    return tries_give(&tries, result, object, err);
}

static int retry_upload_abort(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                              struct sf_error *err)
{
    const struct sf_plugin *inner = conn->store->inner.table;
    struct tries tries;
    int result;

    retry_begin(&tries, call, conn, "upload_abort", upload->key);
    do
        result = tries_judge(&tries, inner->upload_abort(call, conn->inner, upload->inner, &tries.err));
    while (result != 0 && tries_again(&tries));
    if (result != 0 && tries.err.cls == SF_NOT_FOUND)
        return 0; /* by an earlier try, or by somebody else */
    return tries_give(&tries, result, NULL, err);
}

static void retry_upload_close(struct sf_upload *upload)
{
    upload->store->inner.table->upload_close(upload->inner);
    free(upload->key);
    free(upload);
}

static int retry_uploads_list(const struct sf_call *call, struct sf_conn *conn, const char *prefix,
                              const struct sf_uploads_sink *sink, struct sf_error *err)
{
    const struct sf_plugin *inner = conn->store->inner.table;
    struct tries tries;
    SF_AUTO(uploads) uploads;
    int result;

    uploads_init(&uploads, inner, prefix);
    retry_begin(&tries, call, conn, "uploads_list", prefix != NULL ? prefix : "");
    do {
        struct sf_uploads_sink keep = uploads_begin(&uploads);

        result = tries_judge(&tries, inner->uploads_list(call, conn->inner, prefix, &keep, &tries.err));
    } while (result != 0 && tries_again(&tries));
    if (result != 0)
        return tries_give(&tries, result, NULL, err);
    return uploads_deliver(&uploads, sink, err);
}

void retry_fill_upload_slots(struct sf_plugin *slots)
{
    slots->upload_begin = retry_upload_begin;
    slots->upload_resume = retry_upload_resume;
    slots->upload_part = retry_upload_part;
    slots->upload_commit = retry_upload_commit;
    slots->upload_abort = retry_upload_abort;
    slots->upload_close = retry_upload_close;
    slots->uploads_list = retry_uploads_list;
}
