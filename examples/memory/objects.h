/* SPDX-License-Identifier: Apache-2.0
 *
 * What the memory plugin keeps: objects that never change, in an array sorted by key. The caller holds the store's mutex
 * for every call but object_new().
 */
#ifndef EXAMPLES_MEMORY_OBJECTS_H
#define EXAMPLES_MEMORY_OBJECTS_H

#include <snapferry/plugin.h>

#include <stdint.h>

struct object {
    unsigned refs; /* one of the array, one of each reader */
    uint32_t crc32c;
    uint64_t bytes;
    uint64_t generation; /* the tag, as a number */
    int64_t modified_ms;
    char *key;
    char *data;
    char *meta; /* as in struct sf_object */
    uint32_t meta_bytes;
};

struct objects {
    struct object **items;
    size_t count;
    size_t capacity;
};

struct object *object_new(const char *key, size_t bytes); /* one reference; NULL: no memory */
void object_release(struct object *object);

size_t objects_from(const struct objects *objects, const char *key);  /* index of the first key >= key, or count */
size_t objects_after(const struct objects *objects, const char *key); /* ... > key */
struct object *objects_find(const struct objects *objects, const char *key);
int objects_set(struct objects *objects, struct object *object); /* takes the reference over; -1: no memory */
void objects_remove(struct objects *objects, const char *key);
void objects_clear(struct objects *objects);

/* CRC32C (Castagnoli) from crc on, 0 to begin. */
uint32_t memory_crc32c(uint32_t crc, const void *data, size_t bytes);

#endif
