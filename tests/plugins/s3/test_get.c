/* SPDX-License-Identifier: Apache-2.0
 *
 * Get and stat: ranges, conditions, sinks, and stores that do not do as they were asked.
 */
#include "tests/plugins/s3/talk.h"

#include <fcntl.h>
#include <unistd.h>

#define TAG "ETag: \"e1\""

static int get_range(struct talk *talk, uint64_t offset, uint64_t length)
{
    struct sf_sink sink = talk_sink(talk);

    buf_clear(&talk->got);
    return talk_get_as(talk, &(struct sf_get){.key = "k", .offset = offset, .length = length}, &sink);
}

static int get_if(struct talk *talk, const char *tag)
{
    struct sf_sink sink = talk_sink(talk);

    buf_clear(&talk->got);
    return talk_get_as(talk, &(struct sf_get){.key = "k", .length = UINT64_MAX, .if_tag = tag}, &sink);
}

START_TEST(a_whole_object_and_what_it_is)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /bucket/a/k",
               .headers = {"!range", "!if-match", "x-amz-content-sha256: " EMPTY_SHA256, "!content-length", "!expect"}),
        REPLY(200, .body = "0123456789",
              .headers = {TAG, "Last-Modified: Tue, 10 Nov 2026 10:00:00 GMT", "Date: Tue, 10 Nov 2026 10:00:01 GMT",
                          "x-amz-meta-checksum-sha256: " DATA_SHA256, "X-Amz-Meta-Run: R1"})};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_get(&talk, "a/k"), 0);
    ck_assert_str_eq(buf_text(&talk.got), "0123456789");
    ck_assert_str_eq(talk.object.tag, "e1");
    ck_assert_uint_eq(talk.object.bytes, 10);
    ck_assert_int_eq(talk.object.modified_ms, INT64_C(1794304800000));
    ck_assert_int_eq(talk.object.server_time_ms, INT64_C(1794304801000));
    ck_assert_str_eq(sf_object_meta(&talk.object, SF_META_SHA256), DATA_SHA256);
    ck_assert_str_eq(sf_object_meta(&talk.object, "run"), "R1");
    ck_assert_uint_eq(talk.requests[SF_REQUEST_GET], 1);
    ck_assert_uint_eq(talk.accounted, 10);
    talk_stop(&talk);
}
END_TEST

START_TEST(a_stat_is_one_head)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("HEAD /bucket/a%20k", .headers = {"x-amz-expected-bucket-owner: 1", "x-amz-request-payer: requester"}),
        REPLY(200, .length = 123456789012, .headers = {TAG, "x-amz-meta-run: R1"})};
    struct talk talk;

    talk_start(&talk, dialogue, "expected_bucket_owner", "1", "requester_pays", "true", NULL);
    ck_assert_int_eq(talk_stat(&talk, "a k"), 0);
    ck_assert_str_eq(talk.object.tag, "e1");
    ck_assert_uint_eq(talk.object.bytes, UINT64_C(123456789012));
    ck_assert_str_eq(sf_object_meta(&talk.object, "run"), "R1");
    ck_assert_uint_eq(talk.requests[SF_REQUEST_STAT], 1);
    talk_stop(&talk);
}
END_TEST

START_TEST(ranges)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /bucket/k", .headers = {"range: bytes=2-4"}),
        REPLY(206, .body = "234", .headers = {TAG, "Content-Range: bytes 2-4/10"}),
        EXPECT("GET /bucket/k", .headers = {"range: bytes=8-"}),
        REPLY(206, .body = "89", .headers = {TAG, "Content-Range: bytes 8-9/10"}),
        EXPECT("GET /bucket/k", .headers = {"range: bytes=8-107"}),
        REPLY(206, .body = "89", .headers = {TAG, "Content-Range: bytes 8-9/10"}),
        EXPECT("GET /bucket/k", .headers = {"range: bytes=0-0"}),
        REPLY(206, .body = "0", .headers = {TAG, "Content-Range: bytes 0-0/10"}),
    };
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(get_range(&talk, 2, 3), 0);
    ck_assert_str_eq(buf_text(&talk.got), "234");
    ck_assert_uint_eq(talk.object.bytes, 10);
    ck_assert_int_eq(get_range(&talk, 8, UINT64_MAX), 0);
    ck_assert_str_eq(buf_text(&talk.got), "89");
    ck_assert_uint_eq(talk.object.bytes, 10);
    ck_assert_int_eq(get_range(&talk, 8, 100), 0);
    ck_assert_str_eq(buf_text(&talk.got), "89");
    ck_assert_int_eq(get_range(&talk, 0, 1), 0);
    ck_assert_str_eq(buf_text(&talk.got), "0");
    ck_assert_uint_eq(talk.object.bytes, 10);
    talk_stop(&talk);
}
END_TEST

