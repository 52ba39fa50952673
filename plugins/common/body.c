/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/common/body.h"

#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#define STEP_BYTES (128u * 1024u)

static int64_t read_fd(const struct sf_body *body, uint64_t position, void *buffer, size_t bytes, const char *what,
                       struct sf_error *err)
{
    for (;;) {
        ssize_t got = pread(body->fd, buffer, bytes, (off_t)(body->offset + position));

        if (got >= 0)
            return got;
        if (errno != EINTR)
            return err_errno(err, errno, "%s: cannot read what is to be sent", what);
    }
}

int64_t body_read(const struct sf_body *body, uint64_t position, void *buffer, size_t bytes, const char *what,
                  struct sf_error *err)
{
    int64_t got;

    if (position >= body->length)
        return 0;
    if (bytes > body->length - position)
        bytes = (size_t)(body->length - position);
    switch (body->kind) {
    case SF_BODY_MEMORY:
        memcpy(buffer, (const char *)body->data + position, bytes);
        return (int64_t)bytes;
    case SF_BODY_FD:
        got = read_fd(body, position, buffer, bytes, what, err);
        break;
    case SF_BODY_CALLBACK:
        got = body->read(body->ctx, position, buffer, bytes, err);
        break;
    default:
        return sf_fail(err, SF_UNSUPPORTED, "%s: a body of an unknown kind (%u)", what, body->kind);
    }
    if (got == 0)
        return sf_fail(err, SF_CORRUPT, "%s: the source ends after %llu of %llu bytes", what,
                       (unsigned long long)position, (unsigned long long)body->length);
    return got < 0 ? -1 : got;
}

/* ---- digests ---- */

struct pass {
    uint32_t wanted;
    struct sha256 sha;
    uint32_t crc32c;
    EVP_MD_CTX *md5;
};

static void pass_cleanup(struct pass *pass)
{
    sha256_cleanup(&pass->sha);
    EVP_MD_CTX_free(pass->md5);
}

static int pass_begin(struct pass *pass, uint32_t wanted, const char *what, struct sf_error *err)
{
    pass->wanted = wanted;
    if ((wanted & SF_DIGEST_SHA256) != 0)
        sha256_init(&pass->sha);
    if ((wanted & SF_DIGEST_MD5) == 0)
        return 0;
    pass->md5 = EVP_MD_CTX_new();
    if (pass->md5 == NULL || EVP_DigestInit_ex(pass->md5, EVP_md5(), NULL) != 1)
        return sf_fail(err, SF_UNSUPPORTED, "%s: MD5 is needed, which this system's OpenSSL does not allow", what);
    return 0;
}

static void pass_update(struct pass *pass, const void *data, size_t bytes)
{
    if ((pass->wanted & SF_DIGEST_SHA256) != 0)
        sha256_update(&pass->sha, data, bytes);
    if ((pass->wanted & SF_DIGEST_CRC32C) != 0)
        pass->crc32c = crc32c_update(pass->crc32c, data, bytes);
    if (pass->md5 != NULL)
        (void)EVP_DigestUpdate(pass->md5, data, bytes);
}

static void pass_end(struct pass *pass, struct sf_digests *digests)
{
    if ((pass->wanted & SF_DIGEST_SHA256) != 0)
        sha256_final(&pass->sha, digests->sha256);
    if ((pass->wanted & SF_DIGEST_CRC32C) != 0)
        digests->crc32c = pass->crc32c;
    if (pass->md5 != NULL)
        (void)EVP_DigestFinal_ex(pass->md5, digests->md5, NULL);
    digests->have |= pass->wanted;
}

static int pass_over(const struct sf_call *call, const struct sf_body *body, struct pass *pass, const char *what,
                     struct sf_error *err)
{
    AUTO_FREE unsigned char *buffer = mem_alloc(STEP_BYTES);
    uint64_t position = 0;

    while (position < body->length) {
        int64_t got;

        if (call->cancelled(call))
            return sf_fail(err, SF_CANCELLED, "%s: stopped", what);
        got = body_read(body, position, buffer, STEP_BYTES, what, err);
        if (got < 0)
            return -1;
        pass_update(pass, buffer, (size_t)got);
        position += (uint64_t)got;
    }
    return 0;
}

int body_digest(const struct sf_call *call, const struct sf_body *body, uint32_t wanted, const char *what,
                struct sf_digests *digests, struct sf_error *err)
{
    SF_AUTO(pass) pass = {0};
    int result = 0;

    if (pass_begin(&pass, wanted, what, err) < 0)
        return -1;
    if (body->kind == SF_BODY_MEMORY)
        pass_update(&pass, body->data, (size_t)body->length);
    else
        result = pass_over(call, body, &pass, what, err);
    if (result == 0)
        pass_end(&pass, digests);
    return result;
}

/* ---- base64 ---- */

void base64_encode(const void *data, size_t bytes, char *out)
{
    (void)EVP_EncodeBlock((unsigned char *)out, data, (int)bytes);
}

void base64_crc32c(uint32_t crc32c, char out[BASE64_BYTES(4)])
{
    const uint8_t bytes[4] = {(uint8_t)(crc32c >> 24), (uint8_t)(crc32c >> 16), (uint8_t)(crc32c >> 8),
                              (uint8_t)crc32c};

    base64_encode(bytes, sizeof(bytes), out);
}
