/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/store.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "core/store/backoff.h"
#include "core/store/boundary.h"
#include "core/store/call.h"
#include "core/store/watch.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>

#define KEEP_IF_INNER_HAS(slot) table->slot = inner->slot != NULL ? table->slot : NULL

void wrap_table(struct sf_plugin *table, const struct sf_plugin *inner, const struct sf_plugin *slots)
{
    *table = *slots;
    table->size = sizeof(*table);
    table->abi_major = inner->abi_major;
    table->abi_minor = inner->abi_minor;
    table->name = inner->name;
    table->version = inner->version;
    table->description = inner->description;
    table->threads = inner->threads;
    table->option_count = inner->option_count;
    table->option_element_size = inner->option_element_size;
    table->options = inner->options;
    table->scheme_count = inner->scheme_count;
    table->schemes = inner->schemes;
    KEEP_IF_INNER_HAS(copy);
    KEEP_IF_INNER_HAS(upload_begin);
    KEEP_IF_INNER_HAS(upload_resume);
    KEEP_IF_INNER_HAS(upload_part);
    KEEP_IF_INNER_HAS(upload_commit);
    KEEP_IF_INNER_HAS(upload_abort);
    KEEP_IF_INNER_HAS(upload_close);
    KEEP_IF_INNER_HAS(uploads_list);
    KEEP_IF_INNER_HAS(probe);
}

/* The plugin's own store; store_open talks to the destination as other slots do, so it is tried again like them. */
static int open_plugin(struct store *store, const struct sf_plugin *table, const struct sf_settings *settings,
                       struct run_call *run, struct log *log, struct sf_error *err)
{
    struct backoff backoff = {.call = &run->call, .run = run, .log = log, .tries_max = RETRY_TRIES_OPEN};
    struct watch_call watched;
    struct sf_error failure;
    int result;

    watch_call_init(&watched, run->watch);
    do {
        failure = (struct sf_error)SF_ERROR_INIT;
        *store = (struct store){.info = {.size = sizeof(store->info)}};
        watch_enter(&watched, "store_open", "");
        result = table->store_open(&run->call, settings, &store->info, &store->handle, &failure);
        watch_leave(&watched);
        if (result != 0)
            boundary_error(table, "store_open", &failure);
    } while (result != 0 && backoff_again(&backoff, &failure));
    watch_call_cleanup(&watched, run->watch);
    if (result != 0) {
        *err = failure;
        return -1;
    }
    store->table = table; /* from here on it is to be closed */
    store->info.size = sizeof(store->info);
    return boundary_info(table, &store->info, err);
}

int store_open(struct store *store, const struct sf_plugin *table, const struct sf_settings *settings,
               struct run_call *run, struct log *log, struct sf_error *err)
{
    SF_AUTO(store) open = {0};

    *store = (struct store){0};
    if (open_plugin(&open, table, settings, run, log, err) != 0)
        return -1;
    /* Another model than ours comes from a newer plugin: the strictest is always right. */
    if (table->threads != SF_PER_CONN)
        wrap_serial(&open, &open);
#ifdef SF_FAULTS
    {
        const char *spec = getenv("SNAPFERRY_FAULT");

        if (spec != NULL && *spec != '\0' && wrap_fault(&open, &open, spec, err) != 0)
            return -1;
    }
#endif
    wrap_retry(store, &open, run, log);
    return 0;
}

void store_cleanup(struct store *store)
{
    if (store->table != NULL)
        store->table->store_close(store->handle);
    *store = (struct store){0};
}

/* ---- whole objects ---- */

struct memory_sink {
    struct buf *out;
    size_t max;
    const char *key;
};

static int memory_write(void *ctx, uint64_t position, const void *bytes, size_t length, struct sf_error *err)
{
    struct memory_sink *sink = ctx;

    if (position == 0)
        buf_clear(sink->out); /* the first bytes, or the first of another try */
    if (position != sink->out->length)
        return sf_fail(err, SF_PERMANENT, "%s: the plugin delivers the object with a gap or an overlap", sink->key);
    if (length > sink->max - sink->out->length)
        return sf_fail(err, SF_TOO_LARGE, "%s: larger than the %zu bytes that it may have", sink->key, sink->max);
    buf_add(sink->out, bytes, length);
    return 0;
}

