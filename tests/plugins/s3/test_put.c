/* SPDX-License-Identifier: Apache-2.0
 *
 * Put: one request, and what stands in it.
 */
#include "tests/plugins/s3/talk.h"

#include <fcntl.h>
#include <unistd.h>

START_TEST(one_request_with_all_that_was_asked)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /bucket/a/key",
               .headers = {"content-length: 4", "x-amz-content-sha256: " DATA_SHA256, ECHO,
                           "x-amz-meta-checksum-sha256: " DATA_SHA256, "x-amz-meta-run: R1",
                           "x-amz-storage-class: STANDARD_IA", "x-amz-server-side-encryption: aws:kms",
                           "x-amz-server-side-encryption-aws-kms-key-id: arn:key/1", "if-none-match: *",
                           "x-amz-expected-bucket-owner: 111122223333", "x-amz-request-payer: requester", "!expect",
                           "!transfer-encoding", "!content-md5", "!if-match", "!x-amz-sdk-checksum-algorithm"},
               .body = "data"),
        REPLY(200, .headers = {"ETag: \"e1\"", ECHO, "Date: Tue, 10 Nov 2026 10:00:00 GMT"}),
    };
    static const struct sf_meta meta[] = {{sizeof(meta[0]), 0, SF_META_SHA256, DATA_SHA256},
                                          {sizeof(meta[0]), 0, "run", "R1"}};
    struct sf_body body = talk_text("data");
    struct talk talk;

    talk_start(&talk, dialogue, "sse", "aws:kms", "sse_kms_key_id", "arn:key/1", "expected_bucket_owner",
               "111122223333", "requester_pays", "true", NULL);
    ck_assert_msg(talk_put_as(&talk, &(struct sf_put){.key = "a/key",
                                                      .body = &body,
                                                      .meta = meta,
                                                      .meta_count = 2,
                                                      .precondition = SF_IF_ABSENT,
                                                      .storage_class = "STANDARD_IA"}) == 0,
                  "%s", talk.err.text);
    ck_assert_uint_eq(httpd_requests(talk.server), 1);
    ck_assert_str_eq(talk.object.tag, "e1");
    ck_assert_uint_eq(talk.object.bytes, 4);
    ck_assert_int_eq(talk.object.server_time_ms, INT64_C(1794304800000));
    ck_assert_uint_eq(talk.requests[SF_REQUEST_PUT], 1);
    ck_assert_int_eq(talk.status, 200);
    ck_assert_uint_eq(talk.accounted, 4);
    talk_stop(&talk);
}
END_TEST

START_TEST(a_bare_one_has_nothing_else)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /bucket/k",
               .headers = {"content-length: 4", "x-amz-content-sha256: " DATA_SHA256, ECHO, "!x-amz-storage-class",
                           "!x-amz-server-side-encryption", "!if-none-match", "!if-match",
                           "!x-amz-expected-bucket-owner", "!x-amz-request-payer", "!x-amz-security-token", "!expect",
                           "!content-md5", "!x-amz-server-side-encryption-aws-kms-key-id"},
               .body = "data"),
        REPLY(200, .headers = {"ETag: \"e1\"", ECHO}),
    };
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), 0);
    talk_stop(&talk);
}
END_TEST

START_TEST(defaults_of_the_store_and_a_session_token)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /bucket/k",
               .headers = {"x-amz-storage-class: GLACIER_IR", "x-amz-server-side-encryption: AES256",
                           "!x-amz-server-side-encryption-aws-kms-key-id", "x-amz-security-token: " TALK_TOKEN}),
        REPLY(200, .headers = {"ETag: \"e1\"", ECHO}),
    };
    struct talk talk;

    talk_start(&talk, dialogue, "storage_class", "GLACIER_IR", "sse", "AES256", "session_token", TALK_TOKEN, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), 0);
    ck_assert_ptr_nonnull(strstr(talk_sent(&talk, 0, "authorization"), "x-amz-security-token"));
    talk_stop(&talk);
}
END_TEST

