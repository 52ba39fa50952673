/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "core/store/call.h"
#include "tests/kit/unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static struct run_call run;

START_TEST(counts_by_kind)
{
    unsigned kind;

    run_call_init(&run, 0);
    for (kind = 0; kind < REQUEST_KINDS; kind++) {
        run.call.request(&run.call, kind, 0, 1);
        ck_assert_uint_eq(run.requests[kind], 1);
        ck_assert_ptr_nonnull(request_name(kind));
    }
    run.call.request(&run.call, 999, 500, 0); /* of a newer header */
    ck_assert_uint_eq(run.requests[SF_REQUEST_OTHER], 2);
    ck_assert_str_eq(request_name(SF_REQUEST_UPLOAD_COMMIT), "upload_commit");
    ck_assert_ptr_null(request_name(REQUEST_KINDS));
    run.call.account(&run.call, 5);
    run.call.account(&run.call, 7);
    ck_assert_uint_eq(run.bytes_moved, 12);
}
END_TEST

START_TEST(cancelled_by_each_cause)
{
    struct sf_error err = SF_ERROR_INIT;

    run_call_init(&run, 0);
    ck_assert_int_eq(run.call.deadline_ms, 0);
    ck_assert(!run.call.cancelled(&run.call));
    atomic_store(&run.failed, true);
    ck_assert(run.call.cancelled(&run.call));
    ck_assert(!run_call_timed_out(&run));
    ck_assert_int_eq(run_call_cancel_error(&run, &err), -1);
    ck_assert_int_eq(err.cls, SF_CANCELLED);
    ck_assert_ptr_nonnull(strstr(err.text, "another part"));

    run_call_init(&run, 50);
    ck_assert(!run_call_cancelled(&run));
    clock_sleep_ms(60);
    ck_assert(run_call_cancelled(&run));
    ck_assert(run_call_timed_out(&run));
    ck_assert_int_eq(run_call_cancel_error(&run, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "timeout"));
}
END_TEST

START_TEST(first_signal_cancels)
{
    run_call_init(&run, 0);
    run_call_catch_signals(&run);
    ck_assert_int_eq(raise(SIGINT), 0);
    ck_assert_int_eq(run.cancel_signal, SIGINT);
    ck_assert(run_call_cancelled(&run));
    run_call_catch_signals(NULL);
}
END_TEST

/* How a child ends that gets a signal so many ms after its first; 0 if by itself. */
static int end_after(int second, int64_t ms, bool caught)
{
    pid_t child = fork();
    int status = 0;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        run_call_init(&run, 0);
        run_call_catch_signals(&run);
        raise(SIGTERM);
        run.signalled_ms -= ms;
        if (!caught)
            run_call_catch_signals(NULL);
        raise(second);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

START_TEST(second_signal_ends_at_once)
{
    int status = end_after(SIGINT, 0, true);

    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 128 + SIGINT);
    status = end_after(SIGTERM, 1000, true);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 128 + SIGTERM);
    status = end_after(SIGTERM, 0, false); /* the default is back */
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGTERM);
}
END_TEST

/* timeout(1) sends its signal to the process, and then to the group that the process is in. */
START_TEST(echo_of_the_first_signal_is_no_second)
{
    int status = end_after(SIGTERM, 0, true);

    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(the_first_real_failure_is_kept)
{
    struct sf_error cancelled = SF_ERROR_INIT, first = SF_ERROR_INIT, second = SF_ERROR_INIT, kept = SF_ERROR_INIT;

    sf_fail(&cancelled, SF_CANCELLED, "stopped");
    sf_fail(&first, SF_DENIED, "first");
    sf_fail(&second, SF_NO_SPACE, "second");
    run_call_init(&run, 0);
    ck_assert(!run_call_first_error(&run, &kept));
    run_call_fail(&run, &cancelled);
    ck_assert(run_call_cancelled(&run));
    ck_assert(!run_call_first_error(&run, &kept));
    run_call_fail(&run, &first);
    run_call_fail(&run, &second);
    ck_assert(run_call_first_error(&run, &kept));
    ck_assert_str_eq(kept.text, "first");
    ck_assert_int_eq(kept.cls, SF_DENIED);
}
END_TEST

UNIT_MAIN("call", &counts_by_kind, &cancelled_by_each_cause, &first_signal_cancels, &second_signal_ends_at_once,
          &echo_of_the_first_signal_is_no_second, &the_first_real_failure_is_kept)
