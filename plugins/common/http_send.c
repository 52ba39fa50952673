/* SPDX-License-Identifier: Apache-2.0
 *
 * One request from its start to its answer, and the verdict on what came.
 */
#include "plugins/common/http_priv.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#include <string.h>

#define ASK_MS 100    /* how often cancelled() is asked, at most */
#define OWN_HEADERS 3 /* that may be added to the caller's, to take away libcurl's own */

/* ---- while it runs ---- */

/* A connection stands, the request is about to be sent on it. */
static int on_connected(void *ctx, char *their_ip, char *our_ip, int their_port, int our_port)
{
    struct http_conn *conn = ctx;
    struct exchange *x = &conn->exchange;

    (void)their_ip;
    (void)our_ip;
    (void)their_port;
    (void)our_port;
    x->tries++;
    x->sent_in_try = 0;
    x->has_failed = false;
    x->is_answered = false;
    x->moved_ms = clock_mono_ms();
    http_response_clear(x->response);
    http_rescue_prepare(conn);
    return CURL_PREREQFUNC_OK;
}

static void note_sent(struct exchange *x, uint64_t sent)
{
    if (sent <= x->sent_in_try)
        return;
    x->call->account(x->call, sent - x->sent_in_try);
    x->sent += sent - x->sent_in_try;
    x->sent_in_try = sent;
    x->moved_ms = clock_mono_ms();
}

/* Called after each step, and about once a second while nothing happens. */
static int on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    struct http_conn *conn = ctx;
    struct exchange *x = &conn->exchange;
    int64_t now;

    (void)down_total;
    (void)down;
    (void)up_total;
    note_sent(x, (uint64_t)up);
    http_rescue(conn);
    now = clock_mono_ms();
    if (now - x->asked_ms >= ASK_MS) {
        x->asked_ms = now;
        if (x->call->cancelled(x->call))
            x->end = END_CANCELLED;
        else if (x->stall_ms > 0 && x->moved_ms > 0 && now - x->moved_ms > x->stall_ms)
            x->end = END_STALLED;
    }
    return x->end != END_NONE;
}

int http_callbacks(CURL *easy, struct http_conn *conn)
{
    int bad = 0;

    bad |= (int)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_PREREQDATA, conn);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_XFERINFODATA, conn);
    bad |= http_body_callbacks(easy, conn);
    bad |= http_rescue_callbacks(easy, conn);
    bad |= http_response_callbacks(easy, conn);
    return bad;
}

/* ---- before ---- */

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' && *text != '\t')
            return false;
    return true;
}

