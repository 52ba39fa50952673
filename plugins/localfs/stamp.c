/* SPDX-License-Identifier: Apache-2.0
 *
 * The extended attribute of an object: what the file system does not know of it. One line "1 MTIME SIZE NONCE
 * SHA256", numbers in hex, mtime in ns, then a line "key=value" a pair. Who overwrites the file in place leaves an
 * attribute that no longer fits mtime and size; then it says nothing, and the tag is another one. `cp -a` keeps
 * all of it.
 */
#include "plugins/localfs/localfs.h"

#include "base/clock.h"
#include "base/err.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/xattr.h>

enum {
    NUMBER_HEX = 16,
    HEAD_MAX = 2 + 3 * (NUMBER_HEX + 1) + SHA256_HEX + 1,
    STAMP_MAX = HEAD_MAX + SF_META_MAX,
};

struct stamp {
    uint64_t mtime_ns;
    uint64_t bytes;
    uint64_t nonce;
    char sha256[SHA256_HEX + 1];
    const char *pairs;
};

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

/* A number in hex and the byte behind it; moves *at on. */
static bool take_number(const char **at, uint64_t *number)
{
    size_t digits = strspn(*at, "0123456789abcdef");

    if (digits == 0 || digits > NUMBER_HEX || (*at)[digits] != ' ')
        return false;
    *number = strtoull(*at, NULL, 16);
    *at += digits + 1;
    return true;
}

/* text is NUL-terminated. It may have been written by anybody. */
static bool stamp_parse(const char *text, struct stamp *stamp)
{
    const char *at = text + 2;

    if (strncmp(text, "1 ", 2) != 0 || !take_number(&at, &stamp->mtime_ns) || !take_number(&at, &stamp->bytes) ||
        !take_number(&at, &stamp->nonce))
        return false;
    if (strspn(at, "0123456789abcdef") != SHA256_HEX || at[SHA256_HEX] != '\n')
        return false;
    memcpy(stamp->sha256, at, SHA256_HEX);
    stamp->sha256[SHA256_HEX] = '\0';
    stamp->pairs = at + SHA256_HEX + 1;
    return true;
}

/* Splits the lines of text in place. */
static void add_pairs(char *text, struct sf_object *object)
{
    while (*text != '\0') {
        char *end = text + strcspn(text, "\n");
        char *value = memchr(text, '=', (size_t)(end - text));
        bool is_last = *end == '\0';

        *end = '\0';
        if (value != NULL) {
            *value++ = '\0';
            if (is_meta_key(text) && is_meta_value(value))
                (void)sf_object_add_meta(object, text, value);
        }
        if (is_last)
            return;
        text = end + 1;
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

static void fill_stamped(char *text, const struct stat *st, struct sf_object *object)
{
    struct stamp stamp;

    if (!stamp_parse(text, &stamp) || stamp.mtime_ns != mtime_ns_of(st) || stamp.bytes != (uint64_t)st->st_size)
        return;
    snprintf(object->tag, sizeof(object->tag), "%" PRIx64 "-%" PRIx64 "-%016" PRIx64, stamp.mtime_ns, stamp.bytes,
             stamp.nonce);
    if (hex_decode(stamp.sha256, object->digests.sha256, SHA256_BYTES))
        object->digests.have = SF_DIGEST_SHA256;
    add_pairs(text + (stamp.pairs - text), object);
    if (sf_object_meta(object, SF_META_SHA256) == NULL)
        (void)sf_object_add_meta(object, SF_META_SHA256, stamp.sha256);
}

void stamp_read(const struct sf_conn *conn, int fd, const struct stat *st, struct sf_object *object)
{
    char text[STAMP_MAX + 1];
    ssize_t got = -1;

    memset(object, 0, sizeof(*object));
    fill_plain(st, object);
    if (conn->store->has_xattr)
        got = fgetxattr(fd, XATTR_NAME, text, STAMP_MAX);
    if (got < 0)
        return; /* none, or longer than any of ours */
    text[got] = '\0';
    fill_stamped(text, st, object);
}

static void stamp_format(struct buf *text, const struct stat *st, uint64_t nonce, const struct meta_list *meta,
                         const struct sf_digests *digests)
{
    char sha256[SHA256_HEX + 1];
    uint32_t i;

    hex_encode(digests->sha256, SHA256_BYTES, sha256);
    buf_printf(text, "1 %" PRIx64 " %" PRIx64 " %016" PRIx64 " %s\n", mtime_ns_of(st), (uint64_t)st->st_size, nonce,
               sha256);
    for (i = 0; i < meta->count; i++) {
        const struct sf_meta *pair = meta_at(meta, i);

        if (strcmp(pair->key, SF_META_SHA256) != 0 || strcmp(pair->value, sha256) != 0)
            buf_printf(text, "%s=%s\n", pair->key, pair->value);
    }
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
    SF_AUTO(buf) text = BUF_INIT;
    struct stat st;

    if (stat_final(conn, fd, &st) < 0)
        return key_errno(err, errno, key, "read back what was written");
    memset(object, 0, sizeof(*object));
    fill_plain(&st, object);
    if (conn->store->has_xattr) {
        stamp_format(&text, &st, conn_random(conn), meta, digests);
        if (fsetxattr(fd, XATTR_NAME, text.data, text.length, 0) < 0)
            return key_errno(err, errno, key, "keep tag and metadata in an extended attribute");
        fill_stamped(text.data, &st, object);
    }
    object->digests = *digests;
    return 0;
}
