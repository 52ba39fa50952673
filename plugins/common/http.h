/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP session that plugins stand on: libcurl, a handle a connection, kept alive, HTTP/1.1, blocking. It sends what it is
 * told exactly once (libcurl's own re-send on a connection found dead before any answer, or on 417, aside: is_resent), follows no
 * redirect, adds no header that the caller did not name but Host, User-Agent and Content-Length, and stores no state of the process but curl_global_init().
 */
#ifndef PLUGINS_COMMON_HTTP_H
#define PLUGINS_COMMON_HTTP_H

#include "base/auto.h"
#include "base/buf.h"
#include "snapferry/plugin.h"

#include <stdbool.h>

/* What all connections of a store share. All strings are copied. */
struct http_options {
    const char *user_agent;  /* "snapferry/0.2.0" */
    const char *ca_file;     /* PEM; NULL: SSL_CERT_FILE, CURL_CA_BUNDLE, else the system's */
    const char *client_cert; /* PEM; NULL: none */
    const char *client_key;  /* PEM; NULL: in client_cert */
    const char *proxy; /* NULL: from the environment as libcurl reads it; "": none, whatever the environment says */
    bool plain_http;   /* http:// is allowed beside https:// */
    int64_t connect_timeout_ms;
    int64_t stall_timeout_ms;   /* no byte for this long ends a request; slow_answer: HTTP_SLOW_ANSWER_MS instead */
    const struct sf_host *host; /* debug log: verb, URL, headers (secrets redacted), status */
};

/* Requests after which the store may think for minutes before it answers: completing an upload, copying (AWS sends white space meanwhile,
 * others nothing). */
#define HTTP_SLOW_ANSWER_MS 300000

struct http;
MUST_CHECK int http_open(struct http **http, const struct http_options *options, struct sf_error *err);
void http_close(struct http *http); /* after all connections; NULL is fine */

/* One thread at a time; may move between threads. Connects at the first request. */
struct http_conn;
MUST_CHECK int http_conn_open(struct http_conn **conn, const struct http *http, struct sf_error *err);
void http_conn_close(struct http_conn *conn); /* NULL is fine */

/* Memory that a connection takes at most, for the host's budget (struct sf_store_info: conn_bytes). */
#define HTTP_CONN_BYTES (512u * 1024u)

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_PUT, HTTP_POST, HTTP_DELETE };
const char *http_method_name(enum http_method method);

struct http_header {
    const char *name;
    const char *value;
};

/* Receives the body of a 2xx answer as it comes. -1 with *err filled ends the request; http_send() then answers that error. */
typedef int (*http_write_fn)(void *ctx, const void *bytes, size_t length, struct sf_error *err);

struct http_request {
    enum http_method method;
    enum sf_request kind; /* for call->request() */
    const char *url;      /* whole and percent-encoded: sent as it is */
    const char *what;     /* the object, for messages: a key or a bucket; never the URL */
    const struct http_header *headers;
    size_t header_count;
    /* What is sent: head, body, tail in a row; Content-Length is their sum, and 0 for a PUT or POST without any. */
    const void *head;
    size_t head_bytes;
    const struct sf_body *body; /* NULL: none; taken by sf_take() */
    const void *tail;
    size_t tail_bytes;
    bool expect_continue; /* sends "Expect: 100-continue" and waits for up to 1 s; off: never sent */
    bool slow_answer;
    /* Where the body of a 2xx answer goes; NULL: into response->body, at most keep_max bytes (more is SF_TRANSIENT; 0: 64 KiB). The
     * body of every other answer goes into response->body, its first 64 KiB. */
    http_write_fn write;
    void *ctx;
    size_t keep_max;
};

struct http_response {
    int32_t status;         /* 200, 404, ... */
    int64_t server_time_ms; /* header Date; 0: none */
    int64_t
        retry_after_ms; /* headers Retry-After (seconds or date), x-amz-retry-after (ms); at most HTTP_RETRY_AFTER_MAX_MS */
    uint64_t length; /* header Content-Length; UINT64_MAX: none */
    bool is_resent; /* libcurl sent it twice: the first may have taken effect, and a precondition have failed on that */
    struct buf headers; /* of the final answer: "name\0value\0..." with names in lower case */
    struct buf body;
};
#define HTTP_RETRY_AFTER_MAX_MS 60000
#define HTTP_RESPONSE_INIT                                                                                             \
    {                                                                                                                  \
        .headers = BUF_INIT, .body = BUF_INIT                                                                          \
    }
void http_response_cleanup(struct http_response *response);
/* The value of a header (name in lower case), or NULL. Valid as long as the response. */
const char *http_response_header(const struct http_response *response, const char *name);

/* Sends one request. 0: an answer is in, whatever its status; also if the connection broke after it had come, while our own body was still
 * on its way (a refusal that comes early is read before the transport error is believed), and then the connection is not used
 * again. -1: no whole answer; *err has class, text ("WHAT: ..."), and maybe_applied unless nothing of the request can have
 * arrived. A 2xx answer whose body ends early is SF_TRANSIENT, and so is one that comes before all was sent. An error of the
 * body's source or of write is handed on as it is, maybe_applied too; a source that yields less than its length is SF_CORRUPT.
 * cancelled() ends it within 1 s with SF_CANCELLED. After a transport failure the next request connects anew.
 * Reports one request (status: HTTP, or -CURLcode without answer), unless it failed before libcurl was asked (cancelled already,
 * http:// not allowed, the source of a small body), and accounts body bytes, sent and received, as they move. response is
 * reused: cleared first. */
MUST_CHECK int http_send(const struct sf_call *call, struct http_conn *conn, const struct http_request *request,
                         struct http_response *response, struct sf_error *err);

/* The class of a status when nothing else is known: 404 not_found; 401 auth; 403 denied; 408, 5xx transient; 409 conflict; 412 precondition; 413
 * too_large; 429 throttled; 501, 405 unsupported; 507 no_space; else invalid for 4xx, permanent for the rest. Also fills *err with
 * "WHAT: HTTP STATUS", status, retry_after_ms, and maybe_applied for 500, 502, 504 and whatever was sent twice. Returns -1. */
int http_fail(struct sf_error *err, const struct http_request *request, const struct http_response *response);

/* Delivers a body to a sink (all three kinds) at its positions; for the write member of a request. bytes: delivered so far, set 0 first.
 * SF_TOO_LARGE beyond a memory sink's capacity. */
struct http_sink {
    struct sf_sink sink; /* by sf_take() */
    const char *what;
    uint64_t bytes;
};
int http_sink_write(void *http_sink, const void *bytes, size_t length, struct sf_error *err);

#endif
