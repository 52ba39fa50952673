/* SPDX-License-Identifier: Apache-2.0
 *
 * The digest that travels with a body: its forms, and what happens where a store refuses or ignores one.
 */
#include "tests/plugins/s3/talk.h"

#define TAG "ETag: \"e1\""
#define WITH_CRC32C                                                                                                    \
    "PUT /bucket/k", .headers = {ECHO, "!content-md5", "x-amz-content-sha256: " DATA_SHA256}, .body = "data"
#define WITH_MD5                                                                                                       \
    "PUT /bucket/k",                                                                                                   \
        .headers = {"content-md5: " DATA_MD5, "!x-amz-checksum-crc32c", "!x-amz-checksum-sha256",                      \
                    "x-amz-content-sha256: " DATA_SHA256},                                                             \
        .body = "data"

START_TEST(each_form)
{
    static const struct {
        const char *checksum, *header, *not_there;
        uint32_t wanted;
    } rows[] = {
        {"auto", ECHO, "!content-md5", SF_DIGEST_CRC32C},
        {"crc32c", ECHO, "!content-md5", SF_DIGEST_CRC32C},
        {"sha256", "x-amz-checksum-sha256: " DATA_SHA256_BASE64, "!x-amz-checksum-crc32c", SF_DIGEST_SHA256},
        {"md5", "content-md5: " DATA_MD5, "!x-amz-checksum-crc32c", SF_DIGEST_MD5},
        {"none", "!content-md5", "!x-amz-checksum-crc32c", SF_DIGEST_SHA256},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct httpd_step dialogue[] = {
            EXPECT("PUT /bucket/k", .headers = {rows[i].header, rows[i].not_there, "x-amz-content-sha256: " DATA_SHA256,
                                                "!x-amz-sdk-checksum-algorithm"}),
            REPLY(200, .headers = {TAG, ECHO})};
        struct talk talk;

        talk_start(&talk, dialogue, "checksum", rows[i].checksum, NULL);
        ck_assert_uint_eq(talk.info.wanted_digests, rows[i].wanted);
        ck_assert_msg(talk_put(&talk, "k", "data") == 0, "%s: %s", rows[i].checksum, talk.err.text);
        talk_stop(&talk);
    }
}
END_TEST

/* Digests that the host has are taken as they are: they are sent, and those that it has not are made. */
START_TEST(known_digests_are_not_made_again)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /bucket/k", .headers = {"x-amz-checksum-crc32c: AQIDBA==", "x-amz-content-sha256: " DATA_SHA256}),
        REPLY(200, .headers = {TAG, "x-amz-checksum-crc32c: AQIDBA=="}),
        EXPECT("PUT /bucket/k", .headers = {ECHO, "x-amz-content-sha256: "
                                                  "0000000000000000000000000000000000000000000000000000000000000000"}),
        REPLY(200, .headers = {TAG, ECHO}),
    };
    struct sf_digests crc32c = {.size = sizeof(crc32c), .have = SF_DIGEST_CRC32C, .crc32c = 0x01020304};
    struct sf_digests sha256 = {.size = sizeof(sha256), .have = SF_DIGEST_SHA256};
    struct sf_body body = talk_text("data");
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_put_as(&talk, &(struct sf_put){.key = "k", .body = &body, .digests = &crc32c}), 0);
    ck_assert_int_eq(talk_put_as(&talk, &(struct sf_put){.key = "k", .body = &body, .digests = &sha256}), 0);
    ck_assert_uint_ne(talk.object.digests.have & SF_DIGEST_CRC32C, 0);
    ck_assert_uint_eq(talk.object.digests.crc32c, 0xaed87dd1);
    talk_stop(&talk);
}
END_TEST

START_TEST(a_form_that_is_refused_is_replaced_once_and_for_all)
{
    static const struct {
        int status;
        const char *body;
    } rows[] = {{501, REFUSAL("NotImplemented")},
                {400, REFUSAL("InvalidArgument")},
                {400, REFUSAL("InvalidRequest")},
                {400, REFUSAL("MissingContentMD5")}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct httpd_step dialogue[] = {EXPECT(WITH_CRC32C),
                                              REPLY(rows[i].status, .body = rows[i].body),
                                              EXPECT(WITH_MD5),
                                              REPLY(200, .headers = {TAG}),
                                              EXPECT(WITH_MD5),
                                              REPLY(200, .headers = {TAG}),
                                              ACCEPT(), /* another connection knows it, too */
                                              EXPECT(WITH_MD5),
                                              REPLY(200, .headers = {TAG})};
        struct talk talk;

        talk_start(&talk, dialogue, NULL);
        ck_assert_msg(talk_put(&talk, "k", "data") == 0, "%s", talk.err.text);
        ck_assert_int_eq(talk_put(&talk, "k", "data"), 0);
        talk.s3->conn_close(talk.conn);
        ck_assert_int_eq(talk.s3->conn_open(&talk.call, talk.store, &talk.conn, &talk.err), 0);
        ck_assert_int_eq(talk_put(&talk, "k", "data"), 0);
        ck_assert_uint_eq(talk_count(buf_text(&talk.log), "info: bucket bucket: "), 1);
        ck_assert_ptr_nonnull(strstr(buf_text(&talk.log), "Content-MD5"));
        talk_stop(&talk);
    }
}
END_TEST

