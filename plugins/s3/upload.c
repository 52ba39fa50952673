/* SPDX-License-Identifier: Apache-2.0
 *
 * Slots upload_*: an object in parts. Parts are numbered by the host, sent over any connections in any order, and each has its own
 * digest.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 */
#include "plugins/s3/upload.h"

#include "base/err.h"
#include "base/mem.h"
#include "plugins/common/text.h"
#include "plugins/common/xml.h"

#include <string.h>

/* ---- an element of an XML answer ---- */

struct wanted {
    const char *path;
    struct buf *text;
};

static int take_element(void *ctx, const char *path, const char *text, struct sf_error *err)
{
    struct wanted *wanted = ctx;

    (void)err;
    if (strcmp(path, wanted->path) == 0) {
        buf_clear(wanted->text);
        buf_add_text(wanted->text, text);
    }
    return 0;
}

int answer_element(const struct sf_conn *conn, const char *path, const char *what, struct buf *text,
                   struct sf_error *err)
{
    struct wanted wanted = {path, text};
    struct xml *xml = xml_new(NULL, take_element, &wanted, what);
    int read;

    buf_clear(text);
    read = xml_feed(xml, buf_text(&conn->response.body), conn->response.body.length, err);
    if (read == 0)
        read = xml_finish(xml, err);
    xml_free(xml);
    if (read == 0 && text->length == 0)
        return sf_fail(err, SF_TRANSIENT, "%s: the store's answer has no %s", what, path);
    return read;
}

/* ---- the handle ---- */

/* In a token the form's letter stands before the id, so that a resumed upload has the digests it was begun with. */
static const char letters[] = {
    [CHECKSUM_CRC32C] = 'c', [CHECKSUM_SHA256] = 's', [CHECKSUM_MD5] = 'm', [CHECKSUM_NONE] = 'n'};

static struct sf_upload *make_upload(const char *key, const char *id, enum checksum form)
{
    struct sf_upload *made = mem_alloc(sizeof(*made));
    SF_AUTO(buf) encoded = BUF_INIT;

    percent_encode(&encoded, id, false);
    made->key = mem_text(key);
    made->id = mem_text(buf_text(&encoded));
    made->form = form;
    return made;
}

void s3_upload_close(struct sf_upload *upload)
{
    if (upload == NULL)
        return;
    free(upload->key);
    free(upload->id);
    free(upload);
}

int upload_token(struct sf_upload_token *token, const char *id, enum checksum form, const char *key,
                 struct sf_error *err)
{
    int length = snprintf(token->token, sizeof(token->token), "%c%s", letters[form], id);

    if (length < 0 || (size_t)length >= sizeof(token->token))
        return sf_fail(err, SF_PERMANENT, "%s: the store's upload id is longer than %zu bytes", key,
                       sizeof(token->token) - 2);
    token->bytes = (uint32_t)length;
    return 0;
}

int s3_upload_resume(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                     const struct sf_upload_token *token, uint64_t *persisted, struct sf_upload **upload,
                     struct sf_error *err)
{
    struct sf_upload_args own;
    struct sf_upload_token given;
    const char *letter;

    (void)call;
    (void)conn;
    sf_take(&own, sizeof(own), args);
    sf_take(&given, sizeof(given), token);
    given.token[given.bytes < sizeof(given.token) ? given.bytes : 0] = '\0';
    letter = given.token[0] != '\0' ? memchr(letters, given.token[0], sizeof(letters)) : NULL;
    if (letter == NULL || given.token[1] == '\0')
        return sf_fail(err, SF_INVALID, "%s: this is no token of an upload to S3", own.key);
    *upload = make_upload(own.key, given.token + 1, (enum checksum)(letter - letters));
    *persisted = 0; /* which parts there are, the host's journal tells */
    return 0;
}

/* ---- begin ---- */

static int create(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                  enum checksum form, struct sf_error *err)
{
    struct headers headers;
    const struct request request = {.method = HTTP_POST,
                                    .kind = SF_REQUEST_UPLOAD_BEGIN,
                                    .key = args->key,
                                    .query = "uploads=",
                                    .headers = &headers};

    headers_init(&headers);
    headers_add_meta(&headers, args->meta, args->meta_count, args->meta_element_size);
    headers_add_new(&headers, conn->store, args->storage_class);
    /* Composite: the form of CRC32C that every store with checksums takes (R2 takes no other). */
    if (form == CHECKSUM_CRC32C || form == CHECKSUM_SHA256) {
        headers_add(&headers, "x-amz-checksum-algorithm", form == CHECKSUM_CRC32C ? "CRC32C" : "SHA256");
        headers_add(&headers, "x-amz-checksum-type", "COMPOSITE");
    }
    return request_send(call, conn, &request, NULL, err);
}

