/* SPDX-License-Identifier: Apache-2.0
 *
 * Slot copy: on the server, in one request up to 5 GiB, beyond that in ranges.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html, API_UploadPartCopy.html
 */
#include "plugins/s3/upload.h"

#include "base/err.h"
#include "base/mem.h"
#include "plugins/common/text.h"

#include <inttypes.h>
#include <string.h>

#define COPY_PART_BYTES (UINT64_C(1) << 30)

static void add_source(struct headers *headers, const struct sf_conn *conn, const struct sf_copy *args)
{
    SF_AUTO(buf) source = BUF_INIT;

    buf_add_byte(&source, '/');
    buf_add_text(&source, conn->endpoint.bucket);
    buf_add_byte(&source, '/');
    percent_encode(&source, args->from, true);
    headers_add(headers, "x-amz-copy-source", source.data);
    if (args->from_tag != NULL)
        headers_add_tag(headers, "x-amz-copy-source-if-match", args->from_tag);
}

/* ---- in one request ---- */

/* Both conditions fail with the same status, and not every store says which one did. */
static void tell_condition(const struct sf_call *call, struct sf_conn *conn, const struct sf_copy *args,
                           const struct refusal *refusal, struct sf_error *err)
{
    struct sf_object there = {.size = sizeof(there)};
    struct sf_error ignored = SF_ERROR_INIT;

    if (err->cls != SF_EXISTS || args->from_tag == NULL || refusal->condition[0] != '\0')
        return;
    if (s3_stat(call, conn, args->to, &there, &ignored) < 0 && ignored.cls == SF_NOT_FOUND)
        err->cls = SF_PRECONDITION;
}

static int copy_whole(const struct sf_call *call, struct sf_conn *conn, const struct sf_copy *args,
                      struct sf_object *own, struct sf_error *err)
{
    SF_AUTO(buf) etag = BUF_INIT;
    struct refusal refusal;
    struct headers headers;
    const struct request request = {.method = HTTP_PUT,
                                    .kind = SF_REQUEST_COPY,
                                    .key = args->to,
                                    .headers = &headers,
                                    .precondition = args->precondition,
                                    .may_hold_error = true,
                                    .slow_answer = true};

    headers_init(&headers);
    add_source(&headers, conn, args);
    headers_add(&headers, "x-amz-metadata-directive", "REPLACE");
    headers_add_meta(&headers, args->meta, args->meta_count, args->meta_element_size);
    headers_add_new(&headers, conn->store, args->storage_class);
    headers_add_precondition(&headers, args->precondition, args->if_tag);
    if (request_send(call, conn, &request, &refusal, err) < 0) {
        tell_condition(call, conn, args, &refusal, err);
        return -1;
    }
    own->server_time_ms = conn->response.server_time_ms;
    if (answer_element(conn, "CopyObjectResult/ETag", args->to, &etag, err) < 0) {
        err->maybe_applied = 1;
        return -1;
    }
    object_tag(own, buf_text(&etag));
    own->bytes = args->bytes;
    return 0;
}

/* ---- in ranges ---- */

struct ranged {
    const struct sf_copy *args;
    struct sf_upload *upload;
    struct sf_part_done *parts;
    uint32_t count;
    struct buf opaque; /* of all parts, one behind the other */
};

static void ranged_cleanup(struct ranged *ranged)
{
    s3_upload_close(ranged->upload);
    free(ranged->parts);
    buf_cleanup(&ranged->opaque);
}

static uint64_t part_bytes(uint64_t bytes)
{
    uint64_t part = COPY_PART_BYTES;

    while (bytes / part >= S3_PART_COUNT_MAX)
        part *= 2;
    return part;
}

