/* SPDX-License-Identifier: Apache-2.0
 *
 * get and stat. A reader holds a reference to the object, not the store's mutex.
 */
#define _POSIX_C_SOURCE 200809L
#include "memory.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

/* A reader's reference: the object stays whole while it is sent, whoever replaces or removes it meanwhile. */
static struct object *borrow(struct sf_store *store, const char *key)
{
    struct object *object;

    pthread_mutex_lock(&store->mutex);
    object = objects_find(&store->objects, key);
    if (object != NULL)
        object->refs++;
    pthread_mutex_unlock(&store->mutex);
    return object;
}

static void give_back(struct sf_store *store, struct object *object)
{
    pthread_mutex_lock(&store->mutex);
    object_release(object);
    pthread_mutex_unlock(&store->mutex);
}

static int sink_write(const struct sf_sink *sink, uint64_t position, const char *data, size_t bytes,
                      struct sf_error *err)
{
    size_t done = 0;

    switch (sink->kind) {
    case SF_SINK_MEMORY:
        if (position + bytes > sink->capacity)
            return sf_fail(err, SF_TOO_LARGE, "more than the %" PRIu64 " bytes asked for", sink->capacity);
        memcpy((char *)sink->data + position, data, bytes);
        return 0;
    case SF_SINK_FD:
        while (done < bytes) {
            ssize_t put = pwrite(sink->fd, data + done, bytes - done, (off_t)(sink->offset + position + done));

            if (put < 0 && errno != EINTR)
                return memory_fail_errno(err, errno, "cannot write");
            done += put > 0 ? (size_t)put : 0;
        }
        return 0;
    case SF_SINK_CALLBACK:
        return sink->write(sink->ctx, position, data, bytes, err);
    }
    return sf_fail(err, SF_UNSUPPORTED, "sink of the unknown kind %" PRIu32, sink->kind);
}

static int send_range(const struct sf_call *call, const struct object *object, const struct sf_get *get,
                      const struct sf_sink *sink, uint64_t *sent, struct sf_error *err)
{
    uint64_t from = get->offset < object->bytes ? get->offset : object->bytes;
    uint64_t length = get->length < object->bytes - from ? get->length : object->bytes - from;

    while (*sent < length) {
        size_t bytes = length - *sent < CHUNK_BYTES ? (size_t)(length - *sent) : CHUNK_BYTES;

        if (memory_check(call, err) < 0 || sink_write(sink, *sent, object->data + from + *sent, bytes, err) < 0)
            return -1;
        call->account(call, bytes);
        *sent += bytes;
    }
    return 0;
}

/* The sink may take its time, so no lock is held while it is fed. */
int memory_get(const struct sf_call *call, struct sf_conn *conn, const struct sf_get *args,
               const struct sf_sink *their_sink, struct sf_object *answer, struct sf_error *err)
{
    struct sf_get get;
    struct sf_sink sink;
    struct object *object;
    uint64_t sent = 0;
    int result;

    sf_take(&get, sizeof(get), args);
    sf_take(&sink, sizeof(sink), their_sink);
    if (memory_check(call, err) < 0)
        return -1;
    object = borrow(conn->store, get.key);
    if (object == NULL)
        return memory_report(call, SF_REQUEST_GET, sf_fail(err, SF_NOT_FOUND, "%s: no such object", get.key), err, 0);
    if (get.if_tag != NULL && !memory_has_tag(object, get.if_tag))
        result = sf_fail(err, SF_PRECONDITION, "%s: has another tag", get.key);
    else
        result = send_range(call, object, &get, &sink, &sent, err);
    if (result == 0)
        memory_answer(answer, object);
    give_back(conn->store, object);
    return memory_report(call, SF_REQUEST_GET, result, err, sent);
}

int memory_stat(const struct sf_call *call, struct sf_conn *conn, const char *key, struct sf_object *answer,
                struct sf_error *err)
{
    struct object *object;

    if (memory_check(call, err) < 0)
        return -1;
    object = borrow(conn->store, key);
    if (object == NULL)
        return memory_report(call, SF_REQUEST_STAT, sf_fail(err, SF_NOT_FOUND, "%s: no such object", key), err, 0);
    memory_answer(answer, object);
    give_back(conn->store, object);
    return memory_report(call, SF_REQUEST_STAT, 0, err, 0);
}
