/* SPDX-License-Identifier: Apache-2.0
 *
 * Multipart uploads that are neither finished nor aborted, in the order in which they were begun.
 */
#ifndef BENCH_SINK_UPLOAD_H
#define BENCH_SINK_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UPLOAD_PARTS 10000 /* S3's limit */
#define UPLOAD_ID 32

struct part {
    uint64_t size;
    uint64_t tag; /* 0: not there */
    char *body;   /* NULL: not kept */
};

struct upload {
    struct upload *next;
    char id[UPLOAD_ID];
    char *name; /* bucket/key */
    char *headers;
    int64_t begun_ms;
    struct part *parts; /* part 1 at 0 */
    size_t count;
};

struct upload *upload_begin(struct upload **list, uint64_t number, const char *name, char *headers);
struct upload *upload_find(struct upload *list, const char *id, const char *name); /* NULL: there is none */
/* Number 1 to UPLOAD_PARTS; replaces the part that is there. body is taken over. */
void upload_set(struct upload *upload, unsigned number, uint64_t size, uint64_t tag, char *body);
const struct part *upload_part(const struct upload *upload, uint64_t number); /* NULL: it is not there */
void upload_end(struct upload **list, struct upload *upload);                 /* frees it */

#endif