START_TEST(a_range_behind_the_end_yields_nothing)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /bucket/k", .headers = {"range: bytes=10-"}),
        REPLY(416, .body = REFUSAL("InvalidRange"), .headers = {"Content-Range: bytes */10"}), EXPECT("HEAD /bucket/k"),
        REPLY(200, .length = 10, .headers = {TAG})};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_msg(get_range(&talk, 10, UINT64_MAX) == 0, "%s", talk.err.text);
    ck_assert_uint_eq(talk.got.length, 0);
    ck_assert_uint_eq(talk.object.bytes, 10);
    ck_assert_str_eq(talk.object.tag, "e1");
    talk_stop(&talk);
}
END_TEST

START_TEST(an_empty_range_is_no_wrong_request)
{
    static const struct httpd_step dialogue[] = {EXPECT("HEAD /bucket/k", .headers = {"!range"}),
                                                 REPLY(200, .length = 10, .headers = {TAG})};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(get_range(&talk, 3, 0), 0);
    ck_assert_uint_eq(talk.got.length, 0);
    ck_assert_uint_eq(talk.object.bytes, 10);
    talk_stop(&talk);
}
END_TEST

START_TEST(an_empty_object)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /bucket/k"), REPLY(200, .headers = {TAG})};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_get(&talk, "k"), 0);
    ck_assert_uint_eq(talk.got.length, 0);
    ck_assert_uint_eq(talk.object.bytes, 0);
    ck_assert_str_eq(talk.object.tag, "e1");
    talk_stop(&talk);
}
END_TEST

START_TEST(an_answer_in_chunks)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /bucket/k"),
                                                 REPLY(200, .body = "0123456789", .chunked = true, .headers = {TAG})};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_get(&talk, "k"), 0);
    ck_assert_str_eq(buf_text(&talk.got), "0123456789");
    ck_assert_uint_eq(talk.object.bytes, 10);
    talk_stop(&talk);
}
END_TEST

START_TEST(a_body_that_is_cut_is_no_success)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /bucket/k"),
        REPLY(200, .body = "0123456789", .part = 4, .headers = {TAG}),
        CLOSE(),
        ACCEPT(),
        EXPECT("GET /bucket/k"),
        REPLY(200, .body = "0123456789", .chunked = true, .part = 4, .headers = {TAG}),
        CUT(),
        ACCEPT(),
        EXPECT("GET /bucket/k"),
        REPLY(200, .body = "0123456789", .headers = {TAG})};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_get(&talk, "k"), -1);
    talk_failed(&talk, SF_TRANSIENT, talk.err.status, "k: ", NULL);
    ck_assert_int_eq(talk_get(&talk, "k"), -1);
    talk_failed(&talk, SF_TRANSIENT, talk.err.status, "k: ", NULL);
    ck_assert_int_eq(talk_get(&talk, "k"), 0);
    ck_assert_str_eq(buf_text(&talk.got), "0123456789");
    talk_stop(&talk);
}
END_TEST

START_TEST(a_store_that_ignores_the_range)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /bucket/k", .headers = {"range: bytes=2-4"}),
                                                 REPLY(200, .body = "0123456789", .headers = {TAG})};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(get_range(&talk, 2, 3), -1);
    talk_failed(&talk, SF_UNSUPPORTED, talk.err.status, "k: ", "range", NULL);
    ck_assert_uint_eq(talk.got.length, 0);
    talk_stop(&talk);
}
END_TEST

