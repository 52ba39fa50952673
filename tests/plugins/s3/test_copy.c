/* SPDX-License-Identifier: Apache-2.0
 *
 * Copy on the server: in one request, and over 5 GiB in ranges.
 */
#include "tests/plugins/s3/talk.h"

#define COPIED                                                                                                         \
    XML "<CopyObjectResult" S3_NS                                                                                      \
        "><LastModified>2026-11-10T10:00:00.000Z</LastModified><ETag>&quot;e2&quot;</ETag></CopyObjectResult>"
#define PART(tag) XML "<CopyPartResult" S3_NS "><ETag>&quot;" tag "&quot;</ETag></CopyPartResult>"
#define BEGUN XML "<InitiateMultipartUploadResult" S3_NS "><UploadId>U/1+</UploadId></InitiateMultipartUploadResult>"
#define COMPLETED                                                                                                      \
    XML "<CompleteMultipartUploadResult" S3_NS "><ETag>&quot;e9-6&quot;</ETag></CompleteMultipartUploadResult>"
#define GIB (UINT64_C(1) << 30)
#define REFUSED_BY(condition)                                                                                          \
    XML "<Error><Code>PreconditionFailed</Code><Message>m</Message><Condition>" condition "</Condition></Error>"

static const struct sf_copy plain = {.from = "a b+c", .to = "to", .bytes = 4};

START_TEST(one_request_that_replaces_all)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /bucket/to%2B",
               .headers = {"x-amz-copy-source: /bucket/a%20b%2Bc/%C3%A9", "x-amz-metadata-directive: REPLACE",
                           "x-amz-copy-source-if-match: \"e1\"", "x-amz-meta-checksum-sha256: " DATA_SHA256,
                           "x-amz-storage-class: STANDARD_IA", "x-amz-server-side-encryption: AES256",
                           "if-none-match: *", "content-length: 0"},
               .body = ""),
        REPLY(200, .body = COPIED, .headers = {"Date: Tue, 10 Nov 2026 10:00:00 GMT"})};
    static const struct sf_meta meta = {sizeof(meta), 0, SF_META_SHA256, DATA_SHA256};
    struct talk talk;

    talk_start(&talk, dialogue, "sse", "AES256", NULL);
    ck_assert_msg(talk_copy(&talk, &(struct sf_copy){.from = "a b+c/\xc3\xa9",
                                                     .from_tag = "e1",
                                                     .to = "to+",
                                                     .bytes = 4,
                                                     .precondition = SF_IF_ABSENT,
                                                     .meta = &meta,
                                                     .meta_count = 1,
                                                     .storage_class = "STANDARD_IA"}) == 0,
                  "%s", talk.err.text);
    ck_assert_str_eq(talk.object.tag, "e2");
    ck_assert_uint_eq(talk.object.bytes, 4);
    ck_assert_int_eq(talk.object.server_time_ms, INT64_C(1794304800000));
    ck_assert_uint_eq(talk.requests[SF_REQUEST_COPY], 1);
    talk_stop(&talk);
}
END_TEST

START_TEST(a_bare_one)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /bucket/to",
               .headers = {"x-amz-copy-source: /bucket/a%20b%2Bc", "x-amz-metadata-directive: REPLACE",
                           "!x-amz-copy-source-if-match", "!if-none-match", "!if-match", "!x-amz-storage-class",
                           "!x-amz-copy-source-range"}),
        REPLY(200, .body = "  \n\n" COPIED)}; /* it took long */
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_copy(&talk, &plain), 0);
    ck_assert_str_eq(talk.object.tag, "e2");
    talk_stop(&talk);
}
END_TEST

