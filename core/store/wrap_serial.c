/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps calls into a plugin that says SF_SERIAL apart: one mutex a store, held for the length of each call. Waiting for the
 * mutex is not cancellable, but whoever holds it is, and those behind find out as soon as it is their turn.
 */
#include "core/store/store.h"

#include "base/mem.h"

#include <pthread.h>

struct sf_store {
    struct store inner;
    struct sf_plugin table;
    pthread_mutex_t mutex;
};

struct sf_conn {
    struct sf_store *store;
    struct sf_conn *inner;
};

struct sf_list {
    struct sf_store *store;
    struct sf_list *inner;
};

struct sf_upload {
    struct sf_store *store;
    struct sf_upload *inner;
};

static int enter(const struct sf_call *call, struct sf_store *store, struct sf_error *err)
{
    pthread_mutex_lock(&store->mutex);
    if (!call->cancelled(call))
        return 0;
    pthread_mutex_unlock(&store->mutex);
    return sf_fail(err, SF_CANCELLED, "cancelled while waiting for plugin %s, which takes one call at a time",
                   store->table.name);
}

static int leave(struct sf_store *store, int result)
{
    pthread_mutex_unlock(&store->mutex);
    return result;
}

static void serial_store_close(struct sf_store *store)
{
    store_cleanup(&store->inner);
    pthread_mutex_destroy(&store->mutex);
    free(store);
}

static int serial_conn_open(const struct sf_call *call, struct sf_store *store, struct sf_conn **conn,
                            struct sf_error *err)
{
    struct sf_conn *inner = NULL;
    int result;

    if (enter(call, store, err) != 0)
        return -1;
    result = leave(store, store->inner.table->conn_open(call, store->inner.handle, &inner, err));
    if (result == 0) {
        *conn = mem_alloc(sizeof(**conn));
        (*conn)->store = store;
        (*conn)->inner = inner;
    }
    return result;
}

static void serial_conn_close(struct sf_conn *conn)
{
    pthread_mutex_lock(&conn->store->mutex);
    conn->store->inner.table->conn_close(conn->inner);
    pthread_mutex_unlock(&conn->store->mutex);
    free(conn);
}

static int serial_put(const struct sf_call *call, struct sf_conn *conn, const struct sf_put *put,
                      struct sf_object *object, struct sf_error *err)
{
    if (enter(call, conn->store, err) != 0)
        return -1;
    return leave(conn->store, conn->store->inner.table->put(call, conn->inner, put, object, err));
}

static int serial_get(const struct sf_call *call, struct sf_conn *conn, const struct sf_get *get,
                      const struct sf_sink *sink, struct sf_object *object, struct sf_error *err)
{
    if (enter(call, conn->store, err) != 0)
        return -1;
    return leave(conn->store, conn->store->inner.table->get(call, conn->inner, get, sink, object, err));
}

static int serial_stat(const struct sf_call *call, struct sf_conn *conn, const char *key, struct sf_object *object,
                       struct sf_error *err)
{
    if (enter(call, conn->store, err) != 0)
        return -1;
    return leave(conn->store, conn->store->inner.table->stat(call, conn->inner, key, object, err));
}

static int serial_list_open(const struct sf_call *call, struct sf_conn *conn, const struct sf_list_query *query,
                            struct sf_list **list, struct sf_error *err)
{
    struct sf_list *inner = NULL;
    int result;

    if (enter(call, conn->store, err) != 0)
        return -1;
    result = leave(conn->store, conn->store->inner.table->list_open(call, conn->inner, query, &inner, err));
    if (result == 0) {
        *list = mem_alloc(sizeof(**list));
        (*list)->store = conn->store;
        (*list)->inner = inner;
    }
    return result;
}

static int serial_list_next(const struct sf_call *call, struct sf_list *list, const struct sf_list_sink *sink,
                            int *more, struct sf_error *err)
{
    if (enter(call, list->store, err) != 0)
        return -1;
    return leave(list->store, list->store->inner.table->list_next(call, list->inner, sink, more, err));
}

static void serial_list_close(struct sf_list *list)
{
    pthread_mutex_lock(&list->store->mutex);
    list->store->inner.table->list_close(list->inner);
    pthread_mutex_unlock(&list->store->mutex);
    free(list);
}

static int serial_remove(const struct sf_call *call, struct sf_conn *conn, const struct sf_remove *items,
                         uint32_t count, uint32_t element_size, const struct sf_remove_sink *sink, struct sf_error *err)
{
    if (enter(call, conn->store, err) != 0)
        return -1;
    return leave(conn->store,
                 conn->store->inner.table->remove(call, conn->inner, items, count, element_size, sink, err));
}

