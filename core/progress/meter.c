/* SPDX-License-Identifier: Apache-2.0 */
#include "core/progress/meter.h"

#include "base/clock.h"
#include "base/mem.h"
#include "core/progress/bar.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define BAR_EVERY_MS 200
#define PLAIN_EVERY_MS 30000
#define SAMPLES 32 /* the rate is that of the last so many ticks: 6 s of a bar */

struct sample {
    int64_t at_ms;
    uint64_t bytes;
    uint64_t files;
};

struct meter_thread {
    struct meter *meter;
    const char *verb;
    bool bar; /* else plain lines */
    pthread_t id;
    struct {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        bool stop;
    } locked;
    struct { /* the thread's own */
        struct sample samples[SAMPLES];
        unsigned ticks;
    } worker;
};

static unsigned terminal_columns(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

static int64_t left_ms(const struct moment *moment, uint64_t files_per_second)
{
    uint64_t bytes = moment->bytes_known > moment->bytes_done ? moment->bytes_known - moment->bytes_done : 0;
    uint64_t files = moment->files_known > moment->files_done ? moment->files_known - moment->files_done : 0;
    double by_bytes = 0, by_files = 0;

    if ((bytes > 0 && moment->bytes_per_second == 0) || (files > 0 && files_per_second == 0))
        return -1;
    if (bytes > 0)
        by_bytes = (double)bytes * 1000.0 / (double)moment->bytes_per_second;
    if (files > 0)
        by_files = (double)files * 1000.0 / (double)files_per_second;
    return (int64_t)(by_bytes > by_files ? by_bytes : by_files);
}

static void look(struct meter_thread *thread, struct moment *moment)
{
    struct meter *meter = thread->meter;
    unsigned tick = thread->worker.ticks++;
    struct sample *now = &thread->worker.samples[tick % SAMPLES];
    /* The slot after the newest is the oldest, once the ring is full. */
    const struct sample *oldest = &thread->worker.samples[tick < SAMPLES ? 0 : (tick + 1) % SAMPLES];
    const char *stage = atomic_load(&meter->stage);
    uint64_t files_per_second = 0;
    int64_t span;

    *moment = (struct moment){
        .verb = thread->verb,
        .stage = stage != NULL ? stage : "start",
        .files_done = atomic_load(&meter->files_done),
        .files_known = atomic_load(&meter->files_known),
        .bytes_done = atomic_load(&meter->bytes_done),
        .bytes_known = atomic_load(&meter->bytes_known),
        .total_known = atomic_load(&meter->total_known),
        .tick = tick,
    };
    *now = (struct sample){clock_mono_ms(), moment->bytes_done, moment->files_done};
    span = now->at_ms - oldest->at_ms;
    if (span > 0 && now->bytes >= oldest->bytes && now->files >= oldest->files) {
        moment->bytes_per_second = (now->bytes - oldest->bytes) * 1000 / (uint64_t)span;
        files_per_second = (now->files - oldest->files) * 1000 / (uint64_t)span;
    }
    moment->left_ms = left_ms(moment, files_per_second);
}

static void show(struct meter_thread *thread)
{
    char line[LOG_BAR_MAX];
    struct moment moment;

    look(thread, &moment);
    if (thread->bar) {
        bar_line(&moment, terminal_columns(), line, sizeof(line));
        log_bar(thread->meter->log, line);
    } else if (thread->worker.ticks > 1) { /* the first look only starts the rate */
        bar_plain(&moment, line, sizeof(line));
        log_info(thread->meter->log, "%s", line);
    }
}

static void *meter_run(void *argument)
{
    struct meter_thread *thread = argument;
    struct timespec next;

    clock_gettime(CLOCK_MONOTONIC, &next);
    pthread_mutex_lock(&thread->locked.mutex);
    while (!thread->locked.stop) {
        int waited = 0;

        pthread_mutex_unlock(&thread->locked.mutex);
        show(thread); /* stderr may block: not under the mutex */
        pthread_mutex_lock(&thread->locked.mutex);
        clock_gettime(CLOCK_MONOTONIC, &next);
        next.tv_sec += (thread->bar ? BAR_EVERY_MS : PLAIN_EVERY_MS) / 1000;
        next.tv_nsec += (thread->bar ? BAR_EVERY_MS : PLAIN_EVERY_MS) % 1000 * 1000000L;
        if (next.tv_nsec >= 1000000000L) {
            next.tv_sec++;
            next.tv_nsec -= 1000000000L;
        }
        while (!thread->locked.stop && waited != ETIMEDOUT)
            waited = pthread_cond_timedwait(&thread->locked.changed, &thread->locked.mutex, &next);
    }
    pthread_mutex_unlock(&thread->locked.mutex);
    return NULL;
}

static void free_thread(struct meter_thread *thread)
{
    pthread_cond_destroy(&thread->locked.changed);
    pthread_mutex_destroy(&thread->locked.mutex);
    free(thread);
}

void meter_start(struct meter *meter, enum progress_style style, const char *verb, struct log *log)
{
    struct meter_thread *thread;
    pthread_condattr_t monotonic;
    sigset_t all, before;
    int failed;

    meter->log = log;
    meter->thread = NULL;
    if (style == PROGRESS_NONE)
        return;
    if (style == PROGRESS_AUTO)
        style = isatty(STDERR_FILENO) ? PROGRESS_BAR : PROGRESS_PLAIN;
    thread = mem_alloc(sizeof(*thread));
    thread->meter = meter;
    thread->verb = verb;
    thread->bar = style == PROGRESS_BAR;
    pthread_mutex_init(&thread->locked.mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&thread->locked.changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigfillset(&all); /* signals are for the main thread */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&thread->id, NULL, meter_run, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        log_debug(log, "no progress is shown: no thread for it");
        free_thread(thread);
        return;
    }
    meter->thread = thread;
}

void meter_stop(struct meter *meter)
{
    struct meter_thread *thread = meter->thread;

    if (thread == NULL)
        return;
    pthread_mutex_lock(&thread->locked.mutex);
    thread->locked.stop = true;
    pthread_cond_signal(&thread->locked.changed);
    pthread_mutex_unlock(&thread->locked.mutex);
    pthread_join(thread->id, NULL);
    if (thread->bar)
        log_bar(meter->log, NULL);
    free_thread(thread);
    meter->thread = NULL;
}
