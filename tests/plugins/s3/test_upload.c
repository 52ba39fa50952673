/* SPDX-License-Identifier: Apache-2.0
 *
 * Uploads in parts, from the first request to the last.
 */
#include "tests/plugins/s3/talk.h"

#define ONE_CRC32C "KpSy6Q=="
#define TWO_CRC32C "Utizow=="
#define ONE_SHA256 "dpLDrTVAu4A8Ags67mbNiIcSMjTqDG5xQ8Ct1z/0Me0="
#define ONE_MD5 "+XxdKZQb+xsv2rCHSQargg=="
#define BEGUN                                                                                                          \
    XML "<InitiateMultipartUploadResult" S3_NS                                                                         \
        "><Bucket>bucket</Bucket><Key>k</Key><UploadId>U/1+ =</UploadId></InitiateMultipartUploadResult>"
#define ID "U%2F1%2B%20%3D"
#define COMPLETED(tag)                                                                                                 \
    XML "<CompleteMultipartUploadResult" S3_NS "><Location>l</Location><ETag>&quot;" tag                               \
        "&quot;</ETag></CompleteMultipartUploadResult>"
#define COMPLETE(text)                                                                                                 \
    "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" text "</CompleteMultipartUpload>"

static const struct sf_upload_args args = {.key = "a/k", .bytes = 6, .part_bytes = 3};

static struct sf_part_done done(uint32_t number, const struct sf_part_result *result)
{
    return (struct sf_part_done){.size = sizeof(struct sf_part_done),
                                 .number = number,
                                 .bytes = 3,
                                 .opaque = result->opaque,
                                 .opaque_bytes = result->opaque_bytes};
}

static struct sf_upload *resume(struct talk *talk, const char *token)
{
    struct sf_upload_args sized = {.size = sizeof(sized), .key = "a/k"};
    struct sf_upload_token given = {.size = sizeof(given), .bytes = (uint32_t)strlen(token)};
    struct sf_upload *upload = NULL;
    uint64_t persisted = 99;

    memcpy(given.token, token, strlen(token));
    ck_assert_msg(talk->s3->upload_resume(&talk->call, talk->conn, &sized, &given, &persisted, &upload, &talk->err) ==
                      0,
                  "%s", talk->err.text);
    ck_assert_uint_eq(persisted, 0);
    return upload;
}

static int abort_it(struct talk *talk, struct sf_upload *upload)
{
    talk->err = (struct sf_error)SF_ERROR_INIT;
    return talk->s3->upload_abort(&talk->call, talk->conn, upload, &talk->err);
}

