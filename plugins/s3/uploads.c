/* SPDX-License-Identifier: Apache-2.0
 *
 * Slot uploads_list: the unfinished uploads below a prefix, all pages. There are few, if any, so they are kept until the list is whole.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
 */
#include "plugins/s3/upload.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "plugins/common/text.h"
#include "plugins/common/xml.h"

#include <string.h>

/* More than this is no accident of this tool's; whoever made them has to clear them up (a lifecycle rule does). */
#define UPLOADS_MAX 100000

struct found {
    char *key;
    char *id;
    int64_t started_ms;
};

struct listing {
    struct sf_conn *conn;
    struct found *items;
    size_t count;
    size_t page_start; /* of items: those of the page that is read */
    struct buf key_marker;
    struct buf id_marker;
    struct buf next_key_marker;
    struct buf next_id_marker;
    bool is_encoded;
    bool is_truncated;
    struct buf key; /* of the upload that is read */
    struct buf id;
    int64_t started_ms;
};

static void listing_cleanup(struct listing *listing)
{
    size_t i;

    for (i = 0; i < listing->count; i++) {
        free(listing->items[i].key);
        free(listing->items[i].id);
    }
    free(listing->items);
    buf_cleanup(&listing->key_marker);
    buf_cleanup(&listing->id_marker);
    buf_cleanup(&listing->next_key_marker);
    buf_cleanup(&listing->next_id_marker);
    buf_cleanup(&listing->key);
    buf_cleanup(&listing->id);
}

static int keep(struct listing *listing, struct sf_error *err)
{
    if (listing->count == UPLOADS_MAX)
        return sf_fail(err, SF_TOO_LARGE, "bucket %s: over %d unfinished uploads", listing->conn->endpoint.bucket,
                       UPLOADS_MAX);
    listing->items = mem_resize(listing->items, (listing->count + 1) * sizeof(*listing->items));
    listing->items[listing->count++] =
        (struct found){mem_text(buf_text(&listing->key)), mem_text(buf_text(&listing->id)), listing->started_ms};
    return 0;
}

static int read_element(void *ctx, const char *path, const char *text, struct sf_error *err)
{
    static const char root[] = "ListMultipartUploadsResult/";
    struct listing *listing = ctx;

    if (strncmp(path, root, sizeof(root) - 1) != 0)
        return 0;
    path += sizeof(root) - 1;
    if (strcmp(path, "Upload/Key") == 0)
        buf_set_text(&listing->key, text);
    else if (strcmp(path, "Upload/UploadId") == 0)
        buf_set_text(&listing->id, text);
    else if (strcmp(path, "Upload/Initiated") == 0)
        (void)clock_parse(text, &listing->started_ms);
    else if (strcmp(path, "Upload") == 0)
        return keep(listing, err);
    else if (strcmp(path, "EncodingType") == 0)
        listing->is_encoded = strcmp(text, "url") == 0;
    else if (strcmp(path, "IsTruncated") == 0)
        listing->is_truncated = strcmp(text, "true") == 0;
    else if (strcmp(path, "NextKeyMarker") == 0)
        buf_set_text(&listing->next_key_marker, text);
    else if (strcmp(path, "NextUploadIdMarker") == 0)
        buf_set_text(&listing->next_id_marker, text);
    return 0;
}

static void make_query(const struct listing *listing, const char *prefix, struct buf *query)
{
    buf_clear(query);
    buf_add_text(query, "encoding-type=url");
    if (listing->key_marker.length != 0) {
        buf_add_text(query, "&key-marker=");
        percent_encode(query, listing->key_marker.data, false);
    }
    if (*prefix != '\0') {
        buf_add_text(query, "&prefix=");
        percent_encode(query, prefix, false);
    }
    if (listing->id_marker.length != 0) {
        buf_add_text(query, "&upload-id-marker=");
        percent_encode(query, listing->id_marker.data, false);
    }
    buf_add_text(query, "&uploads=");
}

