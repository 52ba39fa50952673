/* SPDX-License-Identifier: Apache-2.0
 *
 * The sorted array behind the memory plugin. Nothing in here knows about Snapferry; see memory.c for the plugin.
 */
#define _POSIX_C_SOURCE 200809L
#include "objects.h"

#include <stdlib.h>
#include <string.h>

struct object *object_new(const char *key, size_t bytes)
{
    struct object *object = calloc(1, sizeof(*object));

    if (object == NULL)
        return NULL;
    object->refs = 1;
    object->bytes = bytes;
    object->key = strdup(key);
    object->data = malloc(bytes > 0 ? bytes : 1);
    if (object->key == NULL || object->data == NULL) {
        object_release(object);
        return NULL;
    }
    return object;
}

void object_release(struct object *object)
{
    if (--object->refs > 0)
        return;
    free(object->key);
    free(object->data);
    free(object->meta);
    free(object);
}

/* strcmp() compares as unsigned char: the byte order that list_next owes. */
size_t objects_from(const struct objects *objects, const char *key)
{
    size_t low = 0, high = objects->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(objects->items[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t objects_after(const struct objects *objects, const char *key)
{
    size_t at = objects_from(objects, key);

    return at < objects->count && strcmp(objects->items[at]->key, key) == 0 ? at + 1 : at;
}

struct object *objects_find(const struct objects *objects, const char *key)
{
    size_t at = objects_from(objects, key);

    return at < objects->count && strcmp(objects->items[at]->key, key) == 0 ? objects->items[at] : NULL;
}

int objects_set(struct objects *objects, struct object *object)
{
    size_t at = objects_from(objects, object->key);

    if (at < objects->count && strcmp(objects->items[at]->key, object->key) == 0) {
        object_release(objects->items[at]);
        objects->items[at] = object;
        return 0;
    }
    if (objects->count == objects->capacity) {
        size_t capacity = objects->capacity > 0 ? objects->capacity * 2 : 64;
        struct object **items = realloc(objects->items, capacity * sizeof(struct object *));

        if (items == NULL)
            return -1;
        objects->items = items;
        objects->capacity = capacity;
    }
    memmove(objects->items + at + 1, objects->items + at, (objects->count - at) * sizeof(struct object *));
    objects->items[at] = object;
    objects->count++;
    return 0;
}

void objects_remove(struct objects *objects, const char *key)
{
    size_t at = objects_from(objects, key);

    if (at == objects->count || strcmp(objects->items[at]->key, key) != 0)
        return;
    object_release(objects->items[at]);
    objects->count--;
    memmove(objects->items + at, objects->items + at + 1, (objects->count - at) * sizeof(struct object *));
}

void objects_clear(struct objects *objects)
{
    size_t i;

    for (i = 0; i < objects->count; i++)
        object_release(objects->items[i]);
    free(objects->items);
    memset(objects, 0, sizeof(*objects));
}

uint32_t memory_crc32c(uint32_t crc, const void *data, size_t bytes)
{
    /* The reflected polynomial 0x82f63b78, four bits at a time: slow, but sixteen numbers. */
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    const unsigned char *byte = data;
    size_t i;

    crc = ~crc;
    for (i = 0; i < bytes; i++) {
        crc ^= byte[i];
        crc = table[crc & 15] ^ (crc >> 4);
        crc = table[crc & 15] ^ (crc >> 4);
    }
    return ~crc;
}