int upload_create(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                  enum checksum form, struct sf_upload_token *token, struct sf_upload **upload, struct sf_error *err)
{
    SF_AUTO(buf) id = BUF_INIT;

    if (create(call, conn, args, form, err) < 0)
        return -1;
    if (conn->response.is_resent) {
        sf_fail(err, SF_TRANSIENT, "%s: its upload may have been begun twice, as a connection broke meanwhile",
                args->key);
        err->maybe_applied = 1; /* the host ends them all and begins anew */
        return -1;
    }
    if (answer_element(conn, "InitiateMultipartUploadResult/UploadId", args->key, &id, err) < 0 ||
        upload_token(token, buf_text(&id), form, args->key, err) < 0) {
        err->maybe_applied = 1; /* there is one, whose name nobody knows */
        return -1;
    }
    *upload = make_upload(args->key, buf_text(&id), form);
    return 0;
}

int s3_upload_begin(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                    struct sf_upload_token *token, struct sf_upload **upload, struct sf_error *err)
{
    enum checksum form = checksum_of(conn->store);
    struct sf_upload_token own = {.size = sizeof(own)};
    struct sf_error first = SF_ERROR_INIT, second = SF_ERROR_INIT;
    struct sf_upload_args given;
    int begun;

    sf_take(&given, sizeof(given), args);
    begun = upload_create(call, conn, &given, form, &own, upload, &first);
    if (begun < 0 && form == CHECKSUM_CRC32C && conn->store->is_adaptive &&
        (first.cls == SF_UNSUPPORTED || first.cls == SF_INVALID)) {
        begun = upload_create(call, conn, &given, CHECKSUM_MD5, &own, upload, &second);
        if (begun == 0)
            checksum_change(conn, CHECKSUM_CRC32C, "does not take an upload with CRC32C");
    }
    if (begun < 0) {
        *err = first;
        return -1;
    }
    sf_give(token, &own);
    return 0;
}

/* ---- part ---- */

/* What a part's answer is to the host: the ETag, a newline, and the digest as it has to be named again at commit. */
static int part_opaque(const struct sf_conn *conn, const struct checksummed *body, const char *key,
                       struct sf_part_result *result, struct sf_error *err)
{
    const char *etag = http_response_header(&conn->response, "etag");
    char digest[BASE64_BYTES(SHA256_BYTES)] = "";
    int length;

    if (etag == NULL || *etag == '\0')
        return sf_fail(err, SF_PERMANENT, "%s: the store answers a part without an ETag", key);
    if (body->form == CHECKSUM_CRC32C)
        base64_crc32c(body->digests.crc32c, digest);
    else if (body->form == CHECKSUM_SHA256)
        base64_encode(body->digests.sha256, SHA256_BYTES, digest);
    length = snprintf(result->opaque, sizeof(result->opaque), "%s\n%s", etag, digest);
    if (length < 0 || (size_t)length >= sizeof(result->opaque))
        return sf_fail(err, SF_PERMANENT, "%s: the store answers a part with an ETag of %zu bytes", key, strlen(etag));
    result->opaque_bytes = (uint32_t)length;
    return 0;
}

/* As the upload was begun, unless the store has turned out to ignore CRC32C since. */
static enum checksum part_form(const struct sf_conn *conn, const struct sf_upload *upload)
{
    bool is_ignored = upload->form == CHECKSUM_CRC32C && checksum_of(conn->store) == CHECKSUM_MD5;

    return is_ignored ? CHECKSUM_MD5 : upload->form;
}

int s3_upload_part(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                   const struct sf_part *part, struct sf_part_result *result, struct sf_error *err)
{
    struct request request = {.method = HTTP_PUT, .kind = SF_REQUEST_UPLOAD_PART, .key = upload->key};
    struct checksummed body = {.what = upload->key, .is_part = true, .form = part_form(conn, upload)};
    struct sf_part_result own = {.size = sizeof(own)};
    struct sf_part args;

    sf_take(&args, sizeof(args), part);
    checksum_take(&body, args.body, args.digests);
    buf_clear(&conn->query);
    buf_printf(&conn->query, "partNumber=%u&uploadId=%s", args.number, upload->id);
    request.query = conn->query.data;
    if (checksum_send(call, conn, &body, &request, err) < 0 || part_opaque(conn, &body, upload->key, &own, err) < 0)
        return -1;
    own.persisted = body.body.length;
    sf_give(result, &own);
    return 0;
}

/* ---- commit and abort ---- */

static int add_part(struct buf *text, const struct sf_upload *upload, const struct sf_part_done *done,
                    struct sf_error *err)
{
    const char *element = upload->form == CHECKSUM_CRC32C ? "ChecksumCRC32C" : "ChecksumSHA256";
    const char *newline = memchr(done->opaque, '\n', done->opaque_bytes);
    SF_AUTO(buf) etag = BUF_INIT;
    size_t digest_bytes;

    if (newline == NULL)
        return sf_fail(err, SF_INVALID, "%s: the answer of part %u is not one of this plugin's", upload->key,
                       done->number);
    buf_add(&etag, done->opaque, (size_t)(newline - done->opaque));
    digest_bytes = done->opaque_bytes - etag.length - 1;
    buf_add_text(text, "<Part>");
    if (digest_bytes != 0 && (upload->form == CHECKSUM_CRC32C || upload->form == CHECKSUM_SHA256))
        buf_printf(text, "<%s>%.*s</%s>", element, (int)digest_bytes, newline + 1, element);
    buf_add_text(text, "<ETag>");
    xml_add_escaped(text, buf_text(&etag));
    buf_printf(text, "</ETag><PartNumber>%u</PartNumber></Part>", done->number);
    return 0;
}

