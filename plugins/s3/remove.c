/* SPDX-License-Identifier: Apache-2.0
 *
 * Slot remove: many objects in one request, where the store can; else one by one, and from then on.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
 */
#include "plugins/s3/s3.h"

#include "base/err.h"
#include "base/mem.h"
#include "plugins/common/xml.h"

#include <string.h>

struct removing {
    const struct sf_remove *items;
    uint32_t count;
    uint32_t element_size;
    const struct sf_remove_sink *sink;
};

static struct sf_remove item(const struct removing *removing, uint32_t index)
{
    struct sf_remove one;

    sf_take(&one, sizeof(one), (const char *)removing->items + (size_t)index * removing->element_size);
    return one;
}

static void result(const struct removing *removing, uint32_t index, int32_t cls, const char *text)
{
    removing->sink->result(removing->sink->ctx, index, cls, text);
}

/* ---- one by one ---- */

/* 0: the key has its result; -1: the call is to end. */
static int remove_one(const struct sf_call *call, struct sf_conn *conn, const struct removing *removing, uint32_t index,
                      struct sf_error *err)
{
    struct sf_remove one = item(removing, index);
    const struct request request = {.method = HTTP_DELETE, .kind = SF_REQUEST_REMOVE, .key = one.key};
    struct sf_error own = SF_ERROR_INIT;

    if (one.if_tag != NULL) {
        result(removing, index, SF_UNSUPPORTED, "S3 stores do not agree on removing by tag");
        return 0;
    }
    if (request_send(call, conn, &request, NULL, &own) == 0 || own.cls == SF_NOT_FOUND) {
        result(removing, index, SF_OK, NULL);
        return 0;
    }
    if (own.cls == SF_CANCELLED || own.cls == SF_AUTH) {
        *err = own;
        return -1;
    }
    result(removing, index, own.cls, own.text);
    return 0;
}

static int remove_each(const struct sf_call *call, struct sf_conn *conn, const struct removing *removing,
                       struct sf_error *err)
{
    uint32_t i;

    for (i = 0; i < removing->count; i++)
        if (remove_one(call, conn, removing, i, err) < 0)
            return -1;
    return 0;
}

/* ---- many at once ---- */

