/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sink_s3_priv.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

char *s3_kept_headers(const struct request *request)
{
    static const char *const names[] = {"content-type", "cache-control", "content-disposition", "content-language"};
    struct buf lines = BUF_INIT;

    for (size_t i = 0; i < request->header_count; i++) {
        const char *name = request->headers[i].name;
        bool keep = strncmp(name, "x-amz-meta-", strlen("x-amz-meta-")) == 0;

        for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++)
            keep = keep || strcmp(name, names[j]) == 0;
        if (keep)
            buf_printf(&lines, "%s: %s\r\n", name, request->headers[i].value);
    }
    return lines.data;
}

static void add_etag(struct s3_call *call, const struct object *object)
{
    char etag[ETAG_TEXT];

    buf_printf(&call->exchange->headers, "ETag: %s\r\n", object_etag(object, etag));
}

void s3_put(struct s3_call *call)
{
    struct object *object = store_node(&call->sink->store, call->name);
    const char *checksum = request_header(call->request, "x-amz-checksum-crc32c");
    struct content content = {.size = call->exchange->received, .tag = call->sink->serial, .checksum = checksum};

    s3_count_put(call->sink, object);
    if (!s3_condition(call, object->exists ? object : NULL) || !s3_digests(call))
        return;
    content.headers = s3_kept_headers(call->request);
    if (exchange_is_kept(call->exchange) && content.size > 0) {
        content.body = mem_alloc(content.size);
        memcpy(content.body, call->exchange->body.data, content.size);
    }
    store_set(&call->sink->store, object, &content);
    call->exchange->status = 200;
    add_etag(call, object);
    if (checksum != NULL && call->sink->options.echo)
        buf_printf(&call->exchange->headers, "x-amz-checksum-crc32c: %s\r\n", checksum);
}

void s3_count_put(struct sink *sink, struct object *object)
{
    object->puts++;
    if (object->puts > sink->counts.puts_max)
        sink->counts.puts_max = object->puts;
}

/* "bytes=A-B", "bytes=A-" or "bytes=-N", into the first byte and how many. 1: there is one; 0: none, or one to be ignored; -1: none of it exists. */
static int parse_range(const char *text, uint64_t size, uint64_t *first, uint64_t *bytes)
{
    char copy[64];
    char *dash;
    uint64_t last = UINT64_MAX, number = 0;

    if (text == NULL || strncmp(text, "bytes=", 6) != 0 || strlen(text) >= sizeof(copy))
        return 0;
    snprintf(copy, sizeof(copy), "%s", text + 6);
    dash = strchr(copy, '-');
    if (dash == NULL)
        return 0;
    *dash++ = '\0';
    if ((copy[0] != '\0' && !number_parse(copy, &number)) || (dash[0] != '\0' && !number_parse(dash, &last)) ||
        (copy[0] == '\0' && dash[0] == '\0'))
        return 0;
    if (copy[0] == '\0') {
        *first = last < size ? size - last : 0;
        last = size > 0 && last > 0 ? size - 1 : 0;
    } else {
        *first = number;
        last = last < size ? last : size - 1;
    }
    if (*first >= size || last < *first)
        return -1;
    *bytes = last - *first + 1;
    return 1;
}

static void add_headers(struct s3_call *call, const struct object *object)
{
    struct buf *headers = &call->exchange->headers;
    time_t modified = (time_t)(object->modified_ms / 1000);
    char date[64];
    struct tm parts;

    gmtime_r(&modified, &parts);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    buf_printf(headers, "Last-Modified: %s\r\nAccept-Ranges: bytes\r\n", date);
    add_etag(call, object);
    if (object->headers != NULL)
        buf_add_text(headers, object->headers);
    if (object->checksum[0] != '\0' && request_header(call->request, "x-amz-checksum-mode") != NULL)
        buf_printf(headers, "x-amz-checksum-crc32c: %s\r\n", object->checksum);
}

