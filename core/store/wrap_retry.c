/* SPDX-License-Identifier: Apache-2.0
 *
 * The outermost wrapper: sends what failed with a retryable class again (backoff.c), reads every answer with suspicion
 * (boundary.c), keeps pages until they are whole (page.c), and settles lost answers (settle.c). The caller's out-parameters
 * change only on success.
 */
#include "core/store/wrap_retry.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/store/batch.h"
#include "core/store/boundary.h"
#include "core/store/call.h"
#include "core/store/page.h"

struct sf_list {
    struct sf_conn *conn;
    struct sf_list *inner;
    struct page page;
};

void retry_begin(struct tries *tries, const struct sf_call *call, struct sf_conn *conn, const char *slot,
                 const char *key)
{
    struct sf_store *store = conn->store;

    *tries = (struct tries){.table = store->inner.table, .slot = slot, .key = key, .watch = &conn->watch};
    tries->backoff = (struct backoff){
        .call = call, .run = store->run, .log = store->log, .pace = &store->pace, .tries_max = RETRY_TRIES};
    tries_begin(tries);
}

static void retry_store_close(struct sf_store *store)
{
    store_cleanup(&store->inner);
    pace_cleanup(&store->pace);
    free(store);
}

static void free_conn(struct sf_conn *conn)
{
    watch_call_cleanup(&conn->watch, conn->store->run->watch);
    free(conn);
}

static int retry_conn_open(const struct sf_call *call, struct sf_store *store, struct sf_conn **conn,
                           struct sf_error *err)
{
    struct sf_conn *opened = mem_alloc(sizeof(*opened));
    struct tries tries;
    int result;

    opened->store = store;
    watch_call_init(&opened->watch, store->run->watch);
    retry_begin(&tries, call, opened, "conn_open", "");
    tries.backoff.tries_max = RETRY_TRIES_OPEN;
    do
        result =
            tries_judge(&tries, store->inner.table->conn_open(call, store->inner.handle, &opened->inner, &tries.err));
    while (result != 0 && tries_again(&tries));
    if (result == 0)
        *conn = opened;
    else
        free_conn(opened);
    return tries_give(&tries, result, NULL, err);
}

static void retry_conn_close(struct sf_conn *conn)
{
    conn->store->inner.table->conn_close(conn->inner);
    free_conn(conn);
}

static int retry_get(const struct sf_call *call, struct sf_conn *conn, const struct sf_get *get,
                     const struct sf_sink *sink, struct sf_object *object, struct sf_error *err)
{
    const struct sf_plugin *inner = conn->store->inner.table;
    struct tries tries;
    int result;

    retry_begin(&tries, call, conn, "get", get->key);
    do
        result = tries_judge(&tries, inner->get(call, conn->inner, get, sink, &tries.object, &tries.err));
    while (result != 0 && tries_again(&tries));
    return tries_give(&tries, result, object, err);
}

static int retry_stat(const struct sf_call *call, struct sf_conn *conn, const char *key, struct sf_object *object,
                      struct sf_error *err)
{
    const struct sf_plugin *inner = conn->store->inner.table;
    struct tries tries;
    int result;

    retry_begin(&tries, call, conn, "stat", key);
    do
        result = tries_judge(&tries, inner->stat(call, conn->inner, key, &tries.object, &tries.err));
    while (result != 0 && tries_again(&tries));
    return tries_give(&tries, result, object, err);
}

static bool is_refusal(int cls)
{
    return cls == SF_EXISTS || cls == SF_PRECONDITION;
}

/* An answer was lost on the way, and what came last does not say whether it had been a success: 0 and the object in
 * tries->object if it is ours, else the error with maybe_applied as far as that is still open. */
