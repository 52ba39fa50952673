/* SPDX-License-Identifier: Apache-2.0
 *
 * Remove: one by one and many at once.
 */
#include "tests/plugins/s3/talk.h"

#define ITEM(name)                                                                                                     \
    {                                                                                                                  \
        sizeof(struct sf_remove), 0, name, NULL                                                                        \
    }
#define DELETED(key) "<Deleted><Key>" key "</Key></Deleted>"
#define FAILED(key, code) "<Error><Key>" key "</Key><Code>" code "</Code><Message>The reason.</Message></Error>"
#define RESULT(text) XML "<DeleteResult" S3_NS ">" text "</DeleteResult>"

static const struct sf_remove three[] = {ITEM("a"), ITEM("b&<c>\"'"), ITEM("d e")};

START_TEST(one_key_is_a_delete)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("DELETE /bucket/a%20b", .headers = {"!content-type", "x-amz-content-sha256: " EMPTY_SHA256}),
        REPLY(204),
        EXPECT("DELETE /bucket/a%20b"),
        REPLY(200),
        EXPECT("DELETE /bucket/a%20b"),
        REPLY(404, .body = REFUSAL("NoSuchKey")),
    };
    struct talk talk;
    int i;

    talk_start(&talk, dialogue, NULL);
    for (i = 0; i < 3; i++) {
        ck_assert_int_eq(talk_remove_key(&talk, "a b"), 0);
        ck_assert_str_eq(buf_text(&talk.got), "0 0 \n");
    }
    ck_assert_uint_eq(talk.requests[SF_REQUEST_REMOVE], 3);
    talk_stop(&talk);
}
END_TEST

START_TEST(one_key_that_stays)
{
    static const struct httpd_step dialogue[] = {EXPECT("DELETE /bucket/k"),
                                                 REPLY(403, .body = REFUSAL("AccessDenied")),
                                                 EXPECT("DELETE /bucket/k"), REPLY(503, .body = REFUSAL("SlowDown"))};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_remove_key(&talk, "k"), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&talk.got), "0 5 k: AccessDenied"));
    ck_assert_int_eq(talk_remove_key(&talk, "k"), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&talk.got), "0 14 k: SlowDown"));
    talk_stop(&talk);
}
END_TEST

START_TEST(many_at_once)
{
    static const char body[] =
        "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet><Object><Key>a</Key></Object>"
        "<Object><Key>b&amp;&lt;c&gt;\"'</Key></Object><Object><Key>d e</Key></Object></Delete>";
    static const struct httpd_step dialogue[] = {
        EXPECT("POST /bucket?delete=",
               .headers = {"content-md5", "x-amz-content-sha256", "content-type: application/xml", "content-length",
                           "!x-amz-checksum-crc32c"},
               .body = body),
        REPLY(200, .body = RESULT("")),
    };
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_msg(talk_remove(&talk, three, 3) == 0, "%s", talk.err.text);
    ck_assert_str_eq(buf_text(&talk.got), "0 0 \n1 0 \n2 0 \n");
    ck_assert_str_eq(talk_sent(&talk, 0, "content-md5"), "lMSDm6PrWUCsXliV7iW9LA==");
    talk_stop(&talk);
}
END_TEST

/* Each result by key: the store may answer in any order, and name what it removed although it was asked to be quiet. */
START_TEST(results_by_key)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("POST /bucket?delete="), REPLY(200, .body = RESULT(DELETED("a") FAILED("d e", "AccessDenied") FAILED(
                                                       "b&amp;&lt;c&gt;&quot;'", "InternalError")))};
    const char *got;
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_remove(&talk, three, 3), 0);
    got = buf_text(&talk.got);
    ck_assert_ptr_nonnull(strstr(got, "0 0 \n"));
    ck_assert_ptr_nonnull(strstr(got, "1 15 b&<c>\"': InternalError: The reason.\n"));
    ck_assert_ptr_nonnull(strstr(got, "2 5 d e: AccessDenied: The reason.\n"));
    ck_assert_uint_eq(talk_count(got, "\n"), 3);
    talk_stop(&talk);
}
END_TEST

