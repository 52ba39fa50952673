/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /_sink/stats answers the counts as JSON; POST /_sink/reset sets them to 0 and keeps the objects; POST /_sink/clear removes the
 * objects and unfinished uploads too.
 */
#ifndef BENCH_SINK_STATS_H
#define BENCH_SINK_STATS_H

#include "bench/sink_exchange.h"

#define STATS_PATH "_sink/"

void stats_answer(struct sink *sink, struct exchange *exchange);

#endif
