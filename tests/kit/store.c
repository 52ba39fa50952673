/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kit/store.h"

#include "base/mem.h"
#include "core/store/call.h"

#include <check.h>
#include <string.h>

static void ignore_log(const struct sf_host *host, int32_t level, const char *text)
{
    (void)host;
    (void)level;
    (void)text;
}

const struct sf_plugin *kit_memory_plugin(void)
{
    static const struct sf_host host = {
        sizeof(host), SF_ABI_MAJOR, SF_ABI_MINOR, SF_VERSION, NULL, ignore_log,
    };
    const struct sf_plugin *plugin = snapferry_plugin_v1(&host);

    ck_assert_ptr_nonnull(plugin);
    return plugin;
}

void kit_store_open(struct store *store, struct run_call *run, const char *name)
{
    const struct sf_setting items[] = {{sizeof(items[0]), 0, "name", name}, {sizeof(items[0]), 0, "keep", "true"}};
    const struct sf_settings settings = {sizeof(settings), 2, sizeof(items[0]), 0, items};
    struct sf_error err = SF_ERROR_INIT;

    memset(store, 0, sizeof(*store));
    store->info.size = sizeof(store->info);
    store->table = kit_memory_plugin();
    if (store->table->store_open(&run->call, &settings, &store->info, &store->handle, &err) != 0)
        ck_abort_msg("memory store %s: %s", name, err.text);
}

void kit_store_put(const struct store *store, struct run_call *run, const char *key, const char *text)
{
    struct sf_body body = {
        .size = sizeof(body), .kind = SF_BODY_MEMORY, .length = strlen(text), .data = text, .fd = -1};
    struct sf_put put = {.size = sizeof(put), .key = key, .body = &body};
    struct sf_object object = {.size = sizeof(object)};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_conn *conn = NULL;

    if (store->table->conn_open(&run->call, store->handle, &conn, &err) != 0 ||
        store->table->put(&run->call, conn, &put, &object, &err) != 0)
        ck_abort_msg("put %s: %s", key, err.text);
    store->table->conn_close(conn);
}

static int append(void *ctx, uint64_t position, const void *bytes, size_t length, struct sf_error *err)
{
    char **text = ctx;

    (void)err;
    *text = mem_resize(*text, position + length + 1);
    memcpy(*text + position, bytes, length);
    (*text)[position + length] = '\0';
    return 0;
}

char *kit_store_get(const struct store *store, struct run_call *run, const char *key)
{
    struct sf_get get = {.size = sizeof(get), .key = key, .length = UINT64_MAX};
    struct sf_object object = {.size = sizeof(object)};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_conn *conn = NULL;
    char *text = mem_text("");
    struct sf_sink sink = {.size = sizeof(sink), .kind = SF_SINK_CALLBACK, .fd = -1, .ctx = &text, .write = append};
    int result;

    if (store->table->conn_open(&run->call, store->handle, &conn, &err) != 0)
        ck_abort_msg("%s", err.text);
    result = store->table->get(&run->call, conn, &get, &sink, &object, &err);
    store->table->conn_close(conn);
    if (result == 0)
        return text;
    if (err.cls != SF_NOT_FOUND)
        ck_abort_msg("get %s: %s", key, err.text);
    free(text);
    return NULL;
}
