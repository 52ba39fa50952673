/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "core/lanes/pool.h"
#include "core/store/call.h"
#include "tests/kit/store.h"
#include "tests/kit/unit.h"

#include <pthread.h>
#include <signal.h>

static struct run_call run;
static struct store store;
static atomic_int ran, dropped, large_now, large_most, small_now, small_most;

/* What a job does; each is on the heap, so that a leak would show. */
struct task {
    int ms;
    int cls;  /* fails with it; SF_CANCELLED: sleeps until the run is cancelled */
    int gate; /* does not end before so many have run, or GATE_MS have passed */
};

#define GATE_MS 30000 /* a limit for what would hang otherwise, not an expectation */

static struct task *task_new(int ms, int cls)
{
    struct task *task = mem_alloc(sizeof(*task));

    task->ms = ms;
    task->cls = cls;
    return task;
}

static int task_end(struct worker *worker, struct task *task, struct sf_error *err)
{
    int64_t end = clock_mono_ms() + GATE_MS;
    int cls = task->cls;

    clock_sleep_ms(task->ms);
    while (atomic_load(&ran) < task->gate && clock_mono_ms() < end)
        clock_sleep_ms(1);
    free(task);
    atomic_fetch_add(&ran, 1);
    if (cls == SF_OK)
        return 0;
    while (cls == SF_CANCELLED && !run_call_cancelled(worker->run))
        clock_sleep_ms(5);
    return sf_fail(err, (enum sf_class)cls, "task failed with %d", cls);
}

static void raise_to(atomic_int *most, int value)
{
    int seen = atomic_load(most);

    while (seen < value && !atomic_compare_exchange_weak(most, &seen, value))
        continue;
}

static int do_small(struct worker *worker, void *job, struct sf_error *err)
{
    int result;

    raise_to(&small_most, atomic_fetch_add(&small_now, 1) + 1);
    memset(worker->buffer, 1, WORKER_BUFFER);
    result = task_end(worker, job, err);
    atomic_fetch_sub(&small_now, 1);
    return result;
}

static int do_large(struct worker *worker, void *job, struct sf_error *err)
{
    int result;

    raise_to(&large_most, atomic_fetch_add(&large_now, 1) + 1);
    result = task_end(worker, job, err);
    atomic_fetch_sub(&large_now, 1);
    return result;
}

static void drop(void *job)
{
    free(job);
    atomic_fetch_add(&dropped, 1);
}

static struct pool *open_pool(unsigned workers, unsigned large_max)
{
    struct sf_error err = SF_ERROR_INIT;
    struct pool *pool = NULL;

    run_call_init(&run, 0);
    kit_store_open(&store, &run, "pool");
    ck_assert_msg(pool_open(&pool, &store, &run, workers, large_max, &err) == 0, "%s", err.text);
    return pool;
}

static void close_pool(struct pool *pool)
{
    pool_close(pool);
    store_cleanup(&store);
}

START_TEST(runs_everything_once)
{
    struct pool *pool = open_pool(4, 2);
    struct sf_error err = SF_ERROR_INIT;
    int i;

    for (i = 0; i < 1000; i++)
        ck_assert_int_eq(pool_submit(pool, i % 10 == 0 ? LANE_LARGE : LANE_SMALL, i % 10 == 0 ? do_large : do_small,
                                     drop, task_new(i % 10 == 0, 0), &err),
                         0);
    ck_assert_int_eq(pool_wait(pool, &err), 0);
    ck_assert_int_eq(ran, 1000);
    ck_assert_int_eq(dropped, 0);
    ck_assert_int_le(large_most, 2);
    ck_assert_int_eq(pool_submit(pool, LANE_SMALL, do_small, drop, task_new(0, 0), &err), 0); /* it can be used again */
    ck_assert_int_eq(pool_wait(pool, &err), 0);
    ck_assert_int_eq(ran, 1001);
    close_pool(pool);
}
END_TEST

/* The large one does not end before all small ones have run: it could not if they had to wait for it. */
START_TEST(large_files_do_not_hold_up_small_ones)
{
    struct pool *pool = open_pool(2, 1);
    struct task *gated = task_new(0, 0);
    struct sf_error err = SF_ERROR_INIT;
    int i;

    gated->gate = 50;
    ck_assert_int_eq(pool_submit(pool, LANE_LARGE, do_large, drop, gated, &err), 0);
    ck_assert_int_eq(pool_submit(pool, LANE_LARGE, do_large, drop, task_new(1, 0), &err), 0);
    for (i = 0; i < 50; i++)
        ck_assert_int_eq(pool_submit(pool, LANE_SMALL, do_small, drop, task_new(0, 0), &err), 0);
    ck_assert_int_eq(pool_wait(pool, &err), 0);
    ck_assert_int_eq(ran, 52);
    ck_assert_int_eq(large_most, 1);
    close_pool(pool);
}
END_TEST