void s3_get(struct s3_call *call)
{
    const struct object *object = store_find(&call->sink->store, call->name);
    bool is_head = call->exchange->kind == SINK_STAT;
    uint64_t first = 0, bytes;
    int range;

    if (object == NULL) {
        s3_error(call, 404, "NoSuchKey", "The specified key does not exist.");
        return;
    }
    if (!s3_condition(call, object))
        return;
    bytes = object->size;
    range = parse_range(request_header(call->request, "range"), object->size, &first, &bytes);
    if (range < 0) {
        s3_error(call, 416, "InvalidRange", "The requested range is not satisfiable");
        return;
    }
    if (!is_head && object->size > 0 && object->body == NULL) {
        s3_error(call, 501, "NotImplemented", "the sink did not keep this body: start it with a larger --keep");
        return;
    }
    call->exchange->status = range > 0 ? 206 : 200;
    add_headers(call, object);
    if (range > 0)
        buf_printf(&call->exchange->headers, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", first,
                   first + bytes - 1, object->size);
    if (is_head)
        call->exchange->length = bytes;
    else if (bytes > 0)
        buf_add(call->out, object->body + first, bytes);
}

/* The object that x-amz-copy-source names, or NULL with the answer filled. */
static struct object *copy_source(struct s3_call *call)
{
    AUTO_FREE char *source = mem_text(request_header(call->request, "x-amz-copy-source"));
    const char *match = request_header(call->request, "x-amz-copy-source-if-match");
    char etag[ETAG_TEXT];
    struct object *object = NULL;

    if (percent_decode(source, false))
        object = store_find(&call->sink->store, source[0] == '/' ? source + 1 : source);
    if (object == NULL) {
        s3_error(call, 404, "NoSuchKey", "The specified key does not exist.");
        return NULL;
    }
    if (match != NULL && strcmp(match, object_etag(object, etag)) != 0) {
        s3_error(call, 412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
        return NULL;
    }
    return object;
}

void s3_copy(struct s3_call *call)
{
    const struct object *source = copy_source(call);
    const char *directive = request_header(call->request, "x-amz-metadata-directive");
    struct object *object;
    struct content content;
    char etag[ETAG_TEXT], date[CLOCK_TEXT];
    char checksum[CHECKSUM_TEXT];

    if (source == NULL)
        return;
    object = store_node(&call->sink->store, call->name);
    if (!s3_condition(call, object->exists ? object : NULL))
        return;
    memcpy(checksum, source->checksum, sizeof(checksum));
    content = (struct content){.size = source->size, .tag = call->sink->serial, .checksum = checksum};
    if (directive != NULL && strcmp(directive, "REPLACE") == 0)
        content.headers = s3_kept_headers(call->request);
    else if (source->headers != NULL)
        content.headers = mem_text(source->headers);
    if (source->body != NULL) {
        content.body = mem_alloc(source->size);
        memcpy(content.body, source->body, source->size);
    }
    store_set(&call->sink->store, object, &content);
    s3_xml(call);
    buf_add_text(call->out, "<CopyObjectResult>");
    s3_element(call->out, "ETag", object_etag(object, etag), false);
    s3_element(call->out, "LastModified", clock_text(object->modified_ms, date), false);
    buf_add_text(call->out, "</CopyObjectResult>");
}

static bool remove_one(void *ctx, const char *key, const char *version)
{
    struct s3_call *call = ctx;
    AUTO_FREE char *name = mem_printf("%s/%s", call->bucket, key);
    struct object *object = store_find(&call->sink->store, name);

    (void)version;
    if (key[0] == '\0')
        return false;
    if (object != NULL)
        store_remove(&call->sink->store, object);
    buf_add_text(call->out, "<Deleted>");
    s3_element(call->out, "Key", key, false);
    buf_add_text(call->out, "</Deleted>");
    return true;
}

static void remove_many(struct s3_call *call)
{
    s3_xml(call);
    buf_add_text(call->out, "<DeleteResult>");
    if (!s3_read_xml(&call->exchange->body, "Object", "Key", "VersionId", remove_one, call)) {
        buf_clear(call->out);
        buf_clear(&call->exchange->headers);
        s3_error(call, 400, "MalformedXML", "The XML you provided was not well-formed");
        return;
    }
    buf_add_text(call->out, "</DeleteResult>");
}

void s3_remove(struct s3_call *call)
{
    struct object *object;

    if (call->key[0] == '\0') {
        remove_many(call);
        return;
    }
    object = store_find(&call->sink->store, call->name);
    if (request_header(call->request, "if-match") != NULL && !s3_condition(call, object))
        return;
    if (object != NULL)
        store_remove(&call->sink->store, object);
    call->exchange->status = 204;
}
