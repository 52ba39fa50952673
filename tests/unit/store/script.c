/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/script.h"

#include "base/digest.h"
#include "tests/kit/store.h"

#include <check.h>

struct script_slot script_put, script_get, script_stat, script_list_next, script_remove, script_store_open,
    script_conn_open;

struct step script_next(struct script_slot *slot)
{
    unsigned call = atomic_fetch_add(&slot->calls, 1);

    return call < SCRIPT_STEPS ? slot->steps[call] : (struct step){0};
}

int script_fail(const struct step *step, struct sf_error *err)
{
    err->cls = step->cls;
    err->maybe_applied = step->maybe_applied;
    err->retry_after_ms = step->retry_after_ms;
    if (!step->silent)
        snprintf(err->text, sizeof(err->text), "scripted %d", step->cls);
    return -1;
}

static int play_store_open(const struct sf_call *call, const struct sf_settings *settings, struct sf_store_info *info,
                           struct sf_store **store, struct sf_error *err)
{
    struct step step = script_next(&script_store_open);

    if (step.cls != 0)
        return script_fail(&step, err);
    if (kit_memory_plugin()->store_open(call, settings, info, store, err) != 0)
        return -1;
    info->capabilities |= SCRIPT_UPLOADS;
    return 0;
}

static int play_conn_open(const struct sf_call *call, struct sf_store *store, struct sf_conn **conn,
                          struct sf_error *err)
{
    struct step step = script_next(&script_conn_open);

    if (step.cls != 0)
        return script_fail(&step, err);
    return kit_memory_plugin()->conn_open(call, store, conn, err);
}

static int play_put(const struct sf_call *call, struct sf_conn *conn, const struct sf_put *put,
                    struct sf_object *object, struct sf_error *err)
{
    struct step step = script_next(&script_put);

    if (step.cls == 0 || step.apply) {
        int result = kit_memory_plugin()->put(call, conn, put, object, err);

        if (step.cls == 0)
            return result;
    }
    return script_fail(&step, err);
}

static int play_get(const struct sf_call *call, struct sf_conn *conn, const struct sf_get *get,
                    const struct sf_sink *sink, struct sf_object *object, struct sf_error *err)
{
    struct step step = script_next(&script_get);

    if (step.cls == 0 || step.apply) {
        int result = kit_memory_plugin()->get(call, conn, get, sink, object, err);

        if (step.cls == 0)
            return result;
    }
    return script_fail(&step, err);
}

static int play_stat(const struct sf_call *call, struct sf_conn *conn, const char *key, struct sf_object *object,
                     struct sf_error *err)
{
    struct step step = script_next(&script_stat);

    if (step.cls != 0)
        return script_fail(&step, err);
    return kit_memory_plugin()->stat(call, conn, key, object, err);
}

/* A page that breaks off: two of its objects were delivered, then it fails. */
static int play_list_next(const struct sf_call *call, struct sf_list *list, const struct sf_list_sink *sink, int *more,
                          struct sf_error *err)
{
    struct step step = script_next(&script_list_next);
    struct sf_object object = {.size = sizeof(object)};

    if (step.cls == 0)
        return kit_memory_plugin()->list_next(call, list, sink, more, err);
    if (step.apply) {
        object.key = "k/0000";
        sink->object(sink->ctx, &object);
        object.key = "k/0001";
        sink->object(sink->ctx, &object);
    }
    return script_fail(&step, err);
}

static int play_remove(const struct sf_call *call, struct sf_conn *conn, const struct sf_remove *items, uint32_t count,
                       uint32_t element_size, const struct sf_remove_sink *sink, struct sf_error *err)
{
    struct step step = script_next(&script_remove);

    if (step.cls != 0)
        return script_fail(&step, err);
    return kit_memory_plugin()->remove(call, conn, items, count, element_size, sink, err);
}

struct sf_plugin *script_plugin(void)
{
    static struct sf_plugin table;

    if (table.size == 0) {
        table = *kit_memory_plugin();
        table.store_open = play_store_open;
        table.conn_open = play_conn_open;
        table.put = play_put;
        table.get = play_get;
        table.stat = play_stat;
        table.list_next = play_list_next;
        table.remove = play_remove;
        script_fill_uploads(&table);
    }
    return &table;
}

void script_store(struct store *store, struct run_call *run, struct log *log, const char *name)
{
    const struct sf_setting items[] = {{sizeof(items[0]), 0, "name", name}, {sizeof(items[0]), 0, "keep", "true"}};
    const struct sf_settings settings = {sizeof(settings), 2, sizeof(items[0]), 0, items};
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_msg(store_open(store, script_plugin(), &settings, run, log, &err) == 0, "%s", err.text);
}

int script_send(const struct store *store, struct run_call *run, const char *key, const char *text, const char *run_id,
                const char *if_tag, struct sf_object *object, struct sf_error *err)
{
    struct sf_body body = {
        .size = sizeof(body), .kind = SF_BODY_MEMORY, .length = strlen(text), .data = text, .fd = -1};
    struct sf_digests digests = {.size = sizeof(digests), .have = SF_DIGEST_SHA256};
    char hex[SHA256_HEX + 1];
    struct sf_meta meta[] = {{sizeof(meta[0]), 0, SF_META_SHA256, hex}, {sizeof(meta[0]), 0, "run", run_id}};
    struct sf_put put = {.size = sizeof(put),
                         .key = key,
                         .body = &body,
                         .digests = &digests,
                         .meta = meta,
                         .meta_count = 2,
                         .meta_element_size = sizeof(meta[0]),
                         .precondition = if_tag != NULL ? SF_IF_TAG : SF_IF_ABSENT,
                         .if_tag = if_tag};
    struct sf_conn *conn = NULL;
    int result;

    sha256_of(text, strlen(text), digests.sha256);
    hex_encode(digests.sha256, SHA256_BYTES, hex);
    *object = (struct sf_object){.size = sizeof(*object)};
    ck_assert_int_eq(store->table->conn_open(&run->call, store->handle, &conn, err), 0);
    result = store->table->put(&run->call, conn, &put, object, err);
    store->table->conn_close(conn);
    return result;
}