int store_get_memory(const struct store *store, const struct sf_call *call, struct sf_conn *conn, const char *key,
                     size_t max, struct buf *out, struct sf_object *object, struct sf_error *err)
{
    struct memory_sink memory = {out, max, key};
    struct sf_get get = {.size = sizeof(get), .key = key, .length = UINT64_MAX};
    struct sf_sink sink = {
        .size = sizeof(sink), .kind = SF_SINK_CALLBACK, .fd = -1, .ctx = &memory, .write = memory_write};

    buf_clear(out);
    return store->table->get(call, conn, &get, &sink, object, err);
}

struct file_sink {
    int fd;
    uint64_t bytes;
    struct sha256 sha; /* NULL ctx: nobody wants the digest */
    const char *key;
};

static int file_write(void *ctx, uint64_t position, const void *bytes, size_t length, struct sf_error *err)
{
    struct file_sink *sink = ctx;
    const char *from = bytes;
    size_t left = length;

    if (position == 0) {
        sink->bytes = 0;
        sha256_init(&sink->sha);
    }
    if (position != sink->bytes)
        return sf_fail(err, SF_PERMANENT, "%s: the plugin delivers the object with a gap or an overlap", sink->key);
    while (left > 0) {
        ssize_t written = pwrite(sink->fd, from, left, (off_t)(position + (length - left)));

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return err_errno(err, errno, "writing what was read of %s", sink->key);
        from += written;
        left -= (size_t)written;
    }
    sha256_update(&sink->sha, bytes, length);
    sink->bytes += length;
    return 0;
}

/* A try that failed may have left more bytes than the one that succeeded brought. */
static int cut_file(int fd, uint64_t bytes, const char *key, struct sf_error *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_errno(err, errno, "writing what was read of %s", key);
    if ((uint64_t)st.st_size > bytes && ftruncate(fd, (off_t)bytes) != 0)
        return err_errno(err, errno, "writing what was read of %s", key);
    return 0;
}

int store_get_file(const struct store *store, const struct sf_call *call, struct sf_conn *conn, const char *key, int fd,
                   uint64_t *bytes, uint8_t *sha256, struct sf_error *err)
{
    struct file_sink file = {.fd = fd, .key = key};
    struct sf_get get = {.size = sizeof(get), .key = key, .length = UINT64_MAX};
    struct sf_sink sink = {.size = sizeof(sink), .kind = SF_SINK_FD, .fd = fd};
    struct sf_object object = {.size = sizeof(object)};
    int result;

    if (sha256 == NULL) {
        if (store->table->get(call, conn, &get, &sink, &object, err) != 0)
            return -1;
        *bytes = object.bytes;
        return cut_file(fd, object.bytes, key, err);
    }
    sink.kind = SF_SINK_CALLBACK;
    sink.fd = -1;
    sink.ctx = &file;
    sink.write = file_write;
    sha256_init(&file.sha);
    result = store->table->get(call, conn, &get, &sink, &object, err);
    if (result == 0) {
        sha256_final(&file.sha, sha256);
        *bytes = file.bytes;
        result = cut_file(fd, file.bytes, key, err);
    }
    sha256_cleanup(&file.sha);
    return result;
}

/* ---- lists ---- */

struct list_visit {
    store_object_fn object;
    store_prefix_fn prefix;
    void *ctx;
    struct sf_error *err;
    int result;
};

static void visit_object(void *ctx, const struct sf_object *object)
{
    struct list_visit *visit = ctx;

    if (visit->result == 0 && visit->object != NULL)
        visit->result = visit->object(visit->ctx, object, visit->err);
}

static void visit_prefix(void *ctx, const char *prefix)
{
    struct list_visit *visit = ctx;

    if (visit->result == 0 && visit->prefix != NULL)
        visit->result = visit->prefix(visit->ctx, prefix, visit->err);
}

int store_list(const struct store *store, const struct sf_call *call, struct sf_conn *conn,
               const struct sf_list_query *query, store_object_fn object, store_prefix_fn prefix, void *ctx,
               struct sf_error *err)
{
    struct list_visit visit = {object, prefix, ctx, err, 0};
    struct sf_list_sink sink = {.size = sizeof(sink), .ctx = &visit, .object = visit_object, .prefix = visit_prefix};
    struct sf_list *list = NULL;
    int more = 1, result;

    if (store->table->list_open(call, conn, query, &list, err) != 0)
        return -1;
    do
        result = store->table->list_next(call, list, &sink, &more, err);
    while (result == 0 && visit.result == 0 && more);
    store->table->list_close(list);
    return result != 0 ? -1 : visit.result;
}
