/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes a body in chunks apart: HTTP's (RFC 9112, 7.1) and S3's aws-chunked, which differ in a signature behind a chunk's size only.
 * Signatures and trailers are skipped.
 */
#ifndef BENCH_SINK_CHUNKS_H
#define BENCH_SINK_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum chunks_state { CHUNKS_SIZE, CHUNKS_EXTENSION, CHUNKS_DATA, CHUNKS_AFTER, CHUNKS_TRAILER, CHUNKS_END, CHUNKS_BAD };

/* The zero value begins. */
struct chunks {
    enum chunks_state state;
    uint64_t left;    /* of this chunk */
    unsigned columns; /* of this line so far */
};

/* Takes some of the bytes, at least one unless at the end. *data and *data_bytes: what of them is content, maybe none. Returns how many
 * were taken; malformed: CHUNKS_BAD and all of them. */
size_t chunks_take(struct chunks *chunks, const char *bytes, size_t length, const char **data, size_t *data_bytes);

#endif
