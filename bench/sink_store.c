/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sink_store.h"

#include "base/clock.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void store_init(struct store *store, const char *bucket)
{
    memset(store, 0, sizeof(*store));
    store->random = 88172645463325252u; /* any but 0: it only shapes the list */
    store_add_bucket(store, bucket);
}

static void object_clear(struct object *object)
{
    free(object->headers);
    free(object->body);
    object->headers = NULL;
    object->body = NULL;
}

void store_clear(struct store *store)
{
    struct object *object = store->first[0];

    while (object != NULL) {
        struct object *next = object->next[0];

        object_clear(object);
        free(object->name);
        free(object);
        object = next;
    }
    memset(store->first, 0, sizeof(store->first));
    store->objects = 0;
    store->bytes = 0;
}

void store_cleanup(struct store *store)
{
    store_clear(store);
    while (store->buckets != NULL) {
        struct bucket *next = store->buckets->next;

        free(store->buckets);
        store->buckets = next;
    }
}

struct bucket *store_bucket(const struct store *store, const char *name)
{
    for (struct bucket *bucket = store->buckets; bucket != NULL; bucket = bucket->next)
        if (strcmp(bucket->name, name) == 0)
            return bucket;
    return NULL;
}

void store_add_bucket(struct store *store, const char *name)
{
    struct bucket *bucket;

    if (store_bucket(store, name) != NULL)
        return;
    bucket = mem_alloc(sizeof(*bucket));
    snprintf(bucket->name, sizeof(bucket->name), "%s", name);
    bucket->next = store->buckets;
    store->buckets = bucket;
}

/* The places that point at the first node whose name is not less, one for each level. */
static struct object *seek(struct store *store, const char *name, struct object **places[STORE_LEVELS])
{
    struct object **level = store->first;

    for (unsigned i = STORE_LEVELS; i-- > 0;) {
        while (level[i] != NULL && strcmp(level[i]->name, name) < 0)
            level = level[i]->next;
        places[i] = &level[i];
    }
    return *places[0];
}

static struct object *skip_missing(struct object *object)
{
    while (object != NULL && !object->exists)
        object = object->next[0];
    return object;
}

struct object *store_from(struct store *store, const char *name)
{
    struct object **places[STORE_LEVELS];

    return skip_missing(seek(store, name, places));
}

struct object *object_next(const struct object *object)
{
    return skip_missing(object->next[0]);
}

struct object *store_find(struct store *store, const char *name)
{
    struct object **places[STORE_LEVELS];
    struct object *object = seek(store, name, places);

    return object != NULL && object->exists && strcmp(object->name, name) == 0 ? object : NULL;
}

static unsigned random_levels(struct store *store)
{
    unsigned levels = 1;

    store->random ^= store->random << 13;
    store->random ^= store->random >> 7;
    store->random ^= store->random << 17;
    for (uint64_t bits = store->random; levels < STORE_LEVELS && (bits & 3) == 0; bits >>= 2)
        levels++;
    return levels;
}

struct object *store_node(struct store *store, const char *name)
{
    struct object **places[STORE_LEVELS];
    struct object *object = seek(store, name, places);
    unsigned levels;

    if (object != NULL && strcmp(object->name, name) == 0)
        return object;
    levels = random_levels(store);
    object = mem_alloc(sizeof(*object) + levels * sizeof(object->next[0]));
    object->name = mem_text(name);
    for (unsigned i = 0; i < levels; i++) {
        object->next[i] = *places[i];
        *places[i] = object;
    }
    return object;
}

void store_set(struct store *store, struct object *object, const struct content *content)
{
    store_remove(store, object);
    object->exists = true;
    object->size = content->size;
    object->tag = content->tag;
    object->parts = content->parts;
    object->modified_ms = clock_wall_ms();
    object->headers = content->headers;
    object->body = content->body;
    snprintf(object->checksum, sizeof(object->checksum), "%s", content->checksum != NULL ? content->checksum : "");
    store->objects++;
    store->bytes += object->size;
}

void store_remove(struct store *store, struct object *object)
{
    if (!object->exists)
        return;
    object->exists = false;
    object_clear(object);
    store->objects--;
    store->bytes -= object->size;
}

const char *object_etag(const struct object *object, char out[ETAG_TEXT])
{
    if (object->parts > 0)
        snprintf(out, ETAG_TEXT, "\"s-%" PRIx64 "-%u\"", object->tag, object->parts);
    else
        snprintf(out, ETAG_TEXT, "\"s-%" PRIx64 "\"", object->tag);
    return out;
}
