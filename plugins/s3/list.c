/* SPDX-License-Identifier: Apache-2.0
 *
 * Slots list_*: ListObjectsV2, a page a request. A page is kept, packed, until it was read to its end: whether its keys are URL-encoded may stand
 * behind them.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
#include "plugins/s3/s3.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "plugins/common/text.h"
#include "plugins/common/xml.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Bytes of a page's records: five times what 1,000 of the longest keys take, since some stores send more than they are asked for. */
#define PAGE_MAX (16u << 20)

/* U+10FFFF, behind a prefix: greater than all that was folded into it. */
#define KEY_END "\xf4\x8f\xbf\xbf"

/* Of a page, in `records`: this, then key, NUL, ETag, NUL. */
struct record {
    uint64_t bytes;
    int64_t modified_ms;
    uint32_t key_bytes; /* with the NUL */
    uint32_t tag_bytes;
    bool is_prefix;
};

struct sf_list {
    struct sf_conn *conn;
    char *prefix;
    char *start_after;
    bool folds;
    uint32_t page_max;
    struct buf token; /* of the next page; empty: the first */
    struct buf last;  /* what the pages before ended with, for stores that give no token */
    /* the page that is read */
    struct buf records;
    struct buf next_token;
    struct buf greatest;
    bool is_encoded;
    bool is_truncated;
    /* the object that is read */
    struct buf key;
    struct buf tag;
    uint64_t bytes;
    int64_t modified_ms;
};

int s3_list_open(const struct sf_call *call, struct sf_conn *conn, const struct sf_list_query *query,
                 struct sf_list **list, struct sf_error *err)
{
    struct sf_list_query args;
    struct sf_list *made;

    (void)call;
    sf_take(&args, sizeof(args), query);
    if (args.delimiter != NULL && strcmp(args.delimiter, "/") != 0)
        return sf_fail(err, SF_UNSUPPORTED, "list: the only delimiter is \"/\"");
    made = mem_alloc(sizeof(*made));
    made->conn = conn;
    made->prefix = mem_text(args.prefix != NULL ? args.prefix : "");
    made->start_after = mem_text(args.start_after != NULL ? args.start_after : "");
    made->folds = args.delimiter != NULL;
    made->page_max = args.page_max != 0 && args.page_max < S3_LIST_MAX ? args.page_max : S3_LIST_MAX;
    *list = made;
    return 0;
}

void s3_list_close(struct sf_list *list)
{
    free(list->prefix);
    free(list->start_after);
    buf_cleanup(&list->token);
    buf_cleanup(&list->last);
    buf_cleanup(&list->records);
    buf_cleanup(&list->next_token);
    buf_cleanup(&list->greatest);
    buf_cleanup(&list->key);
    buf_cleanup(&list->tag);
    free(list);
}

/* ---- asking ---- */

static void add_parameter(struct buf *query, const char *name, const char *value)
{
    if (query->length != 0)
        buf_add_byte(query, '&');
    buf_add_text(query, name);
    buf_add_byte(query, '=');
    percent_encode(query, value, false);
}

static void make_query(const struct sf_list *list, struct buf *query)
{
    const char *after = list->last.length != 0 ? list->last.data : list->start_after;

    buf_clear(query);
    if (list->token.length != 0)
        add_parameter(query, "continuation-token", list->token.data);
    if (list->folds)
        add_parameter(query, "delimiter", "/");
    add_parameter(query, "encoding-type", "url");
    add_parameter(query, "list-type", "2");
    buf_printf(query, "&max-keys=%" PRIu32, list->page_max);
    if (list->prefix[0] != '\0')
        add_parameter(query, "prefix", list->prefix);
    if (list->token.length == 0 && *after != '\0')
        add_parameter(query, "start-after", after);
}

/* ---- reading ---- */

static int keep(struct sf_list *list, bool is_prefix, struct sf_error *err)
{
    struct record record = {.bytes = list->bytes,
                            .modified_ms = list->modified_ms,
                            .key_bytes = (uint32_t)list->key.length + 1,
                            .tag_bytes = (uint32_t)list->tag.length + 1,
                            .is_prefix = is_prefix};

    if (list->records.length > PAGE_MAX)
        return sf_fail(err, SF_PERMANENT, "bucket %s: a page of the list has no end, %" PRIu32 " objects are wanted",
                       list->conn->endpoint.bucket, list->page_max);
    buf_add(&list->records, &record, sizeof(record));
    buf_add(&list->records, buf_text(&list->key), record.key_bytes);
    buf_add(&list->records, buf_text(&list->tag), record.tag_bytes);
    buf_clear(&list->key);
    buf_clear(&list->tag);
    list->bytes = 0;
    list->modified_ms = 0;
    return 0;
}

static int read_size(struct sf_list *list, const char *text, struct sf_error *err)
{
    char *end;

    errno = 0;
    list->bytes = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-')
        return sf_fail(err, SF_PERMANENT, "bucket %s: the list has an object of size '%.40s'",
                       list->conn->endpoint.bucket, text);
    return 0;
}

