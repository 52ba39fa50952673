/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/localfs/bed.h"

#include "base/auto.h"
#include "base/digest.h"
#include "base/mem.h"
#include "plugins/localfs/localfs.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LARGE = 3 * 1024 * 1024 + 12345, SMALL = 4096 };

static void expect_content(struct bed *bed, const char *key, const void *data, size_t bytes)
{
    SF_AUTO(buf) out = BUF_INIT;

    ck_assert_int_eq(bed_get(bed, key, &out), SF_OK);
    ck_assert_uint_eq(out.length, bytes);
    ck_assert(bytes == 0 || memcmp(out.data, data, bytes) == 0);
}

START_TEST(test_create_only)
{
    char tag[SF_TAG_MAX + 4];
    struct bed bed;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put(&bed, "d/a", "one"), SF_OK);
    ck_assert_uint_eq(bed.object.bytes, 3);
    memcpy(tag, bed.object.tag, sizeof(tag));
    ck_assert_int_eq(bed_put(&bed, "d/a", "two"), SF_EXISTS);
    ck_assert_int_eq(bed.last_status, EEXIST);
    expect_content(&bed, "d/a", "one", 3);
    ck_assert_str_eq(bed.object.tag, tag);
    ck_assert_int_eq(bed_count_temps("base"), 0);
    bed_close(&bed);
}
END_TEST

START_TEST(test_replace)
{
    char tag[SF_TAG_MAX + 4];
    struct bed bed;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_replace(&bed, "a", "one"), SF_OK);
    memcpy(tag, bed.object.tag, sizeof(tag));
    ck_assert_int_eq(bed_replace(&bed, "a", "two"), SF_OK);
    ck_assert_str_ne(bed.object.tag, tag);
    expect_content(&bed, "a", "two", 3);
    ck_assert_int_eq(bed_count_temps("base"), 0);
    bed_close(&bed);
}
END_TEST

START_TEST(test_if_tag)
{
    char tag[SF_TAG_MAX + 4];
    struct bed bed;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put_if(&bed, "d/a", "x", "no-tag"), SF_PRECONDITION);
    ck_assert_msg(!bed_exists("base/d"), "a put that was refused made a folder");
    ck_assert_int_eq(bed_put(&bed, "d/a", "one"), SF_OK);
    memcpy(tag, bed.object.tag, sizeof(tag));
    ck_assert_int_eq(bed_put_if(&bed, "d/a", "two", tag), SF_OK);
    ck_assert_str_ne(bed.object.tag, tag);
    ck_assert_int_eq(bed_put_if(&bed, "d/a", "three", tag), SF_PRECONDITION);
    expect_content(&bed, "d/a", "two", 3);
    ck_assert_int_eq(bed_put_if(&bed, "d/b", "x", tag), SF_PRECONDITION);
    ck_assert_int_eq(bed_count_temps("base"), 0);
    bed_close(&bed);
}
END_TEST

static int64_t read_body(void *ctx, uint64_t position, void *buffer, size_t bytes, struct sf_error *err)
{
    const struct buf *data = ctx;
    size_t left = position < data->length ? data->length - position : 0;
    size_t step = bytes < left ? bytes : left;

    (void)err;
    if (step > 1000 && position == 0)
        step = 1000; /* short reads are allowed */
    memcpy(buffer, data->data + position, step);
    return (int64_t)step;
}

static void fill_random(struct buf *data, size_t bytes)
{
    size_t i;

    buf_clear(data);
    for (i = 0; i < bytes; i++)
        buf_add_byte(data, (char)(i * 2654435761u >> 13));
}

