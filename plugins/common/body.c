/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/common/body.h"

#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

enum { STEP_BYTES = 128 * 1024, ASK_BYTES = 1024 * 1024 };

static int fail_short(const char *what, struct sf_error *err)
{
    return sf_fail(err, SF_CORRUPT, "%s: the source is shorter than it was said to be", what);
}

static int64_t read_descriptor(const struct sf_body *body, uint64_t position, void *buffer, size_t want,
                               const char *what, struct sf_error *err)
{
    ssize_t got;

    do {
        got = pread(body->fd, buffer, want, (off_t)(body->offset + position));
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_errno(err, errno, "%s: read the source", what);
    return got != 0 ? got : fail_short(what, err);
}

static int64_t read_callback(const struct sf_body *body, uint64_t position, void *buffer, size_t want, const char *what,
                             struct sf_error *err)
{
    int64_t got = body->read(body->ctx, position, buffer, want, err);

    if (got < 0)
        return -1;
    return got != 0 && (uint64_t)got <= want ? got : fail_short(what, err);
}

int64_t body_read(const struct sf_body *body, uint64_t position, void *buffer, size_t bytes, const char *what,
                  struct sf_error *err)
{
    uint64_t rest = position < body->length ? body->length - position : 0;
    size_t want = rest < bytes ? (size_t)rest : bytes;

    if (want == 0)
        return 0;
    switch ((enum sf_body_kind)body->kind) {
    case SF_BODY_MEMORY:
        memcpy(buffer, (const char *)body->data + position, want);
        return (int64_t)want;
    case SF_BODY_FD:
        return read_descriptor(body, position, buffer, want, what, err);
    case SF_BODY_CALLBACK:
        return read_callback(body, position, buffer, want, what, err);
    }
    return sf_fail(err, SF_UNSUPPORTED, "%s: a body of the unknown kind %u", what, body->kind);
}

/* What one pass computes. */
struct pass {
    uint32_t wanted;
    uint32_t crc32c;
    struct sha256 sha256;
    EVP_MD_CTX *md5; /* NULL: not wanted */
};

static void pass_cleanup(struct pass *pass)
{
    sha256_cleanup(&pass->sha256);
    EVP_MD_CTX_free(pass->md5);
}

static int pass_begin(struct pass *pass, uint32_t wanted, const char *what, struct sf_error *err)
{
    EVP_MD *md5;
    int begun;

    pass->wanted = wanted;
    if ((wanted & SF_DIGEST_SHA256) != 0)
        sha256_init(&pass->sha256);
    if ((wanted & SF_DIGEST_MD5) == 0)
        return 0;
    /* It protects nothing here, it only finds mangled bytes: so a system set to FIPS may give it where it has one. */
    md5 = EVP_MD_fetch(NULL, "MD5", "-fips");
    pass->md5 = md5 != NULL ? EVP_MD_CTX_new() : NULL;
    begun = pass->md5 != NULL && EVP_DigestInit_ex2(pass->md5, md5, NULL) == 1;
    EVP_MD_free(md5);
    if (begun)
        return 0;
    return sf_fail(err, SF_UNSUPPORTED, "%s: the store wants an MD5, which OpenSSL on this system does not compute",
                   what);
}

static void pass_update(struct pass *pass, const void *data, size_t bytes)
{
    if ((pass->wanted & SF_DIGEST_SHA256) != 0)
        sha256_update(&pass->sha256, data, bytes);
    if ((pass->wanted & SF_DIGEST_CRC32C) != 0)
        pass->crc32c = crc32c_update(pass->crc32c, data, bytes);
    if (pass->md5 != NULL)
        (void)EVP_DigestUpdate(pass->md5, data, bytes);
}

static int pass_end(struct pass *pass, const char *what, struct sf_digests *digests, struct sf_error *err)
{
    uint8_t md5[sizeof(digests->md5)];

    if (pass->md5 != NULL && EVP_DigestFinal_ex(pass->md5, md5, NULL) != 1)
        return sf_fail(err, SF_PERMANENT, "%s: OpenSSL could not end an MD5", what);
    if (pass->md5 != NULL)
        memcpy(digests->md5, md5, sizeof(md5));
    if ((pass->wanted & SF_DIGEST_SHA256) != 0)
        sha256_final(&pass->sha256, digests->sha256);
    if ((pass->wanted & SF_DIGEST_CRC32C) != 0)
        digests->crc32c = pass->crc32c;
    digests->have |= pass->wanted;
    return 0;
}

/* Bytes in memory are digested where they are, all others through buffer. */
static int pass_run(const struct sf_call *call, struct pass *pass, const struct sf_body *body, const char *what,
                    struct sf_error *err)
{
    bool at_hand = body->kind == SF_BODY_MEMORY;
    AUTO_FREE char *buffer = at_hand ? NULL : mem_resize(NULL, STEP_BYTES);
    uint64_t done, ask_at = 0;

    for (done = 0; done < body->length;) {
        uint64_t rest = body->length - done;
        int64_t got = rest < STEP_BYTES ? (int64_t)rest : STEP_BYTES;

        if (done >= ask_at && call->cancelled(call))
            return sf_fail(err, SF_CANCELLED, "%s: stopped", what);
        if (done >= ask_at)
            ask_at = done + ASK_BYTES - STEP_BYTES;
        if (!at_hand)
            got = body_read(body, done, buffer, STEP_BYTES, what, err);
        if (got < 0)
            return -1;
        pass_update(pass, at_hand ? (const char *)body->data + done : buffer, (size_t)got);
        done += (uint64_t)got;
    }
    return 0;
}

int body_digest(const struct sf_call *call, const struct sf_body *body, uint32_t wanted, const char *what,
                struct sf_digests *digests, struct sf_error *err)
{
    const uint32_t known = SF_DIGEST_SHA256 | SF_DIGEST_CRC32C | SF_DIGEST_MD5;
    SF_AUTO(pass) pass = {.crc32c = 0};

    wanted &= known & ~digests->have;
    if (wanted == 0)
        return 0;
    if (pass_begin(&pass, wanted, what, err) < 0 || pass_run(call, &pass, body, what, err) < 0)
        return -1;
    return pass_end(&pass, what, digests, err);
}

void base64_crc32c(uint32_t crc32c, char out[BASE64_BYTES(4)])
{
    const uint8_t bytes[4] = {(uint8_t)(crc32c >> 24), (uint8_t)(crc32c >> 16), (uint8_t)(crc32c >> 8),
                              (uint8_t)crc32c};

    base64_encode(bytes, sizeof(bytes), out);
}
