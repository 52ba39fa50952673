/* SPDX-License-Identifier: Apache-2.0
 *
 * What is mended and sent again, once each: the region, the clock. And what the log shows of it all.
 */
#include "tests/plugins/s3/talk.h"

#include "base/clock.h"
#include "plugins/common/text.h"

#include <stdlib.h>
#include <time.h>

#define TAG "ETag: \"e1\""
#define REGION_OF(code, region)                                                                                        \
    XML "<Error><Code>" code "</Code><Message>m</Message><Region>" region "</Region></Error>"
#define IN_REGION "x-amz-bucket-region: eu-west-3"
#define LOCATION "Location: http://127.0.0.1:9/elsewhere"

static void scoped(struct talk *talk, size_t request, const char *region)
{
    char scope[64];

    snprintf(scope, sizeof(scope), "/%s/s3/aws4_request", region);
    ck_assert_msg(strstr(talk_sent(talk, request, "authorization"), scope) != NULL, "%zu: %s", request,
                  talk_sent(talk, request, "authorization"));
}

START_TEST(the_region_is_learnt_once)
{
    static const struct {
        int status;
        const char *body, *header;
    } rows[] = {
        {301, REFUSAL("PermanentRedirect"), IN_REGION},
        {307, REFUSAL("TemporaryRedirect"), IN_REGION},
        {400, REFUSAL("AuthorizationHeaderMalformed"), IN_REGION},
        {301, REGION_OF("PermanentRedirect", "eu-west-3"), NULL},
        {400, REGION_OF("AuthorizationHeaderMalformed", "eu-west-3"), NULL},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct httpd_step dialogue[] = {
            EXPECT("PUT /bucket/k", .headers = {ECHO}, .body = "data"),
            REPLY(rows[i].status, .body = rows[i].body, .headers = {LOCATION, rows[i].header}),
            EXPECT("PUT /bucket/k", .headers = {ECHO}, .body = "data"),
            REPLY(200, .headers = {TAG, ECHO}),
            EXPECT("PUT /bucket/k"),
            REPLY(200, .headers = {TAG, ECHO}),
            ACCEPT(), /* another connection */
            EXPECT("HEAD /bucket/k"),
            REPLY(200, .headers = {TAG})};
        struct talk talk;

        talk_start(&talk, dialogue, NULL);
        ck_assert_msg(talk_put(&talk, "k", "data") == 0, "%s", talk.err.text);
        ck_assert_int_eq(talk_put(&talk, "k", "data"), 0);
        talk.s3->conn_close(talk.conn);
        ck_assert_int_eq(talk.s3->conn_open(&talk.call, talk.store, &talk.conn, &talk.err), 0);
        ck_assert_int_eq(talk_stat(&talk, "k"), 0);
        scoped(&talk, 0, "us-east-1");
        scoped(&talk, 1, "eu-west-3");
        scoped(&talk, 2, "eu-west-3");
        scoped(&talk, 3, "eu-west-3");
        ck_assert_uint_eq(talk_count(buf_text(&talk.log), "info: bucket bucket is in region eu-west-3"), 1);
        ck_assert_uint_eq(talk.requests[SF_REQUEST_PUT], 3); /* each is reported */
        talk_stop(&talk);
    }
}
END_TEST

START_TEST(a_head_learns_it_from_the_header)
{
    static const struct httpd_step dialogue[] = {EXPECT("HEAD /bucket/k"), REPLY(400, .headers = {IN_REGION}),
                                                 EXPECT("HEAD /bucket/k"), REPLY(200, .headers = {TAG})};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_stat(&talk, "k"), 0);
    scoped(&talk, 1, "eu-west-3");
    talk_stop(&talk);
}
END_TEST

START_TEST(a_list_starts_anew)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /bucket?*"), REPLY(301, .body = REFUSAL("PermanentRedirect"), .headers = {IN_REGION}),
        EXPECT("GET /bucket?*"),
        REPLY(200, .body = "<ListBucketResult><Contents><Key>a</Key><Size>1</Size></Contents></ListBucketResult>")};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_list(&talk, &(struct sf_list_query){.prefix = ""}), 0);
    ck_assert_str_eq(buf_text(&talk.got), "a 1 \n");
    talk_stop(&talk);
}
END_TEST

