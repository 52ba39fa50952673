/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/plugins/common/session.h"

#include "base/clock.h"

#include <string.h>

static int call_cancelled(const struct sf_call *call)
{
    struct session *session = call->ctx;

    if (session->cancel_server != NULL && httpd_steps_done(session->cancel_server) >= session->cancel_steps)
        return 1;
    return atomic_load(&session->is_cancelled);
}

static void call_account(const struct sf_call *call, uint64_t bytes)
{
    struct session *session = call->ctx;

    atomic_fetch_add(&session->accounted, bytes);
}

static void call_request(const struct sf_call *call, uint32_t kind, int32_t status, uint64_t bytes)
{
    struct session *session = call->ctx;

    session->reports++;
    session->kind = kind;
    session->status = status;
    session->bytes = bytes;
}

static void host_log(const struct sf_host *host, int32_t level, const char *text)
{
    struct session *session = host->ctx;

    (void)level;
    buf_add_text(&session->log, text);
    buf_add_byte(&session->log, '\n');
}

void session_init(struct session *session)
{
    *session = (struct session){.response = HTTP_RESPONSE_INIT, .err = SF_ERROR_INIT};
    session->host =
        (struct sf_host){.size = sizeof(session->host), .ctx = session, .log = host_log, .log_level = SF_LOG_DEBUG};
    session->call = (struct sf_call){.size = sizeof(session->call),
                                     .ctx = session,
                                     .cancelled = call_cancelled,
                                     .account = call_account,
                                     .request = call_request};
    session->options = (struct http_options){.user_agent = "snapferry/test",
                                             .proxy = "",
                                             .plain_http = true,
                                             .connect_timeout_ms = 600000,
                                             .stall_timeout_ms = 600000,
                                             .host = &session->host};
}

void session_start(struct session *session)
{
    ck_assert_msg(http_open(&session->http, &session->options, &session->err) == 0, "%s", session->err.text);
    ck_assert_int_eq(http_conn_open(&session->conn, session->http, &session->err), 0);
}

void session_cleanup(struct session *session)
{
    http_conn_close(session->conn);
    http_close(session->http);
    http_response_cleanup(&session->response);
    buf_cleanup(&session->log);
}

struct http_request session_request(struct session *session, const struct httpd *server, enum http_method method,
                                    const char *path)
{
    snprintf(session->url, sizeof(session->url), "%s%s", httpd_url(server), path);
    return (struct http_request){.method = method, .kind = SF_REQUEST_OTHER, .url = session->url, .what = "the-object"};
}

int session_send(struct session *session, const struct http_request *request)
{
    session->err = (struct sf_error)SF_ERROR_INIT;
    if (http_send(&session->call, session->conn, request, &session->response, &session->err) == 0) {
        ck_assert_str_eq(session->err.text, "");
        return session->response.status;
    }
    ck_assert_int_ne(session->err.cls, SF_OK);
    return -1;
}

int session_ask(struct session *session, const struct httpd *server, enum http_method method, const char *path)
{
    struct http_request request = session_request(session, server, method, path);

    return session_send(session, &request);
}

void session_failed(const struct session *session, enum sf_class cls, const char *words)
{
    ck_assert_msg(session->err.cls == (int32_t)cls, "class %d: %s", session->err.cls, session->err.text);
    ck_assert_msg(strstr(session->err.text, words) != NULL, "'%s' has no '%s'", session->err.text, words);
}

struct sf_body session_memory(const void *data, size_t bytes)
{
    return (struct sf_body){
        .size = sizeof(struct sf_body), .kind = SF_BODY_MEMORY, .length = bytes, .data = data, .fd = -1};
}

void pattern(char *out, uint64_t position, size_t bytes)
{
    size_t i;

    for (i = 0; i < bytes; i++)
        out[i] = (char)((position + i) * 7 + (position + i) / 251);
}

static int64_t source_read(void *ctx, uint64_t position, void *buffer, size_t bytes, struct sf_error *err)
{
    struct source *source = ctx;

    if (position >= source->fail_at)
        return sf_fail(err, SF_DENIED, "the source fails");
    if (position >= source->end_at)
        return 0;
    while (position >= source->wait_at && httpd_steps_done(source->server) < source->wait_steps)
        clock_sleep_ms(1);
    if (bytes > 100000)
        bytes = 100000; /* less than was asked for */
    if (bytes > source->end_at - position)
        bytes = (size_t)(source->end_at - position);
    pattern(buffer, position, bytes);
    return (int64_t)bytes;
}

struct sf_body session_source(struct source *source, uint64_t bytes)
{
    return (struct sf_body){.size = sizeof(struct sf_body),
                            .kind = SF_BODY_CALLBACK,
                            .length = bytes,
                            .fd = -1,
                            .ctx = source,
                            .read = source_read};
}
