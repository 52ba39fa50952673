/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "tests/kit/store.h"
#include "tests/kit/unit.h"
#include "tests/unit/store/script.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct run_call run;

static void open_with(struct store *store, const char *spec)
{
    run_call_init(&run, 0);
    ck_assert_int_eq(setenv("SNAPFERRY_FAULT", spec, 1), 0);
    script_store(store, &run, NULL, "fault");
}

static int put_key(const struct store *store, const char *key, struct sf_error *err)
{
    struct sf_object object;

    return script_send(store, &run, key, "text", "r", NULL, &object, err);
}

START_TEST(bad_rules_are_refused)
{
    static const char *const specs[] = {"nonsense",        "kill@",      "kill@0",          "kill@x",
                                        "fail@put:1",      "fail@put",   "fail@put:1:nope", "fail@push:1:transient",
                                        "fail@put:0:auth", "slow@put:x", "corrupt@put:1",   "count,",
                                        "lose@put:1:a:b"};
    const struct sf_settings none = {.size = sizeof(none), .element_size = sizeof(struct sf_setting)};
    size_t i;

    run_call_init(&run, 0);
    for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        SF_AUTO(store) store = {0};
        struct sf_error err = SF_ERROR_INIT;

        ck_assert_int_eq(setenv("SNAPFERRY_FAULT", specs[i], 1), 0);
        ck_assert_msg(store_open(&store, script_plugin(), &none, &run, NULL, &err) != 0, "%s", specs[i]);
        ck_assert_int_eq(err.cls, SF_INVALID);
        ck_assert_ptr_nonnull(strstr(err.text, "SNAPFERRY_FAULT"));
    }
}
END_TEST

START_TEST(fails_the_nth_that_matches)
{
    SF_AUTO(store) store = {0};
    struct sf_error err = SF_ERROR_INIT;

    open_with(&store, "fail@put:2:permanent:/x,fail@stat:*:denied");
    ck_assert_int_eq(put_key(&store, "a", &err), 0);
    ck_assert_int_eq(put_key(&store, "b/x1", &err), 0);
    ck_assert_int_eq(put_key(&store, "b/y", &err), 0);
    ck_assert_int_eq(put_key(&store, "b/x2", &err), -1);
    ck_assert_int_eq(err.cls, SF_PERMANENT);
    ck_assert_str_eq(err.text, "b/x2: injected permanent failure of put");
    ck_assert_ptr_null(kit_store_get(&store, &run, "b/x2"));
    ck_assert_int_eq(put_key(&store, "b/x3", &err), 0);
    ck_assert_uint_eq(script_put.calls, 4); /* the failed one never got there */
}
END_TEST

START_TEST(retryable_failures_are_retried)
{
    SF_AUTO(store) store = {0};
    struct sf_error err = SF_ERROR_INIT;

    open_with(&store, "fail@put:1:throttled,lose@put:3");
    ck_assert_int_eq(put_key(&store, "a", &err), 0); /* puts 1 and 2 */
    ck_assert_int_eq(put_key(&store, "b", &err), 0); /* lost, then exists, then settled */
    ck_assert_uint_eq(run.retries, 2);
    ck_assert_uint_eq(script_stat.calls, 1);
}
END_TEST

START_TEST(counts_calls_for_a_file)
{
    struct sf_error err = SF_ERROR_INIT;
    char path[4096], text[32] = "";
    FILE *file;

    snprintf(path, sizeof(path), "%s/count", unit_temp_dir());
    ck_assert_int_eq(setenv("SNAPFERRY_FAULT_COUNT", path, 1), 0);
    {
        SF_AUTO(store) store = {0};

        open_with(&store, "count");
        ck_assert_int_eq(put_key(&store, "a", &err), 0);
        ck_assert_int_eq(put_key(&store, "b", &err), 0);
        free(kit_store_get(&store, &run, "a"));
    }
    file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
    fclose(file);
    ck_assert_str_eq(text, "3\n");
}
END_TEST