/* The three kinds of body of the same bytes; the descriptor's begin at 777. */
static void make_bodies(const struct buf *data, struct sf_body bodies[3], int *fd)
{
    memset(bodies, 0, 3 * sizeof(bodies[0]));
    unit_write("source", "", 0);
    *fd = open(bed_path("source"), O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(*fd, 0);
    ck_assert_int_eq(pwrite(*fd, data->data, data->length, 777), (ssize_t)data->length);
    bodies[0] = (struct sf_body){sizeof(bodies[0]), SF_BODY_MEMORY, data->length, data->data, 0, -1, 0, NULL, NULL};
    bodies[1] = (struct sf_body){sizeof(bodies[0]), SF_BODY_FD, data->length, NULL, 777, *fd, 0, NULL, NULL};
    bodies[2] = bodies[0];
    bodies[2].kind = SF_BODY_CALLBACK;
    bodies[2].data = NULL;
    memcpy(&bodies[2].ctx, &data, sizeof(data));
    bodies[2].read = read_body;
}

static struct sf_digests digests_of(const struct buf *data)
{
    struct sf_digests digests = {.size = sizeof(digests), .have = SF_DIGEST_SHA256 | SF_DIGEST_CRC32C | SF_DIGEST_MD5};

    sha256_of(data->data, data->length, digests.sha256);
    digests.crc32c = crc32c_update(0, data->data, data->length);
    ck_assert_int_eq(EVP_Digest(data->data, data->length, digests.md5, NULL, EVP_md5(), NULL), 1);
    return digests;
}

static void put_bodies(struct bed *bed, size_t bytes)
{
    SF_AUTO(buf) data = BUF_INIT;
    struct sf_digests digests;
    struct sf_body bodies[3];
    AUTO_FD fd = -1;
    int i;

    fill_random(&data, bytes);
    make_bodies(&data, bodies, &fd);
    digests = digests_of(&data);
    for (i = 0; i < 3; i++) {
        struct sf_put put = {.size = sizeof(put), .key = "body", .body = &bodies[i], .digests = &digests};

        bed->accounted = 0;
        ck_assert_msg(bed_put_args(bed, &put) == SF_OK, "body %d: %s", i, bed->err.text);
        ck_assert_uint_eq(bed->accounted, bytes);
        ck_assert_uint_eq(bed->object.bytes, bytes);
        ck_assert_uint_eq(bed->object.digests.have, SF_DIGEST_SHA256 | SF_DIGEST_CRC32C | SF_DIGEST_MD5);
        ck_assert_mem_eq(bed->object.digests.sha256, digests.sha256, SHA256_BYTES);
        ck_assert_uint_eq(bed->object.digests.crc32c, digests.crc32c);
        expect_content(bed, "body", data.data, bytes);
    }
}

START_TEST(test_bodies)
{
    struct bed bed;
    int remote;

    for (remote = 0; remote < 2; remote++) {
        bed_open(&bed, "base", NULL);
        bed.store->is_remote = remote; /* copies in the kernel, sets mtime itself */
        put_bodies(&bed, 1);
        put_bodies(&bed, SMALL);
        put_bodies(&bed, IO_BYTES);
        put_bodies(&bed, IO_BYTES + 1);
        put_bodies(&bed, LARGE);
        put_bodies(&bed, 3 * LARGE);
        bed_close(&bed);
    }
}
END_TEST

/* A whole file at offset 0: what a file system that shares extents clones. */
START_TEST(test_whole_file_body)
{
    SF_AUTO(buf) data = BUF_INIT;
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_FD};
    struct sf_put put = {.size = sizeof(put), .key = "whole", .body = &body, .precondition = SF_IF_ABSENT};
    AUTO_FD fd = -1;
    struct bed bed;

    fill_random(&data, LARGE);
    unit_write("whole", data.data, LARGE);
    fd = open(bed_path("whole"), O_RDONLY | O_CLOEXEC);
    body.fd = fd;
    body.length = LARGE;
    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put_args(&bed, &put), SF_OK);
    expect_content(&bed, "whole", data.data, LARGE);
    body.length = LARGE + 1;
    put.key = "longer";
    ck_assert_int_eq(bed_put_args(&bed, &put), SF_CORRUPT);
    ck_assert(!bed_exists("base/longer"));
    ck_assert_int_eq(bed_count_temps("base"), 0);
    bed_close(&bed);
}
END_TEST

START_TEST(test_empty_body)
{
    struct bed bed;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put(&bed, "empty", ""), SF_OK);
    ck_assert_uint_eq(bed.object.bytes, 0);
    expect_content(&bed, "empty", "", 0);
    bed_close(&bed);
}
END_TEST

