/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes a point exist: its manifests, then one create-only object behind a barrier. Called once, as a backup's last step.
 * Pipeline's thread.
 */
#include "core/point/point.h"

#include "base/err.h"
#include "core/point/put.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define READ_BYTES (64u * 1024u)

/* Reads the spooled manifest once for its CRC32C; that it still has the SHA-256 of when it was written costs nothing more. */
static int digest_file(int fd, const struct manifest_summary *summary, uint32_t *crc32c, struct sf_error *err)
{
    SF_AUTO(sha256) sha = {NULL};
    SF_AUTO(buf) bytes = BUF_INIT;
    uint8_t sha256[SHA256_BYTES];
    uint64_t at = 0;

    buf_reserve(&bytes, READ_BYTES);
    sha256_init(&sha);
    *crc32c = 0;
    for (;;) {
        ssize_t got = pread(fd, bytes.data, READ_BYTES, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, "cannot read a manifest in the temporary folder");
        if (got == 0)
            break;
        sha256_update(&sha, bytes.data, (size_t)got);
        *crc32c = crc32c_update(*crc32c, bytes.data, (size_t)got);
        at += (uint64_t)got;
    }
    sha256_final(&sha, sha256);
    if (at != summary->object_bytes || memcmp(sha256, summary->sha256, SHA256_BYTES) != 0)
        return sf_fail(err, SF_CORRUPT, "a manifest in the temporary folder changed after it was written");
    return 0;
}

struct hashing {
    struct sha256 sha;
    uint64_t bytes;
};

static int hash_bytes(void *ctx, uint64_t position, const void *bytes, size_t length, struct sf_error *err)
{
    struct hashing *hashing = ctx;

    (void)err;
    if (position == 0) {
        sha256_init(&hashing->sha); /* also when a get starts again */
        hashing->bytes = 0;
    }
    sha256_update(&hashing->sha, bytes, length);
    hashing->bytes += length;
    return 0;
}

/* What stands at the key of a manifest whose put ended in doubt? */
static int compare_manifest(const struct base *base, const char *key, const struct manifest_summary *summary,
                            enum point_found *result, struct sf_error *err)
{
    struct hashing hashing = {{NULL}, 0};
    struct sf_get get = {.size = sizeof(get), .key = key, .length = UINT64_MAX};
    struct sf_sink sink = {
        .size = sizeof(sink), .kind = SF_SINK_CALLBACK, .fd = -1, .ctx = &hashing, .write = hash_bytes};
    struct sf_object object = {.size = sizeof(object)};
    uint8_t sha256[SHA256_BYTES];
    int got;

    sha256_init(&hashing.sha);
    got = base->store->table->get(&base->run->call, base->conn, &get, &sink, &object, err);
    sha256_final(&hashing.sha, sha256);
    sha256_cleanup(&hashing.sha);
    if (got < 0 && err->cls != SF_NOT_FOUND)
        return -1;
    if (got < 0)
        *result = POINT_FOUND_NOTHING;
    else if (hashing.bytes == summary->object_bytes && memcmp(sha256, summary->sha256, SHA256_BYTES) == 0)
        *result = POINT_FOUND_OURS;
    else
        *result = POINT_FOUND_OTHER;
    return 0;
}

static int put_manifest(const struct base *base, const struct point *point, const struct point_source *source, int fd,
                        struct sf_error *err)
{
    const struct manifest_summary *summary = &source->manifest;
    struct point_put put = {
        .run = point->run,
        .body = {.size = sizeof(put.body), .kind = SF_BODY_FD, .length = summary->object_bytes, .fd = fd}};
    struct sf_object object = {.size = sizeof(object)};
    struct sf_error failure = SF_ERROR_INIT;
    enum point_found result = POINT_FOUND_NOTHING;
    SF_AUTO(buf) key = BUF_INIT;

    key_manifest(base, point->time_dir, source->name, &key);
    put.key = key.data;
    memcpy(put.sha256, summary->sha256, SHA256_BYTES);
    if (digest_file(fd, summary, &put.crc32c, err) < 0)
        return err_prefix(err, "%s", key.data);
    if (point_put(base, &put, &object, &failure) == 0)
        return 0;
    if (point_put_is_open(&failure) && compare_manifest(base, key.data, summary, &result, err) < 0)
        return err_prefix(err, "%s", key.data);
    if (result == POINT_FOUND_OURS)
        return 0;
    *err = failure;
    err->maybe_applied = 0; /* without a commit a manifest means nothing */
    return err_prefix(err, "cannot store manifest %s", key.data);
}

/* The put of the commit ended in doubt, and another text than ours stands there. */
static int judge_other(const struct point *point, const char *key, const struct buf *found, struct sf_error *err)
{
    SF_AUTO(point) other = {0};

    point_parse_commit(&other, point->time_dir, buf_text(found), found->length);
    if (other.status == POINT_STUB)
        return sf_fail(err, SF_PRECONDITION,
                       "this run was fenced: a stub ('%s') stands at %s, so its point can never exist; run again",
                       other.problem, key);
    return sf_fail(err, SF_EXISTS, "another commit stands at %s%s%s; this run's point does not exist", key,
                   other.run[0] != '\0' ? ", of run " : "", other.run);
}

static int put_commit(const struct base *base, const struct point *point, const struct buf *text, struct sf_error *err)
{
    struct point_put put = {.run = point->run, .flags = SF_PUT_BARRIER};
    struct sf_object object = {.size = sizeof(object)};
    struct sf_error failure = SF_ERROR_INIT;
    enum point_found result = POINT_FOUND_NOTHING;
    SF_AUTO(buf) key = BUF_INIT;
    SF_AUTO(buf) found = BUF_INIT;

    key_point(base, point->time_dir, ".commit", &key);
    put.key = key.data;
    if (point_put_text(base, &put, text, &object, &failure) == 0)
        return 0;
    if (point_put_is_open(&failure) && point_compare_text(base, key.data, text, &found, &object, &result, err) < 0) {
        err->maybe_applied = 1;
        return err_prefix(err, "the answer to the commit was lost, and whether %s exists cannot be seen now", key.data);
    }
    if (result == POINT_FOUND_OURS)
        return 0;
    if (result == POINT_FOUND_OTHER)
        return judge_other(point, key.data, &found, err);
    *err = failure;
    return err_prefix(err, "cannot commit %s", key.data);
}

/* A commit that could not be read back would be a damaged point: found out before it is stored. */
static int format_checked(const struct point *point, struct buf *text, struct sf_error *err)
{
    SF_AUTO(point) again = {0};

    point_format_commit(point, text);
    point_parse_commit(&again, point->time_dir, buf_text(text), text->length);
    if (again.status != POINT_COMPLETE)
        return sf_fail(err, SF_PERMANENT, "cannot commit %s: what would be written is no point: %s", point->time_dir,
                       again.problem != NULL ? again.problem : "a stub");
    if (text->length > POINT_OBJECT_MAX)
        return sf_fail(err, SF_TOO_LARGE, "cannot commit %s: its text would have %zu bytes, %u are allowed",
                       point->time_dir, text->length, POINT_OBJECT_MAX);
    return 0;
}

int point_commit(const struct point *point, const int *manifests, const struct base *base, struct sf_error *err)
{
    SF_AUTO(buf) text = BUF_INIT;
    size_t i;

    if (format_checked(point, &text, err) < 0)
        return -1;
    for (i = 0; i < point->source_count; i++) {
        if (put_manifest(base, point, &point->sources[i], manifests[i], err) < 0)
            return -1;
    }
    return put_commit(base, point, &text, err);
}
