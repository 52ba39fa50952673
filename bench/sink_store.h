/* SPDX-License-Identifier: Apache-2.0
 *
 * The objects, sorted by the bytes of "bucket/key" (a skip list), and the names of the buckets.
 */
#ifndef BENCH_SINK_STORE_H
#define BENCH_SINK_STORE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_LEVELS 12 /* with a quarter going up a level: 4^12 objects */
#define CHECKSUM_TEXT 16
#define ETAG_TEXT 48

struct object {
    char *name;  /* bucket/key */
    bool exists; /* false: removed, or never finished; the node stays with its count of PUTs */
    uint64_t puts;
    uint64_t size;
    uint64_t tag;   /* a number of its own for each content that it had */
    unsigned parts; /* of the upload that made it; 0: none did */
    int64_t modified_ms;
    char *headers;                /* lines that GET and HEAD give back; NULL: none */
    char *body;                   /* size bytes; NULL: not kept */
    char checksum[CHECKSUM_TEXT]; /* x-amz-checksum-crc32c; "" without */
    struct object *next[];
};

struct bucket {
    struct bucket *next;
    char name[64];
};

struct store {
    struct object *first[STORE_LEVELS];
    struct bucket *buckets;
    uint64_t objects; /* that exist */
    uint64_t bytes;
    uint64_t random;
};

void store_init(struct store *store, const char *bucket);
void store_cleanup(struct store *store);
void store_clear(struct store *store); /* all objects go, and their counts; buckets stay */

struct bucket *store_bucket(const struct store *store, const char *name); /* NULL: there is none */
void store_add_bucket(struct store *store, const char *name);

struct object *store_find(struct store *store, const char *name); /* that exists; else NULL */
struct object *store_node(struct store *store, const char *name); /* made if there is none; may not exist */
/* The first existing one whose name is not less; and the next one. */
struct object *store_from(struct store *store, const char *name);
struct object *object_next(const struct object *object);

/* What a content is, for object_set; headers and body are taken over. */
struct content {
    uint64_t size;
    uint64_t tag;
    unsigned parts;
    char *headers;
    char *body;
    const char *checksum;
};
void store_set(struct store *store, struct object *object, const struct content *content);
void store_remove(struct store *store, struct object *object);

/* With its quotes; not of the form of an MD5, so that nobody takes it for one. */
const char *object_etag(const struct object *object, char out[ETAG_TEXT]);

#endif
