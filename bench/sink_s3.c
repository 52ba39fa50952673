/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sink_s3_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define XML_BODY_MAX (16u << 20) /* the largest are 10,000 parts to complete */

static void call_init(struct s3_call *call, struct sink *sink, struct exchange *exchange)
{
    const char *slash = strchrnul(exchange->request.path, '/');

    *call =
        (struct s3_call){.sink = sink, .exchange = exchange, .request = &exchange->request, .out = &exchange->answer};
    call->name = exchange->request.path;
    call->key = *slash == '/' ? slash + 1 : slash;
    snprintf(call->bucket, sizeof(call->bucket), "%.*s", (int)(slash - call->name), call->name);
}

static enum sink_kind kind_of_object(const struct request *request)
{
    const char *method = request->method;
    bool has_upload = request_param(request, "uploadId") != NULL;

    if (strcmp(method, "PUT") == 0) {
        if (has_upload)
            return SINK_UPLOAD_PART;
        return request_header(request, "x-amz-copy-source") != NULL ? SINK_COPY : SINK_PUT;
    }
    if (strcmp(method, "GET") == 0)
        return has_upload ? SINK_OTHER : SINK_GET;
    if (strcmp(method, "HEAD") == 0)
        return SINK_STAT;
    if (strcmp(method, "DELETE") == 0)
        return has_upload ? SINK_UPLOAD_ABORT : SINK_REMOVE;
    if (strcmp(method, "POST") == 0 && has_upload)
        return SINK_UPLOAD_COMMIT;
    if (strcmp(method, "POST") == 0 && request_param(request, "uploads") != NULL)
        return SINK_UPLOAD_BEGIN;
    return SINK_OTHER;
}

static enum sink_kind kind_of_bucket(const struct request *request)
{
    static const char *const properties[] = {"location", "versioning", "acl",  "policy",     "lifecycle",
                                             "tagging",  "versions",   "cors", "object-lock"};

    if (strcmp(request->method, "POST") == 0 && request_param(request, "delete") != NULL)
        return SINK_REMOVE;
    if (strcmp(request->method, "GET") != 0 || request->path[0] == '\0')
        return SINK_OTHER;
    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++)
        if (request_param(request, properties[i]) != NULL)
            return SINK_OTHER;
    return request_param(request, "uploads") != NULL ? SINK_UPLOAD_LIST : SINK_LIST;
}

static bool is_own(const char *key)
{
    const char *found = strstr(key, ".snapferry");

    for (; found != NULL; found = strstr(found + 1, ".snapferry")) {
        char after = found[strlen(".snapferry")];

        if ((found == key || found[-1] == '/') && (after == '/' || after == '\0'))
            return true;
    }
    return false;
}

void s3_begin(const struct sink *sink, struct exchange *exchange)
{
    const char *key = strchrnul(exchange->request.path, '/');

    exchange->kind =
        key[0] != '\0' && key[1] != '\0' ? kind_of_object(&exchange->request) : kind_of_bucket(&exchange->request);
    if (strcmp(exchange->request.method, "POST") == 0)
        exchange->keep = XML_BODY_MAX;
    else if (exchange->kind == SINK_PUT || exchange->kind == SINK_UPLOAD_PART)
        exchange->keep = is_own(key) ? UINT64_MAX : sink->options.keep;
}

/* What clients ask of a bucket before they come to their objects. */
static void answer_other(struct s3_call *call)
{
    const char *method = call->request->method;

    if (call->key[0] != '\0' || (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)) {
        s3_error(call, 501, "NotImplemented", "the sink does not know this request");
    } else if (strcmp(method, "HEAD") == 0) {
        call->exchange->status = 200;
    } else if (call->bucket[0] == '\0') {
        s3_xml(call);
        buf_add_text(call->out, "<ListAllMyBucketsResult><Owner><ID>sink</ID></Owner><Buckets>");
        for (struct bucket *bucket = call->sink->store.buckets; bucket != NULL; bucket = bucket->next) {
            buf_add_text(call->out, "<Bucket>");
            s3_element(call->out, "Name", bucket->name, false);
            buf_add_text(call->out, "<CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket>");
        }
        buf_add_text(call->out, "</Buckets></ListAllMyBucketsResult>");
    } else if (request_param(call->request, "location") != NULL) {
        s3_xml(call);
        buf_add_text(call->out, "<LocationConstraint/>");
    } else if (request_param(call->request, "versioning") != NULL) {
        s3_xml(call);
        buf_add_text(call->out, "<VersioningConfiguration/>");
    } else {
        s3_error(call, 501, "NotImplemented", "the sink does not know this request");
    }
}

static void answer_known(struct s3_call *call)
{
    switch (call->exchange->kind) {
    case SINK_PUT:
        s3_put(call);
        break;
    case SINK_GET:
    case SINK_STAT:
        s3_get(call);
        break;
    case SINK_LIST:
        s3_list(call);
        break;
    case SINK_REMOVE:
        s3_remove(call);
        break;
    case SINK_COPY:
        s3_copy(call);
        break;
    case SINK_UPLOAD_BEGIN:
        s3_upload_begin(call);
        break;
    case SINK_UPLOAD_PART:
        s3_upload_part(call);
        break;
    case SINK_UPLOAD_COMMIT:
        s3_upload_commit(call);
        break;
    case SINK_UPLOAD_ABORT:
        s3_upload_abort(call);
        break;
    case SINK_UPLOAD_LIST:
        s3_upload_list(call);
        break;
    case SINK_OTHER:
    case SINK_KINDS:
        answer_other(call);
        break;
    }
}

void s3_answer(struct sink *sink, struct exchange *exchange)
{
    const struct request *request = &exchange->request;
    struct s3_call call;

    call_init(&call, sink, exchange);
    if (call.key[0] == '\0' && call.bucket[0] != '\0' && strcmp(request->method, "PUT") == 0) {
        store_add_bucket(&sink->store, call.bucket);
        exchange->status = 200;
    } else if (call.bucket[0] != '\0' && store_bucket(&sink->store, call.bucket) == NULL) {
        s3_error(&call, 404, "NoSuchBucket", "The specified bucket does not exist");
    } else if (sink->options.refuse_crc32c && (request_header(request, "x-amz-checksum-crc32c") != NULL ||
                                               request_header(request, "x-amz-checksum-algorithm") != NULL)) {
        s3_error(&call, 501, "NotImplemented", "A header you provided implies functionality that is not implemented");
    } else {
        answer_known(&call);
    }
}

void s3_slow_down(struct sink *sink, struct exchange *exchange)
{
    struct s3_call call;

    call_init(&call, sink, exchange);
    s3_error(&call, 503, "SlowDown", "Please reduce your request rate.");
}

void s3_xml(struct s3_call *call)
{
    call->exchange->status = 200;
    buf_add_text(&call->exchange->headers, "Content-Type: application/xml\r\n");
    buf_add_text(call->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
}

void s3_error(struct s3_call *call, unsigned status, const char *code, const char *message)
{
    if (strcmp(call->request->method, "HEAD") != 0) {
        s3_xml(call);
        buf_add_text(call->out, "<Error>");
        s3_element(call->out, "Code", code, false);
        s3_element(call->out, "Message", message, false);
        s3_element(call->out, "Resource", call->name, false);
        buf_printf(call->out, "<RequestId>%016" PRIX64 "</RequestId></Error>", call->sink->serial);
    }
    call->exchange->status = status;
}
