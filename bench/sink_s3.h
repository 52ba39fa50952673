/* SPDX-License-Identifier: Apache-2.0
 *
 * S3's REST protocol, path-style, without a look at signatures. sink_s3.c tells requests apart, sink_s3_object.c has those about
 * one object, sink_s3_list.c the lists, sink_s3_upload.c multipart uploads; sink_s3_priv.h is what they share.
 */
#ifndef BENCH_SINK_S3_H
#define BENCH_SINK_S3_H

#include "bench/sink_exchange.h"

void s3_begin(const struct sink *sink, struct exchange *exchange);
void s3_answer(struct sink *sink, struct exchange *exchange);
/* The body of a 503 that asks for patience. */
void s3_slow_down(struct sink *sink, struct exchange *exchange);

#endif
