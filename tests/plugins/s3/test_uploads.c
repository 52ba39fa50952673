/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of unfinished uploads, and that each of them can be ended.
 */
#include "tests/plugins/s3/talk.h"

#define RESULT(text)                                                                                                   \
    XML "<ListMultipartUploadsResult" S3_NS "><Bucket>bucket</Bucket>" text "</ListMultipartUploadsResult>"
#define UPLOAD(key, id)                                                                                                \
    "<Upload><Key>" key "</Key><UploadId>" id                                                                          \
    "</UploadId><Initiated>2026-11-10T10:00:00.000Z</Initiated><Owner><ID>x</ID></Owner></Upload>"
#define MORE(key, id)                                                                                                  \
    "<IsTruncated>true</IsTruncated><NextKeyMarker>" key "</NextKeyMarker><NextUploadIdMarker>" id                     \
    "</NextUploadIdMarker>"

struct found {
    struct talk *talk;
    struct sf_upload_token token; /* of the last one */
    char key[64];
};

static void take(void *ctx, const struct sf_upload_info *info)
{
    struct found *found = ctx;

    buf_printf(&found->talk->got, "%s %lld\n", info->key, (long long)info->started_ms);
    found->token = (struct sf_upload_token){.size = sizeof(found->token), .bytes = info->token_bytes};
    memcpy(found->token.token, info->token, info->token_bytes);
    snprintf(found->key, sizeof(found->key), "%s", info->key);
}

static int list_uploads(struct talk *talk, const char *prefix, struct found *found)
{
    const struct sf_uploads_sink sink = {.size = sizeof(sink), .ctx = found, .upload = take};

    *found = (struct found){.talk = talk};
    talk->err = (struct sf_error)SF_ERROR_INIT;
    buf_clear(&talk->got);
    return talk->s3->uploads_list(&talk->call, talk->conn, prefix, &sink, &talk->err);
}

START_TEST(all_pages_below_a_prefix)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /bucket?encoding-type=url&prefix=p%2F&uploads="),
        REPLY(200,
              .body = RESULT("<EncodingType>url</EncodingType>" MORE("p%2Fa+b", "U/1+") UPLOAD("p%2Fa+b", "U/1+"))),
        EXPECT("GET /bucket?encoding-type=url&key-marker=p%2Fa%20b&prefix=p%2F&upload-id-marker=U%2F1%2B&uploads="),
        REPLY(200,
              .body = RESULT(UPLOAD("p/100%25", "U2") UPLOAD("p/100%25", "U3") "<IsTruncated>false</IsTruncated>")),
        EXPECT("DELETE /bucket/p/100%2525?uploadId=U3"),
        REPLY(204),
    };
    struct sf_upload_args args = {.size = sizeof(args)};
    struct sf_upload *upload;
    struct found found;
    uint64_t persisted;
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_msg(list_uploads(&talk, "p/", &found) == 0, "%s", talk.err.text);
    ck_assert_str_eq(buf_text(&talk.got), "p/a b 1794304800000\np/100%25 1794304800000\np/100%25 1794304800000\n");
    ck_assert_uint_eq(talk.requests[SF_REQUEST_LIST], 2);
    args.key = found.key;
    ck_assert_int_eq(talk.s3->upload_resume(&talk.call, talk.conn, &args, &found.token, &persisted, &upload, &talk.err),
                     0);
    ck_assert_int_eq(talk.s3->upload_abort(&talk.call, talk.conn, upload, &talk.err), 0);
    talk.s3->upload_close(upload);
    talk_stop(&talk);
}
END_TEST

START_TEST(of_the_whole_bucket)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /bucket?encoding-type=url&uploads="),
                                                 REPLY(200, .body = RESULT(""))};
    struct found found;
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(list_uploads(&talk, "", &found), 0);
    ck_assert_str_eq(buf_text(&talk.got), "");
    talk_stop(&talk);
}
END_TEST

START_TEST(a_store_that_ignores_the_prefix)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /bucket?encoding-type=url&prefix=p%2F&uploads="),
                                                 REPLY(200, .body = RESULT(UPLOAD("other", "U1") UPLOAD("p/a", "U2")))};
    struct found found;
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(list_uploads(&talk, "p/", &found), 0);
    ck_assert_str_eq(buf_text(&talk.got), "p/a 1794304800000\n");
    talk_stop(&talk);
}
END_TEST

START_TEST(a_list_that_does_not_move_on_ends)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /bucket?encoding-type=url&uploads="),
        REPLY(200, .body = RESULT(MORE("a", "U1"))),
        EXPECT("GET /bucket?encoding-type=url&key-marker=a&upload-id-marker=U1&uploads="),
        REPLY(200, .body = RESULT(MORE("a", "U1"))),
        EXPECT("GET /bucket?encoding-type=url&uploads="),
        REPLY(200, .body = RESULT("<IsTruncated>true</IsTruncated>" UPLOAD("a", "U1")))};
    struct found found;
    struct talk talk;
    int i;

    talk_start(&talk, dialogue, NULL);
    for (i = 0; i < 2; i++) {
        ck_assert_int_eq(list_uploads(&talk, "", &found), -1);
        talk_failed(&talk, SF_PERMANENT, 0, "bucket bucket", NULL);
        ck_assert_str_eq(buf_text(&talk.got), "");
    }
    talk_stop(&talk);
}
END_TEST

START_TEST(what_fails_yields_nothing)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /bucket?encoding-type=url&uploads="),
        REPLY(200, .body = RESULT(MORE("a", "U1") UPLOAD("a", "U1"))),
        EXPECT("GET /bucket?encoding-type=url&key-marker=a&upload-id-marker=U1&uploads="),
        REPLY(501, .body = REFUSAL("NotImplemented")),
        EXPECT("GET /bucket?encoding-type=url&uploads="),
        REPLY(200, .body = "<ListBucketResult/>"),
        EXPECT("GET /bucket?encoding-type=url&uploads="),
        REPLY(403, .body = REFUSAL("AccessDenied")),
    };
    static const enum sf_class classes[] = {SF_UNSUPPORTED, SF_TRANSIENT, SF_DENIED};
    struct found found;
    struct talk talk;
    size_t i;

    talk_start(&talk, dialogue, NULL);
    for (i = 0; i < 3; i++) {
        ck_assert_int_eq(list_uploads(&talk, "", &found), -1);
        talk_failed(&talk, classes[i], talk.err.status, "bucket bucket", NULL);
        ck_assert_str_eq(buf_text(&talk.got), "");
    }
    talk_stop(&talk);
}
END_TEST

UNIT_MAIN("s3/uploads", &all_pages_below_a_prefix, &of_the_whole_bucket, &a_store_that_ignores_the_prefix,
          &a_list_that_does_not_move_on_ends, &what_fails_yields_nothing)
