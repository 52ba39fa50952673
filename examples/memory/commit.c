/* SPDX-License-Identifier: Apache-2.0
 *
 * upload_commit: the parts that the host names are joined on the side, then the object appears in one step, as in put.c.
 */
#define _POSIX_C_SOURCE 200809L
#include "upload.h"

#include <inttypes.h>
#include <stdlib.h>

/* What commit works with: a reference to each part, so that they stay while they are joined without the lock. */
struct joint {
    struct object **parts;
    uint32_t count;
    uint64_t bytes;
};

static void joint_release(struct sf_store *store, struct joint *joint)
{
    uint32_t i;

    pthread_mutex_lock(&store->mutex);
    for (i = 0; i < joint->count; i++)
        object_release(joint->parts[i]);
    pthread_mutex_unlock(&store->mutex);
    free(joint->parts);
}

/* The part that the host means: with this number and length, and sent when the host says. */
static struct object *choose_part(const struct upload *upload, const struct sf_part_done *done)
{
    struct object *part = NULL;
    char opaque[32];

    if (done->number >= 1 && done->number <= upload->part_count)
        part = upload->parts[done->number - 1];
    if (part == NULL || part->bytes != done->bytes)
        return NULL;
    snprintf(opaque, sizeof(opaque), "%" PRIu64, part->generation);
    return strlen(opaque) == done->opaque_bytes && memcmp(opaque, done->opaque, done->opaque_bytes) == 0 ? part : NULL;
}

static int collect_locked(const struct upload *upload, const void *parts, uint32_t count, uint32_t element_size,
                          struct joint *joint, struct sf_error *err)
{
    uint32_t i, before = 0;

    for (i = 0; i < count; i++) {
        struct sf_part_done done;
        struct object *part;

        /* The host's elements may be larger than ours: step by its size, not by sizeof. */
        sf_take(&done, sizeof(done), (const char *)parts + (size_t)i * element_size);
        part = choose_part(upload, &done);
        if (part == NULL || done.number <= before)
            return sf_fail(err, SF_INVALID, "%s: part %" PRIu32 " is not here, not as it was sent, or out of order",
                           upload->key, done.number);
        if (part->bytes < PART_MIN_BYTES && i + 1 < count)
            return sf_fail(err, SF_INVALID, "%s: part %" PRIu32 " has %" PRIu64 " bytes only, and is not the last",
                           upload->key, done.number, part->bytes);
        part->refs++;
        joint->parts[joint->count++] = part;
        joint->bytes += part->bytes;
        before = done.number;
    }
    return 0;
}

static int collect(struct sf_store *store, const struct sf_upload *handle, const void *parts, uint32_t count,
                   uint32_t element_size, struct joint *joint, struct sf_error *err)
{
    const struct upload *upload;
    int result;

    joint->parts = calloc(count > 0 ? count : 1, sizeof(struct object *));
    if (joint->parts == NULL)
        return sf_fail(err, SF_NO_SPACE, "%s: no memory for a list of %" PRIu32 " parts", handle->key, count);
    pthread_mutex_lock(&store->mutex);
    upload = *memory_upload_find_locked(store, handle->id);
    result = upload != NULL ? collect_locked(upload, parts, count, element_size, joint, err)
                            : memory_upload_fail_gone(handle, err);
    pthread_mutex_unlock(&store->mutex);
    return result;
}

/* The whole object, visible to nobody yet; NULL on failure. */
static struct object *join(const struct sf_call *call, const struct sf_upload_args *args, const struct joint *joint,
                           struct sf_error *err)
{
    struct object *object = NULL;
    uint64_t at = 0;
    uint32_t i;

    /* A part that is missing from the list is noticed by this alone. */
    if (joint->bytes != args->bytes)
        sf_fail(err, SF_INVALID, "%s: the parts have %" PRIu64 " bytes, the object should have %" PRIu64, args->key,
                joint->bytes, args->bytes);
    else if ((object = object_new(args->key, (size_t)joint->bytes)) == NULL)
        sf_fail(err, SF_NO_SPACE, "%s: no memory for %" PRIu64 " bytes", args->key, joint->bytes);
    for (i = 0; i < joint->count && object != NULL; i++) {
        const struct object *part = joint->parts[i];

        if (memory_check(call, err) < 0) {
            object_release(object);
            return NULL;
        }
        memcpy(object->data + at, part->data, part->bytes);
        object->crc32c = memory_crc32c(object->crc32c, part->data, part->bytes);
        at += part->bytes;
    }
    return object;
}

static int publish(struct sf_store *store, const struct sf_upload *handle, const struct sf_upload_args *args,
                   struct object *object, struct sf_object *answer, struct sf_error *err)
{
    struct upload **link;
    int result;

    pthread_mutex_lock(&store->mutex);
    link = memory_upload_find_locked(store, handle->id);
    if (*link == NULL)
        result = memory_upload_fail_gone(handle, err); /* ended by another handle while we joined */
    else
        result = memory_publish_locked(store, object, args->precondition, args->if_tag, err);
    if (result == 0) {
        memory_answer(answer, object);
        memory_upload_end_locked(link);
    } else {
        object_release(object);
    }
    pthread_mutex_unlock(&store->mutex);
    return result;
}

/* After a failure the upload is as it was: the host may commit again, or abort. */
int memory_upload_commit(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                         const struct sf_upload_args *their_args, const struct sf_part_done *parts, uint32_t count,
                         uint32_t element_size, struct sf_object *answer, struct sf_error *err)
{
    struct joint joint = {NULL, 0, 0};
    struct object *object = NULL;
    struct sf_upload_args args;
    int result = -1;

    sf_take(&args, sizeof(args), their_args);
    if (memory_check(call, err) < 0)
        return -1;
    if (collect(conn->store, upload, parts, count, element_size, &joint, err) == 0)
        object = join(call, &args, &joint, err);
    joint_release(conn->store, &joint);
    if (object != NULL && (memory_check_digests(object, args.digests, err) < 0 ||
                           memory_keep_meta(object, args.meta, args.meta_count, args.meta_element_size, err) < 0))
        object_release(object);
    else if (object != NULL)
        result = publish(conn->store, upload, &args, object, answer, err);
    return memory_report(call, SF_REQUEST_UPLOAD_COMMIT, result, err, 0);
}
