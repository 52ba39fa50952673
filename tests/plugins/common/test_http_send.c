/* SPDX-License-Identifier: Apache-2.0
 *
 * What http_send() sends: as it was told, and nothing else.
 */
#include "tests/plugins/common/session.h"

#include <fcntl.h>
#include <string.h>

#define PLAIN "host", "user-agent: snapferry/test", "!accept", "!expect", "!content-type", "!accept-encoding", "!cookie"

START_TEST(one_connection_for_many_requests)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /b/k", .headers = {PLAIN, "!content-length"}),
                                                 REPLY(200, .body = "hello"), AGAIN()};
    struct httpd *server = httpd_start(dialogue);
    struct session session;
    int i;

    session_init(&session);
    session_start(&session);
    for (i = 0; i < 100; i++) {
        ck_assert_int_eq(session_ask(&session, server, HTTP_GET, "/b/k"), 200);
        ck_assert_str_eq(buf_text(&session.response.body), "hello");
    }
    ck_assert_uint_eq(httpd_connections(server), 1);
    ck_assert_uint_eq(session.reports, 100);
    ck_assert_uint_eq(atomic_load(&session.accounted), 500);
    session_cleanup(&session);
    httpd_stop(server);
}
END_TEST

START_TEST(nothing_is_left_of_the_request_before)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /b/1", .headers = {PLAIN, "content-length: 4", "x-first: 1"}, .body = "data"),
        REPLY(200),
        EXPECT("HEAD /b/2", .headers = {PLAIN, "!content-length", "!x-first"}, .body = ""),
        REPLY(200, .body = "0123456789"),
        EXPECT("GET /b/3", .headers = {PLAIN, "!content-length"}, .body = ""),
        REPLY(200, .body = "three"),
        EXPECT("DELETE /b/4", .headers = {PLAIN, "!content-length"}, .body = ""),
        REPLY(204),
        EXPECT("POST /b/5", .headers = {PLAIN, "content-length: 0"}, .body = ""),
        REPLY(200),
        EXPECT("GET /b/6", .headers = {PLAIN, "!content-length"}, .body = ""),
        REPLY(200, .body = "six"),
        EXPECT("PUT /b/7", .headers = {PLAIN, "content-length: 2000000"}, .bytes = 2000000),
        REPLY(200),
        EXPECT("PUT /b/8", .headers = {PLAIN, "content-length: 0"}, .body = ""),
        REPLY(200),
        EXPECT("PUT /b/9", .headers = {PLAIN, "content-length: 100000"}, .bytes = 100000),
        REPLY(200),
        EXPECT("HEAD /b/10", .headers = {PLAIN, "!content-length"}, .body = ""),
        REPLY(404),
        EXPECT("PUT /b/11", .headers = {PLAIN, "content-length: 4"}, .body = "data"),
        REPLY(200),
    };
    static const struct http_header first[] = {{"x-first", "1"}};
    struct httpd *server = httpd_start(dialogue);
    struct source source = SOURCE_INIT;
    struct sf_body small = session_memory("data", 4), large = session_source(&source, 2000000),
                   middle = session_source(&source, 100000);
    const struct {
        enum http_method method;
        const struct sf_body *body;
        const char *path;
        int status;
    } requests[] = {
        {HTTP_PUT, &small, "/b/1", 200},  {HTTP_HEAD, NULL, "/b/2", 200},   {HTTP_GET, NULL, "/b/3", 200},
        {HTTP_DELETE, NULL, "/b/4", 204}, {HTTP_POST, NULL, "/b/5", 200},   {HTTP_GET, NULL, "/b/6", 200},
        {HTTP_PUT, &large, "/b/7", 200},  {HTTP_PUT, NULL, "/b/8", 200},    {HTTP_PUT, &middle, "/b/9", 200},
        {HTTP_HEAD, NULL, "/b/10", 404},  {HTTP_PUT, &small, "/b/11", 200},
    };
    struct session session;
    size_t i;

    session_init(&session);
    session_start(&session);
    for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct http_request request = session_request(&session, server, requests[i].method, requests[i].path);

        request.body = requests[i].body;
        request.headers = first;
        request.header_count = i == 0;
        ck_assert_msg(session_send(&session, &request) == requests[i].status, "%s: %d %s %s", requests[i].path,
                      session.response.status, session.err.text, buf_text(&session.response.body));
    }
    ck_assert_uint_eq(httpd_connections(server), 1);
    session_cleanup(&session);
    httpd_stop(server);
}
END_TEST

