/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lanes/pool.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/store/call.h"
#include "core/store/store.h"

#include <pthread.h>
#include <signal.h>

#define LANES 3
/* Jobs a worker that a queue holds. Of small files so many that workers find some while the submitter is on its way to a core; of parts and
 * large files few, since what was hashed has to be in the page cache when it is sent. */
#define SMALL_AHEAD 8
#define BULK_AHEAD 2
#define WORKER_STACK                                                                                                   \
    (512u * 1024u) /* a worker's own buffers are on the heap; this is what OpenSSL and getaddrinfo need */

struct job {
    job_fn run;
    job_drop_fn drop;
    void *job;
};

/* A ring. */
struct queue {
    struct job *jobs;
    unsigned max;
    unsigned first;
    unsigned count;
};

struct pool {
    const struct store *store;
    struct run_call *run;
    unsigned large_max;
    unsigned workers;     /* threads that were started */
    unsigned workers_max; /* and that were wanted */
    pthread_t *threads;
    struct {
        pthread_mutex_t mutex;
        pthread_cond_t work; /* for workers: a job, or the end */
        pthread_cond_t room; /* for submitters: a place in a queue, or a failure */
        pthread_cond_t idle; /* for waiters: nothing queued or running */
        struct queue queues[LANES];
        unsigned running;
        unsigned large_running;
        unsigned part_running;
        bool bulk_was_last; /* of the jobs taken: a large file or a part */
        bool closing;
        bool failed;
        struct sf_error error; /* the first, once failed */
    } locked;
};

/* ---- queues ---- */

static void queue_push_locked(struct pool *pool, enum lane lane, const struct job *job)
{
    struct queue *queue = &pool->locked.queues[lane];

    queue->jobs[(queue->first + queue->count) % queue->max] = *job;
    queue->count++;
}

static struct job queue_pop_locked(struct pool *pool, enum lane lane)
{
    struct queue *queue = &pool->locked.queues[lane];
    struct job job = queue->jobs[queue->first];

    queue->first = (queue->first + 1) % queue->max;
    queue->count--;
    return job;
}

static bool is_idle_locked(const struct pool *pool)
{
    int lane;

    for (lane = 0; lane < LANES; lane++)
        if (pool->locked.queues[lane].count > 0)
            return false;
    return pool->locked.running == 0;
}

/* Drop functions only free memory, so they may run under the mutex. */
static void drop_all_locked(struct pool *pool)
{
    int lane;

    for (lane = 0; lane < LANE_PART; lane++)
        while (pool->locked.queues[lane].count > 0) {
            struct job job = queue_pop_locked(pool, (enum lane)lane);

            job.drop(job.job);
        }
}

/* Keeps the first error, makes calls in flight end, empties the queues. */
static void fail_locked(struct pool *pool, const struct sf_error *err)
{
    if (!pool->locked.failed) {
        pool->locked.failed = true;
        pool->locked.error = *err;
        run_call_fail(pool->run, err);
    }
    drop_all_locked(pool);
    pthread_cond_broadcast(&pool->locked.room);
    if (is_idle_locked(pool))
        pthread_cond_broadcast(&pool->locked.idle);
}

/* The run may have been cancelled from elsewhere; nothing new starts then. */
static bool has_failed_locked(struct pool *pool)
{
    struct sf_error err = SF_ERROR_INIT;

    if (!pool->locked.failed && run_call_cancelled(pool->run)) {
        run_call_cancel_error(pool->run, &err);
        fail_locked(pool, &err);
    }
    return pool->locked.failed;
}

/* ---- workers ---- */

/* Parts first, so that what was begun ends soon, then large files, since they take longest; but where these could hold every worker, the
 * lanes take turns. */
