/* SPDX-License-Identifier: Apache-2.0
 *
 * Misbehaves as SNAPFERRY_FAULT says, for the test suite (built with -Dfaults=true only). Rules (fault_rules.h) count calls, retries
 * included, since this wrapper stands below the retrying one.
 */
#include "core/store/wrap_fault.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <signal.h>

struct sf_list {
    struct sf_store *store;
    struct sf_list *inner;
    char *prefix;
};

static void die(void) __attribute__((noreturn));
static void die(void)
{
    for (;;)
        kill(getpid(), SIGKILL);
}

static void hang(void) __attribute__((noreturn));
static void hang(void)
{
    for (;;)
        pause();
}

static int slow_down(const struct sf_call *call, uint32_t ms, struct sf_error *err)
{
    int64_t end = clock_mono_ms() + ms;
    int64_t left;

    for (left = ms; left > 0; left = end - clock_mono_ms()) {
        if (call->cancelled(call))
            return sf_fail(err, SF_CANCELLED, "injected: cancelled while slow");
        clock_sleep_ms(left < 20 ? left : 20);
    }
    return 0;
}

int fault_begin(struct fault *fault, const struct sf_call *call, struct sf_store *store, enum fault_slot slot,
                const char *key, struct sf_error *err)
{
    const struct fault_rule *fail = NULL;
    uint32_t slow_ms = 0;
    size_t i;

    *fault = (struct fault){.store = store, .key = key};
    fault->number = atomic_fetch_add(&store->rules.calls, 1) + 1;
    /* Every rule sees every call, so that what one does is not counted differently because of another. */
    for (i = 0; i < store->rules.count; i++) {
        struct fault_rule *rule = &store->rules.items[i];

        if (rule->kind == FAULT_KILL_BEFORE && fault->number == rule->nth)
            die();
        if (!fault_rule_hits(rule, slot, key))
            continue;
        if (rule->kind == FAULT_FAIL && fail == NULL)
            fail = rule;
        if (rule->kind == FAULT_SLOW)
            slow_ms += rule->ms;
        if (rule->kind == FAULT_HANG)
            hang();
        fault->lose = fault->lose || rule->kind == FAULT_LOSE;
        fault->corrupt = fault->corrupt || rule->kind == FAULT_CORRUPT;
    }
    if (slow_down(call, slow_ms, err) != 0)
        return -1;
    if (fail != NULL)
        return sf_fail(err, fail->cls, "%s: injected %s failure of %s", key, err_class_name((int)fail->cls),
                       fault_slot_name(slot));
    return 0;
}

int fault_end(const struct fault *fault, int result, struct sf_error *err)
{
    const struct fault_rules *rules = &fault->store->rules;
    size_t i;

    for (i = 0; i < rules->count; i++)
        if (rules->items[i].kind == FAULT_KILL && rules->items[i].nth == fault->number)
            die();
    if (result != 0 || !fault->lose)
        return result;
    sf_fail(err, SF_TRANSIENT, "%s: injected loss of the answer", fault->key);
    err->maybe_applied = 1;
    return -1;
}

static void fault_store_close(struct sf_store *store)
{
    const char *path = getenv("SNAPFERRY_FAULT_COUNT");
    FILE *file = store->rules.report && path != NULL ? fopen(path, "we") : NULL;

    if (file != NULL) {
        fprintf(file, "%llu\n", (unsigned long long)atomic_load(&store->rules.calls));
        fclose(file);
    }
    store_cleanup(&store->inner);
    fault_rules_cleanup(&store->rules);
    free(store);
}

static int fault_conn_open(const struct sf_call *call, struct sf_store *store, struct sf_conn **conn,
                           struct sf_error *err)
{
    struct sf_conn *inner = NULL;

    if (store->inner.table->conn_open(call, store->inner.handle, &inner, err) != 0)
        return -1;
    *conn = mem_alloc(sizeof(**conn));
    (*conn)->store = store;
    (*conn)->inner = inner;
    return 0;
}

static void fault_conn_close(struct sf_conn *conn)
{
    conn->store->inner.table->conn_close(conn->inner);
    free(conn);
}

static int fault_put(const struct sf_call *call, struct sf_conn *conn, const struct sf_put *put,
                     struct sf_object *object, struct sf_error *err)
{
    struct fault fault;

    if (fault_begin(&fault, call, conn->store, FAULT_PUT, put->key, err) != 0)
        return fault_end(&fault, -1, err);
    return fault_end(&fault, conn->store->inner.table->put(call, conn->inner, put, object, err), err);
}

/* ---- get, which may deliver a flipped byte ---- */

struct flipped_sink {
    const struct sf_sink *outer;
};

static int flipped_write(void *ctx, uint64_t position, const void *bytes, size_t length, struct sf_error *err)
{
    const struct sf_sink *outer = ((struct flipped_sink *)ctx)->outer;
    AUTO_FREE unsigned char *copy = NULL;

    if (position != 0 || length == 0)
        return outer->write(outer->ctx, position, bytes, length, err);
    copy = mem_alloc(length);
    memcpy(copy, bytes, length);
    copy[0] ^= 0xff;
    return outer->write(outer->ctx, position, copy, length, err);
}

