/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sink_conn.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DROP_BYTES (4u << 20) /* of one connection, before another gets its turn */

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void want(struct conn *conn, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = conn};

    if (conn->events == events)
        return;
    epoll_ctl(conn->loop->epoll, EPOLL_CTL_MOD, conn->fd, &event);
    conn->events = events;
}

void conn_open(struct loop *loop, int fd)
{
    struct conn *conn = mem_alloc(sizeof(*conn));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};

    conn->loop = loop;
    conn->fd = fd;
    conn->events = EPOLLIN;
    conn->place = &loop->conns;
    conn->next = loop->conns;
    if (conn->next != NULL)
        conn->next->place = &conn->next;
    loop->conns = conn;
    epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event);
}

static void conn_close(struct conn *conn)
{
    if (conn->fd >= 0)
        close(conn->fd);
    conn->fd = -1;
    if (conn->state == CONN_DUE)
        return;
    *conn->place = conn->next;
    if (conn->next != NULL)
        conn->next->place = conn->place;
    exchange_cleanup(&conn->exchange);
    buf_cleanup(&conn->out);
    free(conn);
}

static bool read_more(struct conn *conn, bool *closed)
{
    ssize_t got = recv(conn->fd, conn->in + conn->in_end, sizeof(conn->in) - conn->in_end, 0);

    *closed = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
    if (got > 0)
        conn->in_end += (size_t)got;
    return got > 0;
}

/* --- the body ------------------------------------------------------------------------------------------------- */

static bool is_whole(const struct conn *conn)
{
    return conn->is_chunked ? conn->chunks.state == CHUNKS_END : conn->left == 0;
}

/* Content of the transfer: the body itself, or its aws-chunks. */
static void take_content(struct conn *conn, const char *data, size_t bytes)
{
    if (!conn->is_aws_chunked) {
        exchange_take(&conn->exchange, data, bytes);
        return;
    }
    while (bytes > 0 && conn->aws_chunks.state != CHUNKS_END && conn->aws_chunks.state != CHUNKS_BAD) {
        const char *piece;
        size_t piece_bytes;
        size_t taken = chunks_take(&conn->aws_chunks, data, bytes, &piece, &piece_bytes);

        if (piece_bytes > 0)
            exchange_take(&conn->exchange, piece, piece_bytes);
        data += taken;
        bytes -= taken;
    }
}

/* Takes what was read. False: malformed. */
static bool take_read(struct conn *conn)
{
    while (conn->in_begin < conn->in_end && !is_whole(conn)) {
        const char *from = conn->in + conn->in_begin;
        size_t bytes = conn->in_end - conn->in_begin;

        if (conn->is_chunked) {
            const char *data;
            size_t data_bytes;

            conn->in_begin += chunks_take(&conn->chunks, from, bytes, &data, &data_bytes);
            take_content(conn, data, data_bytes);
        } else {
            bytes = bytes < conn->left ? bytes : (size_t)conn->left;
            take_content(conn, from, bytes);
            conn->in_begin += bytes;
            conn->left -= bytes;
        }
    }
    if (conn->in_begin == conn->in_end)
        conn->in_begin = conn->in_end = conn->head_bytes;
    return conn->chunks.state != CHUNKS_BAD && conn->aws_chunks.state != CHUNKS_BAD;
}

/* Throws away what has come of a body that nobody looks at. */
static bool drop_more(struct conn *conn, bool *closed)
{
    ssize_t got = recv(conn->fd, NULL, conn->left < DROP_BYTES ? (size_t)conn->left : DROP_BYTES, MSG_TRUNC);

    *closed = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
    if (got <= 0)
        return false;
    conn->left -= (uint64_t)got;
    exchange_take(&conn->exchange, NULL, (size_t)got);
    return true;
}

static bool is_dropped(const struct conn *conn)
{
    return !conn->is_chunked && !conn->is_aws_chunked && conn->exchange.keep == 0;
}

/* --- the answer ------------------------------------------------------------------------------------------------ */

/* False: the connection is gone. */
static bool send_answer(struct conn *conn)
{
    while (conn->sent < conn->out.length) {
        ssize_t sent = send(conn->fd, conn->out.data + conn->sent, conn->out.length - conn->sent, MSG_NOSIGNAL);

        if (sent < 0 && errno == EAGAIN) {
            conn->state = CONN_SEND;
            want(conn, EPOLLOUT);
            return true;
        }
        if (sent < 0 && errno != EINTR) {
            conn_close(conn);
            return false;
        }
        conn->sent += sent > 0 ? (size_t)sent : 0;
    }
    if (conn->is_last) {
        shutdown(conn->fd, SHUT_WR); /* so that a client that still sends reads the answer before the reset */
        conn_close(conn);
        return false;
    }
    memmove(conn->in, conn->in + conn->in_begin, conn->in_end - conn->in_begin);
    conn->in_end -= conn->in_begin;
    conn->in_begin = 0;
    conn->state = CONN_HEAD;
    want(conn, EPOLLIN);
    return true;
}

