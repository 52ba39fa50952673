/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of objects, both versions of the request, and of unfinished uploads. A page goes on behind a key or behind a common prefix: "k"
 * or "p" and the name; version 2 carries that in hexadecimal digits, version 1 the bare name, where one that ends in the delimiter is a prefix.
 */
#include "bench/sink_s3_priv.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_KEYS 1000

struct page {
    struct s3_call *call;
    bool is_v2;
    bool url; /* encoding-type */
    const char *prefix;
    const char *delimiter; /* "": none */
    char *after;           /* "k" or "p" and the name behind which it begins; NULL: at the start */
    uint64_t max_keys;
    uint64_t count;
    bool is_truncated;
    struct buf last; /* like after */
    struct buf entries;
};

static void page_cleanup(struct page *page)
{
    free(page->after);
    buf_cleanup(&page->last);
    buf_cleanup(&page->entries);
}

static const char *param(const struct s3_call *call, const char *name)
{
    const char *value = request_param(call->request, name);

    return value != NULL ? value : "";
}

static bool read_token(struct page *page, const char *token)
{
    size_t bytes = strlen(token) / 2;

    page->after = mem_alloc(bytes + 1);
    return bytes > 0 && hex_decode(token, (uint8_t *)page->after, bytes) && strchr("kp", page->after[0]) != NULL;
}

/* False: the answer is filled. */
static bool page_init(struct page *page, struct s3_call *call)
{
    const char *max_keys = request_param(call->request, "max-keys");
    const char *token = request_param(call->request, "continuation-token");
    const char *after;

    *page = (struct page){.call = call, .max_keys = PAGE_KEYS};
    page->is_v2 = strcmp(param(call, "list-type"), "2") == 0;
    page->url = strcmp(param(call, "encoding-type"), "url") == 0;
    page->prefix = param(call, "prefix");
    page->delimiter = param(call, "delimiter");
    after = param(call, page->is_v2 ? "start-after" : "marker");
    if (max_keys != NULL && !number_parse(max_keys, &page->max_keys)) {
        s3_error(call, 400, "InvalidArgument", "max-keys");
        return false;
    }
    if (page->max_keys > PAGE_KEYS)
        page->max_keys = PAGE_KEYS;
    if (page->is_v2 && token != NULL) {
        if (read_token(page, token))
            return true;
        s3_error(call, 400, "InvalidArgument", "The continuation token provided is incorrect");
        return false;
    }
    if (after[0] != '\0') {
        size_t length = strlen(after), end = strlen(page->delimiter);
        bool is_prefix = !page->is_v2 && end > 0 && length > strlen(page->prefix) && length >= end &&
                         strcmp(after + length - end, page->delimiter) == 0;

        page->after = mem_printf("%c%s", is_prefix ? 'p' : 'k', after);
    }
    return true;
}

/* The first object behind all that begin with prefix. */
static struct object *behind(struct store *store, const char *prefix)
{
    struct object *object = store_from(store, prefix);

    while (object != NULL && strncmp(object->name, prefix, strlen(prefix)) == 0)
        object = object_next(object);
    return object;
}

static struct object *page_first(const struct page *page)
{
    struct store *store = &page->call->sink->store;
    AUTO_FREE char *start = mem_printf("%s/%s", page->call->bucket, page->prefix);
    AUTO_FREE char *after = NULL;
    struct object *object;

    if (page->after == NULL)
        return store_from(store, start);
    after = mem_printf("%s/%s", page->call->bucket, page->after + 1);
    if (strcmp(after, start) < 0)
        return store_from(store, start);
    if (page->after[0] == 'p')
        return behind(store, after);
    object = store_from(store, after);
    return object != NULL && strcmp(object->name, after) == 0 ? object_next(object) : object;
}

static void add_object(struct page *page, const struct object *object, const char *key)
{
    char etag[ETAG_TEXT], date[CLOCK_TEXT];

    buf_add_text(&page->entries, "<Contents>");
    s3_element(&page->entries, "Key", key, page->url);
    s3_element(&page->entries, "LastModified", clock_text(object->modified_ms, date), false);
    s3_element(&page->entries, "ETag", object_etag(object, etag), false);
    buf_printf(&page->entries, "<Size>%" PRIu64 "</Size><StorageClass>STANDARD</StorageClass></Contents>",
               object->size);
    buf_clear(&page->last);
    buf_printf(&page->last, "k%s", key);
}