static int copy_range(const struct sf_call *call, struct sf_conn *conn, struct ranged *ranged, uint64_t from,
                      uint64_t bytes, struct buf *etag, struct sf_error *err)
{
    struct headers headers;
    struct request request = {.method = HTTP_PUT,
                              .kind = SF_REQUEST_COPY,
                              .key = ranged->upload->key,
                              .headers = &headers,
                              .may_hold_error = true,
                              .slow_answer = true};
    char range[64];

    snprintf(range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, from, from + bytes - 1);
    headers_init(&headers);
    add_source(&headers, conn, ranged->args);
    headers_add(&headers, "x-amz-copy-source-range", range);
    buf_clear(&conn->query);
    buf_printf(&conn->query, "partNumber=%u&uploadId=%s", ranged->count + 1, ranged->upload->id);
    request.query = conn->query.data;
    if (request_send(call, conn, &request, NULL, err) < 0)
        return -1;
    return answer_element(conn, "CopyPartResult/ETag", ranged->upload->key, etag, err);
}

static int copy_ranges(const struct sf_call *call, struct sf_conn *conn, struct ranged *ranged, struct sf_error *err)
{
    uint64_t total = ranged->args->bytes, part = part_bytes(total), at;
    SF_AUTO(buf) etag = BUF_INIT;
    size_t start = 0;
    uint32_t i;

    ranged->parts = mem_alloc((size_t)(total / part + 1) * sizeof(*ranged->parts));
    for (at = 0; at < total; at += part) {
        uint64_t bytes = total - at < part ? total - at : part;

        if (copy_range(call, conn, ranged, at, bytes, &etag, err) < 0)
            return -1;
        buf_add_byte(&etag, '\n'); /* as upload_part answers, without a digest */
        buf_add(&ranged->opaque, etag.data, etag.length);
        ranged->parts[ranged->count] = (struct sf_part_done){.size = sizeof(ranged->parts[0]),
                                                             .number = ranged->count + 1,
                                                             .bytes = bytes,
                                                             .opaque_bytes = (uint32_t)etag.length};
        ranged->count++;
    }
    for (i = 0; i < ranged->count; i++) { /* now that the text stands still */
        ranged->parts[i].opaque = ranged->opaque.data + start;
        start += ranged->parts[i].opaque_bytes;
    }
    return 0;
}

static int copy_ranged(const struct sf_call *call, struct sf_conn *conn, const struct sf_copy *args,
                       struct sf_object *own, struct sf_error *err)
{
    const struct sf_upload_args whole = {.size = sizeof(whole),
                                         .precondition = args->precondition,
                                         .key = args->to,
                                         .bytes = args->bytes,
                                         .meta = args->meta,
                                         .meta_count = args->meta_count,
                                         .meta_element_size = args->meta_element_size,
                                         .if_tag = args->if_tag,
                                         .storage_class = args->storage_class};
    SF_AUTO(ranged) ranged = {.args = args};
    struct sf_upload_token token = {.size = sizeof(token)};
    struct sf_error ignored = SF_ERROR_INIT;

    if (upload_create(call, conn, &whole, CHECKSUM_NONE, &token, &ranged.upload, err) < 0)
        return -1;
    if (copy_ranges(call, conn, &ranged, err) < 0)
        err->maybe_applied = 0; /* a range is not the object */
    else if (s3_upload_commit(call, conn, ranged.upload, &whole, ranged.parts, ranged.count, sizeof(ranged.parts[0]),
                              own, err) == 0)
        return 0;
    if (!err->maybe_applied)
        (void)s3_upload_abort(call, conn, ranged.upload, &ignored);
    return -1;
}

int s3_copy(const struct sf_call *call, struct sf_conn *conn, const struct sf_copy *copy, struct sf_object *object,
            struct sf_error *err)
{
    struct sf_object own = {.size = sizeof(own)};
    struct sf_copy args;
    int result;

    sf_take(&args, sizeof(args), copy);
    if (args.precondition > SF_IF_TAG || (args.precondition == SF_IF_TAG && args.if_tag == NULL))
        return sf_fail(err, SF_UNSUPPORTED, "%s: a precondition that does not exist, or without its tag", args.to);
    result = args.bytes <= S3_COPY_MAX ? copy_whole(call, conn, &args, &own, err)
                                       : copy_ranged(call, conn, &args, &own, err);
    if (result == 0)
        sf_give(object, &own);
    return result;
}
