/* SPDX-License-Identifier: Apache-2.0
 *
 * memory: the smallest complete storage plugin, written to be read. It keeps its objects in the memory of the process,
 * and needs <snapferry/plugin.h> and nothing else of Snapferry's. Build it anywhere:
 *
 *   cc -shared -fPIC -fvisibility=hidden -Wl,-z,nodelete -I../../include -o memory.so *.c -pthread
 *
 * Begin at the end of this file, with the table; then put.c, get.c, list.c, remove.c; last upload.c, which a plugin may do without. The
 * rules: docs/abi.md.
 */
#define _POSIX_C_SOURCE 200809L
#include "memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define REMOVE_BATCH 1000

/* All stores of this process, so that the second open of a name sees what the first put there. */
static struct {
    pthread_mutex_t mutex;
    struct sf_store *first;
} registry = {PTHREAD_MUTEX_INITIALIZER, NULL};

/* ------------------------------------------------------------------------------------- small helpers */

int memory_check(const struct sf_call *call, struct sf_error *err)
{
    return call->cancelled(call) ? sf_fail(err, SF_CANCELLED, "cancelled") : 0;
}

/* One report a request. There is no protocol here, so a failure's class serves as its status. */
int memory_report(const struct sf_call *call, enum sf_request kind, int result, const struct sf_error *err,
                  uint64_t bytes)
{
    call->request(call, (uint32_t)kind, result == 0 ? 0 : err->cls, bytes);
    return result;
}

int memory_fail_errno(struct sf_error *err, int number, const char *what)
{
    sf_fail(err, number == ENOSPC || number == EDQUOT ? SF_NO_SPACE : SF_PERMANENT, "%s: %s", what, strerror(number));
    err->status = number;
    return -1;
}

int64_t memory_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool memory_has_tag(const struct object *object, const char *tag)
{
    char own[SF_TAG_MAX + 1];

    snprintf(own, sizeof(own), "%" PRIu64, object->generation);
    return tag != NULL && strcmp(own, tag) == 0;
}

/* An answer is made in a struct of our own size. sf_give() then hands over what the host has room for. */
void memory_describe(const struct object *object, struct sf_object *answer)
{
    memset(answer, 0, sizeof(*answer));
    answer->size = sizeof(*answer);
    answer->key = object->key;
    answer->bytes = object->bytes;
    answer->modified_ms = object->modified_ms;
    answer->server_time_ms = memory_now_ms();
    snprintf(answer->tag, sizeof(answer->tag), "%" PRIu64, object->generation);
    answer->digests.size = sizeof(answer->digests);
    answer->digests.have = SF_DIGEST_CRC32C;
    answer->digests.crc32c = object->crc32c;
    answer->meta_bytes = object->meta_bytes;
    if (object->meta_bytes > 0)
        memcpy(answer->meta, object->meta, object->meta_bytes);
}

void memory_answer(struct sf_object *theirs, const struct object *object)
{
    struct sf_object own;

    memory_describe(object, &own);
    own.key = NULL; /* only lists answer keys */
    sf_give(theirs, &own);
}

/* ------------------------------------------------------------------------------- stores, connections */

static struct sf_store *store_find_locked(const char *name)
{
    struct sf_store *store;

    for (store = registry.first; store != NULL; store = store->next)
        if (strcmp(store->name, name) == 0)
            return store;
    store = calloc(1, sizeof(*store));
    if (store == NULL)
        return NULL;
    store->name = strdup(name);
    if (store->name == NULL) {
        free(store);
        return NULL;
    }
    pthread_mutex_init(&store->mutex, NULL);
    store->next = registry.first;
    registry.first = store;
    return store;
}