static void add_prefix(struct page *page, const char *key, size_t length)
{
    buf_clear(&page->last);
    buf_add_byte(&page->last, 'p');
    buf_add(&page->last, key, length);
    buf_add_text(&page->entries, "<CommonPrefixes>");
    s3_element(&page->entries, "Prefix", page->last.data + 1, page->url);
    buf_add_text(&page->entries, "</CommonPrefixes>");
}

static void page_fill(struct page *page)
{
    struct store *store = &page->call->sink->store;
    AUTO_FREE char *start = mem_printf("%s/%s", page->call->bucket, page->prefix);
    struct object *object = page_first(page);

    while (object != NULL && strncmp(object->name, start, strlen(start)) == 0) {
        const char *key = object->name + strlen(page->call->bucket) + 1;
        const char *rest = object->name + strlen(start);
        const char *end = page->delimiter[0] != '\0' ? strstr(rest, page->delimiter) : NULL;

        if (page->count == page->max_keys) {
            page->is_truncated = page->max_keys > 0;
            return;
        }
        page->count++;
        if (end == NULL) {
            add_object(page, object, key);
            object = object_next(object);
        } else {
            AUTO_FREE char *prefix = NULL;

            end += strlen(page->delimiter);
            add_prefix(page, key, (size_t)(end - key));
            prefix = mem_printf("%s/%s", page->call->bucket, page->last.data + 1);
            object = behind(store, prefix);
        }
    }
}

static void write_next(const struct page *page, struct buf *out)
{
    AUTO_FREE char *hex = mem_alloc(2 * page->last.length + 1);

    if (!page->is_v2) {
        s3_element(out, "NextMarker", page->last.data + 1, page->url);
        return;
    }
    hex_encode((const uint8_t *)page->last.data, page->last.length, hex);
    s3_element(out, "NextContinuationToken", hex, false);
}

void s3_list(struct s3_call *call)
{
    SF_AUTO(page) page;
    struct buf *out = call->out;

    if (!page_init(&page, call))
        return;
    page_fill(&page);
    s3_xml(call);
    buf_add_text(out, "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    s3_element(out, "Name", call->bucket, false);
    s3_element(out, "Prefix", page.prefix, page.url);
    if (page.delimiter[0] != '\0')
        s3_element(out, "Delimiter", page.delimiter, page.url);
    if (page.url)
        buf_add_text(out, "<EncodingType>url</EncodingType>");
    buf_printf(out, "<MaxKeys>%" PRIu64 "</MaxKeys><IsTruncated>%s</IsTruncated>", page.max_keys,
               page.is_truncated ? "true" : "false");
    if (page.is_v2)
        buf_printf(out, "<KeyCount>%" PRIu64 "</KeyCount>", page.count);
    if (page.is_truncated)
        write_next(&page, out);
    if (page.entries.length > 0)
        buf_add(out, page.entries.data, page.entries.length);
    buf_add_text(out, "</ListBucketResult>");
}

void s3_upload_list(struct s3_call *call)
{
    AUTO_FREE char *start = mem_printf("%s/%s", call->bucket, param(call, "prefix"));
    bool url = strcmp(param(call, "encoding-type"), "url") == 0;
    char date[CLOCK_TEXT];

    s3_xml(call);
    buf_add_text(call->out, "<ListMultipartUploadsResult>");
    s3_element(call->out, "Bucket", call->bucket, false);
    buf_add_text(call->out, "<IsTruncated>false</IsTruncated>");
    for (struct upload *upload = call->sink->uploads; upload != NULL; upload = upload->next) {
        if (strncmp(upload->name, start, strlen(start)) != 0)
            continue;
        buf_add_text(call->out, "<Upload>");
        s3_element(call->out, "Key", upload->name + strlen(call->bucket) + 1, url);
        s3_element(call->out, "UploadId", upload->id, false);
        s3_element(call->out, "Initiated", clock_text(upload->begun_ms, date), false);
        buf_add_text(call->out, "<StorageClass>STANDARD</StorageClass></Upload>");
    }
    buf_add_text(call->out, "</ListMultipartUploadsResult>");
}