START_TEST(a_form_that_is_ignored_is_replaced_from_the_next_request_on)
{
    static const struct httpd_step dialogue[] = {EXPECT(WITH_CRC32C), REPLY(200, .headers = {TAG}),
                                                 EXPECT(WITH_MD5),    REPLY(200, .headers = {TAG}),
                                                 EXPECT(WITH_MD5),    REPLY(200, .headers = {TAG})};
    struct talk talk;
    int i;

    talk_start(&talk, dialogue, NULL);
    for (i = 0; i < 3; i++)
        ck_assert_int_eq(talk_put(&talk, "k", "data"), 0);
    ck_assert_uint_eq(talk_count(buf_text(&talk.log), "info: bucket bucket: "), 1);
    talk_stop(&talk);
}
END_TEST

START_TEST(a_form_that_was_asked_for_is_not_replaced)
{
    static const char *const forms[] = {"crc32c", "sha256", "md5"};
    size_t i;

    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        static const struct httpd_step dialogue[] = {
            EXPECT("PUT /bucket/k"), REPLY(501, .body = REFUSAL("NotImplemented")),
            EXPECT("PUT /bucket/k"), REPLY(400, .body = REFUSAL("InvalidRequest")),
            EXPECT("PUT /bucket/k"), REPLY(200, .headers = {TAG}), /* without an echo */
            EXPECT("PUT /bucket/k"), REPLY(200, .headers = {TAG}),
        };
        const char *header = i == 0 ? "x-amz-checksum-crc32c" : i == 1 ? "x-amz-checksum-sha256" : "content-md5";
        struct talk talk;

        talk_start(&talk, dialogue, "checksum", forms[i], NULL);
        ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
        talk_failed(&talk, SF_UNSUPPORTED, 501, NULL);
        ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
        talk_failed(&talk, SF_INVALID, 400, NULL);
        ck_assert_int_eq(talk_put(&talk, "k", "data"), 0);
        ck_assert_int_eq(talk_put(&talk, "k", "data"), 0);
        ck_assert_str_ne(talk_sent(&talk, 3, header), "");
        talk_stop(&talk);
    }
}
END_TEST

START_TEST(none_gives_way_where_the_bucket_demands_a_digest)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /bucket/k", .headers = {"!content-md5", "!x-amz-checksum-crc32c"}),
        REPLY(400, .body = REFUSAL("MissingContentMD5")),
        EXPECT(WITH_MD5),
        REPLY(200, .headers = {TAG}),
        EXPECT(WITH_MD5),
        REPLY(200, .headers = {TAG}),
    };
    struct talk talk;

    talk_start(&talk, dialogue, "checksum", "none", NULL);
    ck_assert_msg(talk_put(&talk, "k", "data") == 0, "%s", talk.err.text);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), 0);
    talk_stop(&talk);
}
END_TEST

/* It was not the digest: the first reason counts, and the form stays. */
START_TEST(a_refusal_that_is_not_about_the_form)
{
    static const struct httpd_step dialogue[] = {
        EXPECT(WITH_CRC32C), REPLY(400, .body = REFUSAL("InvalidRequest")),
        EXPECT(WITH_MD5),    REPLY(400, .body = REFUSAL("InvalidArgument")),
        EXPECT(WITH_CRC32C), REPLY(403, .body = REFUSAL("AccessDenied")),
        EXPECT(WITH_CRC32C), REPLY(200, .headers = {TAG, ECHO}),
    };
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
    talk_failed(&talk, SF_INVALID, 400, "InvalidRequest", NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
    talk_failed(&talk, SF_DENIED, 403, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), 0);
    talk_stop(&talk);
}
END_TEST

START_TEST(what_the_second_try_says_counts_where_it_is_something_else)
{
    static const struct httpd_step dialogue[] = {EXPECT(WITH_CRC32C), REPLY(501, .body = REFUSAL("NotImplemented")),
                                                 EXPECT(WITH_MD5), REPLY(503, .body = REFUSAL("SlowDown"))};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
    talk_failed(&talk, SF_THROTTLED, 503, NULL);
    talk_stop(&talk);
}
END_TEST

UNIT_MAIN("s3/checksum", &each_form, &known_digests_are_not_made_again,
          &a_form_that_is_refused_is_replaced_once_and_for_all,
          &a_form_that_is_ignored_is_replaced_from_the_next_request_on, &a_form_that_was_asked_for_is_not_replaced,
          &none_gives_way_where_the_bucket_demands_a_digest, &a_refusal_that_is_not_about_the_form,
          &what_the_second_try_says_counts_where_it_is_something_else)