START_TEST(not_twice_and_not_to_where_it_was)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /bucket/k"),
        REPLY(301, .body = REFUSAL("PermanentRedirect"), .headers = {LOCATION, IN_REGION}),
        EXPECT("PUT /bucket/k"),
        REPLY(301, .body = REFUSAL("PermanentRedirect"), .headers = {LOCATION, "x-amz-bucket-region: eu-north-1"}),
    };
    static const struct httpd_step same[] = {
        EXPECT("PUT /bucket/k"),
        REPLY(400, .body = REFUSAL("AuthorizationHeaderMalformed"), .headers = {"x-amz-bucket-region: us-east-1"}),
        EXPECT("PUT /bucket/k"), REPLY(307, .body = "", .headers = {LOCATION})};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
    talk_failed(&talk, SF_INVALID, 301, "k: ", "PermanentRedirect", "region", NULL);
    talk_stop(&talk);
    talk_start(&talk, same, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
    talk_failed(&talk, SF_AUTH, 400, "k: ", "AuthorizationHeaderMalformed", "region", NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
    ck_assert_int_eq(talk.err.status, 307);
    ck_assert_int_eq(talk.err.cls, SF_PERMANENT);
    talk_stop(&talk);
}
END_TEST

START_TEST(a_region_that_is_no_region)
{
    static const char *const regions[] = {"x-amz-bucket-region: evil.example/x?", "x-amz-bucket-region: a b",
                                          "x-amz-bucket-region: "};
    size_t i;

    for (i = 0; i < 3; i++) {
        const struct httpd_step dialogue[] = {
            EXPECT("PUT /bucket/k"), REPLY(301, .body = REFUSAL("PermanentRedirect"), .headers = {regions[i]})};
        struct talk talk;

        talk_start(&talk, dialogue, NULL);
        ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
        talk_failed(&talk, SF_INVALID, 301, NULL);
        talk_stop(&talk);
    }
}
END_TEST

/* ---- the clock ---- */

static void date_header(int64_t ms, char *text, size_t size)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(text, size, "Date: %a, %d %b %Y %H:%M:%S GMT", &tm);
}

/* The request was made by a clock that is about ms. A test that stood still for minutes would not know. */
static void dated(struct talk *talk, size_t request, int64_t ms)
{
    const char *date = talk_sent(talk, request, "x-amz-date");
    char early[AMZ_DATE_BYTES], late[AMZ_DATE_BYTES];

    amz_date(ms - 5000, early);
    amz_date(ms + 600000, late);
    ck_assert_msg(strcmp(date, early) >= 0 && strcmp(date, late) <= 0, "%zu: %s is not in %s to %s", request, date,
                  early, late);
}

START_TEST(the_clock_is_the_stores_from_then_on)
{
    const int64_t hour = 3600000, now = clock_wall_ms();
    const int64_t offs[] = {2 * hour, -2 * hour};
    size_t i;

    for (i = 0; i < 2; i++) {
        char date[64];
        const struct httpd_step dialogue[] = {
            EXPECT("PUT /bucket/k"), REPLY(403, .body = REFUSAL("RequestTimeTooSkewed"), .headers = {date}),
            EXPECT("PUT /bucket/k"), REPLY(200, .headers = {TAG, ECHO}),
            EXPECT("PUT /bucket/k"), REPLY(200, .headers = {TAG, ECHO})};
        struct talk talk;

        date_header(now + offs[i], date, sizeof(date));
        talk_start(&talk, dialogue, NULL);
        ck_assert_msg(talk_put(&talk, "k", "data") == 0, "%s", talk.err.text);
        ck_assert_int_eq(talk_put(&talk, "k", "data"), 0);
        dated(&talk, 0, now);
        dated(&talk, 1, now + offs[i]);
        dated(&talk, 2, now + offs[i]);
        ck_assert_uint_eq(talk_count(buf_text(&talk.log), "warning: "), 1);
        ck_assert_ptr_nonnull(strstr(buf_text(&talk.log), "clock"));
        talk_stop(&talk);
    }
}
END_TEST

START_TEST(a_head_is_refused_without_a_reason)
{
    const int64_t now = clock_wall_ms(), off = -7200000;
    char date[64], right[64];
    const struct httpd_step dialogue[] = {
        EXPECT("HEAD /bucket/k"), REPLY(403, .headers = {right}), /* that is not the clock */
        EXPECT("HEAD /bucket/k"), REPLY(403, .headers = {date}),
        EXPECT("HEAD /bucket/k"), REPLY(200, .headers = {TAG}),
    };
    struct talk talk;

    date_header(now, right, sizeof(right));
    date_header(now + off, date, sizeof(date));
    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_stat(&talk, "k"), -1);
    talk_failed(&talk, SF_DENIED, 403, "k: ", NULL);
    ck_assert_int_eq(talk_stat(&talk, "k"), 0);
    dated(&talk, 2, now + off);
    talk_stop(&talk);
}
END_TEST

