/* SPDX-License-Identifier: Apache-2.0
 *
 * What is sent. A small body is handed to libcurl in one piece, so that it leaves in one packet with the headers; a large one is
 * read as libcurl asks for it.
 */
#include "plugins/common/http_priv.h"

#include "base/clock.h"
#include "plugins/common/body.h"

#include <string.h>

#define SMALL_BUFFER (16L * 1024)
#define MEDIUM_BUFFER (64L * 1024)
#define LARGE_BUFFER (256L * 1024)
#define LARGE_BYTES (1024u * 1024u)

/* Up to bytes from position in head, body and tail. 0 only at the end. */
static int64_t read_at(const struct exchange *x, uint64_t position, char *buffer, size_t bytes, struct sf_error *err)
{
    const struct http_request *request = x->request;
    const char *segment = request->head;
    uint64_t left = request->head_bytes;

    if (position >= left) {
        position -= left;
        if (position < x->body.length)
            return body_read(&x->body, position, buffer, bytes, request->what, err);
        position -= x->body.length;
        segment = request->tail;
        left = request->tail_bytes;
    }
    left -= position;
    if (bytes > left)
        bytes = (size_t)left;
    if (bytes > 0)
        memcpy(buffer, segment + position, bytes);
    return (int64_t)bytes;
}

static size_t on_read(char *buffer, size_t size, size_t count, void *ctx)
{
    struct http_conn *conn = ctx;
    struct exchange *x = &conn->exchange;
    int64_t got = read_at(x, x->position, buffer, size * count, x->err);

    x->moved_ms = clock_mono_ms();
    if (got < 0) {
        x->end = END_GIVEN;
        return CURL_READFUNC_ABORT;
    }
    x->position += (uint64_t)got;
    return (size_t)got;
}

/* For a second try on another connection. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
    struct http_conn *conn = ctx;

    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > conn->exchange.total)
        return CURL_SEEKFUNC_FAIL;
    conn->exchange.position = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

int http_body_callbacks(CURL *easy, struct http_conn *conn)
{
    int bad = 0;

    bad |= (int)curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_READDATA, conn);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_SEEKDATA, conn);
    return bad;
}

/* The whole body in one piece: where it stands, if it is one already and in memory. */
static const char *join(struct http_conn *conn, struct sf_error *err)
{
    const struct exchange *x = &conn->exchange;
    const struct http_request *request = x->request;
    uint64_t position = 0;

    if (x->total == 0)
        return "";
    if (x->total == request->head_bytes)
        return request->head;
    if (x->total == request->tail_bytes)
        return request->tail;
    if (x->total == x->body.length && x->body.kind == SF_BODY_MEMORY)
        return x->body.data;
    buf_clear(&conn->joined);
    buf_reserve(&conn->joined, (size_t)x->total);
    while (position < x->total) {
        int64_t got = read_at(x, position, conn->joined.data + position, (size_t)(x->total - position), err);

        if (got < 0)
            return NULL;
        position += (uint64_t)got;
    }
    return conn->joined.data;
}

/* Leaves nothing of an earlier shape behind: each option takes the method with it, so that the order counts. */
static int set_shape(struct http_conn *conn, enum http_shape shape)
{
    CURL *easy = conn->easy;
    int bad = 0;

    if (shape == conn->shape)
        return 0;
    bad |= (int)curl_easy_setopt(easy, CURLOPT_UPLOAD, 0L);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_NOBODY, 0L);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)-1);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)-1);
    bad |= (int)curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    if (shape == SHAPE_HEAD)
        bad |= (int)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (shape == SHAPE_UPLOAD)
        bad |= (int)curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    else if (shape == SHAPE_FIELDS)
        bad |= (int)curl_easy_setopt(easy, CURLOPT_POST, 1L);
    conn->shape = bad ? SHAPE_NONE : shape;
    return bad;
}

static int set_verb(struct http_conn *conn, const char *verb)
{
    int bad;

    if (verb == conn->verb)
        return 0;
    bad = (int)curl_easy_setopt(conn->easy, CURLOPT_CUSTOMREQUEST, verb);
    conn->verb = verb;
    return bad;
}

/* Only on a change: libcurl frees the buffer that it has, and makes another. */
static int set_buffers(struct http_conn *conn, enum http_shape shape)
{
    const struct exchange *x = &conn->exchange;
    long large = x->total >= LARGE_BYTES ? LARGE_BUFFER : MEDIUM_BUFFER;
    long upload = shape == SHAPE_UPLOAD ? large : SMALL_BUFFER;
    long receive = x->request->write != NULL ? MEDIUM_BUFFER : SMALL_BUFFER;
    int bad = 0;

    if (upload != conn->upload_buffer)
        bad |= (int)curl_easy_setopt(conn->easy, CURLOPT_UPLOAD_BUFFERSIZE, upload);
    if (receive != conn->receive_buffer)
        bad |= (int)curl_easy_setopt(conn->easy, CURLOPT_BUFFERSIZE, receive);
    conn->upload_buffer = upload;
    conn->receive_buffer = receive;
    return bad;
}

static enum http_shape choose_shape(const struct exchange *x)
{
    const struct http_request *request = x->request;

    if (request->method == HTTP_HEAD)
        return SHAPE_HEAD;
    if (x->total == 0 && request->method != HTTP_PUT && request->method != HTTP_POST)
        return SHAPE_GET;
    return x->total > HTTP_JOINED_MAX || (request->expect_continue && x->total > 0) ? SHAPE_UPLOAD : SHAPE_FIELDS;
}

int http_body_begin(struct http_conn *conn, struct sf_error *err)
{
    struct exchange *x = &conn->exchange;
    enum http_shape shape = choose_shape(x);
    bool is_native = shape == SHAPE_HEAD || (shape == SHAPE_GET && x->request->method == HTTP_GET);
    int bad = set_shape(conn, shape);

    bad |= set_buffers(conn, shape);
    bad |= set_verb(conn, is_native ? NULL : http_method_name(x->request->method));
    if (shape == SHAPE_FIELDS) {
        const char *whole = join(conn, err);

        if (whole == NULL) {
            x->end = END_GIVEN;
            return -1;
        }
        bad |= (int)curl_easy_setopt(conn->easy, CURLOPT_POSTFIELDS, whole);
        bad |= (int)curl_easy_setopt(conn->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->total);
    } else if (shape == SHAPE_UPLOAD) {
        bad |= (int)curl_easy_setopt(conn->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->total);
    }
    return bad ? sf_fail(err, SF_PERMANENT, "libcurl refuses an option, or memory is short") : 0;
}