/* False: the connection is gone. */
static bool answer(struct conn *conn)
{
    struct sink *sink = conn->loop->sink;
    bool keep_alive = conn->exchange.request.keep_alive;

    if (!conn->exchange.is_control && !conn->is_counted) {
        conn->is_counted = true;
        sink->counts.connections++;
    }
    exchange_answer(sink, &conn->exchange);
    buf_clear(&conn->out);
    exchange_write(sink, &conn->exchange, keep_alive, &conn->out);
    conn->sent = 0;
    conn->is_last = !keep_alive;
    if (sink->options.latency_ms == 0 || conn->exchange.is_control)
        return send_answer(conn);
    conn->state = CONN_DUE;
    conn->due_ns = now_ns() + sink->options.latency_ms * 1000000;
    conn->due_next = NULL;
    if (conn->loop->due_first == NULL)
        conn->loop->due_first = conn;
    else
        conn->loop->due_last->due_next = conn;
    conn->loop->due_last = conn;
    return true;
}

/* What cannot be understood is refused at once, and the connection with it. */
static bool refuse(struct conn *conn)
{
    buf_clear(&conn->out);
    buf_add_text(&conn->out, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    conn->sent = 0;
    conn->is_last = true;
    return send_answer(conn);
}

/* --- the request ----------------------------------------------------------------------------------------------- */

static bool begin_body(struct conn *conn)
{
    const struct request *request = &conn->exchange.request;
    const char *length = request_header(request, "content-length");
    const char *encoding = request_header(request, "transfer-encoding");
    const char *digest = request_header(request, "x-amz-content-sha256");
    const char *expect = request_header(request, "expect");

    conn->chunks = (struct chunks){0};
    conn->aws_chunks = (struct chunks){0};
    conn->left = 0;
    conn->is_chunked = encoding != NULL && strcasecmp(encoding, "chunked") == 0;
    conn->is_aws_chunked = digest != NULL && strncmp(digest, "STREAMING-", strlen("STREAMING-")) == 0;
    if (encoding != NULL && !conn->is_chunked)
        return false;
    if (!conn->is_chunked && length != NULL && !number_parse(length, &conn->left))
        return false;
    if (!conn->is_aws_chunked && conn->left > conn->exchange.keep)
        conn->exchange.keep = 0; /* it would be dropped at its end */
    if (expect != NULL && strcasecmp(expect, "100-continue") == 0 && !is_whole(conn) &&
        conn->in_begin == conn->in_end) {
        static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

        /* Nothing else is on its way on this connection, so this always fits into its buffer. */
        return send(conn->fd, text, sizeof(text) - 1, MSG_NOSIGNAL) == sizeof(text) - 1;
    }
    return true;
}

/* Goes on with what was read for as long as requests are whole. False: the connection is gone. */
static bool proceed(struct conn *conn)
{
    for (;;) {
        if (conn->state == CONN_HEAD) {
            conn->head_bytes = request_head_bytes(conn->in, conn->in_end);
            if (conn->head_bytes > CONN_HEAD_MAX || (conn->head_bytes == 0 && conn->in_end > CONN_HEAD_MAX))
                return refuse(conn);
            if (conn->head_bytes == 0)
                return true;
            exchange_clear(&conn->exchange);
            conn->in_begin = conn->head_bytes;
            if (!request_parse(&conn->exchange.request, conn->in, conn->head_bytes))
                return refuse(conn);
            exchange_begin(conn->loop->sink, &conn->exchange);
            if (!begin_body(conn))
                return refuse(conn);
            conn->state = CONN_BODY;
        }
        if (!take_read(conn))
            return refuse(conn);
        if (!is_whole(conn))
            return true;
        if (!answer(conn))
            return false;
        if (conn->state != CONN_HEAD)
            return true;
    }
}

void conn_event(struct conn *conn, uint32_t events)
{
    bool closed = false;

    switch (conn->state) {
    case CONN_HEAD:
        if (read_more(conn, &closed) && !proceed(conn))
            return;
        break;
    case CONN_BODY:
        if ((is_dropped(conn) ? drop_more(conn, &closed) : read_more(conn, &closed)) && !proceed(conn))
            return;
        break;
    case CONN_DUE:
        closed = (events & (EPOLLHUP | EPOLLERR)) != 0;
        if (!closed)
            want(conn, 0); /* the next request can wait */
        break;
    case CONN_SEND:
        if (send_answer(conn) && conn->state == CONN_HEAD)
            (void)proceed(conn);
        return;
    }
    if (closed)
        conn_close(conn);
}

int64_t conn_send_due(struct loop *loop)
{
    while (loop->due_first != NULL) {
        struct conn *conn = loop->due_first;
        int64_t left = conn->due_ns - now_ns();

        if (left > 0)
            return left;
        loop->due_first = conn->due_next;
        conn->state = CONN_SEND;
        if (conn->fd < 0)
            conn_close(conn);
        else
            conn_event(conn, EPOLLOUT);
    }
    return -1;
}

void conn_close_all(struct loop *loop)
{
    while (loop->conns != NULL) {
        loop->conns->state = CONN_SEND; /* nobody looks into the queue any more */
        conn_close(loop->conns);
    }
}
