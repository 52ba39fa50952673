/* SPDX-License-Identifier: Apache-2.0
 *
 * An object in parts. Each part is an object that nobody lists, until commit.c joins them; so they come in any order, over several
 * connections at once, and a part that is sent again replaces the first.
 *
 * The upload is the store's, found by its id; struct sf_upload is only the host's handle on it. Several handles may exist (one from
 * upload_begin, one from upload_resume), and the upload may end while one is still open: every slot looks it up anew.
 */
#define _POSIX_C_SOURCE 200809L
#include "upload.h"

#include <inttypes.h>
#include <stdlib.h>

struct upload **memory_upload_find_locked(struct sf_store *store, uint64_t id)
{
    struct upload **link = &store->uploads;

    while (*link != NULL && (*link)->id != id)
        link = &(*link)->next;
    return link;
}

void memory_upload_end_locked(struct upload **link)
{
    struct upload *upload = *link;
    uint32_t i;

    if (upload == NULL)
        return;
    *link = upload->next;
    for (i = 0; i < upload->part_count; i++)
        if (upload->parts[i] != NULL)
            object_release(upload->parts[i]);
    free(upload->parts);
    free(upload->key);
    free(upload);
}

void memory_uploads_clear(struct sf_store *store)
{
    while (store->uploads != NULL)
        memory_upload_end_locked(&store->uploads);
}

int memory_upload_fail_gone(const struct sf_upload *handle, struct sf_error *err)
{
    return sf_fail(err, SF_NOT_FOUND, "%s: this upload was ended, or never begun", handle->key);
}

/* ------------------------------------------------------------------------------------------ handles */

static struct sf_upload *handle_new(const char *key, uint64_t id)
{
    struct sf_upload *handle = calloc(1, sizeof(*handle));

    if (handle == NULL)
        return NULL;
    handle->id = id;
    handle->key = strdup(key);
    if (handle->key != NULL)
        return handle;
    free(handle);
    return NULL;
}

void memory_upload_close(struct sf_upload *handle)
{
    free(handle->key);
    free(handle);
}

static struct upload *upload_new(const char *key)
{
    struct upload *upload = calloc(1, sizeof(*upload));

    if (upload == NULL)
        return NULL;
    upload->started_ms = memory_now_ms();
    upload->key = strdup(key);
    if (upload->key != NULL)
        return upload;
    free(upload);
    return NULL;
}

static struct sf_upload *begin(struct sf_store *store, const char *key)
{
    struct upload *upload = upload_new(key);
    struct sf_upload *handle = upload != NULL ? handle_new(key, 0) : NULL;

    pthread_mutex_lock(&store->mutex);
    if (handle != NULL) {
        upload->id = handle->id = ++store->generation;
        upload->next = store->uploads;
        store->uploads = upload;
    } else {
        memory_upload_end_locked(&upload);
    }
    pthread_mutex_unlock(&store->mutex);
    return handle;
}

/* Metadata and precondition come again at commit, where this store needs them. */
int memory_upload_begin(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *their_args,
                        struct sf_upload_token *token, struct sf_upload **upload, struct sf_error *err)
{
    struct sf_upload_token own = {.size = sizeof(own)};
    struct sf_upload *handle = NULL;
    struct sf_upload_args args;
    int result = 0;

    sf_take(&args, sizeof(args), their_args);
    if (memory_check(call, err) < 0)
        return -1;
    if (args.storage_class != NULL)
        result = sf_fail(err, SF_UNSUPPORTED, "%s: memory has no storage classes", args.key);
    else if ((handle = begin(conn->store, args.key)) == NULL)
        result = sf_fail(err, SF_NO_SPACE, "%s: no memory for an upload", args.key);
    if (handle != NULL) {
        own.bytes = (uint32_t)snprintf(own.token, sizeof(own.token), "%" PRIu64, handle->id);
        sf_give(token, &own);
        *upload = handle;
    }
    return memory_report(call, SF_REQUEST_UPLOAD_BEGIN, result, err, 0);
}

/* A handle by token. It asks the store nothing: what was persisted, the host's journal tells (parts are parallel). */
int memory_upload_resume(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *their_args,
                         const struct sf_upload_token *their_token, uint64_t *persisted, struct sf_upload **upload,
                         struct sf_error *err)
{
    struct sf_upload_token token;
    struct sf_upload_args args;
    struct sf_upload *handle;
    char text[32], *end;
    uint64_t id;

    (void)conn;
    sf_take(&args, sizeof(args), their_args);
    sf_take(&token, sizeof(token), their_token);
    if (memory_check(call, err) < 0)
        return -1;
    snprintf(text, sizeof(text), "%.*s", (int)(token.bytes < sizeof(text) ? token.bytes : 0), token.token);
    id = strtoull(text, &end, 10);
    if (end == text || *end != '\0')
        return sf_fail(err, SF_INVALID, "%s: this token is not of an upload to memory", args.key);
    handle = handle_new(args.key, id);
    if (handle == NULL)
        return sf_fail(err, SF_NO_SPACE, "%s: no memory for an upload", args.key);
    *persisted = 0;
    *upload = handle;
    return 0;
}