static void refuse_wrong(struct bed *bed, size_t bytes)
{
    SF_AUTO(buf) data = BUF_INIT;
    struct sf_body bodies[3];
    AUTO_FD fd = -1;
    int i, wrong;

    fill_random(&data, bytes);
    make_bodies(&data, bodies, &fd);
    for (i = 0; i < 9; i++) {
        struct sf_digests digests = digests_of(&data);
        struct sf_put put = {.size = sizeof(put),
                             .key = "folder/wrong",
                             .body = &bodies[i % 3],
                             .digests = &digests,
                             .precondition = SF_IF_ABSENT};

        wrong = i / 3;
        digests.sha256[31] ^= (uint8_t)(wrong == 0);
        digests.crc32c ^= (uint32_t)(wrong == 1);
        digests.md5[0] ^= (uint8_t)(wrong == 2);
        ck_assert_msg(bed_put_args(bed, &put) == SF_CORRUPT, "body %d digest %d was taken", i % 3, wrong);
        ck_assert_int_eq(bed_stat(bed, "folder/wrong"), SF_NOT_FOUND);
        ck_assert_int_eq(bed_count_temps("base"), 0);
        ck_assert(!bed_exists("base/folder"));
    }
}

START_TEST(test_wrong_digests)
{
    struct bed bed;

    bed_open(&bed, "base", NULL);
    refuse_wrong(&bed, SMALL);
    refuse_wrong(&bed, LARGE);
    bed_close(&bed);
}
END_TEST

START_TEST(test_short_source)
{
    SF_AUTO(buf) data = BUF_INIT;
    struct sf_body bodies[3];
    struct sf_put put = {.size = sizeof(put), .key = "short", .precondition = SF_IF_ABSENT};
    AUTO_FD fd = -1;
    struct bed bed;
    int i;

    bed_open(&bed, "base", NULL);
    fill_random(&data, SMALL);
    make_bodies(&data, bodies, &fd);
    for (i = 1; i < 3; i++) {
        bodies[i].length += 1;
        put.body = &bodies[i];
        ck_assert_int_eq(bed_put_args(&bed, &put), SF_CORRUPT);
    }
    ck_assert_int_eq(bed_stat(&bed, "short"), SF_NOT_FOUND);
    ck_assert_int_eq(bed_count_temps("base"), 0);
    bed_close(&bed);
}
END_TEST

START_TEST(test_cancelled)
{
    SF_AUTO(buf) data = BUF_INIT;
    struct sf_body bodies[3];
    struct sf_put put = {.size = sizeof(put), .key = "stopped", .precondition = SF_IF_ABSENT};
    AUTO_FD fd = -1;
    struct bed bed;
    int i;

    bed_open(&bed, "base", NULL);
    fill_random(&data, LARGE);
    make_bodies(&data, bodies, &fd);
    for (i = 0; i < 3; i++) {
        bed.asked = 0;
        bed.if_cancelled = 2;
        put.body = &bodies[i];
        ck_assert_int_eq(bed_put_args(&bed, &put), SF_CANCELLED);
    }
    bed.if_cancelled = 0;
    ck_assert_int_eq(bed_stat(&bed, "stopped"), SF_NOT_FOUND);
    ck_assert_int_eq(bed_count_temps("base"), 0);
    bed_close(&bed);
}
END_TEST

