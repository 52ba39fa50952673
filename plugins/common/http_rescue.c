/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the answer that libcurl left in the socket when it failed in sending: over TLS while the connection still stands, which is
 * at libcurl's last call of its progress function; else when it hands us the socket to close.
 */
#include "plugins/common/http_priv.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define READ_MAX (256u * 1024u) /* headers, and the part of an error's body that is kept, with room to spare */
#define PIECE 4096u

static bool is_tls(const struct exchange *x)
{
    return strncasecmp(x->request->url, "https:", 6) == 0;
}

/* libcurl has given up (it has stated why), while all that we know of an answer is less than a whole one. */
static bool is_wanted(const struct http_conn *conn)
{
    const struct exchange *x = &conn->exchange;

    return x->call != NULL && x->tries > 0 && x->end == END_NONE && conn->reason[0] != '\0' &&
           (!x->is_answered || x->sent_in_try < x->total);
}

static char *feed_headers(struct http_conn *conn, char *at, char *end)
{
    struct exchange *x = &conn->exchange;

    if (x->response->status == 0 && (end - at < 5 || memcmp(at, "HTTP/", 5) != 0))
        return end;
    while (!x->is_answered) {
        char *line = at;
        size_t bytes;

        at = memchr(line, '\n', (size_t)(end - line));
        if (at == NULL)
            return end;
        bytes = (size_t)(++at - line);
        if (http_on_header(line, 1, bytes, conn) != bytes)
            return end;
    }
    return at;
}

/* SIZE CR LF, bytes, CR LF, ..., 0 */
static void feed_chunks(struct http_conn *conn, char *at, char *end)
{
    while (at < end) {
        char *start = memchr(at, '\n', (size_t)(end - at));
        unsigned long bytes = start != NULL ? strtoul(at, NULL, 16) : 0;

        if (bytes == 0)
            return;
        start++;
        if (bytes > (size_t)(end - start))
            bytes = (size_t)(end - start);
        if (http_on_body(start, 1, bytes, conn) != bytes)
            return;
        at = start + bytes;
        at += end - at >= 2 ? 2 : end - at;
    }
}

static void feed(struct http_conn *conn, struct buf *in)
{
    struct exchange *x = &conn->exchange;
    bool had_headers = x->is_answered;
    char *at = in->data, *end = in->data + in->length;
    const char *coding;
    size_t bytes;

    if (!had_headers)
        at = feed_headers(conn, at, end);
    if (!x->is_answered || at == end)
        return;
    coding = http_response_header(x->response, "transfer-encoding");
    if (coding == NULL) {
        bytes = (size_t)(end - at);
        if (bytes > x->response->length - x->received)
            bytes = (size_t)(x->response->length - x->received);
        (void)http_on_body(at, 1, bytes, conn);
    } else if (!had_headers) { /* else within a chunk, we do not know where */
        feed_chunks(conn, at, end);
    }
}

static ssize_t read_some(SSL *ssl, int fd, void *buffer, size_t bytes)
{
    return ssl != NULL ? SSL_read(ssl, buffer, (int)bytes) : recv(fd, buffer, bytes, MSG_DONTWAIT);
}

/* All is there already: what ended the connection came behind it. */
static void read_rest(struct http_conn *conn, SSL *ssl, int fd)
{
    SF_AUTO(buf) in = BUF_INIT;
    ssize_t got;

    do {
        buf_reserve(&in, PIECE);
        got = read_some(ssl, fd, in.data + in.length, PIECE);
        in.length += got > 0 ? (size_t)got : 0;
    } while (got > 0 && in.length < READ_MAX);
    if (in.length > 0)
        feed(conn, &in);
}

/* Over TLS an alert may lie there instead, with a better reason than that we could not send. */
static void note_alert(struct http_conn *conn)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    if (reason != NULL && strstr(reason, "alert") != NULL)
        snprintf(conn->reason, sizeof(conn->reason), "%s", reason);
    ERR_clear_error(); /* of this thread: not libcurl's to find */
}

void http_rescue(struct http_conn *conn)
{
    struct curl_tlssessioninfo *session = NULL;

    if (!is_wanted(conn) || !is_tls(&conn->exchange) ||
        curl_easy_getinfo(conn->easy, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK || session == NULL ||
        session->internals == NULL)
        return;
    ERR_clear_error();
    read_rest(conn, session->internals, -1);
    note_alert(conn);
}

static int on_close(void *ctx, curl_socket_t fd)
{
    struct http_conn *conn = ctx;

    if (is_wanted(conn) && !is_tls(&conn->exchange))
        read_rest(conn, NULL, fd);
    return close(fd);
}

int http_rescue_callbacks(CURL *easy, struct http_conn *conn)
{
    int bad = 0;

    bad |= (int)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, conn);
    return bad;
}