static bool choose_lane_locked(struct pool *pool, enum lane *lane)
{
    bool failed = has_failed_locked(pool);
    bool part = pool->locked.queues[LANE_PART].count > 0;
    bool small = !failed && pool->locked.queues[LANE_SMALL].count > 0;
    bool large = !failed && pool->locked.queues[LANE_LARGE].count > 0 && pool->locked.large_running < pool->large_max;
    bool takes_last = pool->locked.large_running + pool->locked.part_running + 1 >= pool->workers_max;

    if ((part || large) && !(small && takes_last && pool->locked.bulk_was_last))
        *lane = part ? LANE_PART : LANE_LARGE;
    else
        *lane = LANE_SMALL;
    return small || large || part;
}

static void run_one_locked(struct pool *pool, struct worker *worker, enum lane lane)
{
    struct job job = queue_pop_locked(pool, lane);
    struct sf_error err = SF_ERROR_INIT;
    int result;

    pool->locked.running++;
    pool->locked.large_running += lane == LANE_LARGE;
    pool->locked.part_running += lane == LANE_PART;
    pool->locked.bulk_was_last = lane != LANE_SMALL;
    /* Whoever waits for room gets half a queue of it at once: waking up for each place would cost more than many a job. */
    if (pool->locked.queues[lane].count <= pool->locked.queues[lane].max / 2)
        pthread_cond_broadcast(&pool->locked.room);
    pthread_mutex_unlock(&pool->locked.mutex);
    result = job.run(worker, job.job, &err);
    pthread_mutex_lock(&pool->locked.mutex);
    pool->locked.running--;
    pool->locked.large_running -= lane == LANE_LARGE;
    pool->locked.part_running -= lane == LANE_PART;
    if (lane == LANE_LARGE)
        pthread_cond_signal(&pool->locked.work); /* an idle worker may have waited for the limit */
    if (result != 0)
        fail_locked(pool, &err);
    if (is_idle_locked(pool))
        pthread_cond_broadcast(&pool->locked.idle);
}

static void serve(struct pool *pool, struct worker *worker)
{
    enum lane lane;

    pthread_mutex_lock(&pool->locked.mutex);
    for (;;) {
        if (choose_lane_locked(pool, &lane))
            run_one_locked(pool, worker, lane);
        else if (pool->locked.closing)
            break;
        else
            pthread_cond_wait(&pool->locked.work, &pool->locked.mutex);
    }
    pthread_mutex_unlock(&pool->locked.mutex);
}

static void *worker_main(void *argument)
{
    struct pool *pool = argument;
    struct worker worker = {
        .store = pool->store, .run = pool->run, .pool = pool, .buffer = mem_alloc(WORKER_BUFFER + 1)};
    struct sf_error err = SF_ERROR_INIT;

    if (pool->store->table->conn_open(&pool->run->call, pool->store->handle, &worker.conn, &err) == 0) {
        serve(pool, &worker);
        pool->store->table->conn_close(worker.conn);
    } else {
        pthread_mutex_lock(&pool->locked.mutex);
        fail_locked(pool, &err);
        pthread_mutex_unlock(&pool->locked.mutex);
    }
    free(worker.buffer);
    return NULL;
}

static int start_workers(struct pool *pool, struct sf_error *err)
{
    pthread_attr_t small_stack;
    sigset_t all, before;
    int failed = 0;

    pthread_attr_init(&small_stack);
    pthread_attr_setstacksize(&small_stack, WORKER_STACK);
    sigfillset(&all); /* signals are for the main thread */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (failed == 0 && pool->workers < pool->workers_max) {
        failed = pthread_create(&pool->threads[pool->workers], &small_stack, worker_main, pool);
        pool->workers += failed == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&small_stack);
    if (failed != 0)
        return err_errno(err, failed, "starting worker thread %u of %u", pool->workers + 1, pool->workers_max);
    return 0;
}

/* ---- for the stage that feeds the pool ---- */

int pool_open(struct pool **pool, const struct store *store, struct run_call *run, unsigned workers, unsigned large_max,
              struct sf_error *err)
{
    struct pool *made = mem_alloc(sizeof(*made));
    int lane;