START_TEST(test_names_in_the_way)
{
    struct bed bed;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put(&bed, "d/x", "x"), SF_OK);
    ck_assert_int_eq(bed_put(&bed, "d", "x"), SF_INVALID);
    ck_assert_int_eq(bed_replace(&bed, "d", "x"), SF_INVALID);
    ck_assert_ptr_nonnull(strstr(bed.err.text, "folder"));
    ck_assert_int_eq(bed_put(&bed, "d/x/y", "x"), SF_INVALID);
    ck_assert_int_eq(bed_put(&bed, "d/x/y/z", "x"), SF_INVALID);
    ck_assert_int_eq(bed_stat(&bed, "d"), SF_NOT_FOUND);
    ck_assert_int_eq(bed_stat(&bed, "d/x/y"), SF_NOT_FOUND);
    ck_assert_int_eq(mkdir(bed_path("base/empty"), 0700), 0);
    ck_assert_msg(bed_put(&bed, "empty", "x") == SF_OK, "an empty folder is in the way: %s", bed.err.text);
    ck_assert_int_eq(mkdir(bed_path("base/empty2"), 0700), 0);
    ck_assert_int_eq(bed_replace(&bed, "empty2", "x"), SF_OK);
    ck_assert_int_eq(mkfifo(bed_path("base/fifo"), 0600), 0);
    ck_assert_int_eq(bed_put(&bed, "fifo", "x"), SF_INVALID);
    ck_assert_int_eq(bed_replace(&bed, "fifo", "x"), SF_INVALID);
    ck_assert_int_eq(bed_stat(&bed, "fifo"), SF_NOT_FOUND);
    ck_assert_int_eq(bed_count_temps("base"), 0);
    bed_close(&bed);
}
END_TEST

START_TEST(test_folder_removed_behind_the_connection)
{
    struct bed bed;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put(&bed, "d/e/a", "x"), SF_OK);
    ck_assert_int_eq(unlink(bed_path("base/d/e/a")), 0);
    ck_assert_int_eq(rmdir(bed_path("base/d/e")), 0);
    ck_assert_int_eq(rmdir(bed_path("base/d")), 0);
    ck_assert_msg(bed_put(&bed, "d/e/a", "x") == SF_OK, "%s", bed.err.text);
    ck_assert_int_eq(rmdir(bed_path("base/.snapferry/tmp")), 0);
    ck_assert_msg(bed_put(&bed, "d/e/b", "x") == SF_OK, "%s", bed.err.text);
    ck_assert_int_eq(bed_stat(&bed, "d/e/b"), SF_OK);
    bed_close(&bed);
}
END_TEST

static int put_barrier(struct bed *bed, const char *key)
{
    struct sf_body body = bed_text("barrier");
    struct sf_put put = {
        .size = sizeof(put), .flags = SF_PUT_BARRIER, .key = key, .body = &body, .precondition = SF_IF_ABSENT};

    return bed_put_args(bed, &put);
}

START_TEST(test_durability)
{
    static const char *const choices[] = {"batch", "each", "none"};
    struct bed bed;
    size_t i;

    for (i = 0; i < 3; i++) {
        bed_open(&bed, choices[i], choices[i]);
        ck_assert_int_eq(put_barrier(&bed, "x/y/first"), SF_OK);
        ck_assert_int_eq(bed_put(&bed, "a/b/c/d", "x"), SF_OK);
        ck_assert_int_eq(bed_put(&bed, "top", "x"), SF_OK);
        ck_assert_msg(put_barrier(&bed, ".snapferry/points/p.commit") == SF_OK, "%s", bed.err.text);
        ck_assert_int_eq(put_barrier(&bed, ".snapferry/points/p.commit"), SF_EXISTS);
        ck_assert_int_eq(bed_stat(&bed, ".snapferry/points/p.commit"), SF_OK);
        ck_assert_int_eq(bed_count_temps(choices[i]), 0);
        bed_close(&bed);
    }
}
END_TEST

/* syncfs tells of a lost write only once; the barrier must not succeed when it is tried again. */
START_TEST(test_failed_barrier_stays_failed)
{
    struct bed bed;

    bed_open(&bed, "base", NULL);
    bed.store->barrier.error = EIO;
    ck_assert_int_eq(bed_put(&bed, "a", "x"), SF_OK);
    ck_assert_int_eq(put_barrier(&bed, "commit"), SF_PERMANENT);
    ck_assert_int_eq(put_barrier(&bed, "commit"), SF_PERMANENT);
    ck_assert_int_eq(bed_stat(&bed, "commit"), SF_NOT_FOUND);
    ck_assert_int_eq(bed_count_temps("base"), 0);
    bed_close(&bed);
}
END_TEST