START_TEST(uploads_can_be_made_to_fail)
{
    SF_AUTO(store) store = {0};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_upload_args args = {.size = sizeof(args), .key = "a/big", .bytes = 4, .part_bytes = 4};
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_MEMORY, .length = 4, .data = "text", .fd = -1};
    struct sf_part part = {.size = sizeof(part), .number = 1, .body = &body};
    struct sf_upload_token token = {.size = sizeof(token)};
    struct sf_part_result result = {.size = sizeof(result)};
    struct sf_object object = {.size = sizeof(object)};
    struct sf_upload *upload = NULL;
    struct sf_conn *conn = NULL;

    open_with(&store, "lose@upload_begin:1,fail@upload_part:1:throttled:/big,fail@upload_commit:1:conflict,"
                      "lose@upload_abort:1");
    ck_assert_int_eq(store.table->conn_open(&run.call, store.handle, &conn, &err), 0);
    ck_assert_int_eq(store.table->upload_begin(&run.call, conn, &args, &token, &upload, &err), 0);
    ck_assert_uint_eq(run.uploads_lost, 1);
    ck_assert_uint_eq(script_uploads_open(), 2);
    ck_assert_int_eq(store.table->upload_part(&run.call, conn, upload, &part, &result, &err), 0);
    ck_assert_uint_eq(script_part.calls, 1); /* the first never got there */
    ck_assert_int_eq(store.table->upload_commit(&run.call, conn, upload, &args, NULL, 0, 0, &object, &err), -1);
    ck_assert_str_eq(err.text, "a/big: injected conflict failure of upload_commit");
    ck_assert_int_eq(store.table->upload_abort(&run.call, conn, upload, &err), 0);
    ck_assert_uint_eq(script_abort.calls, 2);
    ck_assert_uint_eq(script_uploads_open(), 1);
    store.table->upload_close(upload);
    store.table->conn_close(conn);
}
END_TEST

/* Puts three objects in a child that says when each is in; how many it said before it was killed. */
static int puts_before_kill(const char *spec, unsigned *reached)
{
    int pipes[2], status = 0, count = 0;
    pid_t child;
    char byte;

    ck_assert_int_eq(pipe(pipes), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct store store = {0};
        struct sf_error err = SF_ERROR_INIT;
        const char *keys[] = {"a", "b", "c"};
        size_t i;

        open_with(&store, spec);
        for (i = 0; i < 3; i++)
            if (put_key(&store, keys[i], &err) != 0 || write(pipes[1], "x", 1) != 1)
                _exit(1);
        _exit(0);
    }
    close(pipes[1]);
    while (read(pipes[0], &byte, 1) == 1)
        count++;
    close(pipes[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    *reached = WIFSIGNALED(status) ? (unsigned)WTERMSIG(status) : 0;
    return count;
}

START_TEST(kills_around_the_nth_call)
{
    unsigned signal_number;

    ck_assert_int_eq(puts_before_kill("kill@2", &signal_number), 1);
    ck_assert_uint_eq(signal_number, SIGKILL);
    ck_assert_int_eq(puts_before_kill("kill-before@3", &signal_number), 2);
    ck_assert_uint_eq(signal_number, SIGKILL);
    ck_assert_int_eq(puts_before_kill("kill@4", &signal_number), 3);
    ck_assert_uint_eq(signal_number, 0);
}
END_TEST

START_TEST(flips_a_byte_of_what_get_brings)
{
    SF_AUTO(store) store = {0};
    struct sf_error err = SF_ERROR_INIT;
    AUTO_FREE char *one = NULL, *two = NULL;

    open_with(&store, "corrupt@get:2");
    ck_assert_int_eq(put_key(&store, "a", &err), 0);
    one = kit_store_get(&store, &run, "a");
    two = kit_store_get(&store, &run, "a");
    ck_assert_str_eq(one, "text");
    ck_assert_str_eq(two + 1, "ext");
    ck_assert_int_ne(two[0], 't');
}
END_TEST

START_TEST(slows_down_until_cancelled)
{
    SF_AUTO(store) store = {0};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_object object = {.size = sizeof(object)};
    struct sf_conn *conn = NULL;
    int64_t start;

    open_with(&store, "slow@put:200,slow@stat:60000");
    start = clock_mono_ms();
    ck_assert_int_eq(put_key(&store, "a", &err), 0);
    ck_assert_int_ge(clock_mono_ms() - start, 200);
    ck_assert_int_eq(store.table->conn_open(&run.call, store.handle, &conn, &err), 0);
    run.call.deadline_ms = clock_mono_ms() + 200;
    ck_assert_int_eq(store.table->stat(&run.call, conn, "a", &object, &err), -1);
    ck_assert_int_eq(err.cls, SF_CANCELLED);
    ck_assert_int_lt(clock_mono_ms() - start, 20000);
    store.table->conn_close(conn);
}
END_TEST

UNIT_MAIN("fault", &bad_rules_are_refused, &fails_the_nth_that_matches, &retryable_failures_are_retried,
          &counts_calls_for_a_file, &kills_around_the_nth_call, &flips_a_byte_of_what_get_brings,
          &slows_down_until_cancelled, &uploads_can_be_made_to_fail)