START_TEST(what_is_signed)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/k"),
                                                 REPLY(200, .headers = {"ETag: \"e1\"", ECHO})};
    static const char *const names[] = {"host", "x-amz-content-sha256", "x-amz-date", "x-amz-checksum-crc32c"};
    const char *authorization;
    struct talk talk;
    size_t i;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), 0);
    authorization = talk_sent(&talk, 0, "authorization");
    ck_assert_int_eq(strncmp(authorization, "AWS4-HMAC-SHA256 Credential=AKID/", 33), 0);
    ck_assert_ptr_nonnull(strstr(authorization, "/us-east-1/s3/aws4_request"));
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        ck_assert_msg(strstr(authorization, names[i]) != NULL, "%s is not signed: %s", names[i], authorization);
    ck_assert_ptr_null(strstr(authorization, "user-agent"));
    talk_stop(&talk);
}
END_TEST

START_TEST(an_empty_body)
{
    static const struct httpd_step dialogue[] = {
        EXPECT(
            "PUT /bucket/k",
            .headers = {"content-length: 0", "x-amz-content-sha256: " EMPTY_SHA256, "x-amz-checksum-crc32c: AAAAAA=="},
            .body = ""),
        REPLY(200, .headers = {"ETag: \"e1\"", "x-amz-checksum-crc32c: AAAAAA=="}),
    };
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", ""), 0);
    ck_assert_uint_eq(talk.object.bytes, 0);
    talk_stop(&talk);
}
END_TEST

static int64_t read_text(void *ctx, uint64_t position, void *buffer, size_t bytes, struct sf_error *err)
{
    const char *text = ctx;

    (void)err;
    if (position >= strlen(text) || bytes == 0)
        return 0;
    *(char *)buffer = text[position]; /* a byte at a time is enough */
    return 1;
}

START_TEST(each_kind_of_body)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /bucket/k", .headers = {"content-length: 4", "x-amz-content-sha256: " DATA_SHA256, ECHO},
               .body = "data"),
        REPLY(200, .headers = {"ETag: \"e1\"", ECHO}), AGAIN()};
    struct sf_body bodies[] = {
        {.size = sizeof(bodies[0]), .kind = SF_BODY_MEMORY, .length = 4, .data = "data", .fd = -1},
        {.size = sizeof(bodies[0]), .kind = SF_BODY_FD, .length = 4, .offset = 3},
        {.size = sizeof(bodies[0]), .kind = SF_BODY_CALLBACK, .length = 4, .fd = -1, .read = read_text},
    };
    char path[512], text[] = "data";
    struct talk talk;
    size_t i;

    unit_write("file", "...data...", -1);
    snprintf(path, sizeof(path), "%s/file", unit_temp_dir());
    bodies[1].fd = open(path, O_RDONLY | O_CLOEXEC);
    bodies[2].ctx = text;
    talk_start(&talk, dialogue, NULL);
    for (i = 0; i < 3; i++)
        ck_assert_msg(talk_put_as(&talk, &(struct sf_put){.key = "k", .body = &bodies[i]}) == 0, "%zu: %s", i,
                      talk.err.text);
    close(bodies[1].fd);
    talk_stop(&talk);
}
END_TEST

START_TEST(a_source_that_is_shorter_than_it_was_sends_nothing)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/k", .body = "data"),
                                                 REPLY(200, .headers = {"ETag: \"e1\"", ECHO})};
    char text[] = "data";
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_CALLBACK, .length = 5, .fd = -1, .read = read_text};
    struct talk talk;

    body.ctx = text;
    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_put_as(&talk, &(struct sf_put){.key = "k", .body = &body}), -1);
    talk_failed(&talk, SF_CORRUPT, 0, "k: ", NULL);
    ck_assert_uint_eq(httpd_requests(talk.server), 0);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), 0);
    talk_stop(&talk);
}
END_TEST

START_TEST(an_unknown_kind_of_body_or_precondition)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/k", .body = "data"),
                                                 REPLY(200, .headers = {"ETag: \"e1\"", ECHO})};
    struct sf_body body = {.size = sizeof(body), .kind = 99, .length = 4};
    struct sf_body good = talk_text("data");
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_put_as(&talk, &(struct sf_put){.key = "k", .body = &body}), -1);
    talk_failed(&talk, SF_UNSUPPORTED, 0, "k", NULL);
    ck_assert_int_eq(talk_put_as(&talk, &(struct sf_put){.key = "k", .body = &good, .precondition = 99}), -1);
    talk_failed(&talk, SF_UNSUPPORTED, 0, "k", NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), 0);
    talk_stop(&talk);
}
END_TEST

