/* SPDX-License-Identifier: Apache-2.0
 *
 * Knows which calls into the plugin are on their way, and ends the process when one of them outlives the grace: a run that was cancelled
 * (deadline, signal, failure) must end even if a share never answers. One per session; any thread.
 */
#ifndef CORE_STORE_WATCH_H
#define CORE_STORE_WATCH_H

#include "base/auto.h"
#include "snapferry/plugin.h"

#include <pthread.h>
#include <stdbool.h>

struct log;
struct run_call;

/* One call at a time: that of a connection, or of opening the store. */
struct watch_call {
    struct watch_call *next, *previous;
    struct {
        pthread_mutex_t
            mutex;        /* nobody but the watch ever contends for it; held while key is read, so that it stands */
        const char *slot; /* NULL: no call is on its way */
        const char *key;
        int64_t since_ms; /* monotonic */
    } locked;
};

/* Says what is to be said last and answers with the exit status: on the watch's thread, while the rest of the process goes on. stuck is
 * about the first call that does not return. */
typedef int (*watch_end_fn)(void *ctx, const struct sf_error *stuck);

struct watch {
    struct run_call *run;
    struct log *log;
    int64_t grace_ms;
    watch_end_fn end;
    void *ctx;
    pthread_t thread;
    bool running;
    struct {
        pthread_mutex_t mutex;
        pthread_cond_t stopped;
        struct watch_call *calls;
        bool stop;
    } locked;
};

/* Begins to watch all stores that are opened with run from now on, until watch_stop(). When calls are stuck, each of them is logged
 * as an error, end is called, and the process ends by _exit. */
MUST_CHECK int watch_start(struct watch *watch, struct run_call *run, struct log *log, int64_t grace_ms,
                           watch_end_fn end, void *ctx, struct sf_error *err);
/* After the stores are closed. Does not wait for any call. Zero value is fine. */
void watch_stop(struct watch *watch);

/* --- for the wrapper and store_open(); watch may be NULL: nobody watches --- */

void watch_call_init(struct watch_call *call, struct watch *watch);
void watch_call_cleanup(struct watch_call *call, struct watch *watch);
/* slot is static; key lives until watch_leave(). */
void watch_enter(struct watch_call *call, const char *slot, const char *key);
void watch_leave(struct watch_call *call);

/* --- what the thread does, with the time given: for tests --- */

/* Says (log) which calls have been on their way for grace_ms or more since the run was cancelled at cancelled_ms; how many. *stuck
 * is about the first. */
unsigned watch_find_stuck(struct watch *watch, int64_t cancelled_ms, int64_t now_ms, struct sf_error *stuck);

#endif
