/* SPDX-License-Identifier: Apache-2.0
 *
 * How a request ends that would wait for ever: cancelled, or stalled.
 */
#include "tests/plugins/common/session.h"

#include "base/clock.h"

#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#define LARGE (32u * 1024 * 1024) /* more than the sockets take in */
#define NEXT ACCEPT(), EXPECT("GET /next"), REPLY(200)

/* ---- while connecting ---- */

/* Its queue is full: who connects now hears nothing. */
static void fill_queue(int fd, int fillers[8])
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    int i;

    ck_assert_int_eq(listen(fd, 0), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    for (i = 0; i < 8; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&address, sizeof(address));
    }
}

static void connect_in_vain(bool cancel, enum sf_class cls, const char *words)
{
    struct http_request request = {.what = "the-object"};
    AUTO_FD fd = -1;
    int i, fillers[8];
    struct session session;
    char url[64];

    session_init(&session, NULL);
    if (cancel)
        session.cancel_asks = 3;
    else
        session.options.connect_timeout_ms = 300;
    session_start(&session);
    session_take_port(&fd, url, sizeof(url));
    fill_queue(fd, fillers);
    request.url = url;
    ck_assert_int_eq(session_send(&session, &request), -1);
    session_failed(&session, cls, words);
    ck_assert_int_eq(session.err.maybe_applied, 0);
    for (i = 0; i < 8; i++)
        close(fillers[i]);
    session_close(&session);
}

START_TEST(cancelled_while_connecting)
{
    connect_in_vain(true, SF_CANCELLED, "the-object: stopped");
}
END_TEST

START_TEST(connecting_takes_too_long)
{
    connect_in_vain(false, SF_TRANSIENT, "within 300 ms");
}
END_TEST

/* ---- cancelled ---- */

static void cancelled(const struct httpd_step *dialogue, size_t steps, unsigned after, enum http_method method)
{
    struct source source = SOURCE_INIT;
    struct sf_body body = session_source(&source, LARGE);
    struct http_request request;
    struct session session;

    session_open(&session, httpd_start_as(HTTPD_PLAIN, dialogue, steps));
    session.cancel_steps = after;
    request = session_request(&session, method, "/k");
    request.body = method == HTTP_PUT ? &body : NULL;
    ck_assert_int_eq(session_send(&session, &request), -1);
    session_failed(&session, SF_CANCELLED, "the-object: stopped");
    ck_assert_int_eq(session.err.maybe_applied, 1);
    ck_assert_uint_eq(session.reports, 1);
    session.cancel_steps = 0;
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/next"), 200);
    session_close(&session);
}

START_TEST(cancelled_while_sending)
{
    static const struct httpd_step dialogue[] = {EXPECT("PUT /k", .part = 100000), STALL(), NEXT};

    cancelled(dialogue, 5, 1, HTTP_PUT);
}
END_TEST

START_TEST(cancelled_while_waiting)
{
    static const struct httpd_step dialogue[] = {EXPECT("DELETE /k"), STALL(), NEXT};

    cancelled(dialogue, 5, 1, HTTP_DELETE);
}
END_TEST

START_TEST(cancelled_while_receiving)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /k"), REPLY(200, .body = "0123456789", .part = 4), STALL(),
                                                 NEXT};

    cancelled(dialogue, 6, 2, HTTP_GET);
}
END_TEST

START_TEST(cancelled_before_anything)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /next"), REPLY(200)};
    struct session session;

    session_open(&session, httpd_start(dialogue));
    atomic_store(&session.is_cancelled, 1);
    ck_assert_int_eq(session_ask(&session, HTTP_PUT, "/k"), -1);
    session_failed(&session, SF_CANCELLED, "the-object: stopped");
    ck_assert_int_eq(session.err.maybe_applied, 0);
    ck_assert_uint_eq(session.reports, 0);
    atomic_store(&session.is_cancelled, 0);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/next"), 200);
    session_close(&session);
}
END_TEST

/* ---- stalls ---- */

static void stalled(const struct httpd_step *dialogue, size_t steps, enum http_method method, int status)
{
    struct source source = SOURCE_INIT;
    struct sf_body body = session_source(&source, LARGE);
    struct http_request request;
    struct session session;

    session_init(&session, httpd_start_as(HTTPD_PLAIN, dialogue, steps));
    session.options.stall_timeout_ms = 200;
    session_start(&session);
    request = session_request(&session, method, "/k");
    request.body = method == HTTP_PUT ? &body : NULL;
    ck_assert_int_eq(session_send(&session, &request), status);
    if (status < 0) {
        session_failed(&session, SF_TRANSIENT, "the-object: no byte from or to 127.0.0.1:");
        session_failed(&session, SF_TRANSIENT, " for 1 s");
        ck_assert_int_eq(session.err.maybe_applied, 1);
    }
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/next"), 200);
    session_close(&session);
}

START_TEST(a_stall_ends_a_request)
{
    static const struct httpd_step sending[] = {EXPECT("PUT /k", .part = 100000), STALL(), NEXT};
    static const struct httpd_step waiting[] = {EXPECT("GET /k"), STALL(), NEXT};
    static const struct httpd_step receiving[] = {EXPECT("GET /k"), REPLY(200, .body = "0123", .part = 2), STALL(),
                                                  NEXT};
    static const struct httpd_step refused[] = {EXPECT("GET /k"), REPLY(404, .body = "0123", .part = 2), STALL(), NEXT};

    stalled(sending, 5, HTTP_PUT, -1);
    stalled(waiting, 5, HTTP_GET, -1);
    stalled(receiving, 6, HTTP_GET, -1);
    stalled(refused, 6, HTTP_GET, 404);
}
END_TEST

static void *ask_slowly(void *ctx)
{
    struct session *session = ctx;
    struct http_request request = session_request(session, HTTP_POST, "/slow");

    request.slow_answer = true;
    ck_assert_msg(session_send(session, &request) == 200, "%s", session->err.text);
    return NULL;
}

/* It has waited for longer than it takes another request to fail. */
START_TEST(a_slow_answer_has_more_time)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("POST /slow"), WAIT(), REPLY(200), ACCEPT(), EXPECT("GET /"), STALL(),
    };
    struct session session, slow;
    pthread_t thread;

    session_init(&session, httpd_start(dialogue));
    session_init(&slow, session.server);
    session.options.stall_timeout_ms = slow.options.stall_timeout_ms = 200;
    session_start(&session);
    session_start(&slow);
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_slowly, &slow), 0);
    while (httpd_requests(session.server) < 1)
        clock_sleep_ms(1);
    ck_assert_int_eq(session_ask(&session, HTTP_GET, "/"), -1);
    session_failed(&session, SF_TRANSIENT, "no byte from or to");
    httpd_release(session.server);
    pthread_join(thread, NULL);
    slow.server = NULL;
    session_close(&slow);
    session_close(&session);
}
END_TEST

UNIT_MAIN("http_wait", &cancelled_while_connecting, &connecting_takes_too_long, &cancelled_while_sending,
          &cancelled_while_waiting, &cancelled_while_receiving, &cancelled_before_anything, &a_stall_ends_a_request,
          &a_slow_answer_has_more_time)