START_TEST(from_begin_to_commit)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("POST /bucket/a/k?uploads=",
               .headers = {"x-amz-checksum-algorithm: CRC32C", "x-amz-checksum-type: COMPOSITE", "content-length: 0",
                           "x-amz-meta-checksum-sha256: " DATA_SHA256, "x-amz-storage-class: STANDARD_IA",
                           "x-amz-server-side-encryption: AES256", "!if-none-match"},
               .body = ""),
        REPLY(200, .body = BEGUN),
        EXPECT("PUT /bucket/a/k?partNumber=2&uploadId=" ID,
               .headers = {"x-amz-checksum-crc32c: " TWO_CRC32C, "content-length: 3", "x-amz-content-sha256",
                           "!x-amz-storage-class", "!x-amz-server-side-encryption", "!content-md5", "!expect"},
               .body = "two"),
        REPLY(200, .headers = {"ETag: \"p2\"", "x-amz-checksum-crc32c: " TWO_CRC32C}),
        EXPECT("PUT /bucket/a/k?partNumber=1&uploadId=" ID, .headers = {"x-amz-checksum-crc32c: " ONE_CRC32C},
               .body = "one"),
        REPLY(200, .headers = {"ETag: \"p1\"", "x-amz-checksum-crc32c: " ONE_CRC32C}),
        EXPECT("POST /bucket/a/k?uploadId=" ID,
               .headers = {"if-none-match: *", "content-type: application/xml", "!x-amz-server-side-encryption"},
               .body = COMPLETE("<Part><ChecksumCRC32C>" ONE_CRC32C
                                "</ChecksumCRC32C><ETag>\"p1\"</ETag><PartNumber>1</PartNumber></Part>"
                                "<Part><ChecksumCRC32C>" TWO_CRC32C
                                "</ChecksumCRC32C><ETag>\"p2\"</ETag><PartNumber>2</PartNumber></Part>")),
        REPLY(200, .body = "\n \n" COMPLETED("e-2"), .headers = {"Date: Tue, 10 Nov 2026 10:00:00 GMT"}),
        /* another store than Amazon's may say something else than in its commit */
        EXPECT("HEAD /bucket/a/k"),
        REPLY(200, .length = 6, .headers = {"ETag: \"f-2\"", "x-amz-meta-run: R1"}),
    };
    static const struct sf_meta meta = {sizeof(meta), 0, SF_META_SHA256, DATA_SHA256};
    struct sf_upload_args whole = args;
    struct sf_part_result results[2];
    struct sf_part_done parts[2];
    struct sf_upload *upload;
    struct talk talk;

    whole.precondition = SF_IF_ABSENT;
    whole.meta = &meta;
    whole.meta_count = 1;
    whole.storage_class = "STANDARD_IA";
    talk_start(&talk, dialogue, "sse", "AES256", NULL);
    upload = talk_begin(&talk, &whole, NULL);
    ck_assert_ptr_nonnull(upload);
    ck_assert_int_eq(talk_part(&talk, upload, 2, "two", &results[1]), 0);
    ck_assert_int_eq(talk_part(&talk, upload, 1, "one", &results[0]), 0);
    ck_assert_uint_eq(results[0].persisted, 3);
    parts[0] = done(1, &results[0]);
    parts[1] = done(2, &results[1]);
    ck_assert_msg(talk_commit(&talk, upload, &whole, parts, 2) == 0, "%s", talk.err.text);
    ck_assert_str_eq(talk.object.tag, "f-2");
    ck_assert_uint_eq(talk.object.bytes, 6);
    ck_assert_uint_eq(talk.requests[SF_REQUEST_UPLOAD_BEGIN], 1);
    ck_assert_uint_eq(talk.requests[SF_REQUEST_UPLOAD_PART], 2);
    ck_assert_uint_eq(talk.requests[SF_REQUEST_UPLOAD_COMMIT], 1);
    talk.s3->upload_close(upload);
    talk_stop(&talk);
}
END_TEST

/* In each form: what begin says, what a part has, what commit names. */
START_TEST(forms_of_the_digest)
{
    static const struct {
        const char *checksum, *begin, *type, *part, *commit;
    } rows[] = {
        {"sha256", "x-amz-checksum-algorithm: SHA256", "x-amz-checksum-type: COMPOSITE",
         "x-amz-checksum-sha256: " ONE_SHA256,
         COMPLETE("<Part><ChecksumSHA256>" ONE_SHA256
                  "</ChecksumSHA256><ETag>\"p1\"</ETag><PartNumber>1</PartNumber></Part>")},
        {"md5", "!x-amz-checksum-algorithm", "!x-amz-checksum-type", "content-md5: " ONE_MD5,
         COMPLETE("<Part><ETag>\"p1\"</ETag><PartNumber>1</PartNumber></Part>")},
        {"none", "!x-amz-checksum-algorithm", "!x-amz-checksum-type",
         "x-amz-content-sha256: 7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
         COMPLETE("<Part><ETag>\"p1\"</ETag><PartNumber>1</PartNumber></Part>")},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct httpd_step dialogue[] = {
            EXPECT("POST /bucket/a/k?uploads=", .headers = {rows[i].begin, rows[i].type}),
            REPLY(200, .body = BEGUN),
            EXPECT("PUT /bucket/a/k?partNumber=1&uploadId=" ID, .headers = {rows[i].part, "!x-amz-checksum-crc32c"}),
            REPLY(200, .headers = {"ETag: \"p1\""}),
            EXPECT("POST /bucket/a/k?uploadId=" ID, .body = rows[i].commit),
            REPLY(200, .body = COMPLETED("e-1")),
            EXPECT("HEAD /bucket/a/k"),
            REPLY(200, .length = 3, .headers = {"ETag: \"e-1\""})};
        struct sf_upload_args whole = {.key = "a/k", .bytes = 3};
        struct sf_part_result result;
        struct sf_part_done part;
        struct sf_upload *upload;
        struct talk talk;

        talk_start(&talk, dialogue, "checksum", rows[i].checksum, NULL);
        upload = talk_begin(&talk, &whole, NULL);
        ck_assert_msg(upload != NULL, "%s", talk.err.text);
        ck_assert_msg(talk_part(&talk, upload, 1, "one", &result) == 0, "%s", talk.err.text);
        part = done(1, &result);
        ck_assert_msg(talk_commit(&talk, upload, &whole, &part, 1) == 0, "%s", talk.err.text);
        talk.s3->upload_close(upload);
        talk_stop(&talk);
    }
}
END_TEST

