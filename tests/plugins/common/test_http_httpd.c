/* SPDX-License-Identifier: Apache-2.0
 *
 * The scripted server itself: it must see what it was told to see, and end whatever the client does.
 */
#include "tests/plugins/common/session.h"

#include <string.h>

/* Plays a dialogue against one PUT of "data" with the header "x-a: 1", and expects the mismatch. */
static void differs(const struct httpd_step *dialogue, size_t steps, const char *words)
{
    static const struct http_header headers[] = {{"x-a", "1"}};
    struct sf_body body = session_memory("data", 4);
    char mismatch[HTTPD_TEXT];
    struct http_request request;
    struct session session;

    session_open(&session, httpd_start_as(HTTPD_PLAIN, dialogue, steps));
    request = session_request(&session, HTTP_PUT, "/b/k");
    request.headers = headers;
    request.header_count = 1;
    request.body = &body;
    (void)session_send(&session, &request);
    ck_assert(!httpd_end(session.server, mismatch));
    ck_assert_msg(strstr(mismatch, words) != NULL, "'%s' has no '%s'", mismatch, words);
    session.server = NULL;
    session_close(&session);
}

#define DIFFERS(words, ...)                                                                                            \
    do {                                                                                                               \
        static const struct httpd_step dialogue[] = {__VA_ARGS__};                                                     \
                                                                                                                       \
        differs(dialogue, sizeof(dialogue) / sizeof(dialogue[0]), words);                                              \
    } while (0)

START_TEST(what_differs_is_told)
{
    DIFFERS("expected 'GET /b/k', got 'PUT /b/k'", EXPECT("GET /b/k"), REPLY(200));
    DIFFERS("expected 'PUT /b/k2', got 'PUT /b/k'", EXPECT("PUT /b/k2"), REPLY(200));
    DIFFERS("expected 'PUT /c*', got 'PUT /b/k'", EXPECT("PUT /c*"), REPLY(200));
    DIFFERS("no header 'x-b'", EXPECT("PUT /b/k", .headers = {"X-B"}), REPLY(200));
    DIFFERS("expected header 'X-A: 2', got '1'", EXPECT("PUT /b/k", .headers = {"X-A: 2"}), REPLY(200));
    DIFFERS("header 'x-a: 1' should not be there", EXPECT("PUT /b/k", .headers = {"!X-A"}), REPLY(200));
    DIFFERS("expected a body of 5 bytes, got 4", EXPECT("PUT /b/k", .bytes = 5), REPLY(200));
    DIFFERS("expected a body of 0 bytes, got 4", EXPECT("PUT /b/k", .body = ""), REPLY(200));
    DIFFERS("other bytes", EXPECT("PUT /b/k", .body = "dada"), REPLY(200));
    DIFFERS("other bytes", EXPECT("PUT /b/k", .part = 2), BODY(.body = "dada"), REPLY(200));
    DIFFERS("no request came, expected 'GET /'", EXPECT("PUT /b/k"), REPLY(200), EXPECT("GET /"), REPLY(200));
    DIFFERS("the script has 2 connections, and 1 came", EXPECT("PUT /b/k"), REPLY(200), ACCEPT(), EXPECT("GET /"));
    DIFFERS("more came than the script has", EXPECT("PUT /b/k", .part = 2), REPLY(200), HALF_CLOSE());
    DIFFERS("more came than the script has: PUT /b/k", ACCEPT());
    DIFFERS("the script goes on after the connection's end", EXPECT("PUT /b/k"), CUT(), CLOSE());
}
END_TEST

START_TEST(more_connections_than_expected)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /"), REPLY(200, .close = true)};
    char mismatch[HTTPD_TEXT];
    struct session session;

    session_open(&session, httpd_start(dialogue));
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/"), 200);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/"), 599);
    ck_assert_ptr_nonnull(strstr(buf_text(&session.response.body), "more connections than the script has"));
    ck_assert(httpd_mismatch(session.server, mismatch));
    ck_assert(!httpd_end(session.server, mismatch));
    session.server = NULL;
    session_close(&session);
}
END_TEST

START_TEST(what_was_seen)
{
    static const struct httpd_step dialogue[] = {
        EXPECT(NULL),
        REPLY(200),
        EXPECT("GET /second?*"),
        REPLY(404),
    };
    static const struct http_header headers[] = {{"X-A", "1"}};
    struct sf_body body = session_memory("data", 4);
    const struct httpd_seen *seen;
    struct http_request request;
    struct session session;

    session_open(&session, httpd_start(dialogue));
    request = session_request(&session, HTTP_PUT, "/b/k");
    request.headers = headers;
    request.header_count = 1;
    request.body = &body;
    ck_assert_int_eq(session_send(&session, &request), 200);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/second?a=b"), 404);
    ck_assert_uint_eq(httpd_requests(session.server), 2);
    seen = httpd_seen(session.server, 0);
    ck_assert_str_eq(seen->method, "PUT");
    ck_assert_str_eq(seen->target, "/b/k");
    ck_assert_str_eq(httpd_seen_header(seen, "x-a"), "1");
    ck_assert_ptr_null(httpd_seen_header(seen, "x-b"));
    ck_assert_uint_eq(seen->bytes, 4);
    ck_assert_int_eq(memcmp(seen->body, "data", 4), 0);
    seen = httpd_seen(session.server, 1);
    ck_assert_str_eq(seen->target, "/second?a=b");
    ck_assert_uint_eq(seen->bytes, 0);
    ck_assert_uint_eq(seen->connection, 0);
    session_close(&session);
}
END_TEST

/* None of these threads gets what it waits for. */
START_TEST(it_always_ends)
{
    static const struct httpd_step waiting[] = {EXPECT("GET /"), REPLY(200), WAIT(), EXPECT("GET /")};
    static const struct httpd_step again[] = {EXPECT("GET /"), REPLY(200), AGAIN()};
    static const struct httpd_step nothing[] = {ACCEPT(), ACCEPT(), ACCEPT()};
    char mismatch[HTTPD_TEXT];
    struct session session;

    ck_assert(!httpd_end(httpd_start(nothing), mismatch));
    session_open(&session, httpd_start(again));
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/"), 200);
    httpd_stop(session.server); /* while the connection stands */
    session.server = httpd_start(waiting);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/"), 200);
    ck_assert(!httpd_end(session.server, mismatch));
    ck_assert_ptr_nonnull(strstr(mismatch, "its part ended before step 4 of 4"));
    session.server = NULL;
    session_close(&session);
}
END_TEST

UNIT_MAIN("http_httpd", &what_differs_is_told, &more_connections_than_expected, &what_was_seen, &it_always_ends)
