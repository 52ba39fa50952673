/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"
#include "base/mem.h"
#include "plugins/common/body.h"
#include "tests/kit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define BYTES (3 * 1024 * 1024 + 17)
#define OFFSET 5

/* The same bytes as a body of each kind, and a call that counts how often it was asked. */
struct bed {
    char *bytes;
    int fd;
    struct sf_body bodies[3];
    uint64_t ends_at;  /* the callback has no more than this */
    size_t answer_max; /* and gives so much at once */
    int callback_fails;
    struct sf_call call;
    uint64_t asked;
    uint64_t cancel_at; /* 0: never, else the how-manieth question */
};

static int64_t read_bytes(void *ctx, uint64_t position, void *buffer, size_t bytes, struct sf_error *err)
{
    struct bed *bed = ctx;
    uint64_t rest = position < bed->ends_at ? bed->ends_at - position : 0;

    if (bed->callback_fails)
        return sf_fail(err, SF_AUTH, "the source says no");
    if (bytes > rest)
        bytes = rest;
    if (bytes > bed->answer_max)
        bytes = bed->answer_max;
    memcpy(buffer, bed->bytes + position, bytes);
    return (int64_t)bytes;
}

static int is_cancelled(const struct sf_call *call)
{
    struct bed *bed = call->ctx;

    return ++bed->asked == bed->cancel_at;
}

static void bed_open(struct bed *bed)
{
    char path[PATH_MAX];
    size_t i;

    *bed = (struct bed){.bytes = mem_alloc(OFFSET + BYTES), .ends_at = BYTES, .answer_max = 1000};
    for (i = 0; i < OFFSET + BYTES; i++)
        bed->bytes[i] = (char)(i * 31 ^ i >> 9);
    unit_write("source", bed->bytes, OFFSET + BYTES);
    memmove(bed->bytes, bed->bytes + OFFSET, BYTES);
    snprintf(path, sizeof(path), "%s/source", unit_temp_dir());
    bed->fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(bed->fd, 0);
    bed->bodies[0] =
        (struct sf_body){.size = sizeof(struct sf_body), .kind = SF_BODY_MEMORY, .length = BYTES, .data = bed->bytes};
    bed->bodies[1] = (struct sf_body){
        .size = sizeof(struct sf_body), .kind = SF_BODY_FD, .length = BYTES, .offset = OFFSET, .fd = bed->fd};
    bed->bodies[2] = (struct sf_body){
        .size = sizeof(struct sf_body), .kind = SF_BODY_CALLBACK, .length = BYTES, .ctx = bed, .read = read_bytes};
    bed->call = (struct sf_call){.size = sizeof(bed->call), .ctx = bed, .cancelled = is_cancelled};
}

static void bed_close(struct bed *bed)
{
    close(bed->fd);
    free(bed->bytes);
}

START_TEST(read_by_position)
{
    static const uint64_t positions[] = {0, 1, 999, 65536, BYTES - 3, BYTES - 1};
    struct sf_error err = SF_ERROR_INIT;
    char buffer[700];
    struct bed bed;
    size_t kind, i;

    bed_open(&bed);
    for (kind = 0; kind < 3; kind++) {
        for (i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
            uint64_t rest = BYTES - positions[i];
            int64_t got = body_read(&bed.bodies[kind], positions[i], buffer, sizeof(buffer), "key", &err);

            ck_assert_int_eq(got, rest < sizeof(buffer) ? (int64_t)rest : (int64_t)sizeof(buffer));
            ck_assert_mem_eq(buffer, bed.bytes + positions[i], (size_t)got);
        }
        ck_assert_int_eq(body_read(&bed.bodies[kind], BYTES, buffer, sizeof(buffer), "key", &err), 0);
    }
    ck_assert_int_eq(lseek(bed.fd, 0, SEEK_CUR), 0); /* others read it, too */
    bed_close(&bed);
}
END_TEST

START_TEST(read_fails)
{
    struct sf_error err = SF_ERROR_INIT;
    char buffer[100];
    struct bed bed;

    bed_open(&bed);
    bed.bodies[1].length++;
    ck_assert_int_eq(body_read(&bed.bodies[1], BYTES, buffer, sizeof(buffer), "key", &err), -1);
    ck_assert_int_eq(err.cls, SF_CORRUPT);
    ck_assert_str_eq(err.text, "key: the source is shorter than it was said to be");
    bed.ends_at = 10;
    ck_assert_int_eq(body_read(&bed.bodies[2], 10, buffer, sizeof(buffer), "key", &err), -1);
    ck_assert_int_eq(err.cls, SF_CORRUPT);
    bed.callback_fails = 1;
    ck_assert_int_eq(body_read(&bed.bodies[2], 0, buffer, sizeof(buffer), "key", &err), -1);
    ck_assert_int_eq(err.cls, SF_AUTH);
    ck_assert_str_eq(err.text, "the source says no");
    bed.bodies[1].fd = -1;
    ck_assert_int_eq(body_read(&bed.bodies[1], 0, buffer, sizeof(buffer), "key", &err), -1);
    ck_assert_int_eq(err.status, EBADF);
    ck_assert_ptr_nonnull(strstr(err.text, "key: read the source: "));
    bed.bodies[0].kind = 77;
    ck_assert_int_eq(body_read(&bed.bodies[0], 0, buffer, sizeof(buffer), "key", &err), -1);
    ck_assert_int_eq(err.cls, SF_UNSUPPORTED);
    bed_close(&bed);
}
END_TEST