static int read_object(struct sf_list *list, const char *name, const char *text, struct sf_error *err)
{
    if (strcmp(name, "Key") == 0)
        buf_add_text(&list->key, text);
    else if (strcmp(name, "ETag") == 0)
        buf_add_text(&list->tag, text);
    else if (strcmp(name, "LastModified") == 0)
        (void)clock_parse(text, &list->modified_ms);
    else if (strcmp(name, "Size") == 0)
        return read_size(list, text, err);
    return 0;
}

static int read_element(void *ctx, const char *path, const char *text, struct sf_error *err)
{
    static const char root[] = "ListBucketResult/", contents[] = "Contents/";
    struct sf_list *list = ctx;

    if (strncmp(path, root, sizeof(root) - 1) != 0)
        return 0;
    path += sizeof(root) - 1;
    if (strncmp(path, contents, sizeof(contents) - 1) == 0)
        return read_object(list, path + sizeof(contents) - 1, text, err);
    if (strcmp(path, "Contents") == 0) {
        return keep(list, false, err);
    } else if (strcmp(path, "CommonPrefixes/Prefix") == 0) {
        buf_add_text(&list->key, text);
        return keep(list, true, err);
    } else if (strcmp(path, "EncodingType") == 0) {
        list->is_encoded = strcmp(text, "url") == 0;
    } else if (strcmp(path, "IsTruncated") == 0) {
        list->is_truncated = strcmp(text, "true") == 0;
    } else if (strcmp(path, "NextContinuationToken") == 0) {
        buf_add_text(&list->next_token, text);
    }
    return 0;
}

static int fetch_page(const struct sf_call *call, struct sf_list *list, struct sf_error *err)
{
    struct sf_conn *conn = list->conn;
    char what[BUCKET_LABEL];
    struct xml *xml = xml_new(NULL, read_element, list, bucket_label(conn, what));
    struct request request = {.method = HTTP_GET, .kind = SF_REQUEST_LIST, .write = xml_write, .ctx = xml};
    int result;

    buf_clear(&list->records);
    buf_clear(&list->next_token);
    buf_clear(&list->key);
    buf_clear(&list->tag);
    list->is_encoded = list->is_truncated = false;
    make_query(list, &conn->query);
    request.query = conn->query.data;
    result = request_send(call, conn, &request, NULL, err);
    if (result == 0)
        result = xml_finish(xml, err);
    if (result == 0 && strcmp(xml_root(xml), "ListBucketResult") != 0)
        result = sf_fail(err, SF_TRANSIENT, "%s: the answer to a list is a <%s>", what, xml_root(xml));
    xml_free(xml);
    return result;
}

/* ---- delivering ---- */

/* The key as it is in the bucket, in list->key. */
static int decode_key(struct sf_list *list, const char *key, struct sf_error *err)
{
    buf_clear(&list->key);
    if (!list->is_encoded) {
        buf_add_text(&list->key, key);
        return 0;
    }
    if (!percent_decode(&list->key, key, true)) /* AWS has a space as '+', others as %20 */
        return sf_fail(err, SF_PERMANENT,
                       "bucket %s: the list has the key '%.200s', which is not URL-encoded as it says",
                       list->conn->endpoint.bucket, key);
    return 0;
}

static int deliver(struct sf_list *list, const struct sf_list_sink *sink, struct sf_error *err)
{
    const char *at = list->records.data, *end = at != NULL ? at + list->records.length : NULL;

    while (at != NULL && at < end) {
        struct sf_object object = {.size = sizeof(object), .server_time_ms = list->conn->response.server_time_ms};
        struct record record;

        memcpy(&record, at, sizeof(record));
        at += sizeof(record);
        if (decode_key(list, at, err) < 0)
            return -1;
        object.key = buf_text(&list->key);
        object.bytes = record.bytes;
        object.modified_ms = record.modified_ms;
        object_tag(&object, at + record.key_bytes);
        at += record.key_bytes + record.tag_bytes;
        if (record.is_prefix)
            sink->prefix(sink->ctx, object.key);
        else
            sink->object(sink->ctx, &object);
        if (record.is_prefix)
            buf_add_text(&list->key, KEY_END);
        if (strcmp(buf_text(&list->key), buf_text(&list->greatest)) > 0)
            buf_set_text(&list->greatest, buf_text(&list->key));
    }
    return 0;
}

/* Where the next page begins, if there is one. The same place once more would have no end. */
static bool moves_on(const struct sf_list *list)
{
    if (!list->is_truncated)
        return true;
    if (list->next_token.length != 0)
        return strcmp(list->next_token.data, buf_text(&list->token)) != 0;
    return strcmp(buf_text(&list->greatest), buf_text(&list->last)) != 0;
}

int s3_list_next(const struct sf_call *call, struct sf_list *list, const struct sf_list_sink *sink, int *more,
                 struct sf_error *err)
{
    buf_set_text(&list->greatest, buf_text(&list->last));
    if (fetch_page(call, list, err) < 0 || deliver(list, sink, err) < 0)
        return -1;
    if (!moves_on(list))
        return sf_fail(err, SF_PERMANENT, "bucket %s: the list says that there is more, and not how to get it",
                       list->conn->endpoint.bucket);
    buf_set_text(&list->last, buf_text(&list->greatest));
    buf_set_text(&list->token, buf_text(&list->next_token));
    *more = list->is_truncated;
    return 0;
}
