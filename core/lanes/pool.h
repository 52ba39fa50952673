/* SPDX-License-Identifier: Apache-2.0
 *
 * N worker threads with a connection and a buffer each, fed by three bounded queues: the small lane and the part lane take every free
 * worker, the large lane at most large_max of them at a time. Parts come before large files, those before small ones. The first
 * failure is kept and stops the rest.
 */
#ifndef CORE_LANES_POOL_H
#define CORE_LANES_POOL_H

#include "base/auto.h"
#include "snapferry/plugin.h"

#include <stdbool.h>

struct run_call;
struct store;

#define WORKER_BUFFER (256u * 1024u) /* bytes; a file up to this is read once and sent from memory */

struct pool;

struct worker {
    const struct store *store;
    struct sf_conn *conn;
    struct run_call *run;
    struct pool *pool;     /* for pool_try_submit() into LANE_PART; NULL: there is none but this worker */
    unsigned char *buffer; /* WORKER_BUFFER bytes and one more */
};

/* LANE_PART is for what workers submit themselves (by pool_try_submit(): a worker that waited for a worker might wait forever). Its jobs
 * are never dropped once they are queued: they run even after the pool has failed, look whether the run is cancelled, and clean up. */
enum lane { LANE_SMALL, LANE_LARGE, LANE_PART };

/* Runs on a worker. Owns job and frees it. -1 with *err filled fails the pool. */
typedef int (*job_fn)(struct worker *worker, void *job, struct sf_error *err);
/* Frees a job that will not run because the pool failed. Must not call the pool. */
typedef void (*job_drop_fn)(void *job);

/* Fewer workers where info.connections_max says so. A connection that cannot be opened fails the pool, not this call. */
MUST_CHECK int pool_open(struct pool **pool, const struct store *store, struct run_call *run, unsigned workers,
                         unsigned large_max, struct sf_error *err);
/* Takes over job. Blocks while the lane's queue is full. -1: the pool has failed or the run is cancelled; job is dropped and
 * *err is the first error. */
MUST_CHECK int pool_submit(struct pool *pool, enum lane lane, job_fn run, job_drop_fn drop, void *job,
                           struct sf_error *err);
/* As pool_submit, but false at once, job untouched, if the queue is full. *result is pool_submit's. */
bool pool_try_submit(struct pool *pool, enum lane lane, job_fn run, job_drop_fn drop, void *job, int *result,
                     struct sf_error *err);
/* Until nothing is queued or running. -1: the first error of any job since the pool was opened, SF_CANCELLED if the run was. */
MUST_CHECK int pool_wait(struct pool *pool, struct sf_error *err);
/* Stops and joins: queued jobs are dropped (those of LANE_PART run), running ones end (sooner if the run is cancelled). NULL is fine. */
void pool_close(struct pool *pool);

#endif