/* Every worker takes part, as far as its lane goes: none of four jobs ends before all have begun. */
START_TEST(all_workers_run_at_once)
{
    struct pool *pool = open_pool(4, 2);
    struct sf_error err = SF_ERROR_INIT;
    int64_t end = clock_mono_ms() + GATE_MS;
    int i;

    for (i = 0; i < 4; i++) {
        struct task *task = task_new(0, 0);

        task->gate = 1;
        ck_assert_int_eq(
            pool_submit(pool, i < 2 ? LANE_LARGE : LANE_SMALL, i < 2 ? do_large : do_small, drop, task, &err), 0);
    }
    while (atomic_load(&large_now) + atomic_load(&small_now) < 4 && clock_mono_ms() < end)
        clock_sleep_ms(1);
    ck_assert_int_eq(large_most, 2);
    ck_assert_int_eq(small_most, 2);
    atomic_fetch_add(&ran, 1); /* opens the gate */
    ck_assert_int_eq(pool_wait(pool, &err), 0);
    ck_assert_int_eq(ran, 5);
    close_pool(pool);
}
END_TEST

static atomic_int order_next;
static int order[64];

static int note_order(struct worker *worker, void *job, struct sf_error *err)
{
    (void)worker;
    (void)err;
    order[atomic_fetch_add(&order_next, 1)] = ((struct task *)job)->ms;
    free(job);
    return 0;
}

START_TEST(one_worker_takes_turns)
{
    struct pool *pool = open_pool(1, 1);
    struct sf_error err = SF_ERROR_INIT;
    int i;

    /* The first keeps the worker while the queues (of two) fill up. */
    ck_assert_int_eq(pool_submit(pool, LANE_LARGE, do_large, drop, task_new(300, 0), &err), 0);
    clock_sleep_ms(100);
    for (i = 0; i < 2; i++) {
        ck_assert_int_eq(pool_submit(pool, LANE_LARGE, note_order, drop, task_new(1, 0), &err), 0);
        ck_assert_int_eq(pool_submit(pool, LANE_SMALL, note_order, drop, task_new(2, 0), &err), 0);
    }
    ck_assert_int_eq(pool_wait(pool, &err), 0);
    ck_assert_int_eq(order[0], 2);
    ck_assert_int_eq(order[1], 1);
    ck_assert_int_eq(order[2], 2);
    ck_assert_int_eq(order[3], 1);
    close_pool(pool);
}
END_TEST

/* Parts, then the large file, then the small ones; and the lanes take turns as this worker is the only one. */
START_TEST(parts_come_first)
{
    struct pool *pool = open_pool(1, 1);
    struct sf_error err = SF_ERROR_INIT;
    struct task *gate = task_new(0, 0);
    int i, result = -1;

    gate->gate = 1;
    ck_assert_int_eq(pool_submit(pool, LANE_LARGE, do_large, drop, gate, &err), 0);
    while (atomic_load(&large_now) == 0)
        clock_sleep_ms(1);
    ck_assert_int_eq(pool_submit(pool, LANE_LARGE, note_order, drop, task_new(1, 0), &err), 0);
    for (i = 0; i < 2; i++) {
        ck_assert_int_eq(pool_submit(pool, LANE_SMALL, note_order, drop, task_new(2, 0), &err), 0);
        ck_assert(pool_try_submit(pool, LANE_PART, note_order, drop, task_new(3, 0), &result, &err));
        ck_assert_int_eq(result, 0);
    }
    atomic_fetch_add(&ran, 1); /* opens the gate */
    ck_assert_int_eq(pool_wait(pool, &err), 0);
    ck_assert_int_eq(order_next, 5);
    ck_assert_int_eq(order[0], 2);
    ck_assert_int_eq(order[1], 3);
    ck_assert_int_eq(order[2], 2);
    ck_assert_int_eq(order[3], 3);
    ck_assert_int_eq(order[4], 1);
    close_pool(pool);
}
END_TEST

/* What cleans up behind a failure must not be dropped by it. */
START_TEST(parts_run_after_a_failure)
{
    struct pool *pool = open_pool(1, 1);
    struct sf_error err = SF_ERROR_INIT;
    struct task *failing = task_new(0, SF_DENIED);
    int i, result = -1;

    failing->gate = 1;
    ck_assert_int_eq(pool_submit(pool, LANE_SMALL, do_small, drop, failing, &err), 0);
    while (atomic_load(&small_now) == 0)
        clock_sleep_ms(1);
    for (i = 0; i < 2; i++) {
        ck_assert(pool_try_submit(pool, LANE_PART, do_large, drop, task_new(0, 0), &result, &err));
        ck_assert_int_eq(pool_submit(pool, LANE_SMALL, do_small, drop, task_new(0, 0), &err), 0);
    }
    atomic_fetch_add(&ran, 1); /* opens the gate */
    ck_assert_int_eq(pool_wait(pool, &err), -1);
    ck_assert_int_eq(err.cls, SF_DENIED);
    ck_assert_int_eq(ran, 1 + 1 + 2);
    ck_assert_int_eq(dropped, 2);
    ck_assert(pool_try_submit(pool, LANE_PART, do_large, drop, task_new(0, 0), &result, &err));
    ck_assert_int_eq(result, -1); /* but none is taken any more */
    ck_assert_int_eq(dropped, 3);
    close_pool(pool);
}
END_TEST

