/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run shares with every plugin call: cancellation, deadline, counters. One per run; all functions thread-safe.
 */
#ifndef CORE_STORE_CALL_H
#define CORE_STORE_CALL_H

#include "core/store/bandwidth.h"
#include "snapferry/plugin.h"

#include <stdatomic.h>
#include <stdbool.h>

#define REQUEST_KINDS 11 /* enum sf_request */

struct watch;

struct run_call {
    struct sf_call call;          /* pass &run.call to the store */
    atomic_int cancel_signal;     /* 0, or the signal that asked for the end */
    _Atomic int64_t signalled_ms; /* when it came (monotonic) */
    atomic_bool failed;           /* a stage failed: the rest may stop */
    atomic_int first_kept;        /* 0, 1 while first is written, then 2 */
    struct sf_error first;        /* of run_call_fail() */
    _Atomic uint64_t requests[REQUEST_KINDS];
    _Atomic uint64_t retries;
    _Atomic uint64_t throttles; /* answers that asked for fewer requests */
    _Atomic uint64_t bytes_moved;
    struct bandwidth bandwidth;    /* of bytes_moved; run_call_init() leaves it without a limit */
    _Atomic uint64_t uploads_lost; /* begun perhaps, but the answer was lost: uploads_list may find them */
    struct watch *watch;           /* of the calls of all stores opened with this run; NULL: nobody watches */
};

/* timeout_ms 0: no deadline. A limit of the bandwidth comes after it (bandwidth_init), and so does the watch. */
void run_call_init(struct run_call *run, int64_t timeout_ms);

/* The call that SIGINT and SIGTERM cancel, from now on; a second signal ends the process at once with 128 + signal, but not
 * the same one within a second: that is an echo. NULL puts the default back. Main thread only. */
void run_call_catch_signals(struct run_call *run);

/* Ends all calls: a stage failed. The first error that is not itself a consequence of cancelling is kept for whoever has to tell. */
void run_call_fail(struct run_call *run, const struct sf_error *err);
/* That error; false: there is none. */
bool run_call_first_error(const struct run_call *run, struct sf_error *err);

bool run_call_timed_out(const struct run_call *run);
bool run_call_cancelled(const struct run_call *run); /* signal, deadline or failed */

/* Fills *err with SF_CANCELLED and the cause: which signal, the timeout, or another failure. Returns -1. For a call that
 * run_call_cancelled() made end. */
int run_call_cancel_error(const struct run_call *run, struct sf_error *err);

/* A call of the run for cleaning up behind it: cancelled by nothing but its own deadline, which is ms away. */
struct sf_call run_call_afterwards(const struct run_call *run, int64_t ms);

/* "put", "get", ...: the words of the summary. NULL beyond REQUEST_KINDS. */
const char *request_name(unsigned kind);

#endif
