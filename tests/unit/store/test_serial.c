/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "tests/kit/store.h"
#include "tests/kit/unit.h"
#include "tests/unit/store/script.h"

#include <pthread.h>

#define THREADS 8
#define ROUNDS 20

static struct run_call run;
static atomic_int inside;
static atomic_int overlaps;

static void enter(void)
{
    if (atomic_fetch_add(&inside, 1) != 0)
        atomic_fetch_add(&overlaps, 1);
    clock_sleep_ms(1);
}

static int leave(int result)
{
    atomic_fetch_sub(&inside, 1);
    return result;
}

static int put_alone(const struct sf_call *call, struct sf_conn *conn, const struct sf_put *put,
                     struct sf_object *object, struct sf_error *err)
{
    enter();
    return leave(kit_memory_plugin()->put(call, conn, put, object, err));
}

static int stat_alone(const struct sf_call *call, struct sf_conn *conn, const char *key, struct sf_object *object,
                      struct sf_error *err)
{
    enter();
    return leave(kit_memory_plugin()->stat(call, conn, key, object, err));
}

static int list_next_alone(const struct sf_call *call, struct sf_list *list, const struct sf_list_sink *sink, int *more,
                           struct sf_error *err)
{
    enter();
    return leave(kit_memory_plugin()->list_next(call, list, sink, more, err));
}

static int conn_open_alone(const struct sf_call *call, struct sf_store *store, struct sf_conn **conn,
                           struct sf_error *err)
{
    enter();
    return leave(kit_memory_plugin()->conn_open(call, store, conn, err));
}

static void conn_close_alone(struct sf_conn *conn)
{
    enter();
    kit_memory_plugin()->conn_close(conn);
    leave(0);
}

static void *busy(void *argument)
{
    const struct store *store = argument;
    struct sf_list_query query = {.size = sizeof(query), .prefix = ""};
    struct sf_error err = SF_ERROR_INIT;
    int round;

    for (round = 0; round < ROUNDS; round++) {
        struct sf_object object = {.size = sizeof(object)};
        struct sf_conn *conn = NULL;

        kit_store_put(store, &run, "k", "text");
        if (store->table->conn_open(&run.call, store->handle, &conn, &err) != 0 ||
            store->table->stat(&run.call, conn, "k", &object, &err) != 0 ||
            store_list(store, &run.call, conn, &query, NULL, NULL, NULL, &err) != 0)
            return argument;
        store->table->conn_close(conn);
    }
    return NULL;
}

static int count_overlaps(enum sf_threads threads)
{
    SF_AUTO(store) store = {0};
    struct sf_plugin *table = script_plugin();
    pthread_t ids[THREADS];
    int i;

    run_call_init(&run, 0);
    table->threads = (uint32_t)threads;
    table->put = put_alone;
    table->stat = stat_alone;
    table->list_next = list_next_alone;
    table->conn_open = conn_open_alone;
    table->conn_close = conn_close_alone;
    atomic_store(&overlaps, 0);
    script_store(&store, &run, NULL, "serial");
    for (i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&ids[i], NULL, busy, &store), 0);
    for (i = 0; i < THREADS; i++) {
        void *failed;

        pthread_join(ids[i], &failed);
        ck_assert_ptr_null(failed);
    }
    return atomic_load(&overlaps);
}

START_TEST(serial_calls_do_not_overlap)
{
    ck_assert_int_eq(count_overlaps(SF_SERIAL), 0);
}
END_TEST

START_TEST(other_calls_do)
{
    ck_assert_int_gt(count_overlaps(SF_PER_CONN), 0); /* else the test above could not fail */
}
END_TEST

START_TEST(unknown_thread_model_is_serial)
{
    ck_assert_int_eq(count_overlaps((enum sf_threads)9), 0);
}
END_TEST

START_TEST(whose_turn_comes_too_late)
{
    SF_AUTO(store) store = {0};
    struct sf_object object = {.size = sizeof(object)};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_conn *conn = NULL;

    run_call_init(&run, 0);
    script_plugin()->threads = SF_SERIAL;
    script_store(&store, &run, NULL, "late");
    ck_assert_int_eq(store.table->conn_open(&run.call, store.handle, &conn, &err), 0);
    atomic_store(&run.failed, true);
    ck_assert_int_eq(store.table->stat(&run.call, conn, "k", &object, &err), -1);
    ck_assert_int_eq(err.cls, SF_CANCELLED);
    ck_assert_uint_eq(script_stat.calls, 0);
    store.table->conn_close(conn);
}
END_TEST

UNIT_MAIN("serial", &serial_calls_do_not_overlap, &other_calls_do, &unknown_thread_model_is_serial,
          &whose_turn_comes_too_late)