static bool has_header(const struct http_request *request, const char *name)
{
    size_t i;

    for (i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return true;
    return false;
}

/* The list that libcurl reads, in memory that is kept from request to request. */
static void list_headers(struct http_conn *conn, const struct http_request *request)
{
    struct buf *text = &conn->header_text;
    struct curl_slist *node;
    size_t i, count = 0, at = 0;

    if (request->header_count + OWN_HEADERS > conn->header_capacity) {
        conn->header_capacity = request->header_count + OWN_HEADERS;
        conn->headers = mem_resize(conn->headers, conn->header_capacity * sizeof(*conn->headers));
    }
    buf_clear(text);
    for (i = 0; i < request->header_count; i++, count++) {
        const char *value = request->headers[i].value;

        buf_add_text(text, request->headers[i].name);
        buf_add_text(text, value[0] != '\0' ? ": " : ";"); /* with a semicolon libcurl sends it without a value */
        buf_add(text, value, strlen(value) + 1);
    }
    if (!has_header(request, "accept"))
        buf_add(text, "Accept:", sizeof("Accept:")), count++;
    if (!has_header(request, "content-type"))
        buf_add(text, "Content-Type:", sizeof("Content-Type:")), count++;
    if (request->expect_continue && conn->exchange.total > 0)
        buf_add(text, "Expect: 100-continue", sizeof("Expect: 100-continue")), count++;
    else
        buf_add(text, "Expect:", sizeof("Expect:")), count++;
    for (i = 0; i < count; i++, at += strlen(text->data + at) + 1) {
        node = &conn->headers[i];
        node->data = text->data + at;
        node->next = i + 1 < count ? node + 1 : NULL;
    }
}

static int check_request(const struct http_conn *conn, const struct http_request *request, struct sf_error *err)
{
    size_t i;

    if (!conn->http->plain_http && strncasecmp(request->url, "https://", 8) != 0)
        return sf_fail(err, SF_INVALID, "only https:// is allowed here: plain http must be asked for in the config");
    for (i = 0; i < request->header_count; i++)
        if (!is_printable(request->headers[i].name) || !is_printable(request->headers[i].value))
            return sf_fail(err, SF_INVALID, "the header %s would hold a control character", request->headers[i].name);
    return 0;
}

static void begin_exchange(struct exchange *x, const struct sf_call *call, const struct http *http,
                           const struct http_request *request, struct http_response *response, struct sf_error *err)
{
    *x = (struct exchange){.call = call, .request = request, .response = response, .err = err};
    if (request->body != NULL)
        sf_take(&x->body, sizeof(x->body), request->body);
    if (request->method != HTTP_HEAD)
        x->total = request->head_bytes + x->body.length + request->tail_bytes;
    x->started_ms = clock_mono_ms();
    x->stall_ms = request->slow_answer ? HTTP_SLOW_ANSWER_MS : http->stall_timeout_ms;
    http_response_clear(response);
}

static int prepare(struct http_conn *conn, const struct http_request *request, struct sf_error *err)
{
    int bad = 0;

    if (conn->exchange.call->cancelled(conn->exchange.call))
        return sf_fail(err, SF_CANCELLED, "stopped");
    if (check_request(conn, request, err) < 0 || (conn->easy == NULL && http_handle_make(conn, err) < 0) ||
        http_body_begin(conn, err) < 0)
        return -1;
    list_headers(conn, request);
    conn->reason[0] = '\0';
    bad |= (int)curl_easy_setopt(conn->easy, CURLOPT_URL, request->url);
    bad |= (int)curl_easy_setopt(conn->easy, CURLOPT_HTTPHEADER, conn->headers);
    bad |= (int)curl_easy_setopt(conn->easy, CURLOPT_FRESH_CONNECT, conn->is_suspect ? 1L : 0L);
    return bad ? sf_fail(err, SF_PERMANENT, "libcurl refuses an option, or memory is short") : 0;
}

/* ---- after ---- */

/* Whether what came can be believed. A success has to be whole, and to come after the whole request; anything else has been decided by the
 * store when its headers are in, whatever became of the connection then. */
static bool is_whole(const struct exchange *x, CURLcode code)
{
    if (!x->is_answered || x->end == END_CANCELLED || x->end == END_GIVEN || x->end == END_TOO_MUCH)
        return false;
    if (x->response->status >= 200 && x->response->status < 300)
        return code == CURLE_OK && x->sent_in_try == x->total;
    return true;
}

int http_send(const struct sf_call *call, struct http_conn *conn, const struct http_request *request,
              struct http_response *response, struct sf_error *err)
{
    struct exchange *x = &conn->exchange;
    char what[256];
    CURLcode code;
    bool is_done;

    begin_exchange(x, call, conn->http, request, response, err);
    if (prepare(conn, request, err) < 0)
        return x->end == END_GIVEN ? -1 : err_prefix(err, "%s", err_printable(request->what, what, sizeof(what)));
    code = curl_easy_perform(conn->easy);
    conn->is_suspect = code != CURLE_OK;
    is_done = is_whole(x, code);
    response->is_resent = x->tries > 1;
    if (!is_done)
        http_explain(conn, code, err);
    if (code == CURLE_OK && !is_done)
        code = CURLE_SEND_ERROR;
    call->request(call, request->kind, is_done ? response->status : -(int32_t)code, x->sent + x->received);
    http_log(conn, is_done ? NULL : err);
    x->call = NULL; /* no callback belongs to it any more */
    return is_done ? 0 : -1;
}
