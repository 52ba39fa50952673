/* SPDX-License-Identifier: Apache-2.0
 *
 * What http_send() says when there is no whole answer: class, words, and whether the request may have taken effect.
 */
#include "tests/plugins/common/session.h"

#include "base/clock.h"

#include <string.h>

#define NEXT ACCEPT(), EXPECT("GET /next"), REPLY(200)

/* ---- cut ---- */

static void cut(const struct httpd_step *dialogue, size_t steps, enum http_method method, const char *words)
{
    struct session session;

    session_open(&session, httpd_start_as(HTTPD_PLAIN, dialogue, steps));
    ck_assert_int_eq(session_ask(&session, method, "/k"), -1);
    session_failed(&session, SF_TRANSIENT, "the-object: ");
    session_failed(&session, SF_TRANSIENT, words);
    ck_assert_int_eq(session.err.maybe_applied, 1);
    ck_assert_uint_eq(session.reports, 1);
    ck_assert_int_lt(session.status, 0);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/next"), 200);
    session_close(&session);
}

START_TEST(cut_before_the_answer)
{
    static const struct httpd_step reset[] = {EXPECT("PUT /k"), CUT(), NEXT};
    static const struct httpd_step closed[] = {EXPECT("PUT /k"), CLOSE(), NEXT};

    cut(reset, 5, HTTP_PUT, "the connection to 127.0.0.1:");
    cut(closed, 5, HTTP_PUT, "closed the connection without an answer");
}
END_TEST

START_TEST(cut_in_the_headers)
{
    static const struct httpd_step reset[] = {EXPECT("PUT /k"), RAW("HTTP/1.1 200 OK\r\nContent-Le"), CUT(), NEXT};
    static const struct httpd_step closed[] = {EXPECT("PUT /k"), RAW("HTTP/1.1 200 OK\r\nContent-Le"), CLOSE(), NEXT};

    cut(reset, 6, HTTP_PUT, "127.0.0.1:");
    cut(closed, 6, HTTP_PUT, "127.0.0.1:");
}
END_TEST

START_TEST(cut_in_the_body_of_a_success)
{
    static const struct httpd_step reset[] = {EXPECT("GET /k"), REPLY(200, .body = "0123456789", .part = 4), CUT(),
                                              NEXT};
    static const struct httpd_step closed[] = {EXPECT("GET /k"), REPLY(200, .body = "0123456789", .part = 4), CLOSE(),
                                               NEXT};
    static const struct httpd_step none[] = {EXPECT("GET /k"), REPLY(200, .body = "0123", .part = HTTPD_NONE), CLOSE(),
                                             NEXT};
    static const struct httpd_step chunked[] = {
        EXPECT("GET /k"), REPLY(200, .body = "0123456789", .chunked = true, .part = 4), CLOSE(), NEXT};

    cut(reset, 6, HTTP_GET, "127.0.0.1:");
    cut(closed, 6, HTTP_GET, "closed the connection in the middle of its answer");
    cut(none, 6, HTTP_GET, "closed the connection in the middle of its answer");
    cut(chunked, 6, HTTP_GET, "closed the connection in the middle of its answer");
}
END_TEST

START_TEST(a_refusal_counts_though_its_body_is_cut)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /k"),
        REPLY(403, .body = "<Error>whole</Error>", .part = 7),
        CLOSE(),
        NEXT,
    };
    struct session session;

    session_open(&session, httpd_start(dialogue));
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/k"), 403);
    ck_assert_str_eq(buf_text(&session.response.body), "<Error>");
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/next"), 200);
    session_close(&session);
}
END_TEST

START_TEST(what_is_no_http)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /k"), RAW("SSH-2.0-OpenSSH_9.2\r\n"), CLOSE(), NEXT};

    cut(dialogue, 6, HTTP_GET, "does not answer in HTTP");
}
END_TEST

START_TEST(a_connection_that_died_while_idle)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /k"), REPLY(200), CLOSE(), ACCEPT(), EXPECT("PUT /k", .body = "data"), REPLY(200),
    };
    struct sf_body body = session_memory("data", 4);
    struct http_request request;
    struct session session;

    session_open(&session, httpd_start(dialogue));
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/k"), 200);
    while (httpd_steps_done(session.server) < 3)
        clock_sleep_ms(1);
    request = session_request(&session, HTTP_PUT, "/k");
    request.body = &body;
    ck_assert_int_eq(session_send(&session, &request), 200);
    ck_assert(!session.response.is_resent); /* it was seen before anything was sent */
    session_close(&session);
}
END_TEST

/* libcurl takes a kept connection that ends without a byte of answer for one that was dead, and sends the request again. */
START_TEST(sent_twice_by_libcurl_is_told)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /k"), REPLY(200), EXPECT("PUT /k", .bytes = 100000),
        CLOSE(),          ACCEPT(),   EXPECT("PUT /k", .bytes = 100000),
        REPLY(412),
    };
    struct source source = SOURCE_INIT;
    struct sf_body body = session_source(&source, 100000);
    struct http_request request;
    struct sf_error err = SF_ERROR_INIT;
    struct session session;

    session_open(&session, httpd_start(dialogue));
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/k"), 200);
    request = session_request(&session, HTTP_PUT, "/k");
    request.body = &body;
    ck_assert_int_eq(session_send(&session, &request), 412);
    ck_assert(session.response.is_resent);
    ck_assert_uint_eq(session.bytes, 200000);
    ck_assert_uint_eq(session.reports, 2);
    http_fail(&err, &request, &session.response);
    ck_assert_int_eq(err.cls, SF_PRECONDITION);
    ck_assert_int_eq(err.maybe_applied, 1);
    session_close(&session);
}
END_TEST

/* ---- no connection ---- */

START_TEST(nobody_listens)
{
    struct http_request request = {.what = "the-object"};
    AUTO_FD fd = -1;
    char url[64], words[128];
    struct session session;

    session_open(&session, NULL);
    session_take_port(&fd, url, sizeof(url));
    request.url = url;
    ck_assert_int_eq(session_send(&session, &request), -1);
    snprintf(words, sizeof(words), "the-object: cannot connect to %s: Connection refused", url + strlen("http://"));
    session_failed(&session, SF_TRANSIENT, words);
    ck_assert_int_eq(session.err.maybe_applied, 0);
    ck_assert_uint_eq(session.reports, 1);
    ck_assert_int_eq(session.status, -7); /* CURLE_COULDNT_CONNECT */
    session_close(&session);
}
END_TEST

START_TEST(a_name_that_is_none)
{
    /* Longer than a label may be: no resolver asks a server about it. */
    struct http_request request = {
        .what = "the-object",
        .url = "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid/k"};
    struct session session;

    session_open(&session, NULL);
    ck_assert_int_eq(session_send(&session, &request), -1);
    session_failed(&session, SF_TRANSIENT, ".invalid:80 cannot be resolved");
    ck_assert_int_eq(session.err.maybe_applied, 0);
    session_close(&session);
}
END_TEST

UNIT_MAIN("http_broken", &cut_before_the_answer, &cut_in_the_headers, &cut_in_the_body_of_a_success,
          &a_refusal_counts_though_its_body_is_cut, &what_is_no_http, &a_connection_that_died_while_idle,
          &sent_twice_by_libcurl_is_told, &nobody_listens, &a_name_that_is_none)
