/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "core/store/backoff.h"
#include "tests/kit/store.h"
#include "tests/kit/unit.h"
#include "tests/unit/store/script.h"

#include <pthread.h>

static struct run_call run;

static int stat_key(const struct store *store, const char *key, struct sf_error *err)
{
    struct sf_object object = {.size = sizeof(object)};
    struct sf_conn *conn = NULL;
    int result;

    ck_assert_int_eq(store->table->conn_open(&run.call, store->handle, &conn, err), 0);
    result = store->table->stat(&run.call, conn, key, &object, err);
    store->table->conn_close(conn);
    return result;
}

START_TEST(every_class_as_it_must)
{
    SF_AUTO(store) store = {0};
    int cls;

    run_call_init(&run, 0);
    script_store(&store, &run, NULL, "classes");
    kit_store_put(&store, &run, "k", "text");
    for (cls = -1; cls <= SF_PERMANENT + 1; cls++) {
        bool again = cls == SF_CONFLICT || cls == SF_THROTTLED || cls == SF_TRANSIENT;
        struct sf_error err = SF_ERROR_INIT;
        uint64_t retries = run.retries;
        int result;

        if (cls == SF_OK)
            continue; /* passes through */
        memset(&script_stat, 0, sizeof(script_stat));
        script_stat.steps[0].cls = cls;
        result = stat_key(&store, "k", &err);
        ck_assert_msg((result == 0) == again, "class %d", cls);
        ck_assert_uint_eq(script_stat.calls, again ? 2 : 1);
        ck_assert_uint_eq(run.retries - retries, again ? 1 : 0);
        if (!again)
            ck_assert_int_eq(err.cls, cls < 0 || cls > SF_PERMANENT ? SF_PERMANENT : cls);
    }
}
END_TEST

START_TEST(gives_up_after_its_tries)
{
    static const struct sf_settings none = {.size = sizeof(none), .element_size = sizeof(struct sf_setting)};
    SF_AUTO(store) store = {0};
    struct sf_error err = SF_ERROR_INIT;
    int i;

    run_call_init(&run, 0);
    for (i = 0; i < SCRIPT_STEPS; i++)
        script_store_open.steps[i].cls = SF_TRANSIENT;
    ck_assert_int_eq(store_open(&store, script_plugin(), &none, &run, NULL, &err), -1);
    ck_assert_int_eq(err.cls, SF_TRANSIENT);
    ck_assert_uint_eq(script_store_open.calls, RETRY_TRIES_OPEN);
    ck_assert_uint_eq(run.retries, RETRY_TRIES_OPEN - 1);
}
END_TEST

START_TEST(how_often_and_how_long)
{
    struct backoff backoff = {.tries_max = RETRY_TRIES, .failed_ms = 1000};
    int64_t last_ms = 1000 + BACKOFF_GIVE_UP_MS;

    backoff.tries = RETRY_TRIES - 1;
    ck_assert(backoff_allows(&backoff, SF_TRANSIENT, 1000, 20000));
    ck_assert(!backoff_allows(&backoff, SF_DENIED, 1000, 20000));
    backoff.tries = RETRY_TRIES;
    ck_assert(!backoff_allows(&backoff, SF_TRANSIENT, 1000, 20000));
    /* A wait that would end too late is not begun. */
    backoff.tries = 1;
    ck_assert(backoff_allows(&backoff, SF_THROTTLED, last_ms - 501, 500));
    ck_assert(!backoff_allows(&backoff, SF_THROTTLED, last_ms - 500, 500));
    ck_assert(!backoff_allows(&backoff, SF_THROTTLED, 1000, BACKOFF_GIVE_UP_MS));
}
END_TEST

START_TEST(waits_grow_to_the_limit)
{
    ck_assert_int_eq(backoff_limit_ms(SF_TRANSIENT, 1), 50);
    ck_assert_int_eq(backoff_limit_ms(SF_CONFLICT, 2), 100);
    ck_assert_int_eq(backoff_limit_ms(SF_TRANSIENT, 9), 12800);
    ck_assert_int_eq(backoff_limit_ms(SF_TRANSIENT, 10), 20000);
    ck_assert_int_eq(backoff_limit_ms(SF_TRANSIENT, 4000000000), 20000);
    ck_assert_int_eq(backoff_limit_ms(SF_THROTTLED, 1), 1000);
    ck_assert_int_eq(backoff_limit_ms(SF_THROTTLED, 5), 16000);
    ck_assert_int_eq(backoff_limit_ms(SF_THROTTLED, 6), 20000);
}
END_TEST

