/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection: requests come in one after the other, each is answered when it is whole and its latency is over. Never blocks.
 * A body that nobody keeps is thrown away inside the kernel (MSG_TRUNC), without a copy.
 */
#ifndef BENCH_SINK_CONN_H
#define BENCH_SINK_CONN_H

#include "bench/sink_chunks.h"
#include "bench/sink_exchange.h"

#define CONN_IN_BYTES 65536
#define CONN_HEAD_MAX 32768 /* so that room is left for a body behind it */

struct loop {
    int epoll;
    struct sink *sink;
    struct conn *conns; /* all */
    /* Answers that wait for their time. All wait equally long, so the first come is the first due. */
    struct conn *due_first;
    struct conn *due_last;
};

enum conn_state {
    CONN_HEAD, /* waits for a whole head */
    CONN_BODY,
    CONN_DUE, /* in the loop's queue */
    CONN_SEND
};

struct conn {
    struct loop *loop;
    struct conn *next;
    struct conn **place; /* that points here */
    int fd;              /* -1: closed while in the queue, freed there */
    uint32_t events;
    enum conn_state state;
    bool is_counted;
    bool is_last; /* closes after this answer */
    /* The body of this request. */
    bool is_chunked;
    bool is_aws_chunked;
    uint64_t left; /* of Content-Length */
    struct chunks chunks;
    struct chunks aws_chunks;
    struct exchange exchange;
    struct buf out;
    size_t sent;
    int64_t due_ns;
    struct conn *due_next;
    size_t head_bytes; /* of this request, at the start of in */
    size_t in_begin;   /* what is behind them and not taken yet */
    size_t in_end;
    char in[CONN_IN_BYTES];
};

void conn_open(struct loop *loop, int fd); /* takes it over */
void conn_event(struct conn *conn, uint32_t events);
/* Sends the answers that are due; ns until the next one, -1: there is none. */
int64_t conn_send_due(struct loop *loop);
void conn_close_all(struct loop *loop);

#endif