/* Flips the first byte that the sink has received, where that lies in memory or in a file. */
static int flip_delivered(const struct sf_sink *sink, uint64_t bytes, struct sf_error *err)
{
    unsigned char byte;

    if (bytes == 0 || sink->kind == SF_SINK_CALLBACK)
        return 0;
    if (sink->kind == SF_SINK_MEMORY) {
        ((unsigned char *)sink->data)[0] ^= 0xff;
        return 0;
    }
    if (pread(sink->fd, &byte, 1, (off_t)sink->offset) == 1) {
        byte ^= 0xff;
        if (pwrite(sink->fd, &byte, 1, (off_t)sink->offset) == 1)
            return 0;
    }
    return err_errno(err, errno, "injecting a flipped byte");
}

static int fault_get(const struct sf_call *call, struct sf_conn *conn, const struct sf_get *get,
                     const struct sf_sink *sink, struct sf_object *object, struct sf_error *err)
{
    struct flipped_sink flipped = {sink};
    struct sf_sink inner;
    struct fault fault;
    int result;

    if (fault_begin(&fault, call, conn->store, FAULT_GET, get->key, err) != 0)
        return fault_end(&fault, -1, err);
    sf_take(&inner, sizeof(inner), sink);
    if (fault.corrupt && sink->kind == SF_SINK_CALLBACK) {
        inner.ctx = &flipped;
        inner.write = flipped_write;
    }
    result = conn->store->inner.table->get(call, conn->inner, get, &inner, object, err);
    if (result == 0 && fault.corrupt)
        result = flip_delivered(sink, object->bytes, err);
    return fault_end(&fault, result, err);
}

static int fault_stat(const struct sf_call *call, struct sf_conn *conn, const char *key, struct sf_object *object,
                      struct sf_error *err)
{
    struct fault fault;

    if (fault_begin(&fault, call, conn->store, FAULT_STAT, key, err) != 0)
        return fault_end(&fault, -1, err);
    return fault_end(&fault, conn->store->inner.table->stat(call, conn->inner, key, object, err), err);
}

static int fault_list_open(const struct sf_call *call, struct sf_conn *conn, const struct sf_list_query *query,
                           struct sf_list **list, struct sf_error *err)
{
    struct sf_list *inner = NULL;

    if (conn->store->inner.table->list_open(call, conn->inner, query, &inner, err) != 0)
        return -1;
    *list = mem_alloc(sizeof(**list));
    (*list)->store = conn->store;
    (*list)->inner = inner;
    (*list)->prefix = mem_text(query->prefix != NULL ? query->prefix : "");
    return 0;
}

static int fault_list_next(const struct sf_call *call, struct sf_list *list, const struct sf_list_sink *sink, int *more,
                           struct sf_error *err)
{
    struct fault fault;

    if (fault_begin(&fault, call, list->store, FAULT_LIST, list->prefix, err) != 0)
        return fault_end(&fault, -1, err);
    return fault_end(&fault, list->store->inner.table->list_next(call, list->inner, sink, more, err), err);
}

static void fault_list_close(struct sf_list *list)
{
    list->store->inner.table->list_close(list->inner);
    free(list->prefix);
    free(list);
}

/* A batch counts as its first key. */
static int fault_remove(const struct sf_call *call, struct sf_conn *conn, const struct sf_remove *items, uint32_t count,
                        uint32_t element_size, const struct sf_remove_sink *sink, struct sf_error *err)
{
    const char *key = count > 0 ? items->key : "";
    struct fault fault;

    if (fault_begin(&fault, call, conn->store, FAULT_REMOVE, key, err) != 0)
        return fault_end(&fault, -1, err);
    return fault_end(&fault, conn->store->inner.table->remove(call, conn->inner, items, count, element_size, sink, err),
                     err);
}

static int fault_copy(const struct sf_call *call, struct sf_conn *conn, const struct sf_copy *copy,
                      struct sf_object *object, struct sf_error *err)
{
    struct fault fault;

    if (fault_begin(&fault, call, conn->store, FAULT_COPY, copy->to, err) != 0)
        return fault_end(&fault, -1, err);
    return fault_end(&fault, conn->store->inner.table->copy(call, conn->inner, copy, object, err), err);
}

static int fault_probe(const struct sf_call *call, struct sf_conn *conn, const char *prefix, struct sf_store_info *info,
                       struct sf_error *err)
{
    return conn->store->inner.table->probe(call, conn->inner, prefix, info, err);
}

static const struct sf_plugin fault_slots = {
    .store_close = fault_store_close,
    .conn_open = fault_conn_open,
    .conn_close = fault_conn_close,
    .put = fault_put,
    .get = fault_get,
    .stat = fault_stat,
    .list_open = fault_list_open,
    .list_next = fault_list_next,
    .list_close = fault_list_close,
    .remove = fault_remove,
    .copy = fault_copy,
    .probe = fault_probe,
};

int wrap_fault(struct store *store, struct store *inner, const char *spec, struct sf_error *err)
{
    struct fault_rules rules = {0};
    struct sf_plugin slots = fault_slots;
    struct sf_store *outer;

    if (fault_rules_parse(&rules, spec, err) != 0) {
        fault_rules_cleanup(&rules);
        return -1;
    }
    outer = mem_alloc(sizeof(*outer));
    outer->inner = *inner;
    *inner = (struct store){0};
    outer->rules.items = rules.items;
    outer->rules.count = rules.count;
    outer->rules.report = rules.report;
    fault_fill_upload_slots(&slots);
    wrap_table(&outer->table, outer->inner.table, &slots);
    store->info = outer->inner.info;
    store->table = &outer->table;
    store->handle = outer;
    return 0;
}