START_TEST(the_headers_are_those_that_were_named)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /b/k", .headers = {"host: bucket.example", "content-type: text/x", "accept: a/b",
                                       "x-empty: ", "x-amz-meta-run: a  b; c", "content-length: 4"}),
        REPLY(200),
        EXPECT("GET /b/k", .headers = {"!x-empty", "!x-amz-meta-run", "!content-type", "!accept"}),
        REPLY(200),
    };
    static const struct http_header headers[] = {{"Host", "bucket.example"},
                                                 {"Content-Type", "text/x"},
                                                 {"accept", "a/b"},
                                                 {"x-empty", ""},
                                                 {"x-amz-meta-run", "a  b; c"}};
    struct httpd *server = httpd_start(dialogue);
    struct sf_body body = session_memory("data", 4);
    struct http_request request;
    struct session session;

    session_init(&session);
    session_start(&session);
    request = session_request(&session, server, HTTP_PUT, "/b/k");
    request.body = &body;
    request.headers = headers;
    request.header_count = sizeof(headers) / sizeof(headers[0]);
    ck_assert_int_eq(session_send(&session, &request), 200);
    ck_assert_int_eq(session_ask(&session, server, HTTP_GET, "/b/k"), 200);
    session_cleanup(&session);
    httpd_stop(server);
}
END_TEST

START_TEST(a_header_cannot_smuggle_a_line)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /"), REPLY(200)};
    static const struct http_header headers[] = {{"x-amz-meta-a", "b\r\nx-evil: 1"}};
    struct httpd *server = httpd_start(dialogue);
    struct http_request request;
    struct session session;

    session_init(&session);
    session_start(&session);
    request = session_request(&session, server, HTTP_GET, "/");
    request.headers = headers;
    request.header_count = 1;
    ck_assert_int_eq(session_send(&session, &request), -1);
    session_failed(&session, SF_INVALID, "the-object: the header x-amz-meta-a");
    ck_assert_uint_eq(session.reports, 0);
    ck_assert_int_eq(session_ask(&session, server, HTTP_GET, "/"), 200);
    session_cleanup(&session);
    httpd_stop(server);
}
END_TEST

START_TEST(the_url_is_sent_as_it_is)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /b/../a//b/./%2e%2E/%7Ek?x=1&uploads&b=%20+"), REPLY(200)};
    struct httpd *server = httpd_start(dialogue);
    struct session session;

    session_init(&session);
    session_start(&session);
    ck_assert_int_eq(session_ask(&session, server, HTTP_GET, "/b/../a//b/./%2e%2E/%7Ek?x=1&uploads&b=%20+"), 200);
    session_cleanup(&session);
    httpd_stop(server);
}
END_TEST

/* Head, body and tail of one request, whole: the body in each of its kinds and in sizes to both sides of each limit. */
static void send_segments(struct session *session, struct httpd *server, size_t head, struct sf_body *body, size_t tail)
{
    size_t total = head + body->length + tail, seen_bytes;
    struct http_request request = session_request(session, server, HTTP_POST, "/upload");
    char *whole = malloc(total + 1), length[32];
    const struct httpd_seen *seen;
    uint64_t before = atomic_load(&session->accounted);

    memset(whole, 'H', head);
    pattern(whole + head, 0, body->length);
    memset(whole + head + body->length, 'T', tail);
    request.head = whole;
    request.head_bytes = head;
    request.body = body;
    request.tail = whole + head + body->length;
    request.tail_bytes = tail;
    ck_assert_msg(session_send(session, &request) == 200, "%s", session->err.text);
    seen = httpd_seen(server, httpd_requests(server) - 1);
    seen_bytes = total < HTTPD_KEEP ? total : HTTPD_KEEP;
    snprintf(length, sizeof(length), "%zu", total);
    ck_assert_str_eq(httpd_seen_header(seen, "content-length"), length);
    ck_assert_uint_eq(seen->bytes, total);
    ck_assert_int_eq(memcmp(seen->body, whole, seen_bytes), 0);
    ck_assert_uint_eq(session->bytes, total);
    ck_assert_uint_eq(atomic_load(&session->accounted) - before, total);
    free(whole);
}

