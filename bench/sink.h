/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the sink share: its options, its counts and what it holds. One thread; nothing here is locked.
 */
#ifndef BENCH_SINK_H
#define BENCH_SINK_H

#include "bench/sink_store.h"
#include "bench/sink_upload.h"

struct sink_options {
    unsigned port;      /* 0: any */
    int64_t latency_ms; /* between a whole request and its answer */
    unsigned fail_503;  /* per cent of the requests, chosen by seed */
    bool slowdown;      /* a 503 carries S3's SlowDown; else it has no body */
    uint64_t seed;      /* never 0 */
    uint64_t keep;      /* bodies up to this size are kept; those of keys with a segment ".snapferry" always */
    bool refuse_crc32c; /* 501 to a request with x-amz-checksum-crc32c */
    bool echo;          /* answers a PUT's x-amz-checksum-crc32c */
    const char *bucket; /* there from the start */
};

enum sink_kind {
    SINK_PUT,
    SINK_GET,
    SINK_STAT,
    SINK_LIST,
    SINK_REMOVE,
    SINK_COPY,
    SINK_UPLOAD_BEGIN,
    SINK_UPLOAD_PART,
    SINK_UPLOAD_COMMIT,
    SINK_UPLOAD_ABORT,
    SINK_UPLOAD_LIST,
    SINK_OTHER,
    SINK_KINDS
};

struct sink_counts {
    uint64_t connections; /* that brought a counted request */
    uint64_t requests[SINK_KINDS];
    uint64_t unavailable; /* of them answered 503 on purpose */
    uint64_t received;    /* bytes of their bodies */
    /* How often the key was PUT that was PUT most often. A PUT that was refused counts too, one that was answered 503 on purpose does
     * not; of an upload its commit counts. */
    uint64_t puts_max;
};

struct sink {
    struct sink_options options;
    struct sink_counts counts;
    struct store store;
    struct upload *uploads;
    uint64_t random;
    uint64_t serial; /* of requests and entity tags */
};

#endif
