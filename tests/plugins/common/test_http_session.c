/* SPDX-License-Identifier: Apache-2.0
 *
 * What a session is told once: whether plain HTTP may be, the proxy, the log.
 */
#include "tests/plugins/common/session.h"

#include <string.h>

START_TEST(plain_http_only_where_it_is_allowed)
{
    struct http_request request = {.what = "the-object", .url = "http://127.0.0.1:1/k"};
    struct session session;

    session_init(&session, NULL);
    session.options.plain_http = false;
    session_start(&session);
    ck_assert_int_eq(session_send(&session, &request), -1);
    session_failed(&session, SF_INVALID, "the-object: only https:// is allowed");
    ck_assert_int_eq(session.err.maybe_applied, 0);
    ck_assert_uint_eq(session.reports, 0);
    session_close(&session);
}
END_TEST

/* ---- proxies ---- */

static int ask_store(struct session *session, const char *url)
{
    struct http_request request = session_request(session, HTTP_GET, "");

    request.url = url;
    return session_send(session, &request);
}

START_TEST(through_a_proxy)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET http://store.invalid/b/k", .headers = {"host: store.invalid"}),
        REPLY(200, .body = "by proxy"),
        EXPECT("GET http://store.invalid/b/k"),
        REPLY(407, .headers = {"Proxy-Authenticate: Basic realm=\"x\""}),
        ACCEPT(),
        EXPECT("CONNECT store.invalid:443", .headers = {"!authorization", "!x-amz-date"}),
        REPLY(407, .headers = {"Proxy-Authenticate: Basic realm=\"x\""}, .close = true),
        ACCEPT(),
        EXPECT("CONNECT store.invalid:443"),
        REPLY(403, .close = true),
        ACCEPT(),
        EXPECT("CONNECT store.invalid:443"),
        REPLY(502, .close = true),
    };
    struct session session;

    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    session_init(&session, httpd_start(dialogue));
    session.options.proxy = httpd_url(session.server);
    session_start(&session);
    ck_assert_int_eq(ask_store(&session, "http://store.invalid/b/k"), 200);
    ck_assert_str_eq(buf_text(&session.response.body), "by proxy");
    ck_assert_int_eq(ask_store(&session, "http://store.invalid/b/k"), 407);
    ck_assert_int_eq(ask_store(&session, "https://store.invalid/b/k"), -1);
    session_failed(&session, SF_AUTH, "the-object: the proxy wants a user and a password for store.invalid:443");
    ck_assert_int_eq(session.err.status, 407);
    ck_assert_int_eq(session.err.maybe_applied, 0);
    ck_assert_int_eq(ask_store(&session, "https://store.invalid/b/k"), -1);
    session_failed(&session, SF_PERMANENT, "the proxy does not let us through to store.invalid:443 (HTTP 403)");
    ck_assert_int_eq(ask_store(&session, "https://store.invalid/b/k"), -1);
    session_failed(&session, SF_TRANSIENT, "(HTTP 502)");
    session_close(&session);
}
END_TEST

START_TEST(the_proxy_of_the_environment)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET http://store.invalid/b/k"), REPLY(200), ACCEPT(), EXPECT("GET /direct"), REPLY(200),
    };
    struct session session, direct;

    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    session_init(&session, httpd_start(dialogue));
    session_init(&direct, session.server);
    setenv("http_proxy", httpd_url(session.server), 1);
    session.options.proxy = NULL;
    session_start(&session);
    ck_assert_int_eq(ask_store(&session, "http://store.invalid/b/k"), 200);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    session_start(&direct); /* proxy "": none, whatever the environment says */
    ck_assert_int_eq(session_ask(&direct, HTTP_GET, "/direct"), 200);
    direct.server = NULL;
    session_close(&direct);
    session_close(&session);
}
END_TEST