START_TEST(digests_of_each_kind)
{
    const uint32_t all = SF_DIGEST_SHA256 | SF_DIGEST_CRC32C | SF_DIGEST_MD5;
    struct sf_error err = SF_ERROR_INIT;
    uint8_t sha256[SHA256_BYTES];
    struct sf_digests first = {.size = sizeof(first)};
    struct bed bed;
    size_t kind;

    bed_open(&bed);
    sha256_of(bed.bytes, BYTES, sha256);
    ck_assert_int_eq(body_digest(&bed.call, &bed.bodies[0], all, "key", &first, &err), 0);
    for (kind = 0; kind < 3; kind++) {
        struct sf_digests digests = {.size = sizeof(digests)};

        bed.asked = 0;
        ck_assert_int_eq(body_digest(&bed.call, &bed.bodies[kind], all | 0x80, "key", &digests, &err), 0);
        ck_assert_uint_eq(digests.have, all);
        ck_assert_mem_eq(digests.sha256, sha256, sizeof(sha256));
        ck_assert_uint_eq(digests.crc32c, crc32c_update(0, bed.bytes, BYTES));
        ck_assert_mem_eq(digests.md5, first.md5, sizeof(first.md5));
        ck_assert_uint_ge(bed.asked, 4); /* once a MiB */
    }
    bed_close(&bed);
}
END_TEST

START_TEST(digests_known)
{
    static const uint8_t md5[16] = {0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0, /* RFC 1321, A.5 */
                                    0xd6, 0x96, 0x3f, 0x7d, 0x28, 0xe1, 0x7f, 0x72};
    struct sf_digests digests = {.size = sizeof(digests)};
    struct sf_error err = SF_ERROR_INIT;
    struct bed bed;

    bed_open(&bed);
    memcpy(bed.bytes, "abc", 3);
    bed.bodies[0].length = 3;
    ck_assert_int_eq(body_digest(&bed.call, &bed.bodies[0], SF_DIGEST_MD5, "key", &digests, &err), 0);
    ck_assert_uint_eq(digests.have, SF_DIGEST_MD5);
    ck_assert_mem_eq(digests.md5, md5, sizeof(md5));
    bed.bodies[2].length = 0;
    digests.have = 0;
    ck_assert_int_eq(body_digest(&bed.call, &bed.bodies[2], SF_DIGEST_CRC32C, "key", &digests, &err), 0);
    ck_assert_uint_eq(digests.have, SF_DIGEST_CRC32C);
    ck_assert_uint_eq(digests.crc32c, 0);
    bed_close(&bed);
}
END_TEST

START_TEST(digests_there_stay)
{
    struct sf_digests digests = {.size = sizeof(digests), .have = SF_DIGEST_SHA256 | SF_DIGEST_CRC32C, .crc32c = 7};
    struct sf_error err = SF_ERROR_INIT;
    struct bed bed;

    bed_open(&bed);
    memset(digests.sha256, 9, sizeof(digests.sha256));
    bed.callback_fails = 1; /* nothing is missing, so nothing is read */
    ck_assert_int_eq(body_digest(&bed.call, &bed.bodies[2], SF_DIGEST_CRC32C, "key", &digests, &err), 0);
    ck_assert_int_eq(body_digest(&bed.call, &bed.bodies[0], SF_DIGEST_CRC32C | SF_DIGEST_MD5, "key", &digests, &err),
                     0);
    ck_assert_uint_eq(digests.have, SF_DIGEST_SHA256 | SF_DIGEST_CRC32C | SF_DIGEST_MD5);
    ck_assert_uint_eq(digests.crc32c, 7);
    ck_assert_uint_eq(digests.sha256[0], 9);
    bed_close(&bed);
}
END_TEST

START_TEST(digests_fail)
{
    struct sf_digests digests = {.size = sizeof(digests)};
    struct sf_error err = SF_ERROR_INIT;
    struct bed bed;

    bed_open(&bed);
    bed.ends_at = BYTES - 1;
    ck_assert_int_eq(body_digest(&bed.call, &bed.bodies[2], SF_DIGEST_MD5, "key", &digests, &err), -1);
    ck_assert_int_eq(err.cls, SF_CORRUPT);
    bed.asked = 0;
    bed.cancel_at = 3;
    ck_assert_int_eq(body_digest(&bed.call, &bed.bodies[0], SF_DIGEST_SHA256, "key", &digests, &err), -1);
    ck_assert_int_eq(err.cls, SF_CANCELLED);
    ck_assert_uint_eq(bed.asked, 3);
    ck_assert_uint_eq(digests.have, 0);
    bed_close(&bed);
}
END_TEST

START_TEST(crc32c_spelled)
{
    char text[BASE64_BYTES(4)];

    base64_crc32c(0, text);
    ck_assert_str_eq(text, "AAAAAA==");
    base64_crc32c(crc32c_update(0, "123456789", 9), text); /* e3 06 92 83 */
    ck_assert_str_eq(text, "4waSgw==");
}
END_TEST

UNIT_MAIN("body", &read_by_position, &read_fails, &digests_of_each_kind, &digests_known, &digests_there_stay,
          &digests_fail, &crc32c_spelled)
