/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/plugins/probe_parts.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static const struct sf_plugin *memory;

struct sf_upload {
    char *data;
    uint64_t bytes;
};

static int parts_begin(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                       struct sf_upload_token *token, struct sf_upload **upload, struct sf_error *err)
{
    struct sf_upload *begun = calloc(1, sizeof(*begun));

    (void)conn;
    if (begun == NULL || (begun->data = calloc(1, args->bytes + 1)) == NULL) {
        free(begun);
        return sf_fail(err, SF_NO_SPACE, "no memory for an upload");
    }
    begun->bytes = args->bytes;
    token->bytes = 1;
    call->request(call, SF_REQUEST_UPLOAD_BEGIN, 0, 0);
    *upload = begun;
    return 0;
}

/* Parts have ranges of their own: no lock. */
static int parts_part(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                      const struct sf_part *part, struct sf_part_result *result, struct sf_error *err)
{
    const struct sf_body *body = part->body;

    (void)conn;
    if (body->kind != SF_BODY_FD || part->offset + body->length > upload->bytes)
        return sf_fail(err, SF_INVALID, "part %u is no part of the file", part->number);
    if (pread(body->fd, upload->data + part->offset, body->length, (off_t)body->offset) != (ssize_t)body->length)
        return sf_fail(err, SF_CORRUPT, "the source ended early");
    call->account(call, body->length);
    call->request(call, SF_REQUEST_UPLOAD_PART, 0, body->length);
    result->persisted = body->length;
    return 0;
}

static void report_nothing(const struct sf_call *call, uint32_t kind, int32_t status, uint64_t bytes)
{
    (void)call;
    (void)kind;
    (void)status;
    (void)bytes;
}

static int parts_commit(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                        const struct sf_upload_args *args, const struct sf_part_done *parts, uint32_t count,
                        uint32_t element_size, struct sf_object *object, struct sf_error *err)
{
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_MEMORY, .length = upload->bytes, .fd = -1};
    struct sf_put put = {.size = sizeof(put),
                         .key = args->key,
                         .body = &body,
                         .digests = args->digests,
                         .meta = args->meta,
                         .meta_count = args->meta_count,
                         .meta_element_size = args->meta_element_size,
                         .precondition = args->precondition,
                         .if_tag = args->if_tag};
    struct sf_call silent = *call;

    (void)parts;
    (void)count;
    (void)element_size;
    body.data = upload->data;
    silent.request = report_nothing;
    if (memory->put(&silent, conn, &put, object, err) < 0)
        return -1;
    call->request(call, SF_REQUEST_UPLOAD_COMMIT, 0, 0);
    return 0;
}

static int parts_abort(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload, struct sf_error *err)
{
    (void)conn;
    (void)upload;
    (void)err;
    call->request(call, SF_REQUEST_UPLOAD_ABORT, 0, 0);
    return 0;
}

static void parts_close(struct sf_upload *upload)
{
    free(upload->data);
    free(upload);
}

void probe_parts_fill(struct sf_plugin *plugin, const struct sf_plugin *stores)
{
    memory = stores;
    plugin->upload_begin = parts_begin;
    plugin->upload_part = parts_part;
    plugin->upload_commit = parts_commit;
    plugin->upload_abort = parts_abort;
    plugin->upload_close = parts_close;
}
