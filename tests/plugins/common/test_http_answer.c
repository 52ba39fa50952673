/* SPDX-License-Identifier: Apache-2.0
 *
 * What http_send() makes of an answer: status, headers, body, and the wishes in them; and where a body goes.
 */
#include "tests/plugins/common/session.h"

#include "base/clock.h"

#include <fcntl.h>
#include <string.h>

START_TEST(status_headers_and_body)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /k"),
        REPLY(200,
              .headers = {"ETag: \"abc\"", "X-Amz-Meta-Run:  a: b \t", "Date: Sun, 06 Nov 1994 08:49:37 GMT",
                          "X-Empty:", "x-twice: 1", "X-TWICE: 2"},
              .body = "hello"),
        EXPECT("GET /k"),
        REPLY(404, .headers = {"Date: yesterday"}, .body = "<Error/>"),
    };
    struct session session;

    session_open(&session, httpd_start(dialogue));
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/k"), 200);
    ck_assert_str_eq(http_response_header(&session.response, "etag"), "\"abc\"");
    ck_assert_str_eq(http_response_header(&session.response, "x-amz-meta-run"), "a: b");
    ck_assert_str_eq(http_response_header(&session.response, "x-empty"), "");
    ck_assert_str_eq(http_response_header(&session.response, "x-twice"), "1");
    ck_assert_ptr_null(http_response_header(&session.response, "x-none"));
    ck_assert_int_eq(session.response.server_time_ms, 784111777000);
    ck_assert_uint_eq(session.response.length, 5);
    ck_assert_str_eq(buf_text(&session.response.body), "hello");
    ck_assert(!session.response.is_resent);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/k"), 404); /* nothing of the first is left */
    ck_assert_ptr_null(http_response_header(&session.response, "etag"));
    ck_assert_int_eq(session.response.server_time_ms, 0);
    ck_assert_str_eq(buf_text(&session.response.body), "<Error/>");
    session_close(&session);
}
END_TEST

START_TEST(an_answer_without_anything)
{
    struct http_response response = HTTP_RESPONSE_INIT;

    ck_assert_ptr_null(http_response_header(&response, "etag"));
    http_response_cleanup(&response);
    http_response_cleanup(&response);
}
END_TEST

START_TEST(bodies_of_every_form)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /chunked"),
        REPLY(200, .body = "0123456789", .chunked = true, .part = 4),
        REST(),
        EXPECT("HEAD /k"),
        REPLY(200, .body = "0123456789"),
        EXPECT("HEAD /none"),
        REPLY(404, .body = "<Error/>"),
        EXPECT("GET /204"),
        REPLY(204),
        EXPECT("GET /304"),
        REPLY(304),
        EXPECT("GET /close"),
        REPLY(200, .body = "to the end", .no_length = true),
        ACCEPT(),
        EXPECT("GET /206"),
        REPLY(206, .body = "part"),
    };
    struct session session;

    session_open(&session, httpd_start(dialogue));
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/chunked"), 200);
    ck_assert_str_eq(buf_text(&session.response.body), "0123456789");
    ck_assert(session.response.length == UINT64_MAX);
    ck_assert_int_eq(session_ask(&session, HTTP_HEAD, "/k"), 200);
    ck_assert_uint_eq(session.response.length, 10);
    ck_assert_uint_eq(session.response.body.length, 0);
    ck_assert_int_eq(session_ask(&session, HTTP_HEAD, "/none"), 404);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/204"), 204);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/304"), 304);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/close"), 200);
    ck_assert_str_eq(buf_text(&session.response.body), "to the end");
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/206"), 206);
    ck_assert_str_eq(buf_text(&session.response.body), "part");
    session_close(&session);
}
END_TEST

START_TEST(wishes_to_wait)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /"),
        REPLY(503, .headers = {"Retry-After: 3"}),
        EXPECT("GET /"),
        REPLY(503, .headers = {"Retry-After: 7200"}),
        EXPECT("GET /"),
        REPLY(503, .headers = {"Retry-After: 99999999999999999999"}),
        EXPECT("GET /"),
        REPLY(503, .headers = {"Retry-After: Sun, 06 Nov 1994 08:49:57 GMT", "Date: Sun, 06 Nov 1994 08:49:37 GMT"}),
        EXPECT("GET /"),
        REPLY(503, .headers = {"Retry-After: Sun, 06 Nov 1994 08:49:37 GMT"}),
        EXPECT("GET /"),
        REPLY(503, .headers = {"Retry-After: 3", "x-amz-retry-after: 1500"}),
        EXPECT("GET /"),
        REPLY(503, .headers = {"Retry-After: soon"}),
        EXPECT("GET /"),
        REPLY(503),
        EXPECT("GET /"),
        REPLY(503, .headers = {"x-amz-retry-after: -1", "Retry-After: 2"}),
    };
    static const int64_t wishes[] = {3000, 60000, 60000, 20000, 0, 1500, 0, 0, 2000};
    struct session session;
    size_t i;

    session_open(&session, httpd_start(dialogue));
    for (i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        ck_assert_int_eq(session_ask(&session, HTTP_GET, "/"), 503);
        ck_assert_int_eq(session.response.retry_after_ms, wishes[i]);
    }
    session_close(&session);
}
END_TEST