static int settle(const struct sf_call *call, struct sf_conn *conn, const struct sent *sent, struct tries *tries)
{
    struct sf_object found = {.size = sizeof(found)};
    struct sf_error err = SF_ERROR_INIT;

    tries->err.maybe_applied = 1;
    if (tries->err.cls == SF_CANCELLED)
        return -1;
    if (retry_stat(call, conn, sent->key, &found, &err) != 0) {
        if (err.cls == SF_NOT_FOUND && tries->err.cls == SF_NOT_FOUND)
            tries->err.maybe_applied = 0; /* neither the upload nor the object is there */
        return -1;
    }
    if (!settle_is_ours(sent, &found)) {
        if (is_refusal(tries->err.cls))
            tries->err.maybe_applied = 0;
        return -1;
    }
    tries->object = found;
    return 0;
}

int retry_conclude(const struct sf_call *call, struct sf_conn *conn, const struct sent *sent, uint32_t precondition,
                   bool in_doubt, struct tries *tries)
{
    if (precondition != SF_IF_ANY && (in_doubt || tries->err.maybe_applied))
        return settle(call, conn, sent, tries);
    if (tries->lost)
        tries->err.maybe_applied = 1;
    return -1;
}

static int retry_put(const struct sf_call *call, struct sf_conn *conn, const struct sf_put *put,
                     struct sf_object *object, struct sf_error *err)
{
    const struct sf_plugin *inner = conn->store->inner.table;
    const struct sent sent = {.key = put->key,
                              .bytes = put->body->length,
                              .if_tag = put->precondition == SF_IF_TAG ? put->if_tag : NULL,
                              .digests = put->digests,
                              .meta = put->meta,
                              .meta_count = put->meta_count,
                              .meta_element_size = put->meta_element_size};
    struct tries tries;
    int result;

    retry_begin(&tries, call, conn, "put", put->key);
    for (;;) {
        result = tries_judge(&tries, inner->put(call, conn->inner, put, &tries.object, &tries.err));
        if (result == 0)
            break;
        if (tries_again(&tries))
            continue;
        result = retry_conclude(call, conn, &sent, put->precondition, tries.lost && is_refusal(tries.err.cls), &tries);
        break;
    }
    return tries_give(&tries, result, object, err);
}

static int retry_copy(const struct sf_call *call, struct sf_conn *conn, const struct sf_copy *copy,
                      struct sf_object *object, struct sf_error *err)
{
    const struct sf_plugin *inner = conn->store->inner.table;
    const struct sent sent = {.key = copy->to,
                              .bytes = copy->bytes,
                              .if_tag = copy->precondition == SF_IF_TAG ? copy->if_tag : NULL,
                              .digests = copy->digests,
                              .meta = copy->meta,
                              .meta_count = copy->meta_count,
                              .meta_element_size = copy->meta_element_size};
    struct tries tries;
    int result;

    retry_begin(&tries, call, conn, "copy", copy->to);
    for (;;) {
        result = tries_judge(&tries, inner->copy(call, conn->inner, copy, &tries.object, &tries.err));
        if (result == 0)
            break;
        if (tries_again(&tries))
            continue;
        result = retry_conclude(call, conn, &sent, copy->precondition, tries.lost && is_refusal(tries.err.cls), &tries);
        break;
    }
    return tries_give(&tries, result, object, err);
}

static int retry_list_open(const struct sf_call *call, struct sf_conn *conn, const struct sf_list_query *query,
                           struct sf_list **list, struct sf_error *err)
{
    const struct sf_plugin *inner = conn->store->inner.table;
    struct sf_list *opened = NULL;
    struct tries tries;
    int result;

    retry_begin(&tries, call, conn, "list_open", query->prefix != NULL ? query->prefix : "");
    do
        result = tries_judge(&tries, inner->list_open(call, conn->inner, query, &opened, &tries.err));
    while (result != 0 && tries_again(&tries));
    if (result == 0) {
        *list = mem_alloc(sizeof(**list));
        (*list)->conn = conn;
        (*list)->inner = opened;
        page_init(&(*list)->page, inner, query);
    }
    return tries_give(&tries, result, NULL, err);
}

