/* SPDX-License-Identifier: Apache-2.0
 *
 * How the digest of a body travels. There is always one, since a store may take a connection that was cut for the end of a body. Which forms a
 * store knows differs: older ones answer x-amz-checksum-* with 501 or 400, some ignore it, and then do not check. With "auto" the
 * first answer decides.
 */
#include "plugins/s3/s3.h"

#include <string.h>

#define CRC32C_HEADER "x-amz-checksum-crc32c"

enum checksum checksum_of(const struct sf_store *store)
{
    return (enum checksum)atomic_load_explicit(&store->checksum, memory_order_relaxed);
}

uint32_t checksum_wanted(enum checksum form)
{
    switch (form) {
    case CHECKSUM_CRC32C:
        return SF_DIGEST_CRC32C;
    case CHECKSUM_MD5:
        return SF_DIGEST_MD5;
    case CHECKSUM_SHA256:
    case CHECKSUM_NONE:
        break;
    }
    return SF_DIGEST_SHA256;
}

void checksum_take(struct checksummed *body, const struct sf_body *theirs, const struct sf_digests *digests)
{
    sf_take(&body->body, sizeof(body->body), theirs);
    body->digests = (struct sf_digests){.size = sizeof(body->digests)};
    if (digests != NULL)
        sf_take(&body->digests, sizeof(body->digests), digests);
}

static void add_header(struct headers *headers, enum checksum form, const struct sf_digests *digests)
{
    char text[BASE64_BYTES(32)];

    switch (form) {
    case CHECKSUM_CRC32C:
        base64_crc32c(digests->crc32c, text);
        headers_add(headers, CRC32C_HEADER, text);
        break;
    case CHECKSUM_SHA256:
        base64_encode(digests->sha256, sizeof(digests->sha256), text);
        headers_add(headers, "x-amz-checksum-sha256", text);
        break;
    case CHECKSUM_MD5:
        base64_encode(digests->md5, sizeof(digests->md5), text);
        headers_add(headers, "content-md5", text);
        break;
    case CHECKSUM_NONE:
        break;
    }
}

int checksum_add(const struct sf_call *call, struct checksummed *body, enum checksum form, struct headers *headers,
                 char payload[SHA256_HEX + 1], struct sf_error *err)
{
    struct sf_digests *digests = &body->digests;
    uint32_t needed = checksum_wanted(form);

    /* The signed SHA-256 protects as well as any other, and the host has it at hand for a whole file. */
    if (!body->is_part)
        needed |= SF_DIGEST_SHA256;
    needed &= ~digests->have;
    if (needed != 0 && body_digest(call, &body->body, needed, body->what, digests, err) < 0)
        return -1;
    add_header(headers, form, digests);
    if ((digests->have & SF_DIGEST_SHA256) != 0)
        hex_encode(digests->sha256, sizeof(digests->sha256), payload);
    else
        memcpy(payload, SIGN_UNSIGNED, sizeof(SIGN_UNSIGNED));
    return 0;
}

/* The answers seen when a store does not take a form: 501 NotImplemented (R2, B2), 400 with one of these codes (B2, older MinIO, ECS). */
static bool may_be_about_form(const struct refusal *refusal, const struct sf_error *err)
{
    static const char *const codes[] = {"InvalidArgument",  "InvalidRequest",    "MissingContentMD5",
                                        "MalformedTrailer", "UnsupportedHeader", "InvalidDigest"};
    size_t i;

    if (err->cls == SF_UNSUPPORTED)
        return true;
    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (strcmp(refusal->code, codes[i]) == 0)
            return true;
    return false;
}

/* Whether Content-MD5 is to be tried instead, once. */
static bool is_worth_md5(const struct sf_store *store, enum checksum form, const struct refusal *refusal,
                         const struct sf_error *err)
{
    /* none: a bucket with Object Lock wants one of the others */
    return may_be_about_form(refusal, err) &&
           ((form == CHECKSUM_CRC32C && store->is_adaptive) || form == CHECKSUM_NONE);
}

void checksum_change(const struct sf_conn *conn, enum checksum from, const char *why)
{
    struct sf_store *store = conn->store;
    int expected = (int)from;
    char text[256];

    if (!atomic_compare_exchange_strong(&store->checksum, &expected, CHECKSUM_MD5))
        return;
    snprintf(text, sizeof(text), "bucket %s: the store %s; from now on a digest goes as Content-MD5",
             conn->endpoint.bucket, why);
    store->host->log(store->host, SF_LOG_INFO, text);
}

/* After a success: checks the echo, and takes another form from now on where the store does not know this one. */
static int check_echo(const struct sf_conn *conn, const struct checksummed *body, struct sf_error *err)
{
    const char *echo = http_response_header(&conn->response, CRC32C_HEADER);
    char sent[BASE64_BYTES(4)];

    if (body->form != CHECKSUM_CRC32C)
        return 0;
    if (echo == NULL) {
        if (conn->store->is_adaptive)
            checksum_change(conn, CHECKSUM_CRC32C, "ignores " CRC32C_HEADER);
        return 0;
    }
    base64_crc32c(body->digests.crc32c, sent);
    if (strcmp(echo, sent) != 0)
        return sf_fail(err, SF_CORRUPT, "%s: what the store got has the CRC32C %s, what was sent has %s", body->what,
                       echo, sent);
    return 0;
}

static int send_in_form(const struct sf_call *call, struct sf_conn *conn, struct checksummed *body, enum checksum form,
                        struct request *request, struct refusal *refusal, struct sf_error *err)
{
    struct headers headers;
    char payload[SHA256_HEX + 1];

    refusal->code[0] = '\0';
    headers_init(&headers);
    if (checksum_add(call, body, form, &headers, payload, err) < 0)
        return -1;
    if (body->add_headers != NULL)
        body->add_headers(body->ctx, conn->store, &headers);
    request->headers = &headers;
    request->payload = payload;
    request->body = &body->body;
    body->form = form;
    return request_send(call, conn, request, refusal, err);
}

int checksum_send(const struct sf_call *call, struct sf_conn *conn, struct checksummed *body, struct request *request,
                  struct sf_error *err)
{
    struct sf_error first = SF_ERROR_INIT, second = SF_ERROR_INIT;
    enum checksum form = body->form;
    struct refusal refusal;

    if (send_in_form(call, conn, body, form, request, &refusal, &first) == 0)
        return check_echo(conn, body, err);
    if (is_worth_md5(conn->store, form, &refusal, &first)) {
        if (send_in_form(call, conn, body, CHECKSUM_MD5, request, &refusal, &second) == 0) {
            checksum_change(conn, form, "does not take the digest in the form that was asked for");
            return check_echo(conn, body, err);
        }
        if (second.cls != first.cls) /* else the first reason is the better one */
            first = second;
    }
    *err = first;
    return -1;
}
