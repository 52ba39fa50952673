/* SPDX-License-Identifier: Apache-2.0
 *
 * The misbehaving wrapper's slots for objects in parts. upload_resume and uploads_list pass through, uncounted.
 */
#include "core/store/wrap_fault.h"

#include "base/mem.h"

struct sf_upload {
    struct sf_upload *inner;
    struct sf_store *store;
    char *key;
};

static void wrap_upload(struct sf_store *store, struct sf_upload *inner, const char *key, struct sf_upload **upload)
{
    *upload = mem_alloc(sizeof(**upload));
    (*upload)->inner = inner;
    (*upload)->store = store;
    (*upload)->key = mem_text(key);
}

static int fault_upload_begin(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                              struct sf_upload_token *token, struct sf_upload **upload, struct sf_error *err)
{
    const struct sf_plugin *table = conn->store->inner.table;
    struct sf_upload *inner = NULL;
    struct fault fault;
    int result;

    if (fault_begin(&fault, call, conn->store, FAULT_UPLOAD_BEGIN, args->key, err) != 0)
        return fault_end(&fault, -1, err);
    result = table->upload_begin(call, conn->inner, args, token, &inner, err);
    if (fault_end(&fault, result, err) != 0) {
        if (result == 0)
            table->upload_close(inner); /* lost: it stays on the store */
        return -1;
    }
    wrap_upload(conn->store, inner, args->key, upload);
    return 0;
}

static int fault_upload_resume(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                               const struct sf_upload_token *token, uint64_t *persisted, struct sf_upload **upload,
                               struct sf_error *err)
{
    struct sf_upload *inner = NULL;

    if (conn->store->inner.table->upload_resume(call, conn->inner, args, token, persisted, &inner, err) != 0)
        return -1;
    wrap_upload(conn->store, inner, args->key, upload);
    return 0;
}

static int fault_upload_part(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                             const struct sf_part *part, struct sf_part_result *result, struct sf_error *err)
{
    const struct sf_plugin *table = conn->store->inner.table;
    struct fault fault;

    if (fault_begin(&fault, call, conn->store, FAULT_UPLOAD_PART, upload->key, err) != 0)
        return fault_end(&fault, -1, err);
    return fault_end(&fault, table->upload_part(call, conn->inner, upload->inner, part, result, err), err);
}

static int fault_upload_commit(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                               const struct sf_upload_args *args, const struct sf_part_done *parts, uint32_t count,
                               uint32_t element_size, struct sf_object *object, struct sf_error *err)
{
    const struct sf_plugin *table = conn->store->inner.table;
    struct fault fault;
    int result;

    if (fault_begin(&fault, call, conn->store, FAULT_UPLOAD_COMMIT, args->key, err) != 0)
        return fault_end(&fault, -1, err);
    result = table->upload_commit(call, conn->inner, upload->inner, args, parts, count, element_size, object, err);
    return fault_end(&fault, result, err);
}

static int fault_upload_abort(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                              struct sf_error *err)
{
    struct fault fault;

    if (fault_begin(&fault, call, conn->store, FAULT_UPLOAD_ABORT, upload->key, err) != 0)
        return fault_end(&fault, -1, err);
    return fault_end(&fault, conn->store->inner.table->upload_abort(call, conn->inner, upload->inner, err), err);
}

static void fault_upload_close(struct sf_upload *upload)
{
    upload->store->inner.table->upload_close(upload->inner);
    free(upload->key);
    free(upload);
}

static int fault_uploads_list(const struct sf_call *call, struct sf_conn *conn, const char *prefix,
                              const struct sf_uploads_sink *sink, struct sf_error *err)
{
    return conn->store->inner.table->uploads_list(call, conn->inner, prefix, sink, err);
}

void fault_fill_upload_slots(struct sf_plugin *slots)
{
    slots->upload_begin = fault_upload_begin;
    slots->upload_resume = fault_upload_resume;
    slots->upload_part = fault_upload_part;
    slots->upload_commit = fault_upload_commit;
    slots->upload_abort = fault_upload_abort;
    slots->upload_close = fault_upload_close;
    slots->uploads_list = fault_uploads_list;
}