START_TEST(metadata_that_does_not_fit_is_refused_before_anything_is_sent)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/k", .body = "data"),
                                                 REPLY(200, .headers = {"ETag: \"e1\"", ECHO})};
    static char value[9000];
    struct sf_meta meta = {sizeof(meta), 0, "run", value};
    struct sf_body body = talk_text("data");
    struct talk talk;

    memset(value, 'v', sizeof(value) - 1);
    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_put_as(&talk, &(struct sf_put){.key = "k", .body = &body, .meta = &meta, .meta_count = 1}),
                     -1);
    talk_failed(&talk, SF_TOO_LARGE, 0, "k: ", "metadata", NULL);
    ck_assert_uint_eq(httpd_requests(talk.server), 0);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), 0);
    talk_stop(&talk);
}
END_TEST

START_TEST(metadata_of_all_the_bytes_that_the_contract_allows)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/k", .headers = {"x-amz-meta-run"}, .body = "data"),
                                                 REPLY(200, .headers = {"ETag: \"e1\"", ECHO})};
    static char value[SF_META_MAX - 4];
    struct sf_meta meta = {sizeof(meta), 0, "run", value};
    struct sf_body body = talk_text("data");
    struct talk talk;

    memset(value, 'v', sizeof(value) - 1);
    talk_start(&talk, dialogue, NULL);
    ck_assert_msg(talk_put_as(&talk, &(struct sf_put){.key = "k", .body = &body, .meta = &meta, .meta_count = 1}) == 0,
                  "%s", talk.err.text);
    ck_assert_str_eq(talk_sent(&talk, 0, "x-amz-meta-run"), value);
    talk_stop(&talk);
}
END_TEST

START_TEST(the_longest_key_goes_and_one_more_byte_does_not)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/kk*", .body = "data"),
                                                 REPLY(200, .headers = {"ETag: \"e1\"", ECHO})};
    char key[1026];
    struct talk talk;

    memset(key, 'k', sizeof(key));
    key[1025] = '\0';
    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_put(&talk, key, "data"), -1);
    talk_failed(&talk, SF_TOO_LARGE, 0, "kkkk", "1024", NULL);
    ck_assert_uint_eq(httpd_requests(talk.server), 0);
    ck_assert_uint_eq(talk.info.key_max_bytes, 1024);
    key[1024] = '\0';
    ck_assert_int_eq(talk_put(&talk, key, "data"), 0);
    talk_stop(&talk);
}
END_TEST

START_TEST(odd_keys_in_the_target)
{
    static const struct {
        const char *key, *target;
    } keys[] = {
        {"a b", "/bucket/a%20b"},
        {"a+b", "/bucket/a%2Bb"},
        {"100%", "/bucket/100%25"},
        {"a%2Fb", "/bucket/a%252Fb"},
        {"what?", "/bucket/what%3F"},
        {"a#b", "/bucket/a%23b"},
        {"\xc3\xa9t\xc3\xa9", "/bucket/%C3%A9t%C3%A9"},
        {"\xf0\x9f\x90\xa2", "/bucket/%F0%9F%90%A2"},
        {"a//b", "/bucket/a//b"},
        {"/a", "/bucket//a"},
        {"a/../b", "/bucket/a/../b"},
        {"./a", "/bucket/./a"},
        {"a/", "/bucket/a/"},
        {"a=b&c:d@e,f;g$h", "/bucket/a%3Db%26c%3Ad%40e%2Cf%3Bg%24h"},
        {"'(a)*!'", "/bucket/%27%28a%29%2A%21%27"},
        {"A-Z_a.z~9", "/bucket/A-Z_a.z~9"},
        {"\"<>\\^`{|}[]", "/bucket/%22%3C%3E%5C%5E%60%7B%7C%7D%5B%5D"},
    };
    static const struct httpd_step dialogue[] = {EXPECT(NULL), REPLY(200, .headers = {"ETag: \"e1\"", ECHO}), AGAIN()};
    struct talk talk;
    size_t i;

    talk_start(&talk, dialogue, NULL);
    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        ck_assert_msg(talk_put(&talk, keys[i].key, "data") == 0, "%s: %s", keys[i].key, talk.err.text);
        ck_assert_str_eq(httpd_seen(talk.server, i)->target, keys[i].target);
    }
    talk_stop(&talk);
}
END_TEST

