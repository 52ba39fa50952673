/* SPDX-License-Identifier: Apache-2.0
 *
 * list: sorted, a page at a time, folded at slashes if asked to.
 */
#define _POSIX_C_SOURCE 200809L
#include "memory.h"

#include <stdlib.h>

#define PAGE_ENTRIES 1000 /* where the host has no wish */

struct sf_list {
    struct sf_store *store;
    char *prefix;
    char *after; /* what was yielded last, or start_after; NULL: from the start */
    bool folded; /* after is a prefix that stands for all keys that begin with it */
    bool delimiter;
    uint32_t page_max;
};

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

void memory_list_close(struct sf_list *list)
{
    free(list->prefix);
    free(list->after);
    free(list);
}

int memory_list_open(const struct sf_call *call, struct sf_conn *conn, const struct sf_list_query *args,
                     struct sf_list **list, struct sf_error *err)
{
    struct sf_list_query query;
    struct sf_list *own;

    (void)call;
    sf_take(&query, sizeof(query), args);
    if (query.delimiter != NULL && strcmp(query.delimiter, "/") != 0)
        return sf_fail(err, SF_UNSUPPORTED, "delimiter '%s' in a list", query.delimiter);
    own = calloc(1, sizeof(*own));
    if (own == NULL)
        return sf_fail(err, SF_NO_SPACE, "no memory for a list");
    own->store = conn->store;
    own->delimiter = query.delimiter != NULL;
    own->page_max = query.page_max > 0 ? query.page_max : PAGE_ENTRIES;
    own->prefix = strdup(query.prefix != NULL ? query.prefix : "");
    own->after = query.start_after != NULL ? strdup(query.start_after) : NULL;
    if (own->prefix == NULL || (query.start_after != NULL && own->after == NULL)) {
        memory_list_close(own);
        return sf_fail(err, SF_NO_SPACE, "no memory for a list");
    }
    *list = own;
    return 0;
}

/* Index of the object that the next page begins with. Found anew each time: objects may come and go between pages. */
static size_t list_position(const struct sf_list *list, const struct objects *objects)
{
    size_t at;

    if (list->after == NULL || strcmp(list->after, list->prefix) < 0)
        return objects_from(objects, list->prefix);
    at = objects_after(objects, list->after);
    while (list->folded && at < objects->count && begins_with(objects->items[at]->key, list->after))
        at++;
    return at;
}

/* The sink never blocks, so it may be fed under the lock. *list moves on only when all of the page has been given. */
static int list_page_locked(struct sf_list *list, const struct objects *objects, const struct sf_list_sink *sink,
                            int *more, struct sf_error *err)
{
    size_t at = list_position(list, objects);
    size_t begin = strlen(list->prefix);
    bool folded = false;
    char *after = NULL;
    uint32_t entries;

    for (entries = 0; entries < list->page_max && at < objects->count; entries++) {
        const char *key = objects->items[at]->key;
        const char *slash;

        if (!begins_with(key, list->prefix))
            break;
        slash = list->delimiter ? strchr(key + begin, '/') : NULL;
        folded = slash != NULL;
        free(after);
        after = folded ? strndup(key, (size_t)(slash - key) + 1) : strdup(key);
        if (after == NULL)
            return sf_fail(err, SF_NO_SPACE, "no memory for a list");
        if (folded) {
            sink->prefix(sink->ctx, after);
            while (at < objects->count && begins_with(objects->items[at]->key, after))
                at++;
        } else {
            struct sf_object object;

            memory_describe(objects->items[at++], &object);
            sink->object(sink->ctx, &object);
        }
    }
    *more = at < objects->count && begins_with(objects->items[at]->key, list->prefix);
    if (after != NULL) {
        free(list->after);
        list->after = after;
        list->folded = folded;
    }
    return 0;
}

int memory_list_next(const struct sf_call *call, struct sf_list *list, const struct sf_list_sink *their_sink, int *more,
                     struct sf_error *err)
{
    struct sf_list_sink sink;
    int result;

    sf_take(&sink, sizeof(sink), their_sink);
    if (memory_check(call, err) < 0)
        return -1;
    pthread_mutex_lock(&list->store->mutex);
    result = list_page_locked(list, &list->store->objects, &sink, more, err);
    pthread_mutex_unlock(&list->store->mutex);
    return memory_report(call, SF_REQUEST_LIST, result, err, 0);
}
