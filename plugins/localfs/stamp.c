/* SPDX-License-Identifier: Apache-2.0
 *
 * The extended attribute of an object: what the file system does not know of it. Binary, and at most STAMP_USUAL bytes for the
 * metadata that the core sends: so much fits into an inode of ext4's usual 256 bytes. One byte more takes a block of its own
 * for every object, and a seek whenever a list reads it.
 *
 *     0   1  STAMP_VERSION
 *     1   4  CRC32C of mtime in ns and size, each as 8 bytes, little-endian; who overwrites the file in place leaves an
 *            attribute that no longer fits: then it says nothing, and the tag is another one. `cp -a` keeps all of it
 *     5   6  nonce: two puts of the same bytes in one tick of the clock have two tags
 *    11  32  SHA-256
 *    43      metadata: PACKED_RUN and the 16 bytes of a pair "run" that is 32 hex digits, or "key=value" and a newline a pair
 */
#include "plugins/localfs/localfs.h"

#include "base/clock.h"
#include "base/err.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/xattr.h>

enum {
    STAMP_VERSION = 2,
    STAMP_CHECK = 1,
    STAMP_NONCE = 5,
    STAMP_SHA256 = 11,
    STAMP_PAIRS = 43,
    NONCE_BYTES = STAMP_SHA256 - STAMP_NONCE,
    RUN_BYTES = 16,
    STAMP_USUAL =
        STAMP_PAIRS + 1 + RUN_BYTES, /* 60: the most that ext4 keeps in the inode beside this attribute's name */
    STAMP_MAX = STAMP_PAIRS + SF_META_MAX,
    PACKED_RUN = 1, /* no key begins with it */
};

_Static_assert(STAMP_USUAL <= 60, "the usual stamp must fit into an inode of 256 bytes");

static uint64_t mtime_ns_of(const struct stat *st)
{
    return (uint64_t)st->st_mtim.tv_sec * UINT64_C(1000000000) + (uint64_t)st->st_mtim.tv_nsec;
}

static const struct sf_meta *meta_at(const struct meta_list *meta, uint32_t index)
{
    return (const struct sf_meta *)((const char *)meta->items + (size_t)index * meta->element_size);
}

