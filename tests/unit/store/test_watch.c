/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "core/store/watch.h"
#include "tests/kit/store.h"
#include "tests/kit/unit.h"
#include "tests/unit/store/script.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_MS 1000

static struct run_call run;
static struct watch watch;

static int say_nothing(void *ctx, const struct sf_error *stuck)
{
    (void)ctx;
    (void)stuck;
    return 0;
}

static void start(watch_end_fn end, void *ctx)
{
    struct sf_error err = SF_ERROR_INIT;

    run_call_init(&run, 0);
    ck_assert_msg(watch_start(&watch, &run, NULL, GRACE_MS, end, ctx, &err) == 0, "%s", err.text);
    ck_assert_ptr_eq(run.watch, &watch);
}

START_TEST(only_what_has_had_its_grace_is_stuck)
{
    struct watch_call first, second;
    struct sf_error stuck = SF_ERROR_INIT;
    int64_t since_ms;

    start(say_nothing, NULL);
    watch_call_init(&first, &watch);
    watch_call_init(&second, &watch);
    watch_enter(&first, "put", "a/b");
    since_ms = first.locked.since_ms;
    /* On its way for long, but the run was not cancelled before. */
    ck_assert_uint_eq(watch_find_stuck(&watch, since_ms + 9000, since_ms + 9000 + GRACE_MS - 1, &stuck), 0);
    ck_assert_uint_eq(watch_find_stuck(&watch, since_ms + 9000, since_ms + 9000 + GRACE_MS, &stuck), 1);
    ck_assert_str_eq(stuck.text, "put of a/b has not returned for 10.0 s, 1.0 s after it was to stop");
    ck_assert_int_eq(stuck.cls, SF_CANCELLED);
    /* Begun after the run was cancelled: it has its grace from there. */
    ck_assert_uint_eq(watch_find_stuck(&watch, since_ms - 9000, since_ms + GRACE_MS - 1, &stuck), 0);
    watch_enter(&second, "conn_open", "");
    second.locked.since_ms = since_ms + 1;
    ck_assert_uint_eq(watch_find_stuck(&watch, since_ms - 9000, since_ms + GRACE_MS, &stuck), 1);
    ck_assert_uint_eq(watch_find_stuck(&watch, since_ms - 9000, since_ms + GRACE_MS + 1, &stuck), 2);
    watch_leave(&first);
    ck_assert_uint_eq(watch_find_stuck(&watch, since_ms - 9000, since_ms + GRACE_MS + 1, &stuck), 1);
    ck_assert_ptr_nonnull(strstr(stuck.text, "conn_open has not returned"));
    watch_call_cleanup(&first, &watch);
    watch_leave(&second);
    ck_assert_uint_eq(watch_find_stuck(&watch, 0, INT64_MAX / 2, &stuck), 0);
    watch_call_cleanup(&second, &watch);
    ck_assert_ptr_null(watch.locked.calls);
    watch_stop(&watch);
    ck_assert_ptr_null(run.watch);
    watch_stop(&watch);
}
END_TEST

/* What a slot finds noted about itself, while it runs. */
static char noted[256];

static void note(void)
{
    const struct watch_call *call;

    noted[0] = '\0';
    for (call = watch.locked.calls; call != NULL; call = call->next)
        if (call->locked.slot != NULL)
            snprintf(noted + strlen(noted), sizeof(noted) - strlen(noted), "%s %s;", call->locked.slot,
                     call->locked.key);
}

static int noting_stat(const struct sf_call *call, struct sf_conn *conn, const char *key, struct sf_object *object,
                       struct sf_error *err)
{
    note();
    return kit_memory_plugin()->stat(call, conn, key, object, err);
}

static int noting_list_next(const struct sf_call *call, struct sf_list *list, const struct sf_list_sink *sink,
                            int *more, struct sf_error *err)
{
    note();
    return kit_memory_plugin()->list_next(call, list, sink, more, err);
}

static int noting_store_open(const struct sf_call *call, const struct sf_settings *settings, struct sf_store_info *info,
                             struct sf_store **store, struct sf_error *err)
{
    note();
    return kit_memory_plugin()->store_open(call, settings, info, store, err);
}

START_TEST(calls_are_noted_while_they_run)
{
    struct sf_object object = {.size = sizeof(object)};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_list_query query = {.size = sizeof(query), .prefix = "p/"};
    struct sf_conn *conn = NULL;
    struct store store;

    start(say_nothing, NULL);
    script_plugin()->store_open = noting_store_open;
    script_plugin()->stat = noting_stat;
    script_plugin()->list_next = noting_list_next;
    script_store(&store, &run, NULL, "noted");
    ck_assert_str_eq(noted, "store_open ;");
    ck_assert_ptr_null(watch.locked.calls);
    ck_assert_int_eq(store.table->conn_open(&run.call, store.handle, &conn, &err), 0);
    ck_assert_int_eq(store.table->stat(&run.call, conn, "a/key", &object, &err), -1);
    ck_assert_str_eq(noted, "stat a/key;");
    ck_assert_int_eq(store_list(&store, &run.call, conn, &query, NULL, NULL, NULL, &err), 0);
    ck_assert_str_eq(noted, "list_next p/;");
    note();
    ck_assert_str_eq(noted, "");
    store.table->conn_close(conn);
    ck_assert_ptr_null(watch.locked.calls);
    store_cleanup(&store);
    watch_stop(&watch);
}
END_TEST

static int stat_never_returns(const struct sf_call *call, struct sf_conn *conn, const char *key,
                              struct sf_object *object, struct sf_error *err)
{
    (void)call;
    (void)conn;
    (void)key;
    (void)object;
    (void)err;
    while (pause() < 0)
        ;
    return -1;
}

static int write_words(void *ctx, const struct sf_error *stuck)
{
    ck_assert_int_gt(dprintf(*(int *)ctx, "%s", stuck->text), 0);
    return 7;
}

/* Runs a stat that never returns in a child, whose run has failed; its status, and its last words. */
static int run_until_ended(char *words, size_t size)
{
    int pipes[2], status = 0;
    ssize_t got;
    pid_t child;

    ck_assert_int_eq(pipe(pipes), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct sf_object object = {.size = sizeof(object)};
        struct sf_error err = SF_ERROR_INIT;
        struct sf_conn *conn = NULL;
        struct store store;

        start(write_words, &pipes[1]);
        script_plugin()->stat = stat_never_returns;
        script_store(&store, &run, NULL, "stuck");
        atomic_store(&run.failed, true);
        if (store.table->conn_open(&run.call, store.handle, &conn, &err) == 0)
            store.table->stat(&run.call, conn, "the/key", &object, &err);
        _exit(99);
    }
    close(pipes[1]);
    got = read(pipes[0], words, size - 1);
    words[got > 0 ? got : 0] = '\0';
    close(pipes[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(a_call_that_never_returns_ends_the_process)
{
    char words[512];

    ck_assert_int_eq(run_until_ended(words, sizeof(words)), 7);
    ck_assert_msg(strncmp(words, "stat of the/key has not returned", 32) == 0, "%s", words);
}
END_TEST

UNIT_MAIN("watch", &only_what_has_had_its_grace_is_stuck, &calls_are_noted_while_they_run,
          &a_call_that_never_returns_ends_the_process)