START_TEST(a_proxy_that_is_not_there)
{
    struct http_request request = {.what = "the-object", .url = "http://store.invalid/b/k"};
    struct session session;

    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    session_init(&session, NULL);
    session.options.proxy = "http://someone:s3cret@127.0.0.1:1";
    session_start(&session);
    ck_assert_int_eq(session_send(&session, &request), -1);
    session_failed(&session, SF_TRANSIENT, "the-object: cannot connect to the proxy 127.0.0.1:1: Connection refused");
    ck_assert_ptr_null(strstr(session.err.text, "s3cret"));
    session_close(&session);
}
END_TEST

/* ---- the debug log ---- */

static void ask_with_secrets(struct session *session)
{
    static const struct http_header headers[] = {
        {"x-amz-date", "20240101T000000Z"},
        {"Authorization", "AWS4-HMAC-SHA256 Credential=hush, Signature=hush"},
        {"X-Amz-Security-Token", "hush"},
        {"x-amz-server-side-encryption-customer-key", "hush"},
        {"x-amz-copy-source-server-side-encryption-customer-key-MD5", "hush"},
        {"Proxy-Authorization", "hush"},
        {"x-amz-meta-run", "shown"},
    };
    struct sf_body body = session_memory("data", 4);
    struct http_request request =
        session_request(session, HTTP_PUT,
                        "/b/k?uploads&X-Amz-Signature=hush&partNumber=3&X-Amz-Credential=hush&sig=hush&x-amz-security-"
                        "token=hush&upload_id=hush&last=4");

    request.headers = headers;
    request.header_count = sizeof(headers) / sizeof(headers[0]);
    request.body = &body;
    ck_assert_int_eq(session_send(session, &request), 200);
}

START_TEST(the_log_has_no_secrets)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /b/k?*", .headers = {"x-amz-security-token: hush"}, .body = "data"),
        REPLY(200, .close = true),
        ACCEPT(),
        EXPECT("GET /b/k"),
        CUT(),
    };
    static const char *const words[] = {"PUT http://127.0.0.1:",
                                        "/b/k?uploads&X-Amz-Signature=<hidden>&partNumber=3&",
                                        "&sig=<hidden>&",
                                        "&last=4",
                                        "x-amz-date: 20240101T000000Z",
                                        "Authorization: <hidden>",
                                        "x-amz-meta-run: shown",
                                        "-> HTTP 200, ",
                                        " ms, 4 bytes sent, 0 received\n",
                                        "GET http://127.0.0.1:",
                                        "-> the-object: "};
    struct session session;
    size_t i;

    session_open(&session, httpd_start(dialogue));
    ask_with_secrets(&session);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/b/k"), -1);
    ck_assert_ptr_null(strstr(buf_text(&session.log), "hush"));
    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        ck_assert_msg(strstr(buf_text(&session.log), words[i]) != NULL, "'%s' is not in: %s", words[i],
                      buf_text(&session.log));
    session_close(&session);
}
END_TEST

START_TEST(nothing_is_logged_for_nobody)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /"), REPLY(200), AGAIN()};
    struct session session;

    session_open(&session, httpd_start(dialogue));
    session.host.log_level = SF_LOG_INFO;
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/"), 200);
    session.host.log_level = SF_LOG_DEBUG;
    session.host.size = offsetof(struct sf_host, log_level); /* a host from before there was a level */
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/"), 200);
    ck_assert_uint_eq(session.log.length, 0);
    session.host.size = sizeof(session.host);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/"), 200);
    ck_assert_uint_gt(session.log.length, 0);
    session_close(&session);
}
END_TEST

START_TEST(nothing_is_left_open)
{
    struct sf_error err = SF_ERROR_INIT;
    struct http_options options = {.proxy = ""};
    struct http_conn *conn;
    struct http *http;

    http_conn_close(NULL);
    http_close(NULL);
    ck_assert_int_eq(http_open(&http, &options, &err), 0);
    ck_assert_int_eq(http_conn_open(&conn, http, &err), 0);
    http_conn_close(conn);
    http_close(http);
}
END_TEST

UNIT_MAIN("http_session", &plain_http_only_where_it_is_allowed, &through_a_proxy, &the_proxy_of_the_environment,
          &a_proxy_that_is_not_there, &the_log_has_no_secrets, &nothing_is_logged_for_nobody, &nothing_is_left_open)