START_TEST(the_tag_has_no_quotes_whatever_the_store_sends)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /bucket/1"),
        REPLY(200, .headers = {"ETag: \"e1-2\"", ECHO}),
        EXPECT("PUT /bucket/2"),
        REPLY(200, .headers = {"ETag: e1-2", ECHO}),
    };
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_put(&talk, "1", "data"), 0);
    ck_assert_str_eq(talk.object.tag, "e1-2");
    ck_assert_int_eq(talk_put(&talk, "2", "data"), 0);
    ck_assert_str_eq(talk.object.tag, "e1-2");
    talk_stop(&talk);
}
END_TEST

/* The host needs a tag; the object is there, though. */
START_TEST(an_answer_without_a_tag)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/k"), REPLY(200, .headers = {ECHO})};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
    ck_assert_int_eq(talk.err.maybe_applied, 1);
    talk_failed(&talk, SF_PERMANENT, 0, "k: ", "ETag", NULL);
    talk_stop(&talk);
}
END_TEST

START_TEST(another_checksum_in_the_answer_is_corruption)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /bucket/k"), REPLY(200, .headers = {"ETag: \"e1\"", "x-amz-checksum-crc32c: AAAAAA=="})};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
    talk_failed(&talk, SF_CORRUPT, talk.err.status, "k: ", NULL);
    talk_stop(&talk);
}
END_TEST

START_TEST(preconditions_and_their_refusals)
{
    static const struct {
        uint32_t precondition;
        int status;
        const char *code;
        enum sf_class cls;
    } rows[] = {
        {SF_IF_ABSENT, 412, REFUSAL("PreconditionFailed"), SF_EXISTS},
        {SF_IF_TAG, 412, REFUSAL("PreconditionFailed"), SF_PRECONDITION},
        {SF_IF_TAG, 404, REFUSAL("NoSuchKey"), SF_PRECONDITION},
        {SF_IF_ABSENT, 409, REFUSAL("ConditionalRequestConflict"), SF_CONFLICT},
        {SF_IF_TAG, 409, REFUSAL("ConditionalRequestConflict"), SF_CONFLICT},
        {SF_IF_ABSENT, 412, "", SF_EXISTS},
        {SF_IF_TAG, 412, "<html>proxy</html>", SF_PRECONDITION},
        {SF_IF_ABSENT, 501, REFUSAL("NotImplemented"), SF_UNSUPPORTED},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const bool is_tag = rows[i].precondition == SF_IF_TAG;
        const struct httpd_step dialogue[] = {
            EXPECT("PUT /bucket/k", .headers = {is_tag ? "if-match: \"t1\"" : "if-none-match: *",
                                                is_tag ? "!if-none-match" : "!if-match"}),
            REPLY(rows[i].status, .body = rows[i].code)};
        struct sf_body body = talk_text("data");
        struct talk talk;

        talk_start(&talk, dialogue, "checksum", "crc32c", NULL);
        ck_assert_int_eq(talk_put_as(&talk, &(struct sf_put){.key = "k",
                                                             .body = &body,
                                                             .precondition = rows[i].precondition,
                                                             .if_tag = is_tag ? "t1" : NULL}),
                         -1);
        talk_failed(&talk, rows[i].cls, rows[i].status, "k: ", NULL);
        ck_assert_int_eq(talk.err.maybe_applied, 0);
        talk_stop(&talk);
    }
}
END_TEST

START_TEST(a_lost_answer_may_have_been_applied)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/k"), CUT()};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
    talk_failed(&talk, SF_TRANSIENT, 0, "k: ", NULL);
    ck_assert_int_eq(talk.err.maybe_applied, 1);
    talk_stop(&talk);
}
END_TEST

UNIT_MAIN("s3/put", &one_request_with_all_that_was_asked, &a_bare_one_has_nothing_else,
          &defaults_of_the_store_and_a_session_token, &what_is_signed, &an_empty_body, &each_kind_of_body,
          &a_source_that_is_shorter_than_it_was_sends_nothing, &an_unknown_kind_of_body_or_precondition,
          &metadata_that_does_not_fit_is_refused_before_anything_is_sent,
          &metadata_of_all_the_bytes_that_the_contract_allows, &the_longest_key_goes_and_one_more_byte_does_not,
          &odd_keys_in_the_target, &the_tag_has_no_quotes_whatever_the_store_sends, &an_answer_without_a_tag,
          &another_checksum_in_the_answer_is_corruption, &preconditions_and_their_refusals,
          &a_lost_answer_may_have_been_applied)