START_TEST(a_token_brings_the_upload_back)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("POST /bucket/a/k?uploads="),
        REPLY(200, .body = BEGUN),
        EXPECT("PUT /bucket/a/k?partNumber=1&uploadId=" ID, .headers = {"x-amz-checksum-crc32c: " ONE_CRC32C}),
        REPLY(200, .headers = {"ETag: \"p1\"", "x-amz-checksum-crc32c: " ONE_CRC32C}),
        EXPECT("POST /bucket/a/k?uploadId=" ID,
               .body = COMPLETE("<Part><ChecksumCRC32C>" ONE_CRC32C
                                "</ChecksumCRC32C><ETag>\"p1\"</ETag><PartNumber>1</PartNumber></Part>")),
        REPLY(200, .body = COMPLETED("e-1")),
        EXPECT("HEAD /bucket/a/k"),
        REPLY(200, .length = 3, .headers = {"ETag: \"e-1\""})};
    struct sf_upload_args whole = {.key = "a/k", .bytes = 3};
    struct sf_upload_token token;
    struct sf_part_result result;
    struct sf_part_done part;
    struct sf_upload *upload;
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    upload = talk_begin(&talk, &whole, &token);
    ck_assert_uint_gt(token.bytes, 0);
    ck_assert_int_eq(talk_part(&talk, upload, 1, "one", &result), 0);
    talk.s3->upload_close(upload);
    token.token[token.bytes] = '\0';
    upload = resume(&talk, token.token);
    part = done(1, &result);
    ck_assert_int_eq(talk_commit(&talk, upload, &whole, &part, 1), 0);
    talk.s3->upload_close(upload);
    talk_stop(&talk);
}
END_TEST

/* An upload that was begun for Content-MD5 has no place for another digest. */
START_TEST(the_parts_of_a_resumed_upload_keep_its_form)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/a/k?partNumber=1&uploadId=U1",
                                                        .headers = {"content-md5: " ONE_MD5, "!x-amz-checksum-crc32c"}),
                                                 REPLY(200, .headers = {"ETag: \"p1\""})};
    struct sf_part_result result;
    struct sf_upload *upload;
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    upload = resume(&talk, "mU1");
    ck_assert_int_eq(talk_part(&talk, upload, 1, "one", &result), 0);
    talk.s3->upload_close(upload);
    talk_stop(&talk);
}
END_TEST

START_TEST(tokens_that_are_none)
{
    static const struct httpd_step dialogue[] = {EXPECT("DELETE /bucket/a/k?uploadId=U1"), REPLY(204)};
    static const char *const bad[] = {"", "c", "xU1", "U1"};
    struct sf_upload_args sized = {.size = sizeof(sized), .key = "a/k"};
    struct sf_upload *upload;
    uint64_t persisted;
    struct talk talk;
    size_t i;

    talk_start(&talk, dialogue, NULL);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct sf_upload_token token = {.size = sizeof(token), .bytes = (uint32_t)strlen(bad[i])};

        memcpy(token.token, bad[i], strlen(bad[i]));
        ck_assert_int_eq(talk.s3->upload_resume(&talk.call, talk.conn, &sized, &token, &persisted, &upload, &talk.err),
                         -1);
        talk_failed(&talk, SF_INVALID, 0, "a/k: ", "token", NULL);
    }
    upload = resume(&talk, "cU1");
    ck_assert_int_eq(abort_it(&talk, upload), 0);
    talk.s3->upload_close(upload);
    talk_stop(&talk);
}
END_TEST

