/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sink_s3_priv.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART_MIN (5u << 20) /* of all parts but the last: S3's limit */

static struct upload *find(struct s3_call *call)
{
    const char *id = request_param(call->request, "uploadId");
    struct upload *upload = id != NULL ? upload_find(call->sink->uploads, id, call->name) : NULL;

    if (upload == NULL)
        s3_error(call, 404, "NoSuchUpload", "The specified multipart upload does not exist.");
    return upload;
}

void s3_upload_begin(struct s3_call *call)
{
    const struct upload *upload =
        upload_begin(&call->sink->uploads, call->sink->serial, call->name, s3_kept_headers(call->request));

    s3_xml(call);
    buf_add_text(call->out, "<InitiateMultipartUploadResult>");
    s3_element(call->out, "Bucket", call->bucket, false);
    s3_element(call->out, "Key", call->key, false);
    s3_element(call->out, "UploadId", upload->id, false);
    buf_add_text(call->out, "</InitiateMultipartUploadResult>");
}

void s3_upload_part(struct s3_call *call)
{
    struct upload *upload = find(call);
    const char *text = request_param(call->request, "partNumber");
    const char *checksum = request_header(call->request, "x-amz-checksum-crc32c");
    uint64_t number, size = call->exchange->received;
    char *body = NULL;

    if (upload == NULL)
        return;
    if (text == NULL || !number_parse(text, &number) || number < 1 || number > UPLOAD_PARTS) {
        s3_error(call, 400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive");
        return;
    }
    if (request_header(call->request, "x-amz-copy-source") != NULL) {
        s3_error(call, 501, "NotImplemented", "the sink does not copy into parts");
        return;
    }
    if (!s3_digests(call))
        return;
    if (exchange_is_kept(call->exchange)) {
        body = mem_alloc(size);
        memcpy(body, buf_text(&call->exchange->body), size);
    }
    upload_set(upload, (unsigned)number, size, call->sink->serial, body);
    call->exchange->status = 200;
    buf_printf(&call->exchange->headers, "ETag: \"s-%" PRIx64 "\"\r\n", call->sink->serial);
    if (checksum != NULL && call->sink->options.echo)
        buf_printf(&call->exchange->headers, "x-amz-checksum-crc32c: %s\r\n", checksum);
}

struct commit {
    const struct upload *upload;
    uint64_t size;
    uint64_t last; /* number of the part before */
    uint64_t last_size;
    unsigned count;
    struct buf body;
    bool is_kept;
    const char *code; /* of the error; NULL: none */
};

static bool commit_add(void *ctx, const char *number_text, const char *etag)
{
    struct commit *commit = ctx;
    const struct part *part;
    uint64_t number;
    char own[ETAG_TEXT];

    if (!number_parse(number_text, &number))
        return false;
    part = upload_part(commit->upload, number);
    if (part != NULL)
        snprintf(own, sizeof(own), "s-%" PRIx64, part->tag);
    etag += etag[0] == '"'; /* the quotes may be missing */
    if (part == NULL || strncmp(etag, own, strlen(own)) != 0 ||
        strspn(etag + strlen(own), "\"") != strlen(etag + strlen(own)))
        commit->code = "InvalidPart";
    else if (number <= commit->last)
        commit->code = "InvalidPartOrder";
    else if (commit->count > 0 && commit->last_size < PART_MIN)
        commit->code = "EntityTooSmall";
    if (commit->code != NULL)
        return false;
    commit->is_kept = commit->is_kept && part->body != NULL;
    if (commit->is_kept)
        buf_add(&commit->body, part->body, part->size);
    commit->size += part->size;
    commit->last = number;
    commit->last_size = part->size;
    commit->count++;
    return true;
}

static void answer_commit(struct s3_call *call, const struct object *object)
{
    char etag[ETAG_TEXT];

    s3_xml(call);
    buf_add_text(call->out, "<CompleteMultipartUploadResult>");
    s3_element(call->out, "Bucket", call->bucket, false);
    s3_element(call->out, "Key", call->key, false);
    s3_element(call->out, "ETag", object_etag(object, etag), false);
    buf_add_text(call->out, "</CompleteMultipartUploadResult>");
}

void s3_upload_commit(struct s3_call *call)
{
    struct upload *upload = find(call);
    struct commit commit = {.upload = upload, .is_kept = true};
    struct object *object;

    if (upload == NULL)
        return;
    object = store_node(&call->sink->store, call->name);
    s3_count_put(call->sink, object);
    if (!s3_condition(call, object->exists ? object : NULL))
        return;
    if (!s3_read_xml(&call->exchange->body, "Part", "PartNumber", "ETag", commit_add, &commit) || commit.count == 0) {
        buf_cleanup(&commit.body);
        s3_error(call, 400, commit.code != NULL ? commit.code : "MalformedXML", "the list of parts is wrong");
        return;
    }
    if (!commit.is_kept)
        buf_cleanup(&commit.body);
    store_set(&call->sink->store, object,
              &(struct content){.size = commit.size,
                                .tag = call->sink->serial,
                                .parts = commit.count,
                                .headers = upload->headers,
                                .body = commit.body.data});
    upload->headers = NULL;
    upload_end(&call->sink->uploads, upload);
    answer_commit(call, object);
}

void s3_upload_abort(struct s3_call *call)
{
    struct upload *upload = find(call);

    if (upload == NULL)
        return;
    upload_end(&call->sink->uploads, upload);
    call->exchange->status = 204;
}
