/* SPDX-License-Identifier: Apache-2.0
 *
 * One request and its answer, between the connection that carries them and the protocol that understands them.
 */
#ifndef BENCH_SINK_EXCHANGE_H
#define BENCH_SINK_EXCHANGE_H

#include "bench/sink.h"
#include "bench/sink_http.h"

struct exchange {
    struct request request;
    enum sink_kind kind;
    bool is_control; /* of the sink's own: neither counted nor delayed nor failed */
    uint64_t keep;   /* bytes of the body that are kept at most; a larger one is dropped; 0: any is */
    uint64_t received;
    struct buf body;
    /* The answer. */
    unsigned status;
    struct buf headers; /* lines with their CRLF; Date, Content-Length and the request's id come by themselves */
    struct buf answer;
    uint64_t length; /* Content-Length of the answer to HEAD */
};

void exchange_clear(struct exchange *exchange); /* keeps the memory */
void exchange_cleanup(struct exchange *exchange);

/* The head is parsed: kind, keep and is_control are set. */
void exchange_begin(const struct sink *sink, struct exchange *exchange);
/* A piece of the body; data is not looked at if nothing is kept. */
void exchange_take(struct exchange *exchange, const char *data, size_t bytes);
/* Whether body holds all that came. */
bool exchange_is_kept(const struct exchange *exchange);
/* The body is whole: counts, does what was asked, and fills the answer. */
void exchange_answer(struct sink *sink, struct exchange *exchange);
/* The answer as it goes over the wire. */
void exchange_write(struct sink *sink, struct exchange *exchange, bool keep_alive, struct buf *out);

#endif