START_TEST(retry_after_is_honoured)
{
    SF_AUTO(store) store = {0};
    struct sf_error err = SF_ERROR_INIT;
    int64_t start;

    run_call_init(&run, 0);
    script_store(&store, &run, NULL, "after");
    kit_store_put(&store, &run, "k", "text");
    script_stat.steps[0] = (struct step){.cls = SF_THROTTLED, .retry_after_ms = 400};
    start = clock_mono_ms();
    ck_assert_int_eq(stat_key(&store, "k", &err), 0);
    ck_assert_int_ge(clock_mono_ms() - start, 400);
    ck_assert_uint_eq(run.throttles, 1);
}
END_TEST

/* What a cancelled run still has to clear up is tried as often as anything else, until its own deadline. */
START_TEST(calls_after_the_run_have_their_own_deadline)
{
    SF_AUTO(store) store = {0};
    struct sf_object object = {.size = sizeof(object)};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_conn *conn = NULL;
    struct sf_call call;

    run_call_init(&run, 0);
    script_store(&store, &run, NULL, "afterwards");
    kit_store_put(&store, &run, "k", "text");
    ck_assert_int_eq(store.table->conn_open(&run.call, store.handle, &conn, &err), 0);
    atomic_store(&run.cancel_signal, 15);
    call = run_call_afterwards(&run, 60000);
    script_stat.steps[0].cls = script_stat.steps[1].cls = SF_TRANSIENT;
    ck_assert_int_eq(store.table->stat(&call, conn, "k", &object, &err), 0);
    ck_assert_uint_eq(script_stat.calls, 3);
    call = run_call_afterwards(&run, 0);
    memset(&script_stat, 0, sizeof(script_stat));
    script_stat.steps[0].cls = SF_TRANSIENT;
    ck_assert_int_eq(store.table->stat(&call, conn, "k", &object, &err), -1);
    ck_assert_uint_eq(script_stat.calls, 1);
    store.table->conn_close(conn);
}
END_TEST

static void *cancel_soon(void *argument)
{
    clock_sleep_ms(200);
    atomic_store(&((struct run_call *)argument)->cancel_signal, 15);
    return NULL;
}

START_TEST(cancelled_while_waiting)
{
    SF_AUTO(store) store = {0};
    struct sf_error err = SF_ERROR_INIT;
    pthread_t thread;
    int64_t start;

    run_call_init(&run, 0);
    script_store(&store, &run, NULL, "cancel");
    script_stat.steps[0] = (struct step){.cls = SF_TRANSIENT, .retry_after_ms = 60000, .maybe_applied = true};
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, &run), 0);
    start = clock_mono_ms();
    ck_assert_int_eq(stat_key(&store, "k", &err), -1);
    ck_assert_int_lt(clock_mono_ms() - start, 10000);
    pthread_join(thread, NULL);
    ck_assert_int_eq(err.cls, SF_CANCELLED);
    ck_assert_int_eq(err.maybe_applied, 1);
    ck_assert_ptr_nonnull(strstr(err.text, "SIGTERM"));
    ck_assert_ptr_nonnull(strstr(err.text, "scripted 15"));
}
END_TEST

START_TEST(deadline_ends_the_waiting)
{
    SF_AUTO(store) store = {0};
    struct sf_error err = SF_ERROR_INIT;
    int64_t start = clock_mono_ms();

    run_call_init(&run, 300);
    script_store(&store, &run, NULL, "deadline");
    script_stat.steps[0] = (struct step){.cls = SF_TRANSIENT, .retry_after_ms = 60000};
    ck_assert_int_eq(stat_key(&store, "k", &err), -1);
    ck_assert_int_lt(clock_mono_ms() - start, 10000);
    ck_assert_int_eq(err.cls, SF_CANCELLED);
    ck_assert_ptr_nonnull(strstr(err.text, "timeout"));
}
END_TEST

