/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps what comes back: headers of the final answer, and as much of its body as is wanted, all of it bounded.
 */
#include "plugins/common/http_priv.h"

#include "base/clock.h"
#include "plugins/common/text.h"

#include <string.h>

#define HEADERS_MAX (64u * 1024u)
#define KEEP_DEFAULT (64u * 1024u)
#define ERROR_BODY_MAX (64u * 1024u)

void http_response_clear(struct http_response *response)
{
    response->status = 0;
    response->server_time_ms = 0;
    response->retry_after_ms = 0;
    response->length = UINT64_MAX;
    buf_clear(&response->headers);
    buf_clear(&response->body);
}

void http_response_cleanup(struct http_response *response)
{
    buf_cleanup(&response->headers);
    buf_cleanup(&response->body);
    *response = (struct http_response)HTTP_RESPONSE_INIT;
}

const char *http_response_header(const struct http_response *response, const char *name)
{
    const char *at = response->headers.data;
    const char *end = at + response->headers.length;

    while (at != end) {
        const char *value = at + strlen(at) + 1;

        if (strcmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

/* Digits alone; UINT64_MAX if it is anything else. What does not fit is the number before that. */
static uint64_t number_of(const char *text)
{
    uint64_t number = 0;
    const char *at;

    for (at = text; *at >= '0' && *at <= '9'; at++)
        number = number < UINT64_MAX / 10 - 1 ? number * 10 + (uint64_t)(*at - '0') : UINT64_MAX - 1;
    return at == text || *at != '\0' ? UINT64_MAX : number;
}

/* The store's wish in ms. Its own header is finer than HTTP's, which has seconds, or a date by the store's clock. */
static int64_t retry_after(const struct http_response *response)
{
    const char *value = http_response_header(response, "x-amz-retry-after");
    uint64_t wish = value != NULL ? number_of(value) : UINT64_MAX;
    int64_t date, now = response->server_time_ms != 0 ? response->server_time_ms : clock_wall_ms();

    value = http_response_header(response, "retry-after");
    if (wish == UINT64_MAX && value != NULL) {
        wish = number_of(value);
        if (wish < HTTP_RETRY_AFTER_MAX_MS)
            wish *= 1000;
        else if (wish == UINT64_MAX && http_date_parse(value, &date))
            wish = date > now ? (uint64_t)(date - now) : 0;
    }
    if (wish == UINT64_MAX)
        return 0;
    return wish < HTTP_RETRY_AFTER_MAX_MS ? (int64_t)wish : HTTP_RETRY_AFTER_MAX_MS;
}

static void end_headers(struct exchange *x)
{
    struct http_response *response = x->response;
    const char *value;

    if (response->status < 200)
        return; /* 100 Continue: the answer proper is to come */
    x->is_answered = true;
    value = http_response_header(response, "date");
    if (value != NULL && !http_date_parse(value, &response->server_time_ms))
        response->server_time_ms = 0;
    value = http_response_header(response, "content-length");
    if (value != NULL)
        response->length = number_of(value);
    response->retry_after_ms = retry_after(response);
}

static void begin_headers(struct exchange *x, const char *line, size_t bytes)
{
    const char *space = memchr(line, ' ', bytes);
    int32_t status = 0;
    size_t i;

    http_response_clear(x->response);
    x->is_answered = false;
    if (space == NULL || (size_t)(line + bytes - space) < 4)
        return;
    for (i = 1; i <= 3; i++)
        if (space[i] >= '0' && space[i] <= '9')
            status = status * 10 + (space[i] - '0');
    x->response->status = status;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static void add_header(struct buf *headers, const char *line, size_t bytes)
{
    const char *colon = memchr(line, ':', bytes);
    const char *value, *end = line + bytes;
    const char *at;

    if (colon == NULL || colon == line || memchr(line, '\0', bytes) != NULL)
        return;
    for (at = line; at < colon; at++)
        buf_add_byte(headers, *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at);
    buf_add_byte(headers, '\0');
    for (value = colon + 1; value < end && is_blank(*value); value++)
        continue;
    while (end > value && is_blank(end[-1]))
        end--;
    buf_add(headers, value, (size_t)(end - value));
    buf_add_byte(headers, '\0');
}

/* One line with its end; the status line begins an answer, an empty line ends its headers. Trailers may follow the body. */
size_t http_on_header(char *line, size_t size, size_t count, void *ctx)
{
    struct http_conn *conn = ctx;
    struct exchange *x = &conn->exchange;
    size_t whole = size * count;
    size_t bytes = whole;

    x->moved_ms = clock_mono_ms();
    x->header_bytes += whole;
    if (x->header_bytes > HEADERS_MAX) {
        x->end = END_TOO_MUCH;
        return 0;
    }
    while (bytes > 0 && (line[bytes - 1] == '\n' || line[bytes - 1] == '\r'))
        bytes--;
    if (bytes > 5 && memcmp(line, "HTTP/", 5) == 0)
        begin_headers(x, line, bytes);
    else if (bytes == 0)
        end_headers(x);
    else if (!x->is_answered && !is_blank(line[0]))
        add_header(&x->response->headers, line, bytes);
    return whole;
}

/* 1: go on; 0: no more is wanted. */
static int keep(struct buf *body, const char *bytes, size_t count, size_t most)
{
    size_t room = most - body->length;

    buf_add(body, bytes, count < room ? count : room);
    return count <= room;
}

size_t http_on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct http_conn *conn = ctx;
    struct exchange *x = &conn->exchange;
    const struct http_request *request = x->request;
    bool is_good = x->response->status >= 200 && x->response->status < 300;
    size_t length = size * count;
    int on;

    x->received += length;
    x->call->account(x->call, length);
    if (is_good && request->write != NULL) {
        on = request->write(request->ctx, bytes, length, x->err) == 0;
        x->end = on ? x->end : END_GIVEN;
    } else if (is_good) {
        on = keep(&x->response->body, bytes, length, request->keep_max != 0 ? request->keep_max : KEEP_DEFAULT);
        x->end = on ? x->end : END_TOO_MUCH;
    } else {
        on = keep(&x->response->body, bytes, length, ERROR_BODY_MAX);
        x->end = on ? x->end : END_ENOUGH;
    }
    x->moved_ms = clock_mono_ms();
    return on ? length : 0;
}

int http_response_callbacks(CURL *easy, struct http_conn *conn)
{
    int bad = 0;

    bad |= (int)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, http_on_header);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_HEADERDATA, conn);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, http_on_body);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_WRITEDATA, conn);
    return bad;
}

static enum sf_class class_of_status(int32_t status)
{
    switch (status) {
    case 401:
    case 407:
        return SF_AUTH;
    case 403:
        return SF_DENIED;
    case 404:
        return SF_NOT_FOUND;
    case 405:
    case 501:
        return SF_UNSUPPORTED;
    case 408:
        return SF_TRANSIENT;
    case 409:
        return SF_CONFLICT;
    case 412:
        return SF_PRECONDITION;
    case 413:
        return SF_TOO_LARGE;
    case 429:
        return SF_THROTTLED;
    case 507:
        return SF_NO_SPACE;
    default:
        if (status >= 500 && status < 600)
            return SF_TRANSIENT;
        return status >= 400 && status < 500 ? SF_INVALID : SF_PERMANENT;
    }
}

int http_fail(struct sf_error *err, const struct http_request *request, const struct http_response *response)
{
    int32_t status = response->status;

    sf_fail(err, class_of_status(status), "%s: HTTP %d", request->what, status);
    err->status = status;
    err->retry_after_ms = response->retry_after_ms;
    /* A gateway may have lost the store's own answer, a store may have failed after it had done it. */
    err->maybe_applied = response->is_resent || status == 500 || status == 502 || status == 504;
    return -1;
}