/* -------------------------------------------------------------------------------------------- parts */

static int set_part_locked(struct upload *upload, uint32_t number, struct object *part, struct sf_error *err)
{
    if (number > upload->part_count) {
        struct object **parts = realloc(upload->parts, number * sizeof(struct object *));

        if (parts == NULL)
            return sf_fail(err, SF_NO_SPACE, "%s: no memory for part %" PRIu32, upload->key, number);
        memset(parts + upload->part_count, 0, (number - upload->part_count) * sizeof(struct object *));
        upload->parts = parts;
        upload->part_count = number;
    }
    if (upload->parts[number - 1] != NULL)
        object_release(upload->parts[number - 1]);
    upload->parts[number - 1] = part;
    return 0;
}

/* The part appears when all of it has come, and only if the upload is still there. */
static int keep_part(struct sf_store *store, const struct sf_upload *handle, uint32_t number, struct object *part,
                     uint64_t *generation, struct sf_error *err)
{
    struct upload *upload;
    int result;

    pthread_mutex_lock(&store->mutex);
    upload = *memory_upload_find_locked(store, handle->id);
    part->generation = *generation = ++store->generation;
    result = upload != NULL ? set_part_locked(upload, number, part, err) : memory_upload_fail_gone(handle, err);
    pthread_mutex_unlock(&store->mutex);
    return result;
}

static int send_part(const struct sf_call *call, struct sf_store *store, const struct sf_upload *handle,
                     const struct sf_part *part, const struct sf_body *body, struct sf_part_result *answer,
                     struct sf_error *err)
{
    struct object *object;
    uint64_t generation;

    if (part->number < 1 || part->number > PART_COUNT_MAX)
        return sf_fail(err, SF_INVALID, "%s: no part can have the number %" PRIu32, handle->key, part->number);
    object = memory_receive(call, handle->key, body, part->digests, err);
    if (object == NULL)
        return -1;
    if (keep_part(store, handle, part->number, object, &generation, err) < 0) {
        object_release(object);
        return -1;
    }
    answer->persisted = body->length;
    answer->opaque_bytes = (uint32_t)snprintf(answer->opaque, sizeof(answer->opaque), "%" PRIu64, generation);
    return 0;
}

int memory_upload_part(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                       const struct sf_part *their_part, struct sf_part_result *result, struct sf_error *err)
{
    struct sf_part_result own = {.size = sizeof(own)};
    struct sf_part part;
    struct sf_body body;

    sf_take(&part, sizeof(part), their_part);
    sf_take(&body, sizeof(body), part.body);
    if (memory_check(call, err) < 0)
        return -1;
    if (send_part(call, conn->store, upload, &part, &body, &own, err) < 0)
        return memory_report(call, SF_REQUEST_UPLOAD_PART, -1, err, 0);
    sf_give(result, &own);
    return memory_report(call, SF_REQUEST_UPLOAD_PART, 0, err, body.length);
}

/* ------------------------------------------------------------------------------------------ the end */

/* What has been ended already is ended. */
int memory_upload_abort(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                        struct sf_error *err)
{
    if (memory_check(call, err) < 0)
        return -1;
    pthread_mutex_lock(&conn->store->mutex);
    memory_upload_end_locked(memory_upload_find_locked(conn->store, upload->id));
    pthread_mutex_unlock(&conn->store->mutex);
    return memory_report(call, SF_REQUEST_UPLOAD_ABORT, 0, err, 0);
}

/* The sink never blocks, so it may be fed under the lock. */
int memory_uploads_list(const struct sf_call *call, struct sf_conn *conn, const char *prefix,
                        const struct sf_uploads_sink *their_sink, struct sf_error *err)
{
    struct sf_uploads_sink sink;
    const struct upload *upload;

    sf_take(&sink, sizeof(sink), their_sink);
    if (memory_check(call, err) < 0)
        return -1;
    pthread_mutex_lock(&conn->store->mutex);
    for (upload = conn->store->uploads; upload != NULL; upload = upload->next) {
        struct sf_upload_info info = {.size = sizeof(info), .key = upload->key, .started_ms = upload->started_ms};
        char token[32];

        if (strncmp(upload->key, prefix, strlen(prefix)) != 0)
            continue;
        info.token_bytes = (uint32_t)snprintf(token, sizeof(token), "%" PRIu64, upload->id);
        info.token = token;
        sink.upload(sink.ctx, &info);
    }
    pthread_mutex_unlock(&conn->store->mutex);
    return memory_report(call, SF_REQUEST_LIST, 0, err, 0);
}