START_TEST(refusals_of_a_commit)
{
    static const struct {
        int status;
        const char *body;
        uint32_t precondition;
        enum sf_class cls;
        int maybe_applied;
    } rows[] = {
        {404, REFUSAL("NoSuchUpload"), SF_IF_ABSENT, SF_NOT_FOUND, 1},
        {404, REFUSAL("NoSuchUpload"), SF_IF_TAG, SF_NOT_FOUND, 1},
        {404, REFUSAL("NoSuchKey"), SF_IF_TAG, SF_PRECONDITION, 0},
        {412, REFUSAL("PreconditionFailed"), SF_IF_ABSENT, SF_EXISTS, 0},
        {412, REFUSAL("PreconditionFailed"), SF_IF_TAG, SF_PRECONDITION, 0},
        {409, REFUSAL("ConditionalRequestConflict"), SF_IF_ABSENT, SF_CONFLICT, 0},
        {200, REFUSAL("InternalError"), SF_IF_ABSENT, SF_TRANSIENT, 1},
        {504, "<html></html>", SF_IF_ABSENT, SF_TRANSIENT, 1},
    };
    static const struct sf_part_result one = {.opaque = "\"p1\"\n", .opaque_bytes = 5};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const bool is_tag = rows[i].precondition == SF_IF_TAG;
        const struct httpd_step dialogue[] = {
            EXPECT("POST /bucket/a/k?uploadId=U1", .headers = {is_tag ? "if-match: \"t1\"" : "if-none-match: *"}),
            REPLY(rows[i].status, .body = rows[i].body)};
        const struct sf_upload_args whole = {
            .key = "a/k", .bytes = 3, .precondition = rows[i].precondition, .if_tag = is_tag ? "t1" : NULL};
        const struct sf_part_done part = done(1, &one);
        struct sf_upload *upload;
        struct talk talk;

        talk_start(&talk, dialogue, NULL);
        upload = resume(&talk, "cU1");
        ck_assert_int_eq(talk_commit(&talk, upload, &whole, &part, 1), -1);
        talk_failed(&talk, rows[i].cls, rows[i].status, "a/k: ", NULL);
        ck_assert_msg(talk.err.maybe_applied == rows[i].maybe_applied, "%s", talk.err.text);
        talk.s3->upload_close(upload);
        talk_stop(&talk);
    }
}
END_TEST

START_TEST(after_the_commit_the_object_is_looked_at)
{
    static const struct {
        int status;
        size_t length;
        const char *header;
        enum sf_class cls;
        int maybe_applied;
    } rows[] = {{200, 2, "ETag: \"e\"", SF_CORRUPT, 0},
                {503, 0, NULL, SF_TRANSIENT, 1},
                {404, 0, NULL, SF_NOT_FOUND, 1},
                {200, 3, NULL, SF_PERMANENT, 1}};
    static const struct sf_part_result one = {.opaque = "\"p1\"\n", .opaque_bytes = 5};
    const struct sf_upload_args whole = {.key = "a/k", .bytes = 3};
    const struct sf_part_done part = done(1, &one);
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct httpd_step dialogue[] = {
            EXPECT("POST /bucket/a/k?uploadId=U1"), REPLY(200, .body = COMPLETED("e-1")), EXPECT("HEAD /bucket/a/k"),
            REPLY(rows[i].status, .length = rows[i].length, .headers = {rows[i].header})};
        struct sf_upload *upload;
        struct talk talk;

        talk_start(&talk, dialogue, NULL);
        upload = resume(&talk, "cU1");
        ck_assert_int_eq(talk_commit(&talk, upload, &whole, &part, 1), -1);
        talk_failed(&talk, rows[i].cls, talk.err.status, "a/k: ", NULL);
        ck_assert_msg(talk.err.maybe_applied == rows[i].maybe_applied, "%s", talk.err.text);
        talk.s3->upload_close(upload);
        talk_stop(&talk);
    }
}
END_TEST

START_TEST(parts_that_do_not_make_the_object)
{
    static const struct httpd_step dialogue[] = {EXPECT("DELETE /bucket/a/k?uploadId=U1"), REPLY(204)};
    static const struct sf_part_result one = {.opaque = "\"p1\"\n", .opaque_bytes = 5},
                                       foreign = {.opaque = "??", .opaque_bytes = 2};
    struct sf_part_done part = done(1, &one);
    struct sf_upload *upload;
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    upload = resume(&talk, "cU1");
    ck_assert_int_eq(talk_commit(&talk, upload, &args, &part, 1), -1); /* 3 of 6 bytes */
    talk_failed(&talk, SF_INVALID, 0, "a/k: ", NULL);
    part = done(1, &foreign);
    ck_assert_int_eq(talk_commit(&talk, upload, &(struct sf_upload_args){.key = "a/k", .bytes = 3}, &part, 1), -1);
    talk_failed(&talk, SF_INVALID, 0, "a/k: ", NULL);
    ck_assert_uint_eq(httpd_requests(talk.server), 0);
    ck_assert_int_eq(abort_it(&talk, upload), 0);
    talk.s3->upload_close(upload);
    talk_stop(&talk);
}
END_TEST