START_TEST(the_clock_is_not_mended_twice)
{
    static const struct httpd_step undated[] = {EXPECT("PUT /bucket/k"),
                                                REPLY(403, .body = REFUSAL("RequestTimeTooSkewed"))};
    char date[64];
    const struct httpd_step dialogue[] = {
        EXPECT("PUT /bucket/k"), REPLY(403, .body = REFUSAL("RequestTimeTooSkewed"), .headers = {date}),
        EXPECT("PUT /bucket/k"), REPLY(403, .body = REFUSAL("RequestTimeTooSkewed"), .headers = {date})};
    struct talk talk;

    date_header(clock_wall_ms() + 7200000, date, sizeof(date));
    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
    talk_failed(&talk, SF_AUTH, 403, "k: ", "RequestTimeTooSkewed", "clock", NULL);
    talk_stop(&talk);
    talk_start(&talk, undated, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
    talk_failed(&talk, SF_AUTH, 403, "k: ", "clock", NULL);
    talk_stop(&talk);
}
END_TEST

START_TEST(one_after_the_other)
{
    char date[64];
    const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/k"),
                                          REPLY(301, .body = REFUSAL("PermanentRedirect"), .headers = {IN_REGION}),
                                          EXPECT("PUT /bucket/k"),
                                          REPLY(403, .body = REFUSAL("RequestTimeTooSkewed"), .headers = {date}),
                                          EXPECT("PUT /bucket/k", .headers = {ECHO}),
                                          REPLY(501, .body = REFUSAL("NotImplemented")),
                                          EXPECT("PUT /bucket/k", .headers = {"content-md5: " DATA_MD5}),
                                          REPLY(200, .headers = {TAG})};
    struct talk talk;

    date_header(clock_wall_ms() + 7200000, date, sizeof(date));
    talk_start(&talk, dialogue, NULL);
    ck_assert_msg(talk_put(&talk, "k", "data") == 0, "%s", talk.err.text);
    scoped(&talk, 3, "eu-west-3");
    talk_stop(&talk);
}
END_TEST

/* ---- the log ---- */

START_TEST(the_log_shows_requests_and_no_secret)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /bucket/k", .headers = {"x-amz-security-token: " TALK_TOKEN}),
        REPLY(200, .headers = {TAG, ECHO}),
        EXPECT("GET /bucket?*"),
        REPLY(403, .body = REFUSAL("AccessDenied")),
    };
    const char *log, *signature;
    struct talk talk;

    talk_start(&talk, dialogue, "session_token", TALK_TOKEN, NULL);
    ck_assert_int_eq(talk_put(&talk, "k", "data"), 0);
    ck_assert_int_eq(talk_list(&talk, &(struct sf_list_query){.prefix = "p/"}), -1);
    log = buf_text(&talk.log);
    ck_assert_ptr_nonnull(strstr(log, "PUT "));
    ck_assert_ptr_nonnull(strstr(log, "/bucket/k"));
    ck_assert_ptr_nonnull(strstr(log, "200"));
    ck_assert_ptr_nonnull(strstr(log, "prefix=p%2F"));
    ck_assert_ptr_nonnull(strstr(log, "403"));
    ck_assert_ptr_null(strstr(log, TALK_SECRET));
    ck_assert_ptr_null(strstr(log, TALK_TOKEN));
    signature = strstr(talk_sent(&talk, 0, "authorization"), "Signature=");
    ck_assert_ptr_nonnull(signature);
    ck_assert_msg(strstr(log, signature + 10) == NULL, "%s", log);
    talk_stop(&talk);
}
END_TEST

START_TEST(a_cancelled_call_sends_nothing)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/k"), REPLY(200, .headers = {TAG, ECHO})};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    talk.is_cancelled = 1;
    ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
    talk_failed(&talk, SF_CANCELLED, 0, "k", NULL);
    ck_assert_uint_eq(httpd_requests(talk.server), 0);
    talk.is_cancelled = 0;
    ck_assert_int_eq(talk_put(&talk, "k", "data"), 0);
    talk_stop(&talk);
}
END_TEST

UNIT_MAIN("s3/mending", &the_region_is_learnt_once, &a_head_learns_it_from_the_header, &a_list_starts_anew,
          &not_twice_and_not_to_where_it_was, &a_region_that_is_no_region, &the_clock_is_the_stores_from_then_on,
          &a_head_is_refused_without_a_reason, &the_clock_is_not_mended_twice, &one_after_the_other,
          &the_log_shows_requests_and_no_secret, &a_cancelled_call_sends_nothing)