START_TEST(what_is_kept_is_bounded)
{
    static char large[200000];
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /error"),
        REPLY(404, .body = large, .bytes = sizeof(large)),
        ACCEPT(),
        EXPECT("GET /exact"),
        REPLY(404, .body = large, .bytes = 64 * 1024),
        EXPECT("GET /default"),
        REPLY(200, .body = large, .bytes = 64 * 1024),
        EXPECT("GET /default"),
        REPLY(200, .body = large, .bytes = 64 * 1024 + 1),
        ACCEPT(),
        EXPECT("GET /ten"),
        REPLY(200, .body = large, .bytes = 10),
        EXPECT("GET /ten"),
        REPLY(200, .body = large, .bytes = 11),
        ACCEPT(),
        EXPECT("GET /all"),
        REPLY(200, .body = large, .bytes = sizeof(large)),
    };
    struct http_request request;
    struct session session;

    memset(large, 'x', sizeof(large));
    session_open(&session, httpd_start(dialogue));
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/error"), 404);
    ck_assert_uint_eq(session.response.body.length, 64 * 1024);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/exact"), 404);
    ck_assert_uint_eq(session.response.body.length, 64 * 1024);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/default"), 200);
    ck_assert_uint_eq(session.response.body.length, 64 * 1024);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/default"), -1);
    session_failed(&session, SF_TRANSIENT, "the-object: 127.0.0.1:");
    session_failed(&session, SF_TRANSIENT, "more than it should");
    request = session_request(&session, HTTP_GET, "/ten");
    request.keep_max = 10;
    ck_assert_int_eq(session_send(&session, &request), 200);
    ck_assert_int_eq(session_send(&session, &request), -1);
    session_failed(&session, SF_TRANSIENT, "more than it should");
    request = session_request(&session, HTTP_GET, "/all");
    request.keep_max = 1024 * 1024;
    ck_assert_int_eq(session_send(&session, &request), 200);
    ck_assert_uint_eq(session.response.body.length, sizeof(large));
    session_close(&session);
}
END_TEST

START_TEST(headers_are_bounded)
{
    static char line[8000];
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /"), REPLY(200, .headers = {line, line, line, line, line, line, line, line}),
        EXPECT("GET /"), REPLY(200, .headers = {line, line, line, line, line, line, line, line, line}),
        ACCEPT(),        EXPECT("GET /"),
        REPLY(200),
    };
    struct session session;

    memset(line, 'x', sizeof(line) - 1);
    line[1] = ':';
    session_open(&session, httpd_start(dialogue));
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/"), 200);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/"), -1);
    session_failed(&session, SF_TRANSIENT, "more than it should");
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/"), 200);
    session_close(&session);
}
END_TEST

static int collect(void *ctx, uint64_t position, const void *bytes, size_t length, struct sf_error *err)
{
    struct buf *out = ctx;

    if (position != out->length)
        return sf_fail(err, SF_CORRUPT, "position %llu", (unsigned long long)position);
    buf_add(out, bytes, length);
    return 0;
}

START_TEST(a_body_goes_to_each_kind_of_sink)
{
    static char large[3000000];
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /k"),
        REPLY(200, .body = large, .bytes = sizeof(large)),
        AGAIN(),
    };
    static char memory[sizeof(large)];
    SF_AUTO(buf) out = BUF_INIT;
    AUTO_FD fd = open(unit_temp_dir(), O_TMPFILE | O_RDWR, 0600);
    const struct sf_sink sinks[] = {
        {.size = sizeof(sinks[0]), .kind = SF_SINK_MEMORY, .capacity = sizeof(memory), .data = memory, .fd = -1},
        {.size = sizeof(sinks[0]), .kind = SF_SINK_FD, .offset = 7, .fd = fd},
        {.size = sizeof(sinks[0]), .kind = SF_SINK_CALLBACK, .fd = -1, .ctx = &out, .write = collect},
    };
    struct http_request request;
    struct session session;
    size_t i;

    pattern(large, 0, sizeof(large));
    session_open(&session, httpd_start(dialogue));
    for (i = 0; i < 3; i++) {
        struct http_sink sink = {.what = "the-object"};

        sf_take(&sink.sink, sizeof(sink.sink), &sinks[i]);
        request = session_request(&session, HTTP_GET, "/k");
        request.write = http_sink_write;
        request.ctx = &sink;
        ck_assert_int_eq(session_send(&session, &request), 200);
        ck_assert_uint_eq(sink.bytes, sizeof(large));
        ck_assert_uint_eq(session.bytes, sizeof(large));
        ck_assert_uint_eq(session.response.body.length, 0);
    }
    ck_assert_int_eq(memcmp(memory, large, sizeof(large)), 0);
    ck_assert_uint_eq(out.length, sizeof(large));
    ck_assert_int_eq(memcmp(out.data, large, sizeof(large)), 0);
    ck_assert_int_eq(pread(fd, memory, sizeof(memory), 7), sizeof(memory));
    ck_assert_int_eq(memcmp(memory, large, sizeof(large)), 0);
    ck_assert_uint_eq(atomic_load(&session.accounted), 3 * sizeof(large));
    session_close(&session);
}
END_TEST

