/* SPDX-License-Identifier: Apache-2.0
 *
 * An HTTP session in a test: options that fit the scripted server, a call that counts, a log that is kept. Each test has one.
 */
#ifndef TESTS_PLUGINS_COMMON_SESSION_H
#define TESTS_PLUGINS_COMMON_SESSION_H

#include "plugins/common/http.h"
#include "tests/kit/httpd.h"
#include "tests/kit/unit.h"

#include <stdatomic.h>

struct session {
    struct http_options options; /* may be changed before session_start() */
    struct sf_host host;
    struct sf_call call;
    struct http *http;
    struct http_conn *conn;
    struct http_response response;
    struct sf_error err;
    char url[512];
    struct buf log;
    /* what the call was told */
    atomic_int is_cancelled;
    struct httpd *cancel_server; /* cancelled once this server has done so many steps */
    unsigned cancel_steps;
    _Atomic uint64_t accounted;
    unsigned reports;
    uint32_t kind;
    int32_t status;
    uint64_t bytes;
};

/* Options: plain HTTP allowed, no proxy, the debug log shown, stalls after ten minutes. */
void session_init(struct session *session);
void session_start(struct session *session); /* http_open, http_conn_open; fails the test if they fail */
void session_cleanup(struct session *session);

/* A request to a path of the server; what: "the-object". The URL lives in the session until the next one. */
struct http_request session_request(struct session *session, const struct httpd *server, enum http_method method,
                                    const char *path);
/* http_send(), which answers the status, or -1: the error is in session->err then. */
int session_send(struct session *session, const struct http_request *request);
/* Both in one, without a body. */
int session_ask(struct session *session, const struct httpd *server, enum http_method method, const char *path);
/* Fails the test unless the last request failed with this class and with each of the words in its text. */
void session_failed(const struct session *session, enum sf_class cls, const char *words);

struct sf_body session_memory(const void *data, size_t bytes);

/* A source by callback: byte i is i * 7 + i / 251, as pattern() fills it. */
struct source {
    uint64_t fail_at; /* position at which it fails with SF_DENIED; UINT64_MAX: never */
    uint64_t end_at;  /* ... at which it says that there is no more */
    uint64_t wait_at; /* ... from which on it waits until server has done wait_steps */
    struct httpd *server;
    unsigned wait_steps;
};
#define SOURCE_INIT                                                                                                    \
    {                                                                                                                  \
        UINT64_MAX, UINT64_MAX, UINT64_MAX, NULL, 0                                                                    \
    }
struct sf_body session_source(struct source *source, uint64_t bytes);
void pattern(char *out, uint64_t position, size_t bytes);

#endif