START_TEST(opening_is_tried_again_too)
{
    SF_AUTO(store) store = {0};
    struct sf_error err = SF_ERROR_INIT;

    run_call_init(&run, 0);
    script_store_open.steps[0].cls = SF_TRANSIENT;
    script_conn_open.steps[0].cls = SF_TRANSIENT;
    script_store(&store, &run, NULL, "opening");
    ck_assert_int_eq(stat_key(&store, "k", &err), -1);
    ck_assert_int_eq(err.cls, SF_NOT_FOUND);
    ck_assert_uint_eq(script_store_open.calls, 2);
    ck_assert_uint_eq(script_conn_open.calls, 2);
}
END_TEST

/* ---- lost answers ---- */

START_TEST(lost_answer_of_our_own_create)
{
    SF_AUTO(store) store = {0};
    struct sf_object object, stands = {.size = sizeof(stands)};
    struct sf_error err = SF_ERROR_INIT;
    AUTO_FREE char *text = NULL;

    run_call_init(&run, 0);
    script_store(&store, &run, NULL, "own");
    script_put.steps[0] = (struct step){.cls = SF_TRANSIENT, .apply = true, .maybe_applied = true};
    ck_assert_msg(script_send(&store, &run, "k", "ours", "run-1", NULL, &object, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(script_put.calls, 2);
    text = kit_store_get(&store, &run, "k");
    ck_assert_str_eq(text, "ours");
    ck_assert_str_eq(object.tag, "1"); /* of the put whose answer was lost */
    ck_assert_uint_eq(object.bytes, 4);
}
END_TEST

START_TEST(lost_answer_of_the_last_try)
{
    SF_AUTO(store) store = {0};
    struct sf_object object;
    struct sf_error err = SF_ERROR_INIT;

    /* Permanent, so not tried again, but it may have been applied: and it was. */
    run_call_init(&run, 0);
    script_store(&store, &run, NULL, "last");
    script_put.steps[0] = (struct step){.cls = SF_PERMANENT, .apply = true, .maybe_applied = true};
    ck_assert_msg(script_send(&store, &run, "k", "ours", "run-1", NULL, &object, &err) == 0, "%s", err.text);
    /* It was not: that stays open, for a late request may still arrive. */
    script_put.steps[1] = (struct step){.cls = SF_PERMANENT, .maybe_applied = true};
    ck_assert_int_eq(script_send(&store, &run, "other", "ours", "run-1", NULL, &object, &err), -1);
    ck_assert_int_eq(err.cls, SF_PERMANENT);
    ck_assert_int_eq(err.maybe_applied, 1);
}
END_TEST

START_TEST(lost_answer_and_a_foreign_object)
{
    static const struct {
        const char *text, *run;
    } foreign[] = {{"other", "run-1"}, {"ours!", "run-1"}, {"ours", "run-2"}};
    SF_AUTO(store) store = {0};
    size_t i;

    run_call_init(&run, 0);
    script_store(&store, &run, NULL, "foreign");
    for (i = 0; i < 3; i++) {
        struct sf_object object;
        struct sf_error err = SF_ERROR_INIT;
        char key[16];

        snprintf(key, sizeof(key), "k%zu", i);
        memset(&script_put, 0, sizeof(script_put));
        ck_assert_int_eq(script_send(&store, &run, key, foreign[i].text, foreign[i].run, NULL, &object, &err), 0);
        script_put.steps[1] = (struct step){.cls = SF_TRANSIENT, .maybe_applied = true};
        ck_assert_int_eq(script_send(&store, &run, key, "ours", "run-1", NULL, &object, &err), -1);
        ck_assert_int_eq(err.cls, SF_EXISTS);
        ck_assert_int_eq(err.maybe_applied, 0);
        ck_assert_uint_eq(script_put.calls, 3);
    }
}
END_TEST

START_TEST(exists_at_once_is_not_settled)
{
    SF_AUTO(store) store = {0};
    struct sf_object object;
    struct sf_error err = SF_ERROR_INIT;

    /* No answer was lost, so even our own object from before is a clash. */
    run_call_init(&run, 0);
    script_store(&store, &run, NULL, "clash");
    ck_assert_int_eq(script_send(&store, &run, "k", "ours", "run-1", NULL, &object, &err), 0);
    ck_assert_int_eq(script_send(&store, &run, "k", "ours", "run-1", NULL, &object, &err), -1);
    ck_assert_int_eq(err.cls, SF_EXISTS);
    ck_assert_uint_eq(script_stat.calls, 0);
}
END_TEST

START_TEST(lost_answer_of_a_replacement)
{
    SF_AUTO(store) store = {0};
    struct sf_object first, second;
    struct sf_error err = SF_ERROR_INIT;
    AUTO_FREE char *text = NULL;

    run_call_init(&run, 0);
    script_store(&store, &run, NULL, "replace");
    ck_assert_int_eq(script_send(&store, &run, "k", "before", "run-1", NULL, &first, &err), 0);
    script_put.steps[1] = (struct step){.cls = SF_TRANSIENT, .apply = true, .maybe_applied = true};
    ck_assert_msg(script_send(&store, &run, "k", "after", "run-1", first.tag, &second, &err) == 0, "%s", err.text);
    ck_assert_str_ne(second.tag, first.tag);
    text = kit_store_get(&store, &run, "k");
    ck_assert_str_eq(text, "after");
}
END_TEST

/* A body that only the store was to digest: the object from before has the same run and size, and is not what was sent. */
START_TEST(lost_answer_of_a_replacement_that_was_not_applied)
{
    SF_AUTO(store) store = {0};
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_MEMORY, .length = 5, .data = "after", .fd = -1};
    struct sf_meta meta = {.size = sizeof(meta), .key = "run", .value = "run-1"};
    struct sf_put put = {.size = sizeof(put),
                         .key = "k",
                         .body = &body,
                         .meta = &meta,
                         .meta_count = 1,
                         .meta_element_size = sizeof(meta),
                         .precondition = SF_IF_TAG};
    struct sf_object first, second = {.size = sizeof(second)};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_conn *conn = NULL;

    run_call_init(&run, 0);
    script_store(&store, &run, NULL, "not-applied");
    ck_assert_int_eq(script_send(&store, &run, "k", "older", "run-1", NULL, &first, &err), 0);
    script_put.steps[1] = (struct step){.cls = SF_PERMANENT, .maybe_applied = true};
    put.if_tag = first.tag;
    ck_assert_int_eq(store.table->conn_open(&run.call, store.handle, &conn, &err), 0);
    ck_assert_int_eq(store.table->put(&run.call, conn, &put, &second, &err), -1);
    store.table->conn_close(conn);
    ck_assert_int_eq(err.cls, SF_PERMANENT);
    ck_assert_int_eq(err.maybe_applied, 1);
}
END_TEST

/* ---- lists ---- */

static void note_key(void *ctx, const struct sf_object *object)
{
    buf_printf(ctx, "%s=%s:%llu ", object->key, object->tag, (unsigned long long)object->bytes);
}

START_TEST(page_that_broke_off_is_delivered_once)
{
    SF_AUTO(store) store = {0};
    struct sf_list_query query = {.size = sizeof(query), .prefix = "k/", .page_max = 2};
    SF_AUTO(buf) keys = BUF_INIT;
    struct sf_list_sink sink = {.size = sizeof(sink), .ctx = &keys, .object = note_key};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_conn *conn = NULL;
    struct sf_list *list = NULL;
    int more = 1, i;

    run_call_init(&run, 0);
    script_store(&store, &run, NULL, "page");
    for (i = 0; i < 3; i++) {
        char key[16];

        snprintf(key, sizeof(key), "k/%04d", i);
        kit_store_put(&store, &run, key, "12345");
    }
    script_list_next.steps[0] = (struct step){.cls = SF_TRANSIENT, .apply = true};
    script_list_next.steps[2] = (struct step){.cls = SF_TRANSIENT};
    ck_assert_int_eq(store.table->conn_open(&run.call, store.handle, &conn, &err), 0);
    ck_assert_int_eq(store.table->list_open(&run.call, conn, &query, &list, &err), 0);
    while (more)
        ck_assert_msg(store.table->list_next(&run.call, list, &sink, &more, &err) == 0, "%s", err.text);
    store.table->list_close(list);
    store.table->conn_close(conn);
    ck_assert_str_eq(buf_text(&keys), "k/0000=1:5 k/0001=2:5 k/0002=3:5 ");
    ck_assert_uint_eq(script_list_next.calls, 4);
}
END_TEST

/* ---- remove ---- */

static unsigned remove_call;

/* First call: a is gone, b is to be tried again, c is denied, d has no result. Second: b alone. */
static int remove_in_parts(const struct sf_call *call, struct sf_conn *conn, const struct sf_remove *items,
                           uint32_t count, uint32_t element_size, const struct sf_remove_sink *sink,
                           struct sf_error *err)
{
    (void)call;
    (void)conn;
    (void)err;
    ck_assert_uint_eq(element_size, sizeof(*items));
    if (remove_call++ == 0) {
        ck_assert_uint_eq(count, 4);
        sink->result(sink->ctx, 2, SF_DENIED, "c: not yours");
        sink->result(sink->ctx, 0, SF_OK, NULL);
        sink->result(sink->ctx, 0, SF_DENIED, "said before");
        sink->result(sink->ctx, 7, SF_OK, NULL);
        sink->result(sink->ctx, 1, SF_TRANSIENT, "b: busy");
        return 0;
    }
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(items[0].key, "b");
    ck_assert_str_eq(items[0].if_tag, "9");
    sink->result(sink->ctx, 0, SF_OK, NULL);
    return 0;
}

static void note_result(void *ctx, uint32_t index, int32_t cls, const char *text)
{
    buf_printf(ctx, "%u %s %s; ", index, err_class_name(cls), text);
}

START_TEST(remove_retries_only_what_asks_for_it)
{
    const struct sf_remove items[] = {{sizeof(items[0]), 0, "a", NULL},
                                      {sizeof(items[0]), 0, "b", "9"},
                                      {sizeof(items[0]), 0, "c", NULL},
                                      {sizeof(items[0]), 0, "d", NULL}};
    SF_AUTO(store) store = {0};
    SF_AUTO(buf) results = BUF_INIT;
    struct sf_remove_sink sink = {.size = sizeof(sink), .ctx = &results, .result = note_result};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_conn *conn = NULL;

    run_call_init(&run, 0);
    script_plugin()->remove = remove_in_parts;
    script_store(&store, &run, NULL, "remove");
    ck_assert_int_eq(store.table->conn_open(&run.call, store.handle, &conn, &err), 0);
    ck_assert_int_eq(store.table->remove(&run.call, conn, items, 4, sizeof(items[0]), &sink, &err), 0);
    store.table->conn_close(conn);
    ck_assert_uint_eq(remove_call, 2);
    ck_assert_str_eq(buf_text(&results), "0 ok ; 2 denied c: not yours; "
                                         "3 permanent plugin memory: remove gave no result for d; 1 ok ; ");
}
END_TEST

START_TEST(remove_that_fails_as_a_whole)
{
    const struct sf_remove items[] = {{sizeof(items[0]), 0, "a", NULL}, {sizeof(items[0]), 0, "b", NULL}};
    SF_AUTO(store) store = {0};
    SF_AUTO(buf) results = BUF_INIT;
    struct sf_remove_sink sink = {.size = sizeof(sink), .ctx = &results, .result = note_result};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_conn *conn = NULL;

    run_call_init(&run, 0);
    script_store(&store, &run, NULL, "whole");
    kit_store_put(&store, &run, "a", "1");
    script_remove.steps[0].cls = SF_TRANSIENT;
    script_remove.steps[2].cls = SF_DENIED;
    ck_assert_int_eq(store.table->conn_open(&run.call, store.handle, &conn, &err), 0);
    ck_assert_int_eq(store.table->remove(&run.call, conn, items, 2, sizeof(items[0]), &sink, &err), 0);
    ck_assert_str_eq(buf_text(&results), "0 ok ; 1 ok ; ");
    buf_clear(&results);
    ck_assert_int_eq(store.table->remove(&run.call, conn, items, 2, sizeof(items[0]), &sink, &err), -1);
    ck_assert_int_eq(err.cls, SF_DENIED);
    ck_assert_str_eq(buf_text(&results), "");
    store.table->conn_close(conn);
}
END_TEST

UNIT_MAIN("retry", &every_class_as_it_must, &gives_up_after_its_tries, &how_often_and_how_long,
          &waits_grow_to_the_limit, &retry_after_is_honoured, &cancelled_while_waiting,
          &calls_after_the_run_have_their_own_deadline, &deadline_ends_the_waiting, &opening_is_tried_again_too,
          &lost_answer_of_our_own_create, &lost_answer_of_the_last_try, &lost_answer_and_a_foreign_object,
          &exists_at_once_is_not_settled, &lost_answer_of_a_replacement,
          &lost_answer_of_a_replacement_that_was_not_applied, &page_that_broke_off_is_delivered_once,
          &remove_retries_only_what_asks_for_it, &remove_that_fails_as_a_whole)