START_TEST(three_segments_with_each_kind_of_body)
{
    static const struct httpd_step dialogue[] = {EXPECT("POST /upload", .headers = {PLAIN}), REPLY(200), AGAIN()};
    static const size_t sizes[] = {0, 1, 4096, 48 * 1024 - 10, 48 * 1024, 48 * 1024 + 1, 70000, 1024 * 1024, 3000000};
    static const size_t edges[][2] = {{0, 0}, {5, 0}, {0, 5}, {5, 5}, {70000, 20000}};
    struct httpd *server = httpd_start(dialogue);
    struct source source = SOURCE_INIT;
    char *data = malloc(3000000);
    struct session session;
    size_t i, j;
    int fd;

    session_init(&session);
    session_start(&session);
    pattern(data, 0, 3000000);
    fd = open(unit_temp_dir(), O_TMPFILE | O_RDWR, 0600);
    ck_assert_int_eq(pwrite(fd, data, 3000000, 3), 3000000);
    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (j = 0; j < sizeof(edges) / sizeof(edges[0]); j++) {
            struct sf_body memory = session_memory(data, sizes[i]);
            struct sf_body file = {.size = sizeof(file), .kind = SF_BODY_FD, .length = sizes[i], .offset = 3, .fd = fd};
            struct sf_body callback = session_source(&source, sizes[i]);

            send_segments(&session, server, edges[j][0], &memory, edges[j][1]);
            send_segments(&session, server, edges[j][0], &file, edges[j][1]);
            send_segments(&session, server, edges[j][0], &callback, edges[j][1]);
        }
    ck_assert_uint_eq(httpd_connections(server), 1);
    close(fd);
    free(data);
    session_cleanup(&session);
    httpd_stop(server);
}
END_TEST

START_TEST(expect_continue_waits_for_leave)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("PUT /k", .headers = {"expect: 100-continue", "content-length: 4"}, .part = HTTPD_NONE),
        RAW("HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n"),
        BODY(.body = "data"),
        REPLY(200, .headers = {"ETag: \"1\""}),
        EXPECT("PUT /k", .headers = {"expect: 100-continue"}, .part = HTTPD_NONE),
        REPLY(412, .body = "<Error/>", .close = true),
        ACCEPT(),
        EXPECT("PUT /k", .headers = {"!expect"}, .body = "data"),
        REPLY(200),
    };
    struct httpd *server = httpd_start(dialogue);
    struct sf_body body = session_memory("data", 4);
    struct http_request request;
    struct session session;

    session_init(&session);
    session_start(&session);
    request = session_request(&session, server, HTTP_PUT, "/k");
    request.body = &body;
    request.expect_continue = true;
    ck_assert_int_eq(session_send(&session, &request), 200);
    ck_assert_ptr_null(http_response_header(&session.response, "x-interim"));
    ck_assert_str_eq(http_response_header(&session.response, "etag"), "\"1\"");
    ck_assert_int_eq(session_send(&session, &request), 412);
    ck_assert_uint_eq(session.bytes, strlen("<Error/>")); /* nothing of the body was sent */
    request.expect_continue = false;
    ck_assert_int_eq(session_send(&session, &request), 200);
    session_cleanup(&session);
    httpd_stop(server);
}
END_TEST

START_TEST(a_redirect_is_an_answer)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /k"),
        REPLY(307, .headers = {"Location: http://127.0.0.1:1/elsewhere", "x-amz-bucket-region: eu-west-1"}),
        EXPECT("GET /k"),
        REPLY(200),
    };
    struct httpd *server = httpd_start(dialogue);
    struct session session;

    session_init(&session);
    session_start(&session);
    ck_assert_int_eq(session_ask(&session, server, HTTP_GET, "/k"), 307);
    ck_assert_str_eq(http_response_header(&session.response, "x-amz-bucket-region"), "eu-west-1");
    ck_assert_int_eq(session_ask(&session, server, HTTP_GET, "/k"), 200);
    session_cleanup(&session);
    httpd_stop(server);
}
END_TEST

START_TEST(it_is_reported_once)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /k", .body = "data"), REPLY(503, .body = "slow")};
    struct httpd *server = httpd_start(dialogue);
    struct sf_body body = session_memory("data", 4);
    struct http_request request;
    struct session session;

    session_init(&session);
    session_start(&session);
    request = session_request(&session, server, HTTP_PUT, "/k");
    request.body = &body;
    request.kind = SF_REQUEST_UPLOAD_PART;
    ck_assert_int_eq(session_send(&session, &request), 503);
    ck_assert_uint_eq(session.reports, 1);
    ck_assert_uint_eq(session.kind, SF_REQUEST_UPLOAD_PART);
    ck_assert_int_eq(session.status, 503);
    ck_assert_uint_eq(session.bytes, 8);
    session_cleanup(&session);
    httpd_stop(server);
}
END_TEST

UNIT_MAIN("http_send", &one_connection_for_many_requests, &nothing_is_left_of_the_request_before,
          &the_headers_are_those_that_were_named, &a_header_cannot_smuggle_a_line, &the_url_is_sent_as_it_is,
          &three_segments_with_each_kind_of_body, &expect_continue_waits_for_leave, &a_redirect_is_an_answer,
          &it_is_reported_once)