/* The bytes of another place must not land in this one. */
START_TEST(a_store_that_sends_another_range)
{
    static const char *const wrong[] = {"Content-Range: bytes 0-2/10", "Content-Range: bytes 3-5/10",
                                        "Content-Range: bytes 2-4/*", "Content-Range: nonsense", NULL};
    size_t i;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const struct httpd_step dialogue[] = {EXPECT("GET /bucket/k", .headers = {"range: bytes=2-4"}),
                                              REPLY(206, .body = "012", .headers = {TAG, wrong[i]})};
        struct talk talk;

        talk_start(&talk, dialogue, NULL);
        ck_assert_msg(get_range(&talk, 2, 3) == -1, "%s", wrong[i]);
        talk_failed(&talk, SF_UNSUPPORTED, talk.err.status, "k: ", "range", NULL);
        ck_assert_uint_eq(talk.got.length, 0);
        talk_stop(&talk);
    }
}
END_TEST

START_TEST(less_than_was_asked_for_is_no_success)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /bucket/k", .headers = {"range: bytes=2-6"}),
        REPLY(206, .body = "234", .headers = {TAG, "Content-Range: bytes 2-4/10"})};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(get_range(&talk, 2, 5), -1);
    talk_failed(&talk, SF_TRANSIENT, talk.err.status, "k: ", NULL);
    talk_stop(&talk);
}
END_TEST

START_TEST(a_tag_as_condition)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /bucket/k", .headers = {"if-match: \"e1\""}), REPLY(200, .body = "data", .headers = {TAG}),
        EXPECT("GET /bucket/k", .headers = {"if-match: \"e0\""}), REPLY(412, .body = REFUSAL("PreconditionFailed")),
        EXPECT("GET /bucket/k", .headers = {"if-match: \"e0\""}), REPLY(404, .body = REFUSAL("NoSuchKey")),
    };
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(get_if(&talk, "e1"), 0);
    ck_assert_int_eq(get_if(&talk, "e0"), -1);
    talk_failed(&talk, SF_PRECONDITION, 412, "k: ", NULL);
    ck_assert_int_eq(get_if(&talk, "e0"), -1);
    talk_failed(&talk, SF_NOT_FOUND, 404, "k: ", NULL);
    talk_stop(&talk);
}
END_TEST

START_TEST(a_store_that_ignores_the_condition)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /bucket/k", .headers = {"if-match: \"e0\""}),
        REPLY(200, .body = "data", .headers = {TAG}),
        ACCEPT(),
        EXPECT("GET /bucket/k", .headers = {"if-match: \"e0\""}),
        REPLY(200, .headers = {TAG}), /* an empty one */
        EXPECT("HEAD /bucket/k"),
        REPLY(200, .length = 4, .headers = {TAG}),
    };
    struct sf_sink sink;
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(get_if(&talk, "e0"), -1);
    talk_failed(&talk, SF_PRECONDITION, talk.err.status, "k: ", NULL);
    ck_assert_uint_eq(talk.got.length, 0);
    ck_assert_int_eq(get_if(&talk, "e0"), -1);
    talk_failed(&talk, SF_PRECONDITION, talk.err.status, "k: ", NULL);
    sink = talk_sink(&talk);
    ck_assert_int_eq(talk_get_as(&talk, &(struct sf_get){.key = "k", .if_tag = "e0"}, &sink), -1);
    talk_failed(&talk, SF_PRECONDITION, talk.err.status, "k: ", NULL);
    talk_stop(&talk);
}
END_TEST