START_TEST(parts_that_the_store_refuses_or_garbles)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /bucket/a/k?partNumber=1&uploadId=U1"),
        REPLY(404, .body = REFUSAL("NoSuchUpload")),
        EXPECT("PUT /bucket/a/k?partNumber=1&uploadId=U1"),
        REPLY(400, .body = REFUSAL("BadDigest")),
        EXPECT("PUT /bucket/a/k?partNumber=1&uploadId=U1"),
        REPLY(200, .headers = {"ETag: \"p1\"", "x-amz-checksum-crc32c: AAAAAA=="}),
        EXPECT("PUT /bucket/a/k?partNumber=1&uploadId=U1"),
        REPLY(200, .headers = {"x-amz-checksum-crc32c: " ONE_CRC32C}),
        EXPECT("PUT /bucket/a/k?partNumber=10000&uploadId=U1"),
        REPLY(200, .headers = {"ETag: p1", "x-amz-checksum-crc32c: " ONE_CRC32C}),
    };
    static const enum sf_class classes[] = {SF_NOT_FOUND, SF_CORRUPT, SF_CORRUPT, SF_PERMANENT};
    struct sf_part_result result;
    struct sf_upload *upload;
    struct talk talk;
    size_t i;

    talk_start(&talk, dialogue, NULL);
    upload = resume(&talk, "cU1");
    for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        ck_assert_int_eq(talk_part(&talk, upload, 1, "one", &result), -1);
        talk_failed(&talk, classes[i], talk.err.status, "a/k: ", NULL);
    }
    ck_assert_int_eq(talk_part(&talk, upload, 10000, "one", &result), 0);
    talk.s3->upload_close(upload);
    talk_stop(&talk);
}
END_TEST

START_TEST(an_abort_of_what_is_not_there)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("DELETE /bucket/a/k?uploadId=U1"), REPLY(204),
        EXPECT("DELETE /bucket/a/k?uploadId=U1"), REPLY(404, .body = REFUSAL("NoSuchUpload")),
        EXPECT("DELETE /bucket/a/k?uploadId=U1"), REPLY(403, .body = REFUSAL("AccessDenied")),
    };
    struct sf_upload *upload;
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    upload = resume(&talk, "nU1");
    ck_assert_int_eq(abort_it(&talk, upload), 0);
    ck_assert_int_eq(abort_it(&talk, upload), 0);
    ck_assert_int_eq(talk.err.cls, SF_OK);
    ck_assert_int_eq(abort_it(&talk, upload), -1);
    talk_failed(&talk, SF_DENIED, 403, "a/k: ", NULL);
    ck_assert_uint_eq(talk.requests[SF_REQUEST_UPLOAD_ABORT], 3);
    talk.s3->upload_close(upload);
    talk_stop(&talk);
}
END_TEST

START_TEST(a_begin_without_checksums_goes_on_with_md5)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("POST /bucket/a/k?uploads=", .headers = {"x-amz-checksum-algorithm: CRC32C"}),
        REPLY(501, .body = REFUSAL("NotImplemented")),
        EXPECT("POST /bucket/a/k?uploads=", .headers = {"!x-amz-checksum-algorithm", "!x-amz-checksum-type"}),
        REPLY(200, .body = BEGUN),
        EXPECT("PUT /bucket/a/k?partNumber=1&uploadId=" ID, .headers = {"content-md5: " ONE_MD5}),
        REPLY(200, .headers = {"ETag: \"p1\""}),
    };
    struct sf_part_result result;
    struct sf_upload *upload;
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    upload = talk_begin(&talk, &args, NULL);
    ck_assert_msg(upload != NULL, "%s", talk.err.text);
    ck_assert_int_eq(talk_part(&talk, upload, 1, "one", &result), 0);
    talk.s3->upload_close(upload);
    talk_stop(&talk);
}
END_TEST

UNIT_MAIN("s3/upload", &from_begin_to_commit, &forms_of_the_digest, &a_token_brings_the_upload_back,
          &the_parts_of_a_resumed_upload_keep_its_form, &tokens_that_are_none, &refusals_of_a_commit,
          &after_the_commit_the_object_is_looked_at, &parts_that_do_not_make_the_object,
          &parts_that_the_store_refuses_or_garbles, &an_abort_of_what_is_not_there,
          &a_begin_without_checksums_goes_on_with_md5)