static int retry_list_next(const struct sf_call *call, struct sf_list *list, const struct sf_list_sink *sink, int *more,
                           struct sf_error *err)
{
    const struct sf_plugin *inner = list->conn->store->inner.table;
    struct tries tries;
    int has_more, result;

    retry_begin(&tries, call, list->conn, "list_next", list->page.prefix);
    do {
        struct sf_list_sink keep = page_begin(&list->page);

        has_more = 0;
        result = tries_judge(&tries, inner->list_next(call, list->inner, &keep, &has_more, &tries.err));
    } while (result != 0 && tries_again(&tries));
    if (result != 0)
        return tries_give(&tries, result, NULL, err);
    if (page_deliver(&list->page, sink, err) != 0)
        return -1;
    *more = has_more != 0;
    return 0;
}

static void retry_list_close(struct sf_list *list)
{
    list->conn->store->inner.table->list_close(list->inner);
    page_cleanup(&list->page);
    free(list);
}

static int retry_remove(const struct sf_call *call, struct sf_conn *conn, const struct sf_remove *items, uint32_t count,
                        uint32_t element_size, const struct sf_remove_sink *sink, struct sf_error *err)
{
    const struct sf_plugin *inner = conn->store->inner.table;
    struct tries tries;
    SF_AUTO(batch) batch = {0};
    bool settled;
    int result;

    if (count == 0)
        return 0;
    batch_init(&batch, inner, items, count, element_size);
    retry_begin(&tries, call, conn, "remove", items->key);
    do {
        struct sf_remove_sink collect = batch_begin(&batch);

        result =
            inner->remove(call, conn->inner, batch.items, batch.open, sizeof(batch.items[0]), &collect, &tries.err);
        if (result != 0)
            boundary_error(inner, "remove", &tries.err);
        /* A call that succeeded may still have keys that ask for another try: then the first of them speaks. */
        settled = batch_end(&batch, result, sink, &tries.err) == 0;
        tries_end(&tries, settled ? SF_OK : tries.err.cls);
        if (settled)
            return 0;
    } while (tries_again(&tries));
    if (result != 0 || tries.err.cls == SF_CANCELLED)
        return tries_give(&tries, -1, NULL, err);
    batch_give_up(&batch, sink);
    return 0;
}

static int retry_probe(const struct sf_call *call, struct sf_conn *conn, const char *prefix, struct sf_store_info *info,
                       struct sf_error *err)
{
    const struct sf_plugin *inner = conn->store->inner.table;
    struct sf_store_info found;
    struct tries tries;
    int result;

    retry_begin(&tries, call, conn, "probe", prefix);
    do {
        sf_take(&found, sizeof(found), info);
        result = tries_judge(&tries, inner->probe(call, conn->inner, prefix, &found, &tries.err));
    } while (result != 0 && tries_again(&tries));
    if (result != 0)
        return tries_give(&tries, result, NULL, err);
    if (boundary_info(inner, &found, err) != 0)
        return -1;
    sf_give(info, &found);
    return 0;
}

static const struct sf_plugin retry_slots = {
    .store_close = retry_store_close,
    .conn_open = retry_conn_open,
    .conn_close = retry_conn_close,
    .put = retry_put,
    .get = retry_get,
    .stat = retry_stat,
    .list_open = retry_list_open,
    .list_next = retry_list_next,
    .list_close = retry_list_close,
    .remove = retry_remove,
    .copy = retry_copy,
    .probe = retry_probe,
};

void wrap_retry(struct store *store, struct store *inner, struct run_call *run, struct log *log)
{
    struct sf_store *outer = mem_alloc(sizeof(*outer));
    struct sf_plugin slots;

    outer->inner = *inner;
    *inner = (struct store){0};
    outer->run = run;
    outer->log = log;
    pace_init(&outer->pace);
    slots = retry_slots;
    retry_fill_upload_slots(&slots);
    wrap_table(&outer->table, outer->inner.table, &slots);
    store->info = outer->inner.info;
    store->table = &outer->table;
    store->handle = outer;
}
