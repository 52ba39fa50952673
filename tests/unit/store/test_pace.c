/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "core/store/pace.h"
#include "tests/kit/store.h"
#include "tests/kit/unit.h"
#include "tests/unit/store/script.h"

#include <pthread.h>

#define THREADS 8

static struct run_call run;

/* ---- the state, with a clock of our own ---- */

static void enter(struct pace_state *state, unsigned calls, int64_t now_ms)
{
    for (; calls > 0; calls--)
        ck_assert(pace_state_enter(state, now_ms));
}

START_TEST(no_limit_until_throttled)
{
    struct pace_state state;

    pace_state_init(&state);
    enter(&state, 256, 0);
    ck_assert_uint_eq(pace_state_leave(&state, SF_TRANSIENT, 0, 0), 0);
    ck_assert_uint_eq(state.limit, 0);
}
END_TEST

START_TEST(a_burst_halves_once)
{
    struct pace_state state;

    pace_state_init(&state);
    enter(&state, 8, 0);
    ck_assert_uint_eq(pace_state_leave(&state, SF_THROTTLED, 0, 10000), 4);
    ck_assert_uint_eq(pace_state_leave(&state, SF_THROTTLED, 0, 10000), 0);
    ck_assert_uint_eq(pace_state_leave(&state, SF_THROTTLED, 0, 10999), 0);
    ck_assert_uint_eq(state.limit, 4);
    ck_assert_uint_eq(pace_state_leave(&state, SF_THROTTLED, 0, 11000), 2);
    /* Four are still on their way: nobody comes in before two of them have left. */
    ck_assert(!pace_state_enter(&state, 11000));
    ck_assert_uint_eq(pace_state_leave(&state, SF_OK, 0, 11000), 0);
    ck_assert_uint_eq(pace_state_leave(&state, SF_OK, 0, 11000), 0);
    ck_assert(!pace_state_enter(&state, 11000));
    ck_assert_uint_eq(pace_state_leave(&state, SF_OK, 0, 11000), 0);
    ck_assert(pace_state_enter(&state, 11000));
    ck_assert(!pace_state_enter(&state, 11000));
}
END_TEST

START_TEST(never_below_one)
{
    struct pace_state state;

    pace_state_init(&state);
    enter(&state, 1, 0);
    ck_assert_uint_eq(pace_state_leave(&state, SF_THROTTLED, 0, 0), 1);
    enter(&state, 1, 2000);
    ck_assert_uint_eq(pace_state_leave(&state, SF_THROTTLED, 0, 2000), 0); /* as it was: nothing to tell */
    ck_assert_uint_eq(state.limit, 1);
}
END_TEST

START_TEST(grows_while_quiet_until_there_is_no_limit)
{
    struct pace_state state;

    pace_state_init(&state);
    enter(&state, 8, 0);
    ck_assert_uint_eq(pace_state_leave(&state, SF_THROTTLED, 0, 0), 4);
    while (state.in_flight > 0)
        ck_assert_uint_eq(pace_state_leave(&state, SF_OK, 0, 0), 0);
    enter(&state, 4, 4999);
    ck_assert(!pace_state_enter(&state, 4999));
    ck_assert(pace_state_enter(&state, 5000)); /* the fifth */
    ck_assert(!pace_state_enter(&state, 5000));
    /* A throttled answer within a burst does not halve again, but the quiet begins anew. */
    state.halved_ms = 8500;
    ck_assert_uint_eq(pace_state_leave(&state, SF_THROTTLED, 0, 9000), 0);
    enter(&state, 1, 13999);
    ck_assert(!pace_state_enter(&state, 13999));
    ck_assert(pace_state_enter(&state, 14000)); /* the sixth */
    ck_assert_uint_eq(state.limit, 6);
    enter(&state, 100, 24000); /* 8: as many as there were */
    ck_assert_uint_eq(state.limit, 0);
}
END_TEST

START_TEST(retries_cost_and_successes_pay)
{
    struct pace_state state;
    int retries = 0;

    pace_state_init(&state);
    enter(&state, 3, 0);
    pace_state_leave(&state, SF_OK, 0, 0);
    ck_assert_uint_eq(state.tokens, PACE_TOKENS); /* never more than full */
    while (pace_state_take(&state, PACE_COST_TRANSIENT, 0) == 0)
        retries++;
    ck_assert_int_eq(retries, PACE_TOKENS / PACE_COST_TRANSIENT); /* 35, and 10 tokens are left */
    ck_assert_int_eq(pace_state_take(&state, PACE_COST_TRANSIENT, 0), 400);
    ck_assert_int_eq(pace_state_take(&state, PACE_COST_THROTTLED, 0), 0);
    pace_state_leave(&state, SF_TRANSIENT, PACE_COST_TRANSIENT, 0);
    ck_assert_uint_eq(state.tokens, 5);
    pace_state_leave(&state, SF_OK, PACE_COST_TRANSIENT, 0);
    ck_assert_uint_eq(state.tokens, 19);
    enter(&state, 1, 0);
    pace_state_leave(&state, SF_OK, 0, 0);
    ck_assert_uint_eq(state.tokens, 20);
}
END_TEST