START_TEST(which_condition_failed)
{
    static const struct {
        const char *body, *from_tag;
        int precondition;
        int there; /* status of the HEAD that has to tell; 0: none is made */
        enum sf_class cls;
    } rows[] = {
        {REFUSAL("PreconditionFailed"), NULL, SF_IF_ABSENT, 0, SF_EXISTS},
        {REFUSAL("PreconditionFailed"), "e1", SF_IF_ANY, 0, SF_PRECONDITION},
        {REFUSAL("PreconditionFailed"), NULL, SF_IF_TAG, 0, SF_PRECONDITION},
        {REFUSED_BY("x-amz-copy-source-If-Match"), "e1", SF_IF_ABSENT, 0, SF_PRECONDITION},
        {REFUSED_BY("If-None-Match"), "e1", SF_IF_ABSENT, 0, SF_EXISTS},
        {REFUSAL("PreconditionFailed"), "e1", SF_IF_ABSENT, 404, SF_PRECONDITION},
        {REFUSAL("PreconditionFailed"), "e1", SF_IF_ABSENT, 200, SF_EXISTS},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/to"), REPLY(412, .body = rows[i].body),
                                              EXPECT("HEAD /bucket/to"),
                                              REPLY(rows[i].there, .headers = {"ETag: \"e0\""})};
        struct sf_copy copy = plain;
        struct talk talk;

        copy.from_tag = rows[i].from_tag;
        copy.precondition = (uint32_t)rows[i].precondition;
        copy.if_tag = rows[i].precondition == SF_IF_TAG ? "e0" : NULL;
        talk_start_as(&talk, dialogue, rows[i].there != 0 ? 4 : 2, NULL);
        ck_assert_int_eq(talk_copy(&talk, &copy), -1);
        talk_failed(&talk, rows[i].cls, 412, "to: ", NULL);
        talk_stop(&talk);
    }
}
END_TEST

START_TEST(an_unknown_precondition)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/to"), REPLY(200, .body = COPIED)};
    struct sf_copy copy = plain;
    struct talk talk;

    copy.precondition = 99;
    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_copy(&talk, &copy), -1);
    talk_failed(&talk, SF_UNSUPPORTED, 0, "to: ", NULL);
    ck_assert_int_eq(talk_copy(&talk, &plain), 0);
    talk_stop(&talk);
}
END_TEST

#define BEGIN_STEPS                                                                                                    \
    EXPECT("POST /bucket/to?uploads=",                                                                                 \
           .headers = {"x-amz-meta-run: R1", "!x-amz-copy-source", "!x-amz-checksum-algorithm", "!if-none-match"}),    \
        REPLY(200, .body = BEGUN)
#define RANGE(n, range)                                                                                                \
    EXPECT("PUT /bucket/to?partNumber=" n "&uploadId=U%2F1%2B",                                                        \
           .headers = {"x-amz-copy-source: /bucket/a%20b%2Bc", "x-amz-copy-source-if-match: \"e1\"",                   \
                       "x-amz-copy-source-range: bytes=" range, "!x-amz-metadata-directive"},                          \
           .body = "")
#define PART_XML(n) "<Part><ETag>\"p" n "\"</ETag><PartNumber>" n "</PartNumber></Part>"
#define ABORT EXPECT("DELETE /bucket/to?uploadId=U%2F1%2B"), REPLY(204)

static struct sf_copy large(void)
{
    static const struct sf_meta meta = {sizeof(meta), 0, "run", "R1"};
    struct sf_copy copy = plain;

    copy.from_tag = "e1";
    copy.bytes = 5 * GIB + 1;
    copy.precondition = SF_IF_ABSENT;
    copy.meta = &meta;
    copy.meta_count = 1;
    return copy;
}

