/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/watch.h"

#include "base/clock.h"
#include "base/err.h"
#include "core/progress/log.h"
#include "core/store/call.h"

#include <signal.h>
#include <time.h>

/* Cancelling is a flag that a signal handler or any stage sets, and neither can wake a condition: so the watch looks now and then. */
#define LOOK_MS 500
#define KEY_TEXT 1100 /* of a key in a message; S3 and GCS have at most 1024 bytes */

void watch_call_init(struct watch_call *call, struct watch *watch)
{
    *call = (struct watch_call){0};
    pthread_mutex_init(&call->locked.mutex, NULL);
    if (watch == NULL)
        return;
    pthread_mutex_lock(&watch->locked.mutex);
    call->next = watch->locked.calls;
    if (call->next != NULL)
        call->next->previous = call;
    watch->locked.calls = call;
    pthread_mutex_unlock(&watch->locked.mutex);
}

void watch_call_cleanup(struct watch_call *call, struct watch *watch)
{
    if (watch != NULL) {
        pthread_mutex_lock(&watch->locked.mutex);
        if (call->next != NULL)
            call->next->previous = call->previous;
        if (call->previous != NULL)
            call->previous->next = call->next;
        else
            watch->locked.calls = call->next;
        pthread_mutex_unlock(&watch->locked.mutex);
    }
    pthread_mutex_destroy(&call->locked.mutex);
}

void watch_enter(struct watch_call *call, const char *slot, const char *key)
{
    pthread_mutex_lock(&call->locked.mutex);
    call->locked.slot = slot;
    call->locked.key = key;
    call->locked.since_ms = clock_mono_ms();
    pthread_mutex_unlock(&call->locked.mutex);
}

void watch_leave(struct watch_call *call)
{
    pthread_mutex_lock(&call->locked.mutex);
    call->locked.slot = NULL;
    pthread_mutex_unlock(&call->locked.mutex);
}

/* true and *err if the call has had its grace. */
static bool is_stuck(struct watch *watch, struct watch_call *call, int64_t cancelled_ms, int64_t now_ms,
                     struct sf_error *err)
{
    int64_t from_ms;
    char key[KEY_TEXT];
    bool stuck;

    pthread_mutex_lock(&call->locked.mutex);
    from_ms = call->locked.since_ms > cancelled_ms ? call->locked.since_ms : cancelled_ms;
    stuck = call->locked.slot != NULL && now_ms - from_ms >= watch->grace_ms;
    if (stuck)
        sf_fail(err, SF_CANCELLED, "%s%s%s has not returned for %.1f s, %.1f s after it was to stop", call->locked.slot,
                call->locked.key[0] != '\0' ? " of " : "", err_printable(call->locked.key, key, sizeof(key)),
                (double)(now_ms - call->locked.since_ms) / 1000.0, (double)(now_ms - from_ms) / 1000.0);
    pthread_mutex_unlock(&call->locked.mutex);
    return stuck;
}

unsigned watch_find_stuck(struct watch *watch, int64_t cancelled_ms, int64_t now_ms, struct sf_error *stuck)
{
    struct watch_call *call;
    unsigned count = 0;

    pthread_mutex_lock(&watch->locked.mutex);
    for (call = watch->locked.calls; call != NULL; call = call->next) {
        struct sf_error err = SF_ERROR_INIT;

        if (!is_stuck(watch, call, cancelled_ms, now_ms, &err))
            continue;
        if (count++ == 0)
            *stuck = err;
        log_error(watch->log, "%s", err.text);
    }
    pthread_mutex_unlock(&watch->locked.mutex);
    return count;
}

/* Waits for ms, or until the watch is stopped: then false. */
static bool wait_more(struct watch *watch, int64_t ms)
{
    int64_t end_ms = clock_mono_ms() + ms;
    struct timespec end = {.tv_sec = end_ms / 1000, .tv_nsec = end_ms % 1000 * 1000000};
    bool stop;

    pthread_mutex_lock(&watch->locked.mutex);
    while (!watch->locked.stop && pthread_cond_timedwait(&watch->locked.stopped, &watch->locked.mutex, &end) == 0)
        ;
    stop = watch->locked.stop;
    pthread_mutex_unlock(&watch->locked.mutex);
    return !stop;
}

static void *keep_watch(void *argument)
{
    struct watch *watch = argument;
    int64_t cancelled_ms = 0;

    while (wait_more(watch, LOOK_MS)) {
        struct sf_error stuck = SF_ERROR_INIT;
        int64_t now_ms = clock_mono_ms();

        if (cancelled_ms == 0 && run_call_cancelled(watch->run))
            cancelled_ms = now_ms;
        if (cancelled_ms != 0 && now_ms - cancelled_ms >= watch->grace_ms &&
            watch_find_stuck(watch, cancelled_ms, now_ms, &stuck) > 0)
            _exit(watch->end(watch->ctx, &stuck));
    }
    return NULL;
}

static void release(struct watch *watch)
{
    pthread_cond_destroy(&watch->locked.stopped);
    pthread_mutex_destroy(&watch->locked.mutex);
}

int watch_start(struct watch *watch, struct run_call *run, struct log *log, int64_t grace_ms, watch_end_fn end,
                void *ctx, struct sf_error *err)
{
    pthread_condattr_t attr;
    sigset_t all, before;
    int number;

    *watch = (struct watch){.run = run, .log = log, .grace_ms = grace_ms, .end = end, .ctx = ctx};
    pthread_mutex_init(&watch->locked.mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->locked.stopped, &attr);
    pthread_condattr_destroy(&attr);
    sigfillset(&all); /* signals are for the main thread */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    number = pthread_create(&watch->thread, NULL, keep_watch, watch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (number != 0) {
        release(watch);
        return err_errno(err, number, "starting the thread that watches plugin calls");
    }
    watch->running = true;
    run->watch = watch;
    return 0;
}

void watch_stop(struct watch *watch)
{
    if (!watch->running)
        return;
    pthread_mutex_lock(&watch->locked.mutex);
    watch->locked.stop = true;
    pthread_cond_signal(&watch->locked.stopped);
    pthread_mutex_unlock(&watch->locked.mutex);
    pthread_join(watch->thread, NULL);
    watch->run->watch = NULL;
    watch->running = false;
    release(watch);
}