START_TEST(tokens_come_while_somebody_waits)
{
    struct pace_state state;

    pace_state_init(&state);
    state.tokens = 4;
    ck_assert_int_eq(pace_state_take(&state, PACE_COST_TRANSIENT, 60000), 1000);
    state.token_waiters = 1;
    ck_assert_int_eq(pace_state_take(&state, PACE_COST_TRANSIENT, 60550), 500);
    ck_assert_int_eq(pace_state_take(&state, PACE_COST_TRANSIENT, 60950), 100);
    ck_assert_int_eq(pace_state_take(&state, PACE_COST_TRANSIENT, 61000), 0);
    ck_assert_uint_eq(state.tokens, 0);
    state.token_waiters = 0;
    /* Time in which nobody waited does not count. */
    ck_assert_int_eq(pace_state_take(&state, PACE_COST_THROTTLED, 99000), 500);
}
END_TEST

/* ---- with threads ---- */

static struct pace pace;
static atomic_uint inside, most;

static void *call_often(void *argument)
{
    int i;

    (void)argument;
    for (i = 0; i < 500; i++) {
        unsigned now, seen = atomic_load(&most);

        ck_assert(pace_enter(&pace, &run.call));
        now = atomic_fetch_add(&inside, 1) + 1;
        while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now))
            ;
        atomic_fetch_sub(&inside, 1);
        pace_leave(&pace, SF_OK, 0);
    }
    return NULL;
}

START_TEST(threads_keep_to_the_limit)
{
    pthread_t threads[THREADS];
    int i;

    run_call_init(&run, 0);
    pace_init(&pace);
    ck_assert(pace_enter(&pace, &run.call));
    ck_assert_uint_eq(pace_leave(&pace, SF_THROTTLED, 0), 1);
    pace.locked.state.ceiling = 1000;
    for (i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call_often, NULL), 0);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(pace.locked.state.in_flight, 0);
    ck_assert_uint_eq(pace.locked.state.place_waiters, 0);
    ck_assert_uint_le(most, pace.locked.state.limit); /* 1, unless this took very long */
    pace_cleanup(&pace);
}
END_TEST

static atomic_int ended;

static void *wait_for_a_place(void *argument)
{
    (void)argument;
    ck_assert(!pace_enter(&pace, &run.call));
    atomic_fetch_add(&ended, 1);
    return NULL;
}

static void *wait_for_tokens(void *argument)
{
    (void)argument;
    ck_assert(!pace_take(&pace, &run.call, PACE_TOKENS, INT64_MAX));
    atomic_fetch_add(&ended, 1);
    return NULL;
}

static void await(const unsigned *count, unsigned wanted)
{
    for (;;) {
        bool there;

        pthread_mutex_lock(&pace.locked.mutex);
        there = *count == wanted;
        pthread_mutex_unlock(&pace.locked.mutex);
        if (there)
            return;
        clock_sleep_ms(1);
    }
}

START_TEST(cancelling_ends_all_waits)
{
    pthread_t threads[2];

    run_call_init(&run, 0);
    pace_init(&pace);
    ck_assert(pace_enter(&pace, &run.call));
    pace.locked.state.limit = 1;
    pace.locked.state.ceiling = 1000;
    pace.locked.state.quiet_ms = INT64_MAX; /* never grows */
    pace.locked.state.tokens = 0;
    ck_assert_int_eq(pthread_create(&threads[0], NULL, wait_for_a_place, NULL), 0);
    ck_assert_int_eq(pthread_create(&threads[1], NULL, wait_for_tokens, NULL), 0);
    await(&pace.locked.state.place_waiters, 1);
    await(&pace.locked.state.token_waiters, 1);
    ck_assert_int_eq(ended, 0);
    atomic_store(&run.cancel_signal, 15);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    ck_assert_uint_eq(pace.locked.state.in_flight, 1);
    ck_assert(!pace_take(&pace, &run.call, PACE_TOKENS, 0)); /* too late, too */
    pace_leave(&pace, SF_OK, 0);
    pace_cleanup(&pace);
}
END_TEST

/* A call that backs off holds no place: with one place in all, another connection's call gets through meanwhile. */
static void *stat_throttled(void *argument)
{
    struct store *store = argument;
    struct sf_object object = {.size = sizeof(object)};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_conn *conn = NULL;

    ck_assert_int_eq(store->table->conn_open(&run.call, store->handle, &conn, &err), 0);
    ck_assert_int_eq(store->table->stat(&run.call, conn, "k", &object, &err), -1);
    ck_assert_int_eq(err.cls, SF_CANCELLED);
    store->table->conn_close(conn);
    return NULL;
}

START_TEST(a_wait_holds_no_place)
{
    SF_AUTO(store) store = {0};
    AUTO_FREE char *text = NULL;
    pthread_t thread;

    run_call_init(&run, 0);
    script_store(&store, &run, NULL, "place");
    script_stat.steps[0] = (struct step){.cls = SF_THROTTLED, .retry_after_ms = 600000};
    ck_assert_int_eq(pthread_create(&thread, NULL, stat_throttled, &store), 0);
    while (run.throttles == 0)
        clock_sleep_ms(1);
    kit_store_put(&store, &run, "other", "text");
    text = kit_store_get(&store, &run, "other");
    ck_assert_str_eq(text, "text");
    atomic_store(&run.cancel_signal, 15);
    pthread_join(thread, NULL);
}
END_TEST

UNIT_MAIN("pace", &no_limit_until_throttled, &a_burst_halves_once, &never_below_one,
          &grows_while_quiet_until_there_is_no_limit, &retries_cost_and_successes_pay,
          &tokens_come_while_somebody_waits, &threads_keep_to_the_limit, &cancelling_ends_all_waits,
          &a_wait_holds_no_place)
