/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the HTTP session share. http.c makes the handles, http_send.c runs one request, http_body.c feeds it,
 * http_response.c keeps its answer,
 * http_rescue.c saves one that libcurl did not read, http_error.c finds words for what went wrong, http_log.c tells who wants to know,
 * http_ca.c holds the certificates that all connections trust.
 */
#ifndef PLUGINS_COMMON_HTTP_PRIV_H
#define PLUGINS_COMMON_HTTP_PRIV_H

#include "plugins/common/http.h"

#include <curl/curl.h>

struct http_ca;

struct http {
    char *user_agent;
    char *client_cert;
    char *client_key;
    char *proxy; /* NULL: from the environment */
    bool plain_http;
    int64_t connect_timeout_ms;
    int64_t stall_timeout_ms;
    const struct sf_host *host;
    struct http_ca *ca;
};

/* Why we ended a request ourselves, from within a callback of libcurl. */
enum http_end {
    END_NONE,      /* we did not */
    END_CANCELLED, /* cancelled() said so */
    END_STALLED,
    END_GIVEN,   /* the body's source or write failed: *err is filled */
    END_ENOUGH,  /* the kept part of an error's body is full: the rest is not wanted */
    END_TOO_MUCH /* headers or a 2xx body beyond their bounds */
};

/* One request, while http_send() runs. */
struct exchange {
    const struct sf_call *call;
    const struct http_request *request;
    struct http_response *response;
    struct sf_error *err;
    enum http_end end;
    unsigned tries; /* connections on which the request was begun: 2 if libcurl found the first one dead */
    /* the way there */
    struct sf_body body; /* length 0: none */
    uint64_t total;
    uint64_t position;
    uint64_t sent_in_try;
    bool has_failed; /* TLS: the socket took no more */
    /* the way back */
    uint64_t received;
    uint64_t sent;
    size_t header_bytes;
    bool is_answered; /* all headers of the final answer are in */
    /* the clock */
    int64_t started_ms;
    int64_t moved_ms; /* when a byte moved last; 0: not connected yet */
    int64_t asked_ms; /* when cancelled() was asked last */
    int64_t stall_ms;
};

/* How libcurl was last told to send. What differs between them is set anew when the shape changes. */
enum http_shape { SHAPE_NONE, SHAPE_GET, SHAPE_HEAD, SHAPE_FIELDS, SHAPE_UPLOAD };

struct http_conn {
    const struct http *http;
    CURL *easy; /* NULL before the first request */
    enum http_shape shape;
    const char *verb; /* CUSTOMREQUEST as it is set; NULL: libcurl's own */
    long upload_buffer;
    long receive_buffer;
    bool is_suspect; /* the last request failed: connect anew */
    struct curl_slist *headers;
    size_t header_capacity;
    struct buf header_text;
    struct buf joined; /* a small body in one piece */
    struct exchange exchange;
    char reason[CURL_ERROR_SIZE];
};

/* ---- http.c ---- */

MUST_CHECK int http_handle_make(struct http_conn *conn, struct sf_error *err);

/* ---- http_ca.c ---- */

/* Names the file to trust, by option, environment or libcurl's own defaults. One named by the option is read at once, all others when
 * the first TLS connection is made. */
MUST_CHECK int http_ca_open(struct http_ca **ca, const char *ca_file, struct sf_error *err);
void http_ca_close(struct http_ca *ca);
const char *http_ca_file(const struct http_ca *ca);
/* Lets a handle trust it. All connections share one set of parsed certificates: a set of its own would take each nearly a MiB. */
MUST_CHECK int http_ca_use(CURL *easy, struct http_ca *ca, struct sf_error *err);

/* ---- http_body.c ---- */

/* A body up to this is sent in one piece with the headers: a third less time for the request. libcurl copies it, which beyond this
 * size costs more than it saves; its own limit for it is 64 KiB. */
#define HTTP_JOINED_MAX (48u * 1024u)

int http_body_callbacks(CURL *easy, struct http_conn *conn); /* 0: all set */
/* Sets method and body of the exchange. */
MUST_CHECK int http_body_begin(struct http_conn *conn, struct sf_error *err);

/* ---- http_response.c ---- */

int http_response_callbacks(CURL *easy, struct http_conn *conn); /* 0: all set */
void http_response_clear(struct http_response *response);
/* What libcurl calls, and http_rescue.c in its place; conn: a struct http_conn. Less than size * count: no more is wanted. */
size_t http_on_header(char *line, size_t size, size_t count, void *conn);
size_t http_on_body(char *bytes, size_t size, size_t count, void *conn);

/* ---- http_rescue.c ---- */

/* A store that refuses a large body answers, and closes the connection with our bytes unread: a reset follows the answer, and libcurl
 * fails in sending without having looked. The answer then still lies in the socket. */
void http_rescue_prepare(struct http_conn *conn); /* a connection stands, the request is about to be sent */
void http_rescue(struct http_conn *conn);         /* at each step of libcurl; does nothing before it has failed */
int http_rescue_callbacks(CURL *easy, struct http_conn *conn); /* 0: all set */

/* ---- http_send.c ---- */

int http_callbacks(CURL *easy, struct http_conn *conn); /* all of them; 0: all set */

/* ---- http_error.c ---- */

/* Fills *err for a request that ended without a whole answer; code is what libcurl says. Returns -1. */
int http_explain(struct http_conn *conn, CURLcode code, struct sf_error *err);

/* ---- http_log.c ---- */

/* One line at SF_LOG_DEBUG, if that is shown. err NULL: there was an answer. */
void http_log(const struct http_conn *conn, const struct sf_error *err);

#endif
