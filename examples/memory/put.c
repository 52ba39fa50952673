/* SPDX-License-Identifier: Apache-2.0
 *
 * put: the object is received and checked on the side, then appears in one step.
 *
 * This plugin has no SHA-256 at hand, so it checks the one digest that it can compute, CRC32C, and asks for that one
 * (wanted_digests in memory.c). Digests of another kind are not checked; the host's SHA-256 is metadata to it, kept as it came.
 */
#define _POSIX_C_SOURCE 200809L
#include "memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* Up to bytes of the body from position on; 0 at its end. */
static int64_t body_read(const struct sf_body *body, uint64_t position, char *out, size_t bytes, struct sf_error *err)
{
    ssize_t got;

    switch (body->kind) {
    case SF_BODY_MEMORY:
        memcpy(out, (const char *)body->data + position, bytes);
        return (int64_t)bytes;
    case SF_BODY_FD: /* positional: others may read this descriptor at the same time */
        do
            got = pread(body->fd, out, bytes, (off_t)(body->offset + position));
        while (got < 0 && errno == EINTR);
        return got < 0 ? memory_fail_errno(err, errno, "cannot read the source") : got;
    case SF_BODY_CALLBACK:
        return body->read(body->ctx, position, out, bytes, err);
    }
    return sf_fail(err, SF_UNSUPPORTED, "body of the unknown kind %" PRIu32, body->kind);
}

static int fill(const struct sf_call *call, const struct sf_body *body, struct object *object, struct sf_error *err)
{
    uint64_t at = 0;

    while (at < body->length) {
        uint64_t left = body->length - at;
        int64_t got;

        if (memory_check(call, err) < 0)
            return -1;
        got = body_read(body, at, object->data + at, left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES, err);
        if (got < 0)
            return -1;
        if (got == 0)
            return sf_fail(err, SF_CORRUPT, "%s: the source ended after %" PRIu64 " of %" PRIu64 " bytes", object->key,
                           at, body->length);
        object->crc32c = memory_crc32c(object->crc32c, object->data + at, (size_t)got);
        call->account(call, (uint64_t)got);
        at += (uint64_t)got;
    }
    return 0;
}

int memory_check_digests(const struct object *object, const struct sf_digests *digests, struct sf_error *err)
{
    if (digests == NULL || (digests->have & SF_DIGEST_CRC32C) == 0 || digests->crc32c == object->crc32c)
        return 0;
    return sf_fail(err, SF_CORRUPT, "%s: crc32c is %08" PRIx32 ", should be %08" PRIx32, object->key, object->crc32c,
                   digests->crc32c);
}

struct object *memory_receive(const struct sf_call *call, const char *key, const struct sf_body *body,
                              const struct sf_digests *digests, struct sf_error *err)
{
    struct object *object;

    if (body->length > PTRDIFF_MAX) {
        sf_fail(err, SF_TOO_LARGE, "%s: %" PRIu64 " bytes are too many", key, body->length);
        return NULL;
    }
    object = object_new(key, (size_t)body->length);
    if (object == NULL) {
        sf_fail(err, SF_NO_SPACE, "%s: no memory for %" PRIu64 " bytes", key, body->length);
        return NULL;
    }
    if (fill(call, body, object, err) == 0 && memory_check_digests(object, digests, err) == 0)
        return object;
    object_release(object);
    return NULL;
}

int memory_keep_meta(struct object *object, const struct sf_meta *items, uint32_t count, uint32_t element_size,
                     struct sf_error *err)
{
    struct sf_object packed = {.size = sizeof(packed)};
    uint32_t i;

    for (i = 0; i < count; i++) {
        struct sf_meta meta;

        /* The host's elements may be larger than ours: step by its size, not by sizeof. */
        sf_take(&meta, sizeof(meta), (const char *)items + (size_t)i * element_size);
        if (sf_object_add_meta(&packed, meta.key, meta.value) < 0)
            return sf_fail(err, SF_TOO_LARGE, "%s: more than %d bytes of metadata", object->key, SF_META_MAX);
    }
    if (packed.meta_bytes == 0)
        return 0;
    object->meta = malloc(packed.meta_bytes);
    if (object->meta == NULL)
        return sf_fail(err, SF_NO_SPACE, "%s: no memory for its metadata", object->key);
    memcpy(object->meta, packed.meta, packed.meta_bytes);
    object->meta_bytes = packed.meta_bytes;
    return 0;
}

/* The precondition is judged and the object appears in one step: nobody can come in between. */
int memory_publish_locked(struct sf_store *store, struct object *object, uint32_t precondition, const char *if_tag,
                          struct sf_error *err)
{
    const struct object *old = objects_find(&store->objects, object->key);

    if (precondition == SF_IF_ABSENT && old != NULL)
        return sf_fail(err, SF_EXISTS, "%s: exists", object->key);
    if (precondition == SF_IF_TAG && (old == NULL || !memory_has_tag(old, if_tag)))
        return sf_fail(err, SF_PRECONDITION, "%s: %s", object->key, old == NULL ? "is gone" : "has another tag");
    if (precondition > SF_IF_TAG)
        return sf_fail(err, SF_UNSUPPORTED, "%s: unknown precondition %" PRIu32, object->key, precondition);
    object->generation = ++store->generation;
    object->modified_ms = memory_now_ms();
    if (objects_set(&store->objects, object) < 0)
        return sf_fail(err, SF_NO_SPACE, "%s: no memory", object->key);
    return 0;
}

static int put_object(const struct sf_call *call, struct sf_store *store, const struct sf_put *put,
                      const struct sf_body *body, struct sf_object *answer, struct sf_error *err)
{
    struct object *object;
    int result;

    if (put->storage_class != NULL)
        return sf_fail(err, SF_UNSUPPORTED, "%s: memory has no storage classes", put->key);
    object = memory_receive(call, put->key, body, put->digests, err);
    if (object == NULL)
        return -1;
    if (memory_keep_meta(object, put->meta, put->meta_count, put->meta_element_size, err) < 0) {
        object_release(object);
        return -1;
    }

    pthread_mutex_lock(&store->mutex);
    result = memory_publish_locked(store, object, put->precondition, put->if_tag, err);
    if (result == 0)
        memory_answer(answer, object);
    else
        object_release(object);
    pthread_mutex_unlock(&store->mutex);
    return result;
}

/* SF_PUT_BARRIER asks for nothing here: without SF_CAP_BARRIER, each put is as durable as it will ever be. */
int memory_put(const struct sf_call *call, struct sf_conn *conn, const struct sf_put *args, struct sf_object *answer,
               struct sf_error *err)
{
    struct sf_put put;
    struct sf_body body;
    int result;

    sf_take(&put, sizeof(put), args);
    sf_take(&body, sizeof(body), put.body);
    if (memory_check(call, err) < 0)
        return -1;
    result = put_object(call, conn->store, &put, &body, answer, err);
    return memory_report(call, SF_REQUEST_PUT, result, err, result == 0 ? body.length : 0);
}