/* The store would put together what it is told, without asking whether that is all of the object. */
static int make_list(struct sf_conn *conn, const struct sf_upload *upload, const struct sf_part_done *parts,
                     uint32_t count, uint32_t element_size, uint64_t bytes, struct sf_error *err)
{
    uint64_t total = 0;
    uint32_t i;

    buf_clear(&conn->text);
    buf_add_text(&conn->text, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (i = 0; i < count; i++) {
        struct sf_part_done done;

        sf_take(&done, sizeof(done), (const char *)parts + (size_t)i * element_size);
        if (add_part(&conn->text, upload, &done, err) < 0)
            return -1;
        total += done.bytes;
    }
    buf_add_text(&conn->text, "</CompleteMultipartUpload>");
    if (total != bytes)
        return sf_fail(err, SF_INVALID, "%s: parts of %llu bytes do not make an object of %llu", upload->key,
                       (unsigned long long)total, (unsigned long long)bytes);
    return 0;
}

static int complete(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload *upload,
                    const struct sf_upload_args *args, struct sf_error *err)
{
    struct sf_body text = {.size = sizeof(text), .kind = SF_BODY_MEMORY, .fd = -1};
    char payload[SHA256_HEX + 1];
    uint8_t sha256[SHA256_BYTES];
    struct headers headers;
    struct request request = {.method = HTTP_POST,
                              .kind = SF_REQUEST_UPLOAD_COMMIT,
                              .key = upload->key,
                              .headers = &headers,
                              .payload = payload,
                              .body = &text,
                              .precondition = args->precondition,
                              .may_hold_error = true,
                              .slow_answer = true};

    text.data = conn->text.data;
    text.length = conn->text.length;
    sha256_of(text.data, text.length, sha256);
    hex_encode(sha256, sizeof(sha256), payload);
    headers_init(&headers);
    headers_add(&headers, "content-type", "application/xml");
    headers_add_precondition(&headers, args->precondition, args->if_tag);
    buf_clear(&conn->query);
    buf_printf(&conn->query, "uploadId=%s", upload->id);
    request.query = conn->query.data;
    return request_send(call, conn, &request, NULL, err);
}

/* Some stores that are not Amazon's answer a commit with another ETag than every list and stat after it (gofakes3 does). */
static int ask_tag(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload *upload,
                   struct sf_object *object, struct sf_error *err)
{
    struct sf_object there = {.size = sizeof(there)};

    if (s3_stat(call, conn, upload->key, &there, err) < 0)
        return -1;
    if (there.bytes != object->bytes)
        return sf_fail(err, SF_CORRUPT, "%s: the store put %llu bytes together, of parts of %llu", upload->key,
                       (unsigned long long)there.bytes, (unsigned long long)object->bytes);
    *object = there;
    return 0;
}

static int commit(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload *upload,
                  const struct sf_upload_args *args, struct sf_object *object, struct sf_error *err)
{
    SF_AUTO(buf) etag = BUF_INIT;

    if (complete(call, conn, upload, args, err) < 0) {
        if (err->cls == SF_NOT_FOUND)
            err->maybe_applied = 1; /* the upload is gone, maybe because an answer to this was lost */
        return -1;
    }
    object->bytes = args->bytes;
    object->server_time_ms = conn->response.server_time_ms;
    if (answer_element(conn, "CompleteMultipartUploadResult/ETag", upload->key, &etag, err) == 0) {
        object_tag(object, buf_text(&etag));
        if (conn->endpoint.is_aws || ask_tag(call, conn, upload, object, err) == 0)
            return 0;
    }
    err->maybe_applied = err->cls != SF_CORRUPT;
    return -1;
}

int s3_upload_commit(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                     const struct sf_upload_args *args, const struct sf_part_done *parts, uint32_t count,
                     uint32_t element_size, struct sf_object *object, struct sf_error *err)
{
    struct sf_object own = {.size = sizeof(own)};
    struct sf_upload_args given;

    sf_take(&given, sizeof(given), args);
    if (make_list(conn, upload, parts, count, element_size, given.bytes, err) < 0 ||
        commit(call, conn, upload, &given, &own, err) < 0)
        return -1;
    sf_give(object, &own);
    return 0;
}

int s3_upload_abort(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload, struct sf_error *err)
{
    struct request request = {.method = HTTP_DELETE, .kind = SF_REQUEST_UPLOAD_ABORT, .key = upload->key};
    struct sf_error own = SF_ERROR_INIT;

    buf_clear(&conn->query);
    buf_printf(&conn->query, "uploadId=%s", upload->id);
    request.query = conn->query.data;
    if (request_send(call, conn, &request, NULL, &own) == 0 || own.cls == SF_NOT_FOUND)
        return 0; /* not there any more: as wanted */
    *err = own;
    return -1;
}