START_TEST(test_stale_temporaries)
{
    struct timespec old[2] = {{time(NULL) - 25 * 3600, 0}, {time(NULL) - 25 * 3600, 0}};
    struct bed bed;

    unit_write("base/.snapferry/tmp/old", "x", -1);
    unit_write("base/.snapferry/tmp/young", "x", -1);
    ck_assert_int_eq(utimensat(AT_FDCWD, bed_path("base/.snapferry/tmp/old"), old, 0), 0);
    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_stat(&bed, "a"), SF_NOT_FOUND);
    ck_assert_msg(bed_exists("base/.snapferry/tmp/old"), "only a put may remove it");
    ck_assert_int_eq(bed_put(&bed, "a", "x"), SF_OK);
    ck_assert(!bed_exists("base/.snapferry/tmp/old"));
    ck_assert(bed_exists("base/.snapferry/tmp/young"));
    bed_close(&bed);
}
END_TEST

static int copy(struct bed *bed, const char *from, const char *from_tag, const char *to, uint32_t precondition)
{
    struct sf_meta meta = {sizeof(meta), 0, "run", "r2"};
    struct sf_copy args = {.size = sizeof(args),
                           .precondition = precondition,
                           .from = from,
                           .from_tag = from_tag,
                           .to = to,
                           .meta = &meta,
                           .meta_count = 1,
                           .meta_element_size = sizeof(meta)};

    return bed->plugin->copy(&bed->call, bed->conn, &args, &bed->object, &bed->err) == 0 ? SF_OK : bed->err.cls;
}

START_TEST(test_copy)
{
    SF_AUTO(buf) data = BUF_INIT;
    char tag[SF_TAG_MAX + 4];
    struct stat from, to;
    struct bed bed;

    fill_random(&data, LARGE);
    bed_open(&bed, "base", NULL);
    unit_write("base/a/from", data.data, LARGE);
    ck_assert_int_eq(bed_stat(&bed, "a/from"), SF_OK);
    memcpy(tag, bed.object.tag, sizeof(tag));
    ck_assert_int_eq(copy(&bed, "a/from", "other", "b/to", SF_IF_ABSENT), SF_PRECONDITION);
    ck_assert_int_eq(copy(&bed, "a/none", NULL, "b/to", SF_IF_ABSENT), SF_NOT_FOUND);
    ck_assert(!bed_exists("base/b"));
    ck_assert_int_eq(copy(&bed, "a/from", tag, "b/to", SF_IF_ABSENT), SF_OK);
    ck_assert_uint_eq(bed.object.bytes, LARGE);
    ck_assert_str_ne(bed.object.tag, tag);
    expect_content(&bed, "b/to", data.data, LARGE);
    if (bed.info.capabilities & SF_CAP_METADATA)
        ck_assert_str_eq(sf_object_meta(&bed.object, "run"), "r2");
    ck_assert_int_eq(copy(&bed, "a/from", tag, "b/to", SF_IF_ABSENT), SF_EXISTS);
    ck_assert_int_eq(copy(&bed, "a/from", tag, "b/to", SF_IF_ANY), SF_OK);
    ck_assert_int_eq(copy(&bed, "b/to", NULL, "b/to", SF_IF_ANY), SF_OK);
    expect_content(&bed, "b/to", data.data, LARGE);
    ck_assert_int_eq(stat(bed_path("base/a/from"), &from), 0);
    ck_assert_int_eq(stat(bed_path("base/b/to"), &to), 0);
    ck_assert_uint_ne(from.st_ino, to.st_ino);
    ck_assert_int_eq(bed_count_temps("base"), 0);
    bed_close(&bed);
}
END_TEST

UNIT_MAIN("localfs/put", &test_create_only, &test_replace, &test_if_tag, &test_bodies, &test_whole_file_body,
          &test_empty_body, &test_wrong_digests, &test_short_source, &test_cancelled, &test_names_in_the_way,
          &test_folder_removed_behind_the_connection, &test_durability, &test_failed_barrier_stays_failed,
          &test_stale_temporaries, &test_copy)
