/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run shares with every plugin call: cancellation, deadline, counters. One per run; all functions thread-safe.
 */
#ifndef CORE_STORE_CALL_H
#define CORE_STORE_CALL_H

#include "snapferry/plugin.h"

#include <stdatomic.h>
#include <stdbool.h>

#define REQUEST_KINDS 11 /* enum sf_request */

struct run_call {
    struct sf_call call;      /* pass &run.call to the store */
    atomic_int cancel_signal; /* 0, or the signal that asked for the end */
    atomic_bool failed;       /* a stage failed: the rest may stop */
    _Atomic uint64_t requests[REQUEST_KINDS];
    _Atomic uint64_t retries;
    _Atomic uint64_t bytes_moved;
    _Atomic uint64_t uploads_lost; /* begun perhaps, but the answer was lost: uploads_list may find them */
};

/* timeout_ms 0: no deadline. */
void run_call_init(struct run_call *run, int64_t timeout_ms);

/* The call that SIGINT and SIGTERM cancel, from now on; a second signal ends the process at once with 128 + signal.
 * NULL puts the default back. Main thread only. */
void run_call_catch_signals(struct run_call *run);

bool run_call_timed_out(const struct run_call *run);
bool run_call_cancelled(const struct run_call *run); /* signal, deadline or failed */

/* Fills *err with SF_CANCELLED and the cause: which signal, the timeout, or another failure. Returns -1. For a call that
 * run_call_cancelled() made end. */
int run_call_cancel_error(const struct run_call *run, struct sf_error *err);

/* "put", "get", ...: the words of the summary. NULL beyond REQUEST_KINDS. */
const char *request_name(unsigned kind);

#endif
