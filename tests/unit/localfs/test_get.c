/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/localfs/bed.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { BYTES = 300 * 1024 + 77, SINK_OFFSET = 13 };

static const struct {
    uint64_t offset, length;
} ranges[] = {{0, UINT64_MAX}, {0, BYTES},        {0, 1},          {131071, 3},    {1, BYTES},
              {BYTES - 1, 10}, {BYTES, 10},       {BYTES + 5, 1},  {5, 0},         {0, 0},
              {7, 200000},     {100, UINT64_MAX}, {UINT64_MAX, 1}, {BYTES - 2, 2}, {0, BYTES + 100}};

struct collected {
    struct buf data;
    int fail_at; /* -1: never */
};

static int collect(void *ctx, uint64_t position, const void *bytes, size_t length, struct sf_error *err)
{
    struct collected *collected = ctx;

    ck_assert_uint_eq(position, collected->data.length);
    if (collected->fail_at >= 0 && position >= (uint64_t)collected->fail_at)
        return sf_fail(err, SF_NO_SPACE, "the sink is full");
    buf_add(&collected->data, bytes, length);
    return 0;
}

static int get_range(struct bed *bed, size_t range, const struct sf_sink *sink)
{
    struct sf_get get = {
        .size = sizeof(get), .key = "d/object", .offset = ranges[range].offset, .length = ranges[range].length};

    bed->accounted = 0;
    return bed->plugin->get(&bed->call, bed->conn, &get, sink, &bed->object, &bed->err);
}

static void open_with_object(struct bed *bed, char *data)
{
    size_t i;

    for (i = 0; i < BYTES; i++)
        data[i] = (char)(i * 2654435761u >> 11);
    unit_write("base/d/object", data, BYTES);
    bed_open(bed, "base", NULL);
}

/* What range means for an object of BYTES. */
static size_t expected_bytes(size_t range, size_t *offset)
{
    uint64_t left;

    *offset = ranges[range].offset < BYTES ? (size_t)ranges[range].offset : BYTES;
    left = BYTES - *offset;
    return (size_t)(ranges[range].length < left ? ranges[range].length : left);
}

START_TEST(test_memory)
{
    static char data[BYTES], got[BYTES];
    struct bed bed;
    size_t i, offset, bytes;

    open_with_object(&bed, data);
    for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        struct sf_sink sink = {.size = sizeof(sink), .kind = SF_SINK_MEMORY, .data = got};

        bytes = expected_bytes(i, &offset);
        sink.capacity = bytes;
        ck_assert_msg(get_range(&bed, i, &sink) == 0, "range %zu: %s", i, bed.err.text);
        ck_assert_msg(memcmp(got, data + offset, bytes) == 0, "range %zu", i);
        ck_assert_uint_eq(bed.object.bytes, BYTES);
        ck_assert_uint_eq(bed.accounted, bytes);
        if (bytes == 0)
            continue;
        sink.capacity = bytes - 1;
        ck_assert_int_eq(get_range(&bed, i, &sink), -1);
        ck_assert_int_eq(bed.err.cls, SF_TOO_LARGE);
    }
    bed_close(&bed);
}
END_TEST

START_TEST(test_descriptor)
{
    static char data[BYTES], got[BYTES + 100];
    struct bed bed;
    size_t i, offset, bytes;

    open_with_object(&bed, data);
    for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        struct sf_sink sink = {.size = sizeof(sink), .kind = SF_SINK_FD, .offset = SINK_OFFSET};
        AUTO_FD fd = open(bed_path("out"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        sink.fd = fd;
        bytes = expected_bytes(i, &offset);
        ck_assert_msg(get_range(&bed, i, &sink) == 0, "range %zu: %s", i, bed.err.text);
        ck_assert_int_eq(pread(fd, got, sizeof(got), SINK_OFFSET), (ssize_t)bytes);
        ck_assert_msg(memcmp(got, data + offset, bytes) == 0, "range %zu", i);
        ck_assert_uint_eq(bed.accounted, bytes);
    }
    bed_close(&bed);
}
END_TEST

START_TEST(test_callback)
{
    static char data[BYTES];
    struct bed bed;
    size_t i, offset, bytes;

    open_with_object(&bed, data);
    for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        struct collected collected = {BUF_INIT, -1};
        struct sf_sink sink = {.size = sizeof(sink), .kind = SF_SINK_CALLBACK, .ctx = &collected, .write = collect};

        bytes = expected_bytes(i, &offset);
        ck_assert_msg(get_range(&bed, i, &sink) == 0, "range %zu: %s", i, bed.err.text);
        ck_assert_uint_eq(collected.data.length, bytes);
        ck_assert(bytes == 0 || memcmp(collected.data.data, data + offset, bytes) == 0);
        buf_cleanup(&collected.data);
    }
    bed_close(&bed);
}
END_TEST

