/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request may demand before it is obeyed: conditions on the object that is there, digests of the body.
 */
#include "bench/sink_s3_priv.h"

#include "base/digest.h"

#include <openssl/evp.h>
#include <string.h>

bool s3_condition(struct s3_call *call, const struct object *object)
{
    const char *match = request_header(call->request, "if-match");
    const char *none_match = request_header(call->request, "if-none-match");
    char etag[ETAG_TEXT] = "";

    if (object != NULL)
        object_etag(object, etag);
    if (match != NULL && object == NULL) {
        s3_error(call, 404, "NoSuchKey", "The specified key does not exist.");
        return false;
    }
    if ((match != NULL && strcmp(match, "*") != 0 && strcmp(match, etag) != 0) ||
        (none_match != NULL && object != NULL && (strcmp(none_match, "*") == 0 || strcmp(none_match, etag) == 0))) {
        s3_error(call, 412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
        return false;
    }
    return true;
}

static bool sha256_fits(const struct buf *body, const char *wanted)
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX + 1];

    if (strlen(wanted) != SHA256_HEX) /* UNSIGNED-PAYLOAD, STREAMING-... */
        return true;
    sha256_of(body->data, body->length, digest);
    hex_encode(digest, sizeof(digest), hex);
    return strcmp(hex, wanted) == 0;
}

static bool crc32c_fits(const struct buf *body, const char *wanted)
{
    uint32_t crc = crc32c_update(0, body->data, body->length);
    unsigned char bytes[4] = {(unsigned char)(crc >> 24), (unsigned char)(crc >> 16), (unsigned char)(crc >> 8),
                              (unsigned char)crc};
    unsigned char text[16];

    EVP_EncodeBlock(text, bytes, sizeof(bytes));
    return strcmp((const char *)text, wanted) == 0;
}

bool s3_digests(struct s3_call *call)
{
    const char *sha256 = request_header(call->request, "x-amz-content-sha256");
    const char *crc32c = request_header(call->request, "x-amz-checksum-crc32c");

    if (!exchange_is_kept(call->exchange))
        return true;
    if (sha256 != NULL && !sha256_fits(&call->exchange->body, sha256)) {
        s3_error(call, 400, "XAmzContentSHA256Mismatch",
                 "The provided 'x-amz-content-sha256' header does not match what was computed.");
        return false;
    }
    if (crc32c != NULL && !crc32c_fits(&call->exchange->body, crc32c)) {
        s3_error(call, 400, "BadDigest", "The CRC32C you specified did not match the calculated checksum.");
        return false;
    }
    return true;
}
