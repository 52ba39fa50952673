/* SPDX-License-Identifier: Apache-2.0
 *
 * Slots get and stat.
 */
#include "plugins/s3/s3.h"

#include "base/err.h"

#include <inttypes.h>
#include <string.h>

int s3_stat(const struct sf_call *call, struct sf_conn *conn, const char *key, struct sf_object *object,
            struct sf_error *err)
{
    const struct request request = {.method = HTTP_HEAD, .kind = SF_REQUEST_STAT, .key = key};
    struct sf_object own;

    if (request_send(call, conn, &request, NULL, err) < 0 || object_read(&own, &conn->response, key, err) < 0)
        return -1;
    sf_give(object, &own);
    return 0;
}

/* The range as a header has it; false: all of the object. */
static bool make_range(const struct sf_get *args, char *text, size_t size)
{
    uint64_t end;

    if (args->offset == 0 && args->length == UINT64_MAX)
        return false;
    if (args->length == UINT64_MAX || __builtin_add_overflow(args->offset, args->length - 1, &end))
        snprintf(text, size, "bytes=%" PRIu64 "-", args->offset);
    else
        snprintf(text, size, "bytes=%" PRIu64 "-%" PRIu64, args->offset, end);
    return true;
}

struct getting {
    struct http_sink sink;
    const struct http_response *response;
    const struct sf_get *args;
    bool has_range;
};

/* Some stores ignore If-Match here, as others ignore Range. */
static int check_tag(const struct getting *getting, struct sf_error *err)
{
    const char *etag = http_response_header(getting->response, "etag");
    struct sf_object object;

    if (getting->args->if_tag == NULL || etag == NULL)
        return 0;
    object_tag(&object, etag);
    if (strcmp(object.tag, getting->args->if_tag) == 0)
        return 0;
    return sf_fail(err, SF_PRECONDITION, "%s: the object has another tag", getting->args->key);
}

/* "bytes 2-4/10" has to begin where it should; *total: 10. */
static bool has_place(const struct getting *getting, uint64_t *total)
{
    const char *range = http_response_header(getting->response, "content-range");
    uint64_t from, to;

    return getting->response->status == 206 && range != NULL &&
           sscanf(range, "bytes %" SCNu64 "-%" SCNu64 "/%" SCNu64, &from, &to, total) == 3 &&
           from == getting->args->offset;
}

/* All of the object, or another part of it, where a range was asked for would put bytes in the wrong place. */
static int check_answer(const struct getting *getting, struct sf_error *err)
{
    uint64_t total;

    if (getting->has_range && !has_place(getting, &total))
        return sf_fail(err, SF_UNSUPPORTED, "%s: the store sends something else than the range that was asked for",
                       getting->args->key);
    return check_tag(getting, err);
}

static int write_body(void *ctx, const void *bytes, size_t length, struct sf_error *err)
{
    struct getting *getting = ctx;

    if (getting->sink.bytes == 0 && check_answer(getting, err) < 0)
        return -1;
    return http_sink_write(&getting->sink, bytes, length, err);
}

/* After the body: of nothing, write_body() saw nothing; of a range, the store may have sent less than there is. */
static int check_body(const struct getting *getting, struct sf_error *err)
{
    const struct sf_get *args = getting->args;
    uint64_t total, wanted;

    if (getting->sink.bytes == 0 && check_tag(getting, err) < 0)
        return -1;
    if (!getting->has_range || !has_place(getting, &total))
        return 0; /* an empty object has no ranges */
    wanted = total > args->offset ? total - args->offset : 0;
    wanted = args->length < wanted ? args->length : wanted;
    if (getting->sink.bytes != wanted)
        return sf_fail(err, SF_TRANSIENT,
                       "%s: the store sends %" PRIu64 " bytes of the %" PRIu64 " that were asked for", args->key,
                       getting->sink.bytes, wanted);
    return 0;
}

/* What is read of nothing: an empty range, or one that begins behind the end. The sink gets no byte. */
static int get_nothing(const struct sf_call *call, struct sf_conn *conn, const struct sf_get *args,
                       struct sf_object *object, struct sf_error *err)
{
    struct sf_object own;

    own.size = sizeof(own);
    if (s3_stat(call, conn, args->key, &own, err) < 0)
        return -1;
    if (args->if_tag != NULL && strcmp(args->if_tag, own.tag) != 0)
        return sf_fail(err, SF_PRECONDITION, "%s: the object has another tag", args->key);
    sf_give(object, &own);
    return 0;
}

int s3_get(const struct sf_call *call, struct sf_conn *conn, const struct sf_get *get, const struct sf_sink *sink,
           struct sf_object *object, struct sf_error *err)
{
    struct getting getting = {.response = &conn->response};
    struct request request = {
        .method = HTTP_GET, .kind = SF_REQUEST_GET, .precondition = SF_IF_TAG, .write = write_body, .ctx = &getting};
    struct sf_error refused = SF_ERROR_INIT;
    struct headers headers;
    struct sf_object own;
    struct sf_get args;
    char range[64];

    sf_take(&args, sizeof(args), get);
    if (args.length == 0)
        return get_nothing(call, conn, &args, object, err);
    sf_take(&getting.sink.sink, sizeof(getting.sink.sink), sink);
    getting.sink.what = args.key;
    getting.args = &args;
    getting.has_range = make_range(&args, range, sizeof(range));
    headers_init(&headers);
    if (getting.has_range)
        headers_add(&headers, "range", range);
    if (args.if_tag != NULL)
        headers_add_tag(&headers, "if-match", args.if_tag);
    request.key = args.key;
    request.headers = &headers;
    if (request_send(call, conn, &request, NULL, &refused) < 0) {
        if (refused.status == 416)
            return get_nothing(call, conn, &args, object, err);
        *err = refused;
        return -1;
    }
    if (check_body(&getting, err) < 0 || object_read(&own, &conn->response, args.key, err) < 0)
        return -1;
    if (!getting.has_range && own.bytes == 0)
        own.bytes = getting.sink.bytes; /* sent in chunks, without a length */
    sf_give(object, &own);
    return 0;
}