static void make_list(const struct removing *removing, struct buf *text)
{
    uint32_t i;

    buf_clear(text);
    buf_add_text(text, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>");
    for (i = 0; i < removing->count; i++) {
        buf_add_text(text, "<Object><Key>");
        xml_add_escaped(text, item(removing, i).key);
        buf_add_text(text, "</Key></Object>");
    }
    buf_add_text(text, "</Delete>");
}

/* One <Error> of the answer, until its end. */
struct answer {
    const struct removing *removing;
    const char *bucket;
    uint8_t *has_failed; /* a byte a key */
    struct buf key;
    char code[64];
    char message[256];
};

static int note_error(struct answer *answer, struct sf_error *err)
{
    const struct removing *removing = answer->removing;
    enum sf_class cls = refusal_class(answer->code);
    char text[SF_ERROR_TEXT];
    uint32_t i;

    if (cls == SF_OK)
        cls = SF_PERMANENT;
    if (cls == SF_DENIED && strstr(answer->message, "object lock") != NULL)
        cls = SF_IMMUTABLE;
    snprintf(text, sizeof(text), "%.160s: %s: %s", buf_text(&answer->key), answer->code, answer->message);
    for (i = 0; i < removing->count; i++) {
        if (answer->has_failed[i] || strcmp(item(removing, i).key, buf_text(&answer->key)) != 0)
            continue;
        answer->has_failed[i] = 1;
        result(removing, i, cls == SF_NOT_FOUND ? SF_OK : (int32_t)cls, text);
        return 0;
    }
    /* It is one of them, whatever the store calls it: which ones were removed is not known. */
    return sf_fail(err, cls, "bucket %s: an object was not removed: %s", answer->bucket, text);
}

static int read_element(void *ctx, const char *path, const char *text, struct sf_error *err)
{
    struct answer *answer = ctx;
    int noted = 0;

    if (strcmp(path, "DeleteResult/Error/Key") == 0) {
        buf_add_text(&answer->key, text);
    } else if (strcmp(path, "DeleteResult/Error/Code") == 0) {
        snprintf(answer->code, sizeof(answer->code), "%s", text);
    } else if (strcmp(path, "DeleteResult/Error/Message") == 0) {
        snprintf(answer->message, sizeof(answer->message), "%s", text);
    } else if (strcmp(path, "DeleteResult/Error") == 0) {
        noted = note_error(answer, err);
        buf_clear(&answer->key);
        answer->code[0] = answer->message[0] = '\0';
    }
    return noted;
}

/* Keys that the answer does not name were removed; servers that ignore <Quiet> name those as well. */
static int read_answer(const struct sf_conn *conn, const struct removing *removing, struct sf_error *err)
{
    AUTO_FREE uint8_t *has_failed = mem_alloc(removing->count);
    struct answer answer = {
        .removing = removing, .bucket = conn->endpoint.bucket, .has_failed = has_failed, .key = BUF_INIT};
    char what[BUCKET_LABEL];
    struct xml *xml;
    uint32_t i;
    int read;

    xml = xml_new(NULL, read_element, &answer, bucket_label(conn, what));
    read = xml_feed(xml, buf_text(&conn->response.body), conn->response.body.length, err);
    if (read == 0)
        read = xml_finish(xml, err);
    if (read == 0 && strcmp(xml_root(xml), "DeleteResult") != 0)
        read = sf_fail(err, SF_TRANSIENT, "%s: the answer to a removal is a <%s>", what, xml_root(xml));
    xml_free(xml);
    buf_cleanup(&answer.key);
    for (i = 0; i < removing->count && read == 0; i++)
        if (!has_failed[i])
            result(removing, i, SF_OK, NULL);
    return read;
}

static int remove_batch(const struct sf_call *call, struct sf_conn *conn, const struct removing *removing,
                        struct sf_error *err)
{
    struct request request = {
        .method = HTTP_POST, .kind = SF_REQUEST_REMOVE, .query = "delete=", .may_hold_error = true};
    struct sf_body text = {.size = sizeof(text), .kind = SF_BODY_MEMORY, .fd = -1};
    struct checksummed body = {.what = conn->endpoint.bucket};
    struct headers headers;
    char payload[SHA256_HEX + 1];

    make_list(removing, &conn->text);
    text.data = conn->text.data;
    text.length = conn->text.length;
    checksum_take(&body, &text, NULL);
    headers_init(&headers);
    headers_add(&headers, "content-type", "application/xml");
    /* Many stores demand this very form here, whatever they take elsewhere; FIPS has no MD5. */
    if (checksum_add(call, &body, CHECKSUM_MD5, &headers, payload, err) < 0 &&
        (err->cls != SF_UNSUPPORTED || checksum_add(call, &body, CHECKSUM_CRC32C, &headers, payload, err) < 0))
        return -1;
    request.headers = &headers;
    request.payload = payload;
    request.body = &body.body;
    if (request_send(call, conn, &request, NULL, err) < 0)
        return -1;
    return read_answer(conn, removing, err);
}

static bool has_tag(const struct removing *removing)
{
    uint32_t i;

    for (i = 0; i < removing->count; i++)
        if (item(removing, i).if_tag != NULL)
            return true;
    return false;
}

int s3_remove(const struct sf_call *call, struct sf_conn *conn, const struct sf_remove *items, uint32_t count,
              uint32_t element_size, const struct sf_remove_sink *sink, struct sf_error *err)
{
    const struct removing removing = {items, count, element_size, sink};
    struct sf_error own = SF_ERROR_INIT;

    if (count <= 1 || has_tag(&removing) || atomic_load(&conn->store->is_without_batch))
        return remove_each(call, conn, &removing, err);
    if (remove_batch(call, conn, &removing, &own) == 0)
        return 0;
    if (own.cls != SF_UNSUPPORTED) {
        *err = own;
        return -1;
    }
    atomic_store(&conn->store->is_without_batch, true);
    return remove_each(call, conn, &removing, err);
}