static bool is_meta_key(const char *key)
{
    return key[0] != '\0' && key[strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static bool is_meta_value(const char *value)
{
    while (*value >= 0x20 && *value <= 0x7e)
        value++;
    return *value == '\0';
}

int meta_check(const struct meta_list *meta, const char *key, struct sf_error *err)
{
    size_t bytes = 0;
    uint32_t i;

    for (i = 0; i < meta->count; i++) {
        const struct sf_meta *pair = meta_at(meta, i);

        if (!is_meta_key(pair->key) || !is_meta_value(pair->value))
            return key_fail(err, SF_INVALID, key, "metadata keys are [a-z0-9_]+ and values printable ASCII");
        bytes += strlen(pair->key) + strlen(pair->value) + 2;
    }
    if (bytes > SF_META_MAX)
        return key_fail(err, SF_TOO_LARGE, key, "more than 2048 bytes of metadata");
    return 0;
}

static void put_le(unsigned char *out, uint64_t number, size_t bytes)
{
    size_t i;

    for (i = 0; i < bytes; i++)
        out[i] = (unsigned char)(number >> (8 * i));
}

static void check_of(const struct stat *st, unsigned char out[STAMP_NONCE - STAMP_CHECK])
{
    unsigned char numbers[16];

    put_le(numbers, mtime_ns_of(st), 8);
    put_le(numbers + 8, (uint64_t)st->st_size, 8);
    put_le(out, crc32c_update(0, numbers, sizeof(numbers)), STAMP_NONCE - STAMP_CHECK);
}

/* One "key=value"; what nobody of us can have written is passed over. */
static void add_text_pair(char *text, struct sf_object *object)
{
    char *value = strchr(text, '=');

    if (value == NULL)
        return;
    *value++ = '\0';
    if (is_meta_key(text) && is_meta_value(value))
        (void)sf_object_add_meta(object, text, value);
}

/* Splits the bytes in place; they are followed by a NUL and may have been written by anybody. */
static void add_pairs(unsigned char *at, unsigned char *end, struct sf_object *object)
{
    char run[2 * RUN_BYTES + 1];

    while (at < end) {
        unsigned char *newline;

        if (*at == PACKED_RUN) {
            if (end - at < 1 + RUN_BYTES)
                return;
            hex_encode(at + 1, RUN_BYTES, run);
            (void)sf_object_add_meta(object, "run", run);
            at += 1 + RUN_BYTES;
            continue;
        }
        newline = memchr(at, '\n', (size_t)(end - at));
        if (newline == NULL)
            return;
        *newline = '\0';
        add_text_pair((char *)at, object);
        at = newline + 1;
    }
}

static void fill_plain(const struct stat *st, struct sf_object *object)
{
    object->size = sizeof(*object);
    object->bytes = (uint64_t)st->st_size;
    object->modified_ms = (int64_t)((uint64_t)st->st_mtim.tv_sec * 1000 + (uint64_t)st->st_mtim.tv_nsec / 1000000);
    object->server_time_ms = clock_wall_ms();
    object->digests.size = sizeof(object->digests);
    snprintf(object->tag, sizeof(object->tag), "%" PRIx64 "-%" PRIx64 "-i%" PRIx64, mtime_ns_of(st), object->bytes,
             (uint64_t)st->st_ino);
}

static void fill_stamped(unsigned char *stamp, size_t bytes, const struct stat *st, struct sf_object *object)
{
    unsigned char check[STAMP_NONCE - STAMP_CHECK];
    char nonce[2 * NONCE_BYTES + 1], sha256[SHA256_HEX + 1];

    check_of(st, check);
    if (bytes < STAMP_PAIRS || stamp[0] != STAMP_VERSION || memcmp(stamp + STAMP_CHECK, check, sizeof(check)) != 0)
        return;
    hex_encode(stamp + STAMP_NONCE, NONCE_BYTES, nonce);
    snprintf(object->tag, sizeof(object->tag), "%" PRIx64 "-%" PRIx64 "-%s", mtime_ns_of(st), object->bytes, nonce);
    memcpy(object->digests.sha256, stamp + STAMP_SHA256, SHA256_BYTES);
    object->digests.have = SF_DIGEST_SHA256;
    add_pairs(stamp + STAMP_PAIRS, stamp + bytes, object);
    if (sf_object_meta(object, SF_META_SHA256) != NULL)
        return;
    hex_encode(object->digests.sha256, SHA256_BYTES, sha256);
    (void)sf_object_add_meta(object, SF_META_SHA256, sha256);
}

void stamp_read(const struct sf_conn *conn, int fd, const struct stat *st, struct sf_object *object)
{
    unsigned char stamp[STAMP_MAX + 1];
    ssize_t got = -1;

    memset(object, 0, sizeof(*object));
    fill_plain(st, object);
    if (conn->store->has_xattr)
        got = fgetxattr(fd, XATTR_NAME, stamp, STAMP_MAX);
    if (got < 0)
        return; /* none, or longer than any of ours */
    stamp[got] = '\0';
    fill_stamped(stamp, (size_t)got, st, object);
}

static void add_pair(struct buf *stamp, const struct sf_meta *pair, const char *sha256)
{
    uint8_t run[RUN_BYTES];

    if (strcmp(pair->key, SF_META_SHA256) == 0 && strcmp(pair->value, sha256) == 0)
        return; /* is there in binary */
    if (strcmp(pair->key, "run") != 0 || !hex_decode(pair->value, run, RUN_BYTES)) {
        buf_printf(stamp, "%s=%s\n", pair->key, pair->value);
        return;
    }
    buf_add_byte(stamp, PACKED_RUN);
    buf_add(stamp, run, RUN_BYTES);
}

static void stamp_format(struct buf *stamp, const struct stat *st, uint64_t nonce, const struct meta_list *meta,
                         const struct sf_digests *digests)
{
    unsigned char head[STAMP_PAIRS] = {STAMP_VERSION};
    char sha256[SHA256_HEX + 1];
    uint32_t i;

    check_of(st, head + STAMP_CHECK);
    put_le(head + STAMP_NONCE, nonce, NONCE_BYTES);
    memcpy(head + STAMP_SHA256, digests->sha256, SHA256_BYTES);
    buf_add(stamp, head, sizeof(head));
    hex_encode(digests->sha256, SHA256_BYTES, sha256);
    for (i = 0; i < meta->count; i++)
        add_pair(stamp, meta_at(meta, i), sha256);
}

static int stat_final(const struct sf_conn *conn, int fd, struct stat *st)
{
    struct timespec times[2];

    if (fstat(fd, st) < 0)
        return -1;
    if (!conn->store->is_remote)
        return 0;
    times[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
    times[1] = st->st_mtim;
    return futimens(fd, times) < 0 ? -1 : fstat(fd, st);
}

int stamp_write(struct sf_conn *conn, int fd, const char *key, const struct meta_list *meta,
                const struct sf_digests *digests, struct sf_object *object, struct sf_error *err)
{
    SF_AUTO(buf) stamp = BUF_INIT;
    struct stat st;

    if (stat_final(conn, fd, &st) < 0)
        return key_errno(err, errno, key, "read back what was written");
    memset(object, 0, sizeof(*object));
    fill_plain(&st, object);
    if (conn->store->has_xattr) {
        stamp_format(&stamp, &st, conn_random(conn), meta, digests);
        if (fsetxattr(fd, XATTR_NAME, stamp.data, stamp.length, 0) < 0)
            return key_errno(err, errno, key, "keep tag and metadata in an extended attribute");
        fill_stamped((unsigned char *)stamp.data, stamp.length, &st, object);
    }
    object->digests = *digests;
    return 0;
}