START_TEST(try_submit_does_not_block)
{
    struct pool *pool = open_pool(1, 1);
    struct sf_error err = SF_ERROR_INIT;
    struct task *refused = task_new(0, 0);
    int result = 7, accepted = 0;

    ck_assert_int_eq(pool_submit(pool, LANE_SMALL, do_small, drop, task_new(300, 0), &err), 0);
    clock_sleep_ms(100); /* it runs now */
    while (accepted < 20) {
        struct task *task = task_new(0, 0);

        if (!pool_try_submit(pool, LANE_SMALL, do_small, drop, task, &result, &err)) {
            free(task);
            break;
        }
        ck_assert_int_eq(result, 0);
        accepted++;
    }
    ck_assert_int_eq(accepted, 8); /* what the queue holds */
    result = 7;
    ck_assert(!pool_try_submit(pool, LANE_SMALL, do_small, drop, refused, &result, &err));
    ck_assert_int_eq(result, 7);
    ck_assert(pool_try_submit(pool, LANE_LARGE, do_large, drop, refused, &result, &err)); /* the other lane has room */
    ck_assert_int_eq(pool_wait(pool, &err), 0);
    ck_assert_int_eq(ran, 10);
    close_pool(pool);
}
END_TEST

START_TEST(first_error_stops_the_rest)
{
    struct pool *pool = open_pool(4, 2);
    struct sf_error err = SF_ERROR_INIT;
    int submitted = 0, result = 0;

    /* Three that end only when the run is cancelled, one that fails, and others behind them. */
    for (; submitted < 3; submitted++)
        ck_assert_int_eq(pool_submit(pool, LANE_SMALL, do_small, drop, task_new(0, SF_CANCELLED), &err), 0);
    ck_assert_int_eq(pool_submit(pool, LANE_SMALL, do_small, drop, task_new(100, SF_DENIED), &err), 0);
    submitted++;
    for (; result == 0 && submitted < 1000; submitted++)
        result = pool_submit(pool, LANE_SMALL, do_small, drop, task_new(0, SF_CANCELLED), &err);
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(err.cls, SF_DENIED);
    err = (struct sf_error)SF_ERROR_INIT;
    ck_assert_int_eq(pool_wait(pool, &err), -1);
    ck_assert_int_eq(err.cls, SF_DENIED); /* not the cancellations that it caused */
    ck_assert_str_eq(err.text, "task failed with 5");
    ck_assert(run.failed);
    ck_assert_int_eq(ran + dropped, submitted);
    ck_assert_int_gt(dropped, 0);
    ck_assert_int_eq(pool_submit(pool, LANE_LARGE, do_large, drop, task_new(0, 0), &err), -1);
    ck_assert_int_eq(ran + dropped, submitted + 1);
    close_pool(pool);
}
END_TEST

START_TEST(cancelled_from_elsewhere)
{
    struct pool *pool = open_pool(2, 1);
    struct sf_error err = SF_ERROR_INIT;
    int i, submitted = 0;

    for (i = 0; i < 6; i++, submitted++)
        ck_assert_int_eq(pool_submit(pool, LANE_SMALL, do_small, drop, task_new(50, 0), &err), 0);
    atomic_store(&run.cancel_signal, SIGTERM);
    ck_assert_int_eq(pool_submit(pool, LANE_SMALL, do_small, drop, task_new(0, 0), &err), -1);
    submitted++;
    ck_assert_int_eq(err.cls, SF_CANCELLED);
    ck_assert_int_eq(pool_wait(pool, &err), -1);
    ck_assert_int_eq(err.cls, SF_CANCELLED);
    ck_assert_ptr_nonnull(strstr(err.text, "SIGTERM"));
    ck_assert_int_eq(ran + dropped, submitted);
    ck_assert_int_ge(dropped, 1);
    close_pool(pool);
}
END_TEST

START_TEST(idle_but_cancelled)
{
    struct pool *pool = open_pool(2, 1);
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_int_eq(pool_wait(pool, &err), 0);
    atomic_store(&run.cancel_signal, SIGINT);
    ck_assert_int_eq(pool_wait(pool, &err), -1);
    ck_assert_int_eq(err.cls, SF_CANCELLED);
    close_pool(pool);
}
END_TEST

