/* SPDX-License-Identifier: Apache-2.0
 *
 * What an object is beside its bytes. Its tag is mtime and size, so that a list needs no more than a stat, and any copy that
 * keeps mtimes keeps tags. Digest and metadata are in an extended attribute: binary, and at most STAMP_USUAL bytes for the
 * metadata that the core sends. So much fits into an inode of ext4's usual 256 bytes; one more takes a block an object.
 *
 *     0   1  STAMP_VERSION
 *     1   4  CRC32C of mtime in ns and size, each as 8 bytes, little-endian; who overwrites the file in place leaves an
 *            attribute that no longer fits: then it says nothing
 *     5  32  SHA-256
 *    37      metadata: PACKED_RUN and the 16 bytes of a pair "run" that is 32 hex digits, or "key=value" and a newline a pair
 */
#include "plugins/localfs/localfs.h"

#include "base/clock.h"
#include "base/err.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#define NS_PER_S UINT64_C(1000000000)

enum {
    STAMP_VERSION = 3,
    STAMP_CHECK = 1,
    STAMP_SHA256 = 5,
    STAMP_PAIRS = 37,
    CHECK_BYTES = STAMP_SHA256 - STAMP_CHECK,
    RUN_BYTES = 16,
    STAMP_USUAL = STAMP_PAIRS + 1 + RUN_BYTES,
    STAMP_MAX = STAMP_PAIRS + SF_META_MAX,
    PACKED_RUN = 1, /* no key begins with it */
};

/* The most that ext4 keeps in the inode beside this attribute's name. */
_Static_assert(STAMP_USUAL <= 60, "the usual stamp must fit into an inode of 256 bytes");

static uint64_t mtime_ns_of(const struct stat *st)
{
    return (uint64_t)st->st_mtim.tv_sec * NS_PER_S + (uint64_t)st->st_mtim.tv_nsec;
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

static void check_of(const struct stat *st, unsigned char out[CHECK_BYTES])
{
    unsigned char numbers[16];

    put_le(numbers, mtime_ns_of(st), 8);
    put_le(numbers + 8, (uint64_t)st->st_size, 8);
    put_le(out, crc32c_update(0, numbers, sizeof(numbers)), CHECK_BYTES);
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

/* Lower-case hex without leading zeros; returns where it ends. A list of a million objects must not wait for printf. */
static char *add_hex(char *out, uint64_t number)
{
    int digits = 1;

    while (digits < 16 && number >> (4 * digits) != 0)
        digits++;
    while (digits-- > 0)
        *out++ = "0123456789abcdef"[(number >> (4 * digits)) & 15];
    return out;
}

void stamp_plain(const struct stat *st, struct sf_object *object)
{
    char *end;

    memset(object, 0, offsetof(struct sf_object, meta)); /* no byte of which counts while meta_bytes is 0 */
    object->size = sizeof(*object);
    object->bytes = (uint64_t)st->st_size;
    object->modified_ms = (int64_t)((uint64_t)st->st_mtim.tv_sec * 1000 + (uint64_t)st->st_mtim.tv_nsec / 1000000);
    object->digests.size = sizeof(object->digests);
    end = add_hex(object->tag, mtime_ns_of(st));
    *end++ = '-';
    *add_hex(end, object->bytes) = '\0';
}

static void fill_stamped(unsigned char *stamp, size_t bytes, const struct stat *st, struct sf_object *object)
{
    unsigned char check[CHECK_BYTES];
    char sha256[SHA256_HEX + 1];

    check_of(st, check);
    if (bytes < STAMP_PAIRS || stamp[0] != STAMP_VERSION || memcmp(stamp + STAMP_CHECK, check, sizeof(check)) != 0)
        return;
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

    stamp_plain(st, object);
    object->server_time_ms = clock_wall_ms();
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

static void stamp_format(struct buf *stamp, const struct stat *st, const struct meta_list *meta,
                         const struct sf_digests *digests)
{
    unsigned char head[STAMP_PAIRS] = {STAMP_VERSION};
    char sha256[SHA256_HEX + 1];
    uint32_t i;

    check_of(st, head + STAMP_CHECK);
    memcpy(head + STAMP_SHA256, digests->sha256, SHA256_BYTES);
    buf_add(stamp, head, sizeof(head));
    hex_encode(digests->sha256, SHA256_BYTES, sha256);
    for (i = 0; i < meta->count; i++)
        add_pair(stamp, meta_at(meta, i), sha256);
}

/* Two puts within one tick of the clock must not get one tag, so the nanoseconds are drawn. The file system may keep fewer of
 * them: what it made of the time is read back. A time that was set also stays where one of its own would be set once more
 * when a network's cache is written back. */
static int set_mtime(struct sf_conn *conn, int fd, struct stat *st)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = 0}};

    times[1].tv_sec = (time_t)(clock_wall_ms() / 1000);
    times[1].tv_nsec = (long)(conn_random(conn) % NS_PER_S);
    /* On some shares the file is not ours even if we made it: then any time but the current one is refused. */
    if (futimens(fd, times) < 0 && (errno != EPERM || futimens(fd, NULL) < 0))
        return -1;
    return fstat(fd, st);
}

int stamp_write(struct sf_conn *conn, int fd, const char *key, const struct meta_list *meta,
                const struct sf_digests *digests, struct sf_object *object, struct sf_error *err)
{
    SF_AUTO(buf) stamp = BUF_INIT;
    struct stat st;

    if (set_mtime(conn, fd, &st) < 0)
        return key_errno(err, errno, key, "set the time of what was written");
    stamp_plain(&st, object);
    object->server_time_ms = clock_wall_ms();
    if (conn->store->has_xattr) {
        stamp_format(&stamp, &st, meta, digests);
        if (fsetxattr(fd, XATTR_NAME, stamp.data, stamp.length, 0) < 0)
            return key_errno(err, errno, key, "keep digest and metadata in an extended attribute");
        fill_stamped((unsigned char *)stamp.data, stamp.length, &st, object);
    }
    object->digests = *digests;
    return 0;
}