    if (workers < 1)
        workers = 1;
    /* The stage that feeds the pool has a connection of its own. */
    if (store->info.connections_max != 0 && workers + 1 > store->info.connections_max)
        workers = store->info.connections_max > 1 ? store->info.connections_max - 1 : 1;
    made->store = store;
    made->run = run;
    made->workers_max = workers;
    made->large_max = large_max < 1 ? 1 : large_max;
    made->threads = mem_alloc(workers * sizeof(*made->threads));
    made->locked.error = (struct sf_error)SF_ERROR_INIT;
    for (lane = 0; lane < LANES; lane++) {
        struct queue *queue = &made->locked.queues[lane];

        queue->max = workers * (lane == LANE_SMALL ? SMALL_AHEAD : BULK_AHEAD);
        queue->jobs = mem_alloc(queue->max * sizeof(*queue->jobs));
    }
    pthread_mutex_init(&made->locked.mutex, NULL);
    pthread_cond_init(&made->locked.work, NULL);
    pthread_cond_init(&made->locked.room, NULL);
    pthread_cond_init(&made->locked.idle, NULL);
    if (start_workers(made, err) != 0) {
        pool_close(made);
        return -1;
    }
    *pool = made;
    return 0;
}

/* The job is handed over, or dropped because the pool has failed. */
static int hand_over_locked(struct pool *pool, enum lane lane, const struct job *job, struct sf_error *err)
{
    if (has_failed_locked(pool)) {
        *err = pool->locked.error;
        job->drop(job->job);
        return -1;
    }
    queue_push_locked(pool, lane, job);
    pthread_cond_signal(&pool->locked.work);
    return 0;
}

int pool_submit(struct pool *pool, enum lane lane, job_fn run, job_drop_fn drop, void *job, struct sf_error *err)
{
    const struct job one = {run, drop, job};
    int result;

    pthread_mutex_lock(&pool->locked.mutex);
    while (!has_failed_locked(pool) && pool->locked.queues[lane].count == pool->locked.queues[lane].max)
        pthread_cond_wait(&pool->locked.room, &pool->locked.mutex);
    result = hand_over_locked(pool, lane, &one, err);
    pthread_mutex_unlock(&pool->locked.mutex);
    return result;
}

bool pool_try_submit(struct pool *pool, enum lane lane, job_fn run, job_drop_fn drop, void *job, int *result,
                     struct sf_error *err)
{
    const struct job one = {run, drop, job};
    bool full;

    pthread_mutex_lock(&pool->locked.mutex);
    full = !has_failed_locked(pool) && pool->locked.queues[lane].count == pool->locked.queues[lane].max;
    if (!full)
        *result = hand_over_locked(pool, lane, &one, err);
    pthread_mutex_unlock(&pool->locked.mutex);
    return !full;
}

int pool_wait(struct pool *pool, struct sf_error *err)
{
    int result = 0;

    pthread_mutex_lock(&pool->locked.mutex);
    while (!is_idle_locked(pool))
        pthread_cond_wait(&pool->locked.idle, &pool->locked.mutex);
    if (has_failed_locked(pool)) {
        *err = pool->locked.error;
        result = -1;
    }
    pthread_mutex_unlock(&pool->locked.mutex);
    return result;
}

void pool_close(struct pool *pool)
{
    unsigned i;
    int lane;

    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->locked.mutex);
    pool->locked.closing = true;
    drop_all_locked(pool);
    pthread_cond_broadcast(&pool->locked.work);
    pthread_mutex_unlock(&pool->locked.mutex);
    for (i = 0; i < pool->workers; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->locked.idle);
    pthread_cond_destroy(&pool->locked.room);
    pthread_cond_destroy(&pool->locked.work);
    pthread_mutex_destroy(&pool->locked.mutex);
    for (lane = 0; lane < LANES; lane++)
        free(pool->locked.queues[lane].jobs);
    free(pool->threads);
    free(pool);
}