START_TEST(test_sinks_that_fail)
{
    static char data[BYTES];
    struct collected collected = {BUF_INIT, 100};
    struct sf_sink sink = {.size = sizeof(sink), .kind = SF_SINK_CALLBACK, .ctx = &collected, .write = collect};
    AUTO_FD full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct bed bed;

    open_with_object(&bed, data);
    ck_assert_int_eq(get_range(&bed, 0, &sink), -1);
    ck_assert_int_eq(bed.err.cls, SF_NO_SPACE);
    ck_assert_str_eq(bed.err.text, "the sink is full");
    buf_cleanup(&collected.data);
    sink = (struct sf_sink){.size = sizeof(sink), .kind = SF_SINK_FD, .fd = full};
    ck_assert_int_ge(full, 0);
    ck_assert_int_eq(get_range(&bed, 0, &sink), -1);
    ck_assert_int_eq(bed.err.cls, SF_NO_SPACE);
    ck_assert_int_eq(bed.last_status, ENOSPC);
    bed_close(&bed);
}
END_TEST

static int shrink(void *ctx, uint64_t position, const void *bytes, size_t length, struct sf_error *err)
{
    (void)ctx;
    (void)bytes;
    (void)length;
    (void)err;
    if (position == 0)
        ck_assert_int_eq(truncate(bed_path("base/d/object"), BYTES / 2), 0);
    return 0;
}

START_TEST(test_object_that_shrinks)
{
    static char data[BYTES];
    struct sf_sink sink = {.size = sizeof(sink), .kind = SF_SINK_CALLBACK, .write = shrink};
    struct bed bed;

    open_with_object(&bed, data);
    ck_assert_int_eq(get_range(&bed, 0, &sink), -1);
    ck_assert_int_eq(bed.err.cls, SF_TRANSIENT);
    bed_close(&bed);
}
END_TEST

START_TEST(test_if_tag)
{
    char got[16];
    struct sf_get get = {.size = sizeof(get), .key = "a", .if_tag = "other", .length = UINT64_MAX};
    struct sf_sink sink = {.size = sizeof(sink), .kind = SF_SINK_MEMORY, .data = got, .capacity = sizeof(got)};
    char tag[SF_TAG_MAX + 4];
    struct bed bed;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put(&bed, "a", "x"), SF_OK);
    memcpy(tag, bed.object.tag, sizeof(tag));
    ck_assert_int_eq(bed.plugin->get(&bed.call, bed.conn, &get, &sink, &bed.object, &bed.err), -1);
    ck_assert_int_eq(bed.err.cls, SF_PRECONDITION);
    get.if_tag = tag;
    ck_assert_int_eq(bed.plugin->get(&bed.call, bed.conn, &get, &sink, &bed.object, &bed.err), 0);
    ck_assert_int_eq(got[0], 'x');
    ck_assert_str_eq(bed.object.tag, tag);
    ck_assert_int_gt(bed.object.server_time_ms, 0);
    bed_close(&bed);
}
END_TEST

UNIT_MAIN("localfs/get", &test_memory, &test_descriptor, &test_callback, &test_sinks_that_fail,
          &test_object_that_shrinks, &test_if_tag)