START_TEST(codes_of_a_key)
{
    static const struct {
        const char *body, *result;
    } rows[] = {
        {RESULT(FAILED("a", "NoSuchKey")), "0 0 "},
        {RESULT(FAILED("a", "SlowDown")), "0 14 "},
        {RESULT(FAILED("a", "SomethingNew")), "0 17 "},
        {RESULT("<Error><Code>AccessDenied</Code><Key>a</Key><Message>protected by object lock</Message></Error>"),
         "0 11 "},
        {"<DeleteResult>" FAILED("a", "AccessDenied") "</DeleteResult>", "0 5 "}, /* no namespace */
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct httpd_step dialogue[] = {EXPECT("POST /bucket?delete="), REPLY(200, .body = rows[i].body)};
        struct talk talk;

        talk_start(&talk, dialogue, NULL);
        ck_assert_int_eq(talk_remove(&talk, three, 3), 0);
        ck_assert_msg(strstr(buf_text(&talk.got), rows[i].result) != NULL, "%s", buf_text(&talk.got));
        ck_assert_uint_eq(talk_count(buf_text(&talk.got), "\n"), 3);
        talk_stop(&talk);
    }
}
END_TEST

/* What the store could not remove is one of ours, whatever it calls it: no key may be taken for removed. */
START_TEST(an_error_that_names_none_of_the_keys)
{
    static const char *const bodies[] = {RESULT(FAILED("A", "AccessDenied")),
                                         RESULT("<Error><Code>InternalError</Code></Error>")};
    size_t i;

    for (i = 0; i < 2; i++) {
        const struct httpd_step dialogue[] = {EXPECT("POST /bucket?delete="), REPLY(200, .body = bodies[i])};
        struct talk talk;

        talk_start(&talk, dialogue, NULL);
        ck_assert_int_eq(talk_remove(&talk, three, 3), -1);
        ck_assert_str_eq(buf_text(&talk.got), "");
        talk_failed(&talk, i == 0 ? SF_DENIED : SF_TRANSIENT, 0, "bucket bucket", NULL);
        talk_stop(&talk);
    }
}
END_TEST

START_TEST(without_batches_each_key_goes_alone_from_then_on)
{
    static const struct {
        int status;
        const char *code;
    } rows[] = {{501, REFUSAL("NotImplemented")},
                {405, REFUSAL("MethodNotAllowed")},
                {400, REFUSAL("NotImplemented")},
                {405, ""}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct httpd_step dialogue[] = {
            EXPECT("POST /bucket?delete="),
            REPLY(rows[i].status, .body = rows[i].code),
            EXPECT("DELETE /bucket/a"),
            REPLY(204),
            EXPECT("DELETE /bucket/b%26%3Cc%3E%22%27"),
            REPLY(404, .body = REFUSAL("NoSuchKey")),
            EXPECT("DELETE /bucket/d%20e"),
            REPLY(204),
            EXPECT("DELETE /bucket/a"),
            REPLY(204),
            EXPECT("DELETE /bucket/b%26%3Cc%3E%22%27"),
            REPLY(204),
        };
        struct talk talk;

        talk_start(&talk, dialogue, NULL);
        ck_assert_msg(talk_remove(&talk, three, 3) == 0, "%s", talk.err.text);
        ck_assert_str_eq(buf_text(&talk.got), "0 0 \n1 0 \n2 0 \n");
        ck_assert_int_eq(talk_remove(&talk, three, 2), 0);
        talk_stop(&talk);
    }
}
END_TEST

START_TEST(other_refusals_are_not_about_batches)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("POST /bucket?delete="), REPLY(403, .body = REFUSAL("AccessDenied")),
        EXPECT("POST /bucket?delete="), REPLY(503, .body = REFUSAL("SlowDown")),
        EXPECT("POST /bucket?delete="), REPLY(200, .body = RESULT("")),
    };
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_remove(&talk, three, 3), -1);
    talk_failed(&talk, SF_DENIED, 403, "bucket bucket", NULL);
    ck_assert_int_eq(talk_remove(&talk, three, 3), -1);
    talk_failed(&talk, SF_THROTTLED, 503, "bucket bucket", NULL);
    ck_assert_str_eq(buf_text(&talk.got), "");
    ck_assert_int_eq(talk_remove(&talk, three, 3), 0);
    talk_stop(&talk);
}
END_TEST

START_TEST(nothing_to_remove)
{
    static const struct httpd_step dialogue[] = {EXPECT("DELETE /bucket/k"), REPLY(204)};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_remove(&talk, three, 0), 0);
    ck_assert_uint_eq(httpd_requests(talk.server), 0);
    ck_assert_uint_eq(talk.info.remove_batch_max, 1000);
    ck_assert_int_eq(talk_remove_key(&talk, "k"), 0);
    talk_stop(&talk);
}
END_TEST

UNIT_MAIN("s3/remove", &one_key_is_a_delete, &one_key_that_stays, &many_at_once, &results_by_key, &codes_of_a_key,
          &an_error_that_names_none_of_the_keys, &without_batches_each_key_goes_alone_from_then_on,
          &other_refusals_are_not_about_batches, &nothing_to_remove)