START_TEST(closing_drops_what_waits)
{
    struct pool *pool = open_pool(1, 1);
    struct sf_error err = SF_ERROR_INIT;
    int i;

    ck_assert_int_eq(pool_submit(pool, LANE_SMALL, do_small, drop, task_new(200, 0), &err), 0);
    clock_sleep_ms(50);
    for (i = 0; i < 2; i++)
        ck_assert_int_eq(pool_submit(pool, LANE_SMALL, do_small, drop, task_new(0, 0), &err), 0);
    close_pool(pool);
    ck_assert_int_eq(ran, 1);
    ck_assert_int_eq(dropped, 2);
    pool_close(NULL);
}
END_TEST

static int refuse_conn(const struct sf_call *call, struct sf_store *handle, struct sf_conn **conn, struct sf_error *err)
{
    (void)call;
    (void)handle;
    (void)conn;
    return sf_fail(err, SF_AUTH, "who are you");
}

START_TEST(no_connection_fails_the_pool)
{
    struct sf_plugin table;
    struct sf_error err = SF_ERROR_INIT;
    struct pool *pool = NULL;
    int submitted = 0;

    run_call_init(&run, 0);
    kit_store_open(&store, &run, "pool");
    table = *store.table;
    table.conn_open = refuse_conn;
    store.table = &table;
    ck_assert_int_eq(pool_open(&pool, &store, &run, 3, 1, &err), 0);
    while (pool_submit(pool, LANE_SMALL, do_small, drop, task_new(0, 0), &err) == 0)
        submitted++;
    ck_assert_int_eq(err.cls, SF_AUTH);
    ck_assert_int_eq(pool_wait(pool, &err), -1);
    ck_assert_str_eq(err.text, "who are you");
    ck_assert_int_eq(dropped, submitted + 1);
    close_pool(pool);
}
END_TEST

static atomic_int conns_now, conns_most;

static int count_conn(const struct sf_call *call, struct sf_store *handle, struct sf_conn **conn, struct sf_error *err)
{
    raise_to(&conns_most, atomic_fetch_add(&conns_now, 1) + 1);
    return kit_memory_plugin()->conn_open(call, handle, conn, err);
}

static void uncount_conn(struct sf_conn *conn)
{
    atomic_fetch_sub(&conns_now, 1);
    kit_memory_plugin()->conn_close(conn);
}

START_TEST(connections_are_limited_and_closed)
{
    struct sf_plugin table;
    struct sf_error err = SF_ERROR_INIT;
    struct pool *pool = NULL;
    int i;

    run_call_init(&run, 0);
    kit_store_open(&store, &run, "pool");
    table = *store.table;
    table.conn_open = count_conn;
    table.conn_close = uncount_conn;
    store.table = &table;
    store.info.connections_max = 4;
    ck_assert_int_eq(pool_open(&pool, &store, &run, 16, 8, &err), 0);
    for (i = 0; i < 40; i++)
        ck_assert_int_eq(pool_submit(pool, LANE_SMALL, do_small, drop, task_new(5, 0), &err), 0);
    ck_assert_int_eq(pool_wait(pool, &err), 0);
    close_pool(pool);
    ck_assert_int_eq(conns_most, 3); /* the fourth is the submitting stage's */
    ck_assert_int_eq(conns_now, 0);
}
END_TEST

static int see_signals(struct worker *worker, void *job, struct sf_error *err)
{
    sigset_t blocked;

    (void)worker;
    (void)err;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    atomic_store((atomic_int *)job, sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGINT) ? 1 : 2);
    return 0;
}

static void drop_nothing(void *job)
{
    (void)job;
}

START_TEST(signals_are_for_the_main_thread)
{
    struct pool *pool = open_pool(1, 1);
    struct sf_error err = SF_ERROR_INIT;
    atomic_int seen = 0;
    sigset_t blocked;

    ck_assert_int_eq(pool_submit(pool, LANE_SMALL, see_signals, drop_nothing, &seen, &err), 0);
    ck_assert_int_eq(pool_wait(pool, &err), 0);
    ck_assert_int_eq(seen, 1);
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    ck_assert(!sigismember(&blocked, SIGTERM));
    close_pool(pool);
}
END_TEST

UNIT_MAIN("pool", &runs_everything_once, &large_files_do_not_hold_up_small_ones, &all_workers_run_at_once,
          &one_worker_takes_turns, &parts_come_first, &parts_run_after_a_failure, &try_submit_does_not_block,
          &first_error_stops_the_rest, &cancelled_from_elsewhere, &idle_but_cancelled, &closing_drops_what_waits,
          &no_connection_fails_the_pool, &connections_are_limited_and_closed, &signals_are_for_the_main_thread)