START_TEST(each_kind_of_sink)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /bucket/k"),
                                                 REPLY(200, .body = "0123456789", .headers = {TAG}), AGAIN()};
    const struct sf_get get = {.key = "k", .length = UINT64_MAX};
    char memory[11] = "", path[512], file[16] = "";
    struct sf_sink to_memory = {
        .size = sizeof(to_memory), .kind = SF_SINK_MEMORY, .capacity = 10, .data = memory, .fd = -1};
    struct sf_sink to_file = {.size = sizeof(to_file), .kind = SF_SINK_FD, .offset = 3};
    struct talk talk;

    unit_write("file", "...", -1);
    snprintf(path, sizeof(path), "%s/file", unit_temp_dir());
    to_file.fd = open(path, O_RDWR | O_CLOEXEC);
    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_get_as(&talk, &get, &to_memory), 0);
    ck_assert_str_eq(memory, "0123456789");
    ck_assert_int_eq(talk_get_as(&talk, &get, &to_file), 0);
    ck_assert_int_eq(pread(to_file.fd, file, sizeof(file) - 1, 0), 13);
    ck_assert_str_eq(file, "...0123456789");
    close(to_file.fd);
    talk_stop(&talk);
}
END_TEST

START_TEST(a_sink_that_is_too_small_and_one_that_is_unknown)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /bucket/k"),
                                                 REPLY(200, .body = "0123456789", .headers = {TAG}), AGAIN()};
    char memory[9];
    struct sf_sink small = {.size = sizeof(small), .kind = SF_SINK_MEMORY, .capacity = 9, .data = memory, .fd = -1};
    struct sf_sink unknown = {.size = sizeof(unknown), .kind = 99, .fd = -1};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_get_as(&talk, &(struct sf_get){.key = "k", .length = UINT64_MAX}, &small), -1);
    talk_failed(&talk, SF_TOO_LARGE, talk.err.status, "k: ", NULL);
    ck_assert_int_eq(talk_get_as(&talk, &(struct sf_get){.key = "k", .length = UINT64_MAX}, &unknown), -1);
    talk_failed(&talk, SF_UNSUPPORTED, talk.err.status, "k", NULL);
    ck_assert_int_eq(talk_get(&talk, "k"), 0);
    talk_stop(&talk);
}
END_TEST

static int refuse(void *ctx, uint64_t position, const void *bytes, size_t length, struct sf_error *err)
{
    (void)ctx;
    (void)position;
    (void)bytes;
    (void)length;
    return sf_fail(err, SF_NO_SPACE, "the sink's own words");
}

START_TEST(the_error_of_a_sink_is_handed_on)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /bucket/k"), REPLY(200, .body = "data", .headers = {TAG}),
                                                 AGAIN()};
    struct sf_sink sink = {.size = sizeof(sink), .kind = SF_SINK_CALLBACK, .fd = -1, .write = refuse};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_get_as(&talk, &(struct sf_get){.key = "k", .length = UINT64_MAX}, &sink), -1);
    talk_failed(&talk, SF_NO_SPACE, 0, "the sink's own words", NULL);
    talk_stop(&talk);
}
END_TEST

START_TEST(metadata_beyond_our_limit_is_no_failure)
{
    static char header[SF_META_MAX + 40];
    static const char start[] = "x-amz-meta-large: ";
    const struct httpd_step dialogue[] = {
        EXPECT("HEAD /bucket/k"), REPLY(200, .headers = {TAG, header, "x-amz-meta-run: R1", "x-amz-meta-odd: a: b"})};
    struct talk talk;

    memset(header, 'v', sizeof(header) - 1);
    memcpy(header, start, sizeof(start) - 1);
    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_stat(&talk, "k"), 0);
    ck_assert_str_eq(sf_object_meta(&talk.object, "run"), "R1");
    ck_assert_str_eq(sf_object_meta(&talk.object, "odd"), "a: b");
    talk_stop(&talk);
}
END_TEST

UNIT_MAIN("s3/get", &a_whole_object_and_what_it_is, &a_stat_is_one_head, &ranges,
          &a_range_behind_the_end_yields_nothing, &an_empty_range_is_no_wrong_request, &an_empty_object,
          &an_answer_in_chunks, &a_body_that_is_cut_is_no_success, &a_store_that_ignores_the_range,
          &a_store_that_sends_another_range, &less_than_was_asked_for_is_no_success, &a_tag_as_condition,
          &a_store_that_ignores_the_condition, &each_kind_of_sink, &a_sink_that_is_too_small_and_one_that_is_unknown,
          &the_error_of_a_sink_is_handed_on, &metadata_beyond_our_limit_is_no_failure)