START_TEST(over_five_gibibytes_in_ranges)
{
    static const struct httpd_step dialogue[] = {
        BEGIN_STEPS,
        RANGE("1", "0-1073741823"),
        REPLY(200, .body = PART("p1")),
        RANGE("2", "1073741824-2147483647"),
        REPLY(200, .body = " \n" PART("p2")),
        RANGE("3", "2147483648-3221225471"),
        REPLY(200, .body = PART("p3")),
        RANGE("4", "3221225472-4294967295"),
        REPLY(200, .body = PART("p4")),
        RANGE("5", "4294967296-5368709119"),
        REPLY(200, .body = PART("p5")),
        RANGE("6", "5368709120-5368709120"),
        REPLY(200, .body = PART("p6")),
        EXPECT("POST /bucket/to?uploadId=U%2F1%2B", .headers = {"if-none-match: *"},
               .body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" PART_XML("1")
                   PART_XML("2") PART_XML("3") PART_XML("4") PART_XML("5") PART_XML("6") "</CompleteMultipartUpload>"),
        REPLY(200, .body = COMPLETED),
        EXPECT("HEAD /bucket/to"),
        REPLY(200, .length = 5 * GIB + 1, .headers = {"ETag: \"e9-6\""}),
    };
    struct sf_copy copy = large();
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_msg(talk_copy(&talk, &copy) == 0, "%s", talk.err.text);
    ck_assert_str_eq(talk.object.tag, "e9-6");
    ck_assert_uint_eq(talk.object.bytes, 5 * GIB + 1);
    talk_stop(&talk);
}
END_TEST

START_TEST(exactly_five_gibibytes_are_one_request)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/to"), REPLY(200, .body = COPIED)};
    struct sf_copy copy = plain;
    struct talk talk;

    copy.bytes = 5 * GIB;
    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_copy(&talk, &copy), 0);
    ck_assert_uint_eq(talk.object.bytes, 5 * GIB);
    talk_stop(&talk);
}
END_TEST

/* Whatever became of the range: nothing is visible, and nobody else will end the upload. */
START_TEST(a_range_that_fails_ends_the_upload)
{
    static const struct {
        int status;
        const char *body;
        enum sf_class cls;
    } rows[] = {
        {500, REFUSAL("InternalError"), SF_TRANSIENT},
        {200, REFUSAL("InternalError"), SF_TRANSIENT},
        {200, "", SF_TRANSIENT},
        {503, REFUSAL("SlowDown"), SF_THROTTLED},
        {403, REFUSAL("AccessDenied"), SF_DENIED},
        {412, REFUSAL("PreconditionFailed"), SF_PRECONDITION},
        {404, REFUSAL("NoSuchKey"), SF_NOT_FOUND},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct httpd_step dialogue[] = {BEGIN_STEPS, RANGE("1", "0-1073741823"),
                                              REPLY(rows[i].status, .body = rows[i].body), ABORT};
        struct sf_copy copy = large();
        struct talk talk;

        talk_start(&talk, dialogue, NULL);
        ck_assert_int_eq(talk_copy(&talk, &copy), -1);
        talk_failed(&talk, rows[i].cls, talk.err.status, "to: ", NULL);
        ck_assert_int_eq(talk.err.maybe_applied, 0);
        ck_assert_uint_eq(talk.requests[SF_REQUEST_UPLOAD_ABORT], 1);
        talk_stop(&talk);
    }
}
END_TEST

/* A request on a connection that was used before is sent once more by libcurl when that is found dead. */
START_TEST(an_answer_to_a_range_that_is_lost)
{
    static const struct httpd_step dialogue[] = {
        BEGIN_STEPS, RANGE("1", "0-1073741823"), CUT(), ACCEPT(), RANGE("1", "0-1073741823"), CUT(), ACCEPT(), ABORT};
    struct sf_copy copy = large();
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_copy(&talk, &copy), -1);
    talk_failed(&talk, SF_TRANSIENT, 0, "to: ", NULL);
    ck_assert_int_eq(talk.err.maybe_applied, 0);
    talk_stop(&talk);
}
END_TEST

UNIT_MAIN("s3/copy", &one_request_that_replaces_all, &a_bare_one, &which_condition_failed, &an_unknown_precondition,
          &over_five_gibibytes_in_ranges, &exactly_five_gibibytes_are_one_request, &a_range_that_fails_ends_the_upload,
          &an_answer_to_a_range_that_is_lost)