static int memory_store_open(const struct sf_call *call, const struct sf_settings *settings, struct sf_store_info *info,
                             struct sf_store **store, struct sf_error *err)
{
    const char *name = sf_setting_value(settings, "name"), *keep = sf_setting_value(settings, "keep");
    struct sf_store_info own = {
        .size = sizeof(own),
        .wanted_digests = SF_DIGEST_CRC32C,
        .capabilities = SF_CAP_CREATE_ONLY_PUT | SF_CAP_IF_TAG_PUT | SF_CAP_IF_TAG_REMOVE | SF_CAP_METADATA |
                        SF_CAP_LIST_METADATA | SF_CAP_UPLOAD | SF_CAP_PARALLEL_PARTS | SF_CAP_CREATE_ONLY_COMMIT,
        .part_min_bytes = PART_MIN_BYTES,
        .part_count_max = PART_COUNT_MAX,
        .remove_batch_max = REMOVE_BATCH,
    };
    struct sf_store *found;

    (void)call;
    if (name == NULL)
        name = "default";
    pthread_mutex_lock(&registry.mutex);
    found = store_find_locked(name);
    if (found != NULL) {
        found->opens++;
        found->keep = keep == NULL || strcmp(keep, "true") == 0;
    }
    pthread_mutex_unlock(&registry.mutex);
    if (found == NULL)
        return sf_fail(err, SF_NO_SPACE, "no memory for the store '%s'", name);
    snprintf(own.description, sizeof(own.description), "memory store %s", name);
    sf_give(info, &own);
    *store = found;
    return 0;
}

static void memory_store_close(struct sf_store *store)
{
    struct sf_store **link;

    pthread_mutex_lock(&registry.mutex);
    if (--store->opens == 0 && !store->keep) {
        for (link = &registry.first; *link != store; link = &(*link)->next)
            ;
        *link = store->next;
        objects_clear(&store->objects);
        memory_uploads_clear(store);
        pthread_mutex_destroy(&store->mutex);
        free(store->name);
        free(store);
    }
    pthread_mutex_unlock(&registry.mutex);
}

static int memory_conn_open(const struct sf_call *call, struct sf_store *store, struct sf_conn **conn,
                            struct sf_error *err)
{
    struct sf_conn *own = calloc(1, sizeof(*own));

    (void)call;
    if (own == NULL)
        return sf_fail(err, SF_NO_SPACE, "no memory for a connection");
    own->store = store;
    *conn = own;
    return 0;
}

static void memory_conn_close(struct sf_conn *conn)
{
    free(conn);
}

/* --------------------------------------------------------------------------------------- the plugin */

const struct sf_plugin *snapferry_plugin_v1(const struct sf_host *host)
{
    static const struct sf_option options[] = {
        {sizeof(options[0]), SF_OPTION_TEXT, SF_OPTION_URL_HOST, 0, "name", "default", NULL,
         "stores of one name share their objects, within one process"},
        {sizeof(options[0]), SF_OPTION_BOOL, 0, 0, "keep", "true", NULL,
         "keep the objects when the store is closed, until the process ends"},
    };
    static const char *const schemes[] = {"memory"};
    static const struct sf_plugin plugin = {
        .size = sizeof(plugin),
        .abi_major = SF_ABI_MAJOR,
        .abi_minor = SF_ABI_MINOR,
        .name = "memory",
        .version = "1.0.0",
        .description = "objects in the memory of the process, for tests and as an example",
        .threads = SF_PER_CONN,
        .option_count = sizeof(options) / sizeof(options[0]),
        .option_element_size = sizeof(options[0]),
        .options = options,
        .scheme_count = sizeof(schemes) / sizeof(schemes[0]),
        .schemes = schemes,
        .store_open = memory_store_open,
        .store_close = memory_store_close,
        .conn_open = memory_conn_open,
        .conn_close = memory_conn_close,
        .put = memory_put,
        .get = memory_get,
        .stat = memory_stat,
        .list_open = memory_list_open,
        .list_next = memory_list_next,
        .list_close = memory_list_close,
        .remove = memory_remove,
        /* Of the optional slots, copy and probe stay NULL. */
        .upload_begin = memory_upload_begin,
        .upload_resume = memory_upload_resume,
        .upload_part = memory_upload_part,
        .upload_commit = memory_upload_commit,
        .upload_abort = memory_upload_abort,
        .upload_close = memory_upload_close,
        .uploads_list = memory_uploads_list,
    };

    (void)host; /* a plugin that logs keeps it */
    return &plugin;
}