/* text as it is without the encoding of the page. */
static int decode(const struct listing *listing, char **text, struct sf_error *err)
{
    SF_AUTO(buf) plain = BUF_INIT;

    if (!listing->is_encoded)
        return 0;
    if (!percent_decode(&plain, *text, true))
        return sf_fail(err, SF_PERMANENT, "bucket %s: the list of uploads is not URL-encoded as it says",
                       listing->conn->endpoint.bucket);
    free(*text);
    *text = mem_text(buf_text(&plain));
    return 0;
}

static int decode_page(struct listing *listing, struct sf_error *err)
{
    AUTO_FREE char *marker = mem_text(buf_text(&listing->next_key_marker));
    size_t i;

    for (i = listing->page_start; i < listing->count; i++)
        if (decode(listing, &listing->items[i].key, err) < 0)
            return -1;
    if (decode(listing, &marker, err) < 0)
        return -1;
    if (listing->is_truncated && strcmp(marker, buf_text(&listing->key_marker)) == 0 &&
        strcmp(buf_text(&listing->next_id_marker), buf_text(&listing->id_marker)) == 0)
        return sf_fail(err, SF_PERMANENT,
                       "bucket %s: the list of uploads says that there is more, and not how to get it",
                       listing->conn->endpoint.bucket);
    buf_set_text(&listing->key_marker, marker);
    buf_set_text(&listing->id_marker, buf_text(&listing->next_id_marker));
    return 0;
}

static int fetch_page(const struct sf_call *call, struct listing *listing, const char *prefix, struct sf_error *err)
{
    struct sf_conn *conn = listing->conn;
    char what[BUCKET_LABEL];
    struct xml *xml = xml_new(NULL, read_element, listing, bucket_label(conn, what));
    struct request request = {.method = HTTP_GET, .kind = SF_REQUEST_LIST, .write = xml_write, .ctx = xml};
    int result;

    listing->page_start = listing->count;
    listing->is_encoded = listing->is_truncated = false;
    buf_clear(&listing->next_key_marker);
    buf_clear(&listing->next_id_marker);
    make_query(listing, prefix, &conn->query);
    request.query = conn->query.data;
    result = request_send(call, conn, &request, NULL, err);
    if (result == 0)
        result = xml_finish(xml, err);
    if (result == 0 && strcmp(xml_root(xml), "ListMultipartUploadsResult") != 0)
        result = sf_fail(err, SF_TRANSIENT, "%s: the answer to a list of uploads is a <%s>", what, xml_root(xml));
    xml_free(xml);
    return result == 0 ? decode_page(listing, err) : -1;
}

static int deliver(const struct listing *listing, const char *prefix, const struct sf_uploads_sink *sink,
                   struct sf_error *err)
{
    size_t i;

    for (i = 0; i < listing->count; i++) {
        const struct found *found = &listing->items[i];
        struct sf_upload_info info = {.size = sizeof(info), .key = found->key, .started_ms = found->started_ms};
        struct sf_upload_token token = {.size = sizeof(token)};

        if (strncmp(found->key, prefix, strlen(prefix)) != 0)
            continue;
        if (upload_token(&token, found->id, CHECKSUM_NONE, found->key, err) < 0)
            return -1;
        info.token = token.token;
        info.token_bytes = token.bytes;
        sink->upload(sink->ctx, &info);
    }
    return 0;
}

int s3_uploads_list(const struct sf_call *call, struct sf_conn *conn, const char *prefix,
                    const struct sf_uploads_sink *sink, struct sf_error *err)
{
    SF_AUTO(listing) listing = {.conn = conn};

    do
        if (fetch_page(call, &listing, prefix, err) < 0) {
            if (err->cls != SF_NOT_FOUND || listing.count != 0)
                return -1;
            break; /* how some say that there is none (gofakes3, while it never had one) */
        }
    while (listing.is_truncated);
    return deliver(&listing, prefix, sink, err);
}
