/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/call.h"

#include "base/clock.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#define SLICE_MS 100 /* how soon a cancelled run ends a wait */
#define ECHO_MS 1000 /* timeout(1), and shells, signal a process and then its group: that is one request, and not two */

/* A signal handler has no argument to carry its run in, so this pointer is the one mutable global of the core. */
static struct run_call *_Atomic caught;

/* What the handler touches has to be lock-free, or it could wait for the very thread that it interrupts. */
_Static_assert(ATOMIC_POINTER_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2,
               "atomics are not safe in a signal handler");

static int call_cancelled(const struct sf_call *call)
{
    return run_call_cancelled(call->ctx) ? 1 : 0;
}

/* Sleeps as long as these bytes are early, in slices, so that a cancelled run does not wait. */
static void hold_back(struct run_call *run, uint64_t bytes)
{
    int64_t start_ms = clock_mono_ms();
    int64_t wait_ms = bandwidth_wait_us(&run->bandwidth, bytes, start_ms * 1000) / 1000;
    int64_t left_ms = wait_ms;

    while (left_ms > 0 && !run_call_cancelled(run)) {
        clock_sleep_ms(left_ms < SLICE_MS ? left_ms : SLICE_MS);
        left_ms = wait_ms - (clock_mono_ms() - start_ms);
    }
}

static void call_account(const struct sf_call *call, uint64_t bytes)
{
    struct run_call *run = call->ctx;

    atomic_fetch_add_explicit(&run->bytes_moved, bytes, memory_order_relaxed);
    if (run->bandwidth.rate != 0)
        hold_back(run, bytes);
}

static void call_request(const struct sf_call *call, uint32_t kind, int32_t status, uint64_t bytes)
{
    struct run_call *run = call->ctx;

    (void)status;
    (void)bytes;
    /* A plugin of a newer minor version may know kinds that we do not. */
    if (kind >= REQUEST_KINDS)
        kind = SF_REQUEST_OTHER;
    atomic_fetch_add_explicit(&run->requests[kind], 1, memory_order_relaxed);
}

void run_call_init(struct run_call *run, int64_t timeout_ms)
{
    size_t i;

    run->call = (struct sf_call){
        .size = sizeof(run->call),
        .ctx = run,
        .deadline_ms = timeout_ms > 0 ? clock_mono_ms() + timeout_ms : 0,
        .cancelled = call_cancelled,
        .account = call_account,
        .request = call_request,
    };
    atomic_init(&run->cancel_signal, 0);
    atomic_init(&run->signalled_ms, 0);
    atomic_init(&run->failed, false);
    atomic_init(&run->first_kept, 0);
    for (i = 0; i < REQUEST_KINDS; i++)
        atomic_init(&run->requests[i], 0);
    atomic_init(&run->retries, 0);
    atomic_init(&run->throttles, 0);
    atomic_init(&run->bytes_moved, 0);
    atomic_init(&run->uploads_lost, 0);
    bandwidth_init(&run->bandwidth, 0);
    run->watch = NULL;
}

/* May run on two threads at once: when it came is known before that it came. */
static void on_signal(int signal_number)
{
    struct run_call *run = atomic_load(&caught);
    int64_t now_ms = clock_mono_ms(), never = 0;
    int before = 0;

    if (run == NULL)
        _exit(128 + signal_number);
    (void)atomic_compare_exchange_strong(&run->signalled_ms, &never, now_ms);
    if (atomic_compare_exchange_strong(&run->cancel_signal, &before, signal_number))
        return;
    if (before != signal_number || now_ms - atomic_load(&run->signalled_ms) >= ECHO_MS)
        _exit(128 + signal_number);
}

void run_call_catch_signals(struct run_call *run)
{
    struct sigaction action = {.sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    if (run != NULL) {
        action.sa_handler = on_signal;
        atomic_store(&caught, run);
    } else {
        action.sa_handler = SIG_DFL;
    }
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (run == NULL)
        atomic_store(&caught, NULL);
}

void run_call_fail(struct run_call *run, const struct sf_error *err)
{
    int none = 0;

    if (err->cls != SF_CANCELLED && atomic_compare_exchange_strong(&run->first_kept, &none, 1)) {
        run->first = *err;
        atomic_store(&run->first_kept, 2);
    }
    atomic_store(&run->failed, true);
}

bool run_call_first_error(const struct run_call *run, struct sf_error *err)
{
    if (atomic_load(&run->first_kept) != 2)
        return false;
    *err = run->first;
    return true;
}

bool run_call_timed_out(const struct run_call *run)
{
    return run->call.deadline_ms != 0 && clock_mono_ms() >= run->call.deadline_ms;
}

bool run_call_cancelled(const struct run_call *run)
{
    return atomic_load_explicit(&run->cancel_signal, memory_order_relaxed) != 0 ||
           atomic_load_explicit(&run->failed, memory_order_relaxed) || run_call_timed_out(run);
}

int run_call_cancel_error(const struct run_call *run, struct sf_error *err)
{
    int number = atomic_load(&run->cancel_signal);
    const char *name = number != 0 ? sigabbrev_np(number) : NULL;

    if (number != 0 && name != NULL)
        return sf_fail(err, SF_CANCELLED, "stopped by SIG%s", name);
    if (number != 0)
        return sf_fail(err, SF_CANCELLED, "stopped by signal %d", number);
    if (run_call_timed_out(run))
        return sf_fail(err, SF_CANCELLED, "stopped because the run's timeout has passed");
    return sf_fail(err, SF_CANCELLED, "stopped because another part of the run failed");
}

static int deadline_passed(const struct sf_call *call)
{
    return clock_mono_ms() >= call->deadline_ms;
}

struct sf_call run_call_afterwards(const struct run_call *run, int64_t ms)
{
    struct sf_call call = run->call; /* its requests are the run's too */

    call.deadline_ms = clock_mono_ms() + ms;
    call.cancelled = deadline_passed;
    return call;
}

const char *request_name(unsigned kind)
{
    static const char *const names[REQUEST_KINDS] = {
        [SF_REQUEST_PUT] = "put",
        [SF_REQUEST_GET] = "get",
        [SF_REQUEST_STAT] = "stat",
        [SF_REQUEST_LIST] = "list",
        [SF_REQUEST_REMOVE] = "remove",
        [SF_REQUEST_COPY] = "copy",
        [SF_REQUEST_UPLOAD_BEGIN] = "upload_begin",
        [SF_REQUEST_UPLOAD_PART] = "upload_part",
        [SF_REQUEST_UPLOAD_COMMIT] = "upload_commit",
        [SF_REQUEST_UPLOAD_ABORT] = "upload_abort",
        [SF_REQUEST_OTHER] = "other",
    };

    return kind < REQUEST_KINDS ? names[kind] : NULL;
}