static int serial_copy(const struct sf_call *call, struct sf_conn *conn, const struct sf_copy *copy,
                       struct sf_object *object, struct sf_error *err)
{
    if (enter(call, conn->store, err) != 0)
        return -1;
    return leave(conn->store, conn->store->inner.table->copy(call, conn->inner, copy, object, err));
}

/* ---- objects in parts ---- */

static void wrap_upload(struct sf_store *store, struct sf_upload *inner, struct sf_upload **upload)
{
    *upload = mem_alloc(sizeof(**upload));
    (*upload)->store = store;
    (*upload)->inner = inner;
}

static int serial_upload_begin(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                               struct sf_upload_token *token, struct sf_upload **upload, struct sf_error *err)
{
    struct sf_upload *inner = NULL;
    int result;

    if (enter(call, conn->store, err) != 0)
        return -1;
    result = leave(conn->store, conn->store->inner.table->upload_begin(call, conn->inner, args, token, &inner, err));
    if (result == 0)
        wrap_upload(conn->store, inner, upload);
    return result;
}

static int serial_upload_resume(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                                const struct sf_upload_token *token, uint64_t *persisted, struct sf_upload **upload,
                                struct sf_error *err)
{
    struct sf_upload *inner = NULL;
    int result;

    if (enter(call, conn->store, err) != 0)
        return -1;
    result = leave(conn->store,
                   conn->store->inner.table->upload_resume(call, conn->inner, args, token, persisted, &inner, err));
    if (result == 0)
        wrap_upload(conn->store, inner, upload);
    return result;
}

static int serial_upload_part(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                              const struct sf_part *part, struct sf_part_result *result, struct sf_error *err)
{
    if (enter(call, conn->store, err) != 0)
        return -1;
    return leave(conn->store,
                 conn->store->inner.table->upload_part(call, conn->inner, upload->inner, part, result, err));
}

static int serial_upload_commit(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                                const struct sf_upload_args *args, const struct sf_part_done *parts, uint32_t count,
                                uint32_t element_size, struct sf_object *object, struct sf_error *err)
{
    if (enter(call, conn->store, err) != 0)
        return -1;
    return leave(conn->store, conn->store->inner.table->upload_commit(call, conn->inner, upload->inner, args, parts,
                                                                      count, element_size, object, err));
}

static int serial_upload_abort(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                               struct sf_error *err)
{
    if (enter(call, conn->store, err) != 0)
        return -1;
    return leave(conn->store, conn->store->inner.table->upload_abort(call, conn->inner, upload->inner, err));
}

static void serial_upload_close(struct sf_upload *upload)
{
    pthread_mutex_lock(&upload->store->mutex);
    upload->store->inner.table->upload_close(upload->inner);
    pthread_mutex_unlock(&upload->store->mutex);
    free(upload);
}

static int serial_uploads_list(const struct sf_call *call, struct sf_conn *conn, const char *prefix,
                               const struct sf_uploads_sink *sink, struct sf_error *err)
{
    if (enter(call, conn->store, err) != 0)
        return -1;
    return leave(conn->store, conn->store->inner.table->uploads_list(call, conn->inner, prefix, sink, err));
}

static int serial_probe(const struct sf_call *call, struct sf_conn *conn, const char *prefix,
                        struct sf_store_info *info, struct sf_error *err)
{
    if (enter(call, conn->store, err) != 0)
        return -1;
    return leave(conn->store, conn->store->inner.table->probe(call, conn->inner, prefix, info, err));
}

static const struct sf_plugin serial_slots = {
    .store_close = serial_store_close,
    .conn_open = serial_conn_open,
    .conn_close = serial_conn_close,
    .put = serial_put,
    .get = serial_get,
    .stat = serial_stat,
    .list_open = serial_list_open,
    .list_next = serial_list_next,
    .list_close = serial_list_close,
    .remove = serial_remove,
    .copy = serial_copy,
    .upload_begin = serial_upload_begin,
    .upload_resume = serial_upload_resume,
    .upload_part = serial_upload_part,
    .upload_commit = serial_upload_commit,
    .upload_abort = serial_upload_abort,
    .upload_close = serial_upload_close,
    .uploads_list = serial_uploads_list,
    .probe = serial_probe,
};

void wrap_serial(struct store *store, struct store *inner)
{
    struct sf_store *outer = mem_alloc(sizeof(*outer));

    outer->inner = *inner;
    *inner = (struct store){0};
    pthread_mutex_init(&outer->mutex, NULL);
    wrap_table(&outer->table, outer->inner.table, &serial_slots);
    outer->table.threads = SF_PER_CONN;
    store->info = outer->inner.info;
    store->table = &outer->table;
    store->handle = outer;
}