START_TEST(the_body_of_an_error_never_goes_to_the_sink)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /k"), REPLY(404, .body = "<Error/>")};
    SF_AUTO(buf) out = BUF_INIT;
    struct http_sink sink = {
        .sink = {.size = sizeof(sink.sink), .kind = SF_SINK_CALLBACK, .ctx = &out, .write = collect},
        .what = "the-object"};
    struct http_request request;
    struct session session;

    session_open(&session, httpd_start(dialogue));
    request = session_request(&session, HTTP_GET, "/k");
    request.write = http_sink_write;
    request.ctx = &sink;
    ck_assert_int_eq(session_send(&session, &request), 404);
    ck_assert_uint_eq(out.length, 0);
    ck_assert_str_eq(buf_text(&session.response.body), "<Error/>");
    session_close(&session);
}
END_TEST

START_TEST(sinks_that_fail)
{
    struct sf_error err = SF_ERROR_INIT;
    char memory[4] = "";
    struct http_sink sink = {.sink = {.size = sizeof(sink.sink), .kind = SF_SINK_MEMORY, .capacity = 4, .data = memory},
                             .what = "the-object"};

    ck_assert_int_eq(http_sink_write(&sink, "abc", 3, &err), 0);
    ck_assert_int_eq(http_sink_write(&sink, "de", 2, &err), -1);
    ck_assert_int_eq(err.cls, SF_TOO_LARGE);
    ck_assert_str_eq(err.text, "the-object: more than the 4 bytes that there is room for");
    ck_assert_uint_eq(sink.bytes, 3);
    ck_assert_int_eq(memory[3], 0);
    ck_assert_int_eq(http_sink_write(&sink, "d", 1, &err), 0);
    sink.sink.kind = SF_SINK_FD;
    sink.sink.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(http_sink_write(&sink, "d", 1, &err), -1);
    ck_assert_int_eq(err.cls, SF_NO_SPACE);
    close(sink.sink.fd);
    sink.sink.kind = 99;
    ck_assert_int_eq(http_sink_write(&sink, "d", 1, &err), -1);
    ck_assert_int_eq(err.cls, SF_UNSUPPORTED);
}
END_TEST

START_TEST(classes_of_statuses)
{
    static const struct {
        int32_t status;
        enum sf_class cls;
        int32_t maybe_applied;
    } table[] = {
        {400, SF_INVALID, 0},      {401, SF_AUTH, 0},        {403, SF_DENIED, 0},    {404, SF_NOT_FOUND, 0},
        {405, SF_UNSUPPORTED, 0},  {407, SF_AUTH, 0},        {408, SF_TRANSIENT, 0}, {409, SF_CONFLICT, 0},
        {412, SF_PRECONDITION, 0}, {413, SF_TOO_LARGE, 0},   {416, SF_INVALID, 0},   {429, SF_THROTTLED, 0},
        {500, SF_TRANSIENT, 1},    {501, SF_UNSUPPORTED, 0}, {502, SF_TRANSIENT, 1}, {503, SF_TRANSIENT, 0},
        {504, SF_TRANSIENT, 1},    {507, SF_NO_SPACE, 0},    {301, SF_PERMANENT, 0}, {600, SF_PERMANENT, 0},
    };
    struct http_request request = {.what = "the-object"};
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct http_response response = {.status = table[i].status, .retry_after_ms = 42};
        struct sf_error err = SF_ERROR_INIT;
        char text[64];

        snprintf(text, sizeof(text), "the-object: HTTP %d", table[i].status);
        ck_assert_int_eq(http_fail(&err, &request, &response), -1);
        ck_assert_msg(err.cls == (int32_t)table[i].cls, "%s: class %d", text, err.cls);
        ck_assert_msg(err.maybe_applied == table[i].maybe_applied, "%s: maybe_applied %d", text, err.maybe_applied);
        ck_assert_str_eq(err.text, text);
        ck_assert_int_eq(err.status, table[i].status);
        ck_assert_int_eq(err.retry_after_ms, 42);
        response.is_resent = true;
        http_fail(&err, &request, &response);
        ck_assert_int_eq(err.maybe_applied, 1);
    }
}
END_TEST

UNIT_MAIN("http_answer", &status_headers_and_body, &an_answer_without_anything, &bodies_of_every_form, &wishes_to_wait,
          &what_is_kept_is_bounded, &headers_are_bounded, &a_body_goes_to_each_kind_of_sink,
          &the_body_of_an_error_never_goes_to_the_sink, &sinks_that_fail, &classes_of_statuses)
