/* SPDX-License-Identifier: Apache-2.0
 *
 * remove: a batch, with a result for each key.
 */
#define _POSIX_C_SOURCE 200809L
#include "memory.h"

int memory_remove(const struct sf_call *call, struct sf_conn *conn, const struct sf_remove *items, uint32_t count,
                  uint32_t element_size, const struct sf_remove_sink *their_sink, struct sf_error *err)
{
    struct sf_store *store = conn->store;
    struct sf_remove_sink sink;
    uint32_t i;

    sf_take(&sink, sizeof(sink), their_sink);
    if (memory_check(call, err) < 0)
        return -1;
    for (i = 0; i < count; i++) {
        const struct object *object;
        struct sf_remove item;
        bool refused;

        sf_take(&item, sizeof(item), (const char *)items + (size_t)i * element_size);
        pthread_mutex_lock(&store->mutex);
        object = objects_find(&store->objects, item.key);
        refused = object != NULL && item.if_tag != NULL && !memory_has_tag(object, item.if_tag);
        if (!refused)
            objects_remove(&store->objects, item.key);
        pthread_mutex_unlock(&store->mutex);
        sink.result(sink.ctx, i, refused ? SF_PRECONDITION : 0, refused ? "has another tag" : "");
    }
    return memory_report(call, SF_REQUEST_REMOVE, 0, err, 0);
}
