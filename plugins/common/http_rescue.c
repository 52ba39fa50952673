/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the answer that libcurl left in the socket when it failed in sending: when it hands us the socket to close; over TLS
 * before that, at its last call of the progress function, while there still is what can decrypt.
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

static bool is_wanted(const struct exchange *x)
{
    return x->call != NULL && x->tries > 0 && x->end == END_NONE && (!x->is_answered || x->sent_in_try < x->total);
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

/* Length of the line "SIZE CR LF" that begins a chunk; 0: this is none. */
static size_t chunk_line(const char *at, const char *end, unsigned long *bytes)
{
    const char *line_end = memchr(at, '\n', (size_t)(end - at));
    char *stop;

    if (line_end == NULL)
        return 0;
    *bytes = strtoul(at, &stop, 16);
    return stop != at && (*stop == '\r' || *stop == ';') ? (size_t)(line_end + 1 - at) : 0;
}

/* Chunk for chunk. libcurl may have read the first line already: then the rest of that chunk goes to where the end can be seen, which is
 * right for an error in one chunk, as stores send them. */
static void feed_chunks(struct http_conn *conn, char *at, char *end)
{
    unsigned long bytes;
    size_t line = chunk_line(at, end, &bytes);

    if (line == 0) {
        char *last = memmem(at, (size_t)(end - at), "\r\n0\r\n", 5);

        (void)http_on_body(at, 1, (size_t)((last != NULL ? last : end) - at), conn);
        return;
    }
    while (at < end && (line = chunk_line(at, end, &bytes)) > 0 && bytes > 0) {
        at += line;
        if (bytes > (size_t)(end - at))
            bytes = (size_t)(end - at);
        if (http_on_body(at, 1, bytes, conn) != bytes)
            return;
        at += bytes;
        at += end - at >= 2 ? 2 : end - at;
    }
}

static void feed(struct http_conn *conn, struct buf *in)
{
    struct exchange *x = &conn->exchange;
    char *at = in->data, *end = in->data + in->length;
    const char *coding;
    size_t bytes;

    if (!x->is_answered)
        at = feed_headers(conn, at, end);
    if (!x->is_answered || at == end)
        return;
    coding = http_response_header(x->response, "transfer-encoding");
    if (coding == NULL) {
        bytes = (size_t)(end - at);
        if (bytes > x->response->length - x->received)
            bytes = (size_t)(x->response->length - x->received);
        (void)http_on_body(at, 1, bytes, conn);
    } else {
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
        in.data[in.length] = '\0';
    } while (got > 0 && in.length < READ_MAX);
    if (in.length > 0)
        feed(conn, &in);
}

static SSL *find_ssl(const struct http_conn *conn)
{
    struct curl_tlssessioninfo *session = NULL;

    if (!is_tls(&conn->exchange) || curl_easy_getinfo(conn->easy, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK ||
        session == NULL)
        return NULL;
    return session->internals;
}

/* Called by OpenSSL before and after what it does with the socket. */
static long on_bio(BIO *bio, int operation, const char *data, size_t bytes, int number, long more, int result,
                   size_t *processed)
{
    struct exchange *x = (struct exchange *)BIO_get_callback_arg(bio);

    (void)data;
    (void)bytes;
    (void)number;
    (void)more;
    (void)processed;
    if (operation == (BIO_CB_WRITE | BIO_CB_RETURN) && result <= 0 && !BIO_should_retry(bio))
        x->has_failed = true;
    return result;
}

void http_rescue_prepare(struct http_conn *conn)
{
    SSL *ssl = find_ssl(conn);
    BIO *bio = ssl != NULL ? SSL_get_wbio(ssl) : NULL;

    if (bio == NULL)
        return;
    BIO_set_callback_arg(bio, (char *)&conn->exchange);
    BIO_set_callback_ex(bio, on_bio);
}

/* An alert may lie there instead, with a better reason than that we could not send. */
static void note_alert(struct http_conn *conn)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    if (reason != NULL && strstr(reason, "alert") != NULL)
        snprintf(conn->reason, sizeof(conn->reason), "%s", reason);
    ERR_clear_error(); /* of this thread: not libcurl's to find */
}

void http_rescue(struct http_conn *conn)
{
    SSL *ssl = conn->exchange.has_failed && is_wanted(&conn->exchange) ? find_ssl(conn) : NULL;

    if (ssl == NULL)
        return;
    conn->exchange.has_failed = false; /* once is enough */
    ERR_clear_error();
    read_rest(conn, ssl, -1);
    note_alert(conn);
}

static int on_close(void *ctx, curl_socket_t fd)
{
    struct http_conn *conn = ctx;

    if (is_wanted(&conn->exchange) && !is_tls(&conn->exchange))
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
