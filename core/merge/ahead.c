/* SPDX-License-Identifier: Apache-2.0 */
#include "core/merge/ahead.h"

#include "base/err.h"
#include "base/mem.h"

#include <pthread.h>
#include <signal.h>

/* Entries change hands a batch at a time, so that the lock costs nothing; two batches make some 50 KiB. */
#define BATCH 64
#define BATCHES 2

struct batch {
    struct entry entries[BATCH];
    unsigned count;
    int result; /* 1: more follow; 0: the end is behind them; -1: err is */
    struct sf_error err;
};

struct ahead {
    merge_next_fn next;
    void *stream;
    pthread_t thread;
    struct batch batches[BATCHES];
    unsigned taken; /* of the current batch; the reader's */
    struct {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        unsigned long filled; /* batches handed over so far */
        unsigned long emptied;
        bool stop;
    } locked;
};

static void fill(struct ahead *ahead, struct batch *batch)
{
    batch->count = 0;
    batch->err = (struct sf_error)SF_ERROR_INIT;
    do {
        batch->result = ahead->next(ahead->stream, &batch->entries[batch->count], &batch->err);
    } while (batch->result > 0 && ++batch->count < BATCH);
}

static void *run(void *ctx)
{
    struct ahead *ahead = ctx;
    bool more = true;

    while (more) {
        struct batch *batch;

        pthread_mutex_lock(&ahead->locked.mutex);
        while (ahead->locked.filled - ahead->locked.emptied == BATCHES && !ahead->locked.stop)
            pthread_cond_wait(&ahead->locked.changed, &ahead->locked.mutex);
        batch = &ahead->batches[ahead->locked.filled % BATCHES];
        more = !ahead->locked.stop;
        pthread_mutex_unlock(&ahead->locked.mutex);
        if (!more)
            break;
        fill(ahead, batch);
        more = batch->result > 0;
        pthread_mutex_lock(&ahead->locked.mutex);
        ahead->locked.filled++;
        pthread_cond_signal(&ahead->locked.changed);
        pthread_mutex_unlock(&ahead->locked.mutex);
    }
    return NULL;
}

int ahead_open(struct ahead **ahead, merge_next_fn next, void *stream, struct sf_error *err)
{
    struct ahead *opened = mem_alloc(sizeof(*opened));
    sigset_t all, old;
    int failed;

    opened->next = next;
    opened->stream = stream;
    pthread_mutex_init(&opened->locked.mutex, NULL);
    pthread_cond_init(&opened->locked.changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are the main thread's */
    failed = pthread_create(&opened->thread, NULL, run, opened);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed != 0) {
        pthread_cond_destroy(&opened->locked.changed);
        pthread_mutex_destroy(&opened->locked.mutex);
        free(opened);
        return err_errno(err, failed, "cannot start a thread");
    }
    *ahead = opened;
    return 0;
}

/* The batch that is being taken from; waits until it is filled. */
static struct batch *current(struct ahead *ahead)
{
    struct batch *batch;

    pthread_mutex_lock(&ahead->locked.mutex);
    while (ahead->locked.filled == ahead->locked.emptied)
        pthread_cond_wait(&ahead->locked.changed, &ahead->locked.mutex);
    batch = &ahead->batches[ahead->locked.emptied % BATCHES];
    pthread_mutex_unlock(&ahead->locked.mutex);
    return batch;
}

int ahead_next(void *ctx, struct entry *entry, struct sf_error *err)
{
    struct ahead *ahead = ctx;
    struct batch *batch = current(ahead);

    if (ahead->taken == batch->count) {
        if (batch->result < 0)
            *err = batch->err;
        if (batch->result <= 0)
            return batch->result; /* and again at every further call */
        ahead->taken = 0;
        pthread_mutex_lock(&ahead->locked.mutex);
        ahead->locked.emptied++;
        pthread_cond_signal(&ahead->locked.changed);
        pthread_mutex_unlock(&ahead->locked.mutex);
        return ahead_next(ctx, entry, err);
    }
    entry_move(entry, &batch->entries[ahead->taken++]);
    return 1;
}

void ahead_close(struct ahead *ahead)
{
    unsigned i, n;

    if (ahead == NULL)
        return;
    pthread_mutex_lock(&ahead->locked.mutex);
    ahead->locked.stop = true;
    pthread_cond_signal(&ahead->locked.changed);
    pthread_mutex_unlock(&ahead->locked.mutex);
    pthread_join(ahead->thread, NULL);
    for (i = 0; i < BATCHES; i++)
        for (n = 0; n < BATCH; n++)
            entry_cleanup(&ahead->batches[i].entries[n]);
    pthread_cond_destroy(&ahead->locked.changed);
    pthread_mutex_destroy(&ahead->locked.mutex);
    free(ahead);
}
