/* SPDX-License-Identifier: Apache-2.0
 *
 * Ends that come while the request is still on its way: a refusal, a source that fails; and a sink that does.
 */
#include "tests/plugins/common/session.h"

#include <string.h>

#define LARGE (32u * 1024 * 1024) /* more than the sockets take in */
#define NEXT ACCEPT(), EXPECT("GET /next"), REPLY(200)

/* ---- refused while we send ---- */

/* The answer and the reset behind it come while our source is being read: what libcurl looks at next is its own send. */
static void refused_early(const struct httpd_step *dialogue, size_t steps, unsigned wait_steps)
{
    struct source source = SOURCE_INIT;
    struct sf_body body = session_source(&source, LARGE);
    struct http_request request;
    struct session session;

    session_open(&session, httpd_start_as(HTTPD_PLAIN, dialogue, steps));
    source.server = session.server;
    source.wait_at = 400000;
    source.wait_steps = wait_steps;
    request = session_request(&session, HTTP_PUT, "/k");
    request.body = &body;
    ck_assert_msg(session_send(&session, &request) == 403, "%s", session.err.text);
    ck_assert_str_eq(buf_text(&session.response.body), "<Error/>");
    ck_assert_int_eq(session.status, 403);
    ck_assert_uint_lt(session.bytes, LARGE);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/next"), 200); /* on another connection */
    session_close(&session);
}

START_TEST(refused_early_then_reset)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /k", .part = 100000),
        REPLY(403, .body = "<Error/>"),
        CUT(),
        ACCEPT(),
        EXPECT("GET /next"),
        REPLY(200),
    };

    refused_early(dialogue, 6, 3);
}
END_TEST

START_TEST(refused_early_then_closed)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /k", .part = HTTPD_NONE),
        REPLY(403, .body = "<Error/>", .close = true),
        ACCEPT(),
        EXPECT("GET /next"),
        REPLY(200),
    };

    refused_early(dialogue, 5, 2);
}
END_TEST

START_TEST(refused_early_and_left_open)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /k", .part = 100000),
        REPLY(403, .body = "<Error/>"),
        STALL(),
        ACCEPT(),
        EXPECT("GET /next"),
        REPLY(200),
    };

    refused_early(dialogue, 6, 2);
}
END_TEST

START_TEST(a_success_before_all_was_sent_is_none)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /k", .part = 100000),
        REPLY(200, .close = true),
    };
    struct source source = SOURCE_INIT;
    struct sf_body body = session_source(&source, LARGE);
    struct http_request request;
    struct session session;

    session_open(&session, httpd_start(dialogue));
    source.server = session.server;
    source.wait_at = 400000;
    source.wait_steps = 2;
    request = session_request(&session, HTTP_PUT, "/k");
    request.body = &body;
    ck_assert_int_eq(session_send(&session, &request), -1);
    session_failed(&session, SF_TRANSIENT, "the-object: ");
    ck_assert_int_eq(session.err.maybe_applied, 1);
    ck_assert_int_lt(session.status, 0);
    session_close(&session);
}
END_TEST

/* ---- our own side ---- */

static void source_fails(struct source source, uint64_t bytes, const struct httpd_step *dialogue, size_t steps,
                         enum sf_class cls, const char *words)
{
    struct sf_body body = session_source(&source, bytes);
    struct http_request request;
    struct session session;

    session_open(&session, httpd_start_as(HTTPD_PLAIN, dialogue, steps));
    request = session_request(&session, HTTP_PUT, "/k");
    request.body = &body;
    ck_assert_int_eq(session_send(&session, &request), -1);
    session_failed(&session, cls, words);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/next"), 200);
    session_close(&session);
}

START_TEST(the_source_fails)
{
    static const struct httpd_step small[] = {EXPECT("GET /next"), REPLY(200)};
    static const struct httpd_step large[] = {EXPECT("PUT /k", .part = 1), STALL(), NEXT};
    struct source failing = SOURCE_INIT, ending = SOURCE_INIT;

    failing.fail_at = 0;
    source_fails(failing, 100, small, 2, SF_DENIED, "the source fails");
    failing.fail_at = 1000000;
    source_fails(failing, LARGE, large, 5, SF_DENIED, "the source fails");
    ending.end_at = 50;
    source_fails(ending, 100, small, 2, SF_CORRUPT, "the-object");
    ending.end_at = 1000000;
    source_fails(ending, LARGE, large, 5, SF_CORRUPT, "the-object");
}
END_TEST

static int refuse(void *ctx, const void *bytes, size_t length, struct sf_error *err)
{
    (void)ctx;
    (void)bytes;
    (void)length;
    return sf_fail(err, SF_NO_SPACE, "the sink is full");
}

START_TEST(the_sink_fails)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /k"), REPLY(200, .body = "hello"), NEXT};
    struct http_request request;
    struct session session;

    session_open(&session, httpd_start(dialogue));
    request = session_request(&session, HTTP_GET, "/k");
    request.write = refuse;
    ck_assert_int_eq(session_send(&session, &request), -1);
    ck_assert_int_eq(session.err.cls, SF_NO_SPACE);
    ck_assert_str_eq(session.err.text, "the sink is full");
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/next"), 200);
    session_close(&session);
}
END_TEST

UNIT_MAIN("http_early", &refused_early_then_reset, &refused_early_then_closed, &refused_early_and_left_open,
          &a_success_before_all_was_sent_is_none, &the_source_fails, &the_sink_fails)
