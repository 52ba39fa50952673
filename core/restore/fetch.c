/* SPDX-License-Identifier: Apache-2.0
 *
 * The pass over the manifest that fills the staging folder: a job for every wanted file. The pool's queue bounds how
 * many there are at a time.
 */
#include "core/restore/restore_priv.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/progress/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void shard_release(struct shard *shard)
{
    if (shard == NULL || atomic_fetch_sub(&shard->references, 1) > 1)
        return;
    close(shard->fd);
    free(shard);
}

struct pass {
    struct restore *restore;
    struct shard *shard; /* the last one made; NULL at first and in a dry run */
    uint64_t shard_number;
};

static void pass_cleanup(struct pass *pass)
{
    shard_release(pass->shard);
}

static int make_shard(struct pass *pass, uint64_t number, struct sf_error *err)
{
    struct restore *restore = pass->restore;
    char name[32];
    AUTO_FD fd = -1;

    snprintf(name, sizeof(name), "%" PRIx64, number);
    if (mkdirat(restore->staging_fd, name, 0700) < 0)
        return err_errno(err, errno, "make %s/" RESTORE_FOLDER "/" STAGING_FOLDER "/%s", restore->shown, name);
    fd = openat(restore->staging_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "open %s/" RESTORE_FOLDER "/" STAGING_FOLDER "/%s", restore->shown, name);
    shard_release(pass->shard);
    pass->shard = mem_alloc(sizeof(*pass->shard));
    pass->shard->fd = fd_take(&fd);
    atomic_init(&pass->shard->references, 1);
    pass->shard_number = number;
    return 0;
}

static int submit(struct pass *pass, const struct compare_row *row, bool candidate, struct sf_error *err)
{
    struct restore *restore = pass->restore;
    uint64_t number = row->ordinal / STAGING_SHARD;
    struct fetch_job *job;

    if (!restore->plan.dry_run && (pass->shard == NULL || pass->shard_number != number) &&
        make_shard(pass, number, err) < 0)
        return -1;
    job = mem_alloc(sizeof(*job));
    job->restore = restore;
    job->ordinal = row->ordinal;
    job->candidate = candidate;
    entry_copy(&job->entry, row->wanted);
    job->shard = pass->shard;
    if (job->shard != NULL)
        atomic_fetch_add(&job->shard->references, 1);
    return pool_submit(restore->plan.pool, LANE_SMALL, fetch_job_run, fetch_job_drop, job, err);
}

void fetch_say(struct restore *restore, const struct entry *entry)
{
    char shown[SHOWN_MAX];

    atomic_fetch_add(&restore->workers.fetched_files, 1);
    atomic_fetch_add(&restore->workers.fetched_bytes, entry->size);
    log_info(restore->plan.log, "would fetch %s (%" PRIu64 " bytes)", err_printable(entry->path, shown, sizeof(shown)),
             entry->size);
}

static void say_surplus(struct restore *restore, const struct entry *entry)
{
    char shown[SHOWN_MAX];

    if (restore->only)
        return;
    restore->removed++;
    log_info(restore->plan.log, "would remove %s", err_printable(entry->path, shown, sizeof(shown)));
}

static int take_row(struct pass *pass, const struct compare_row *row, struct sf_error *err)
{
    struct restore *restore = pass->restore;
    bool dry = restore->plan.dry_run;
    bool candidate;

    if (row->wanted == NULL) {
        if (dry)
            say_surplus(restore, row->found);
        return 0;
    }
    if (row->wanted->type != ENTRY_FILE)
        return 0;
    candidate = row->found != NULL && row->found->type == ENTRY_FILE && row->found->size == row->wanted->size;
    if (dry && !candidate) {
        fetch_say(restore, row->wanted);
        return 0;
    }
    return submit(pass, row, candidate, err);
}

static int submit_all(struct restore *restore, struct sf_error *err)
{
    SF_AUTO(compare) compare = {0};
    SF_AUTO(pass) pass = {.restore = restore};
    struct compare_row row;
    int result;

    if (compare_open(&compare, restore, false, err) < 0)
        return -1;
    while ((result = compare_next(&compare, &row, err)) == 1)
        if (restore_go_on(restore, err) < 0 || take_row(&pass, &row, err) < 0)
            return -1;
    return result;
}

int fetch_all(struct restore *restore, struct sf_error *err)
{
    struct sf_error after = SF_ERROR_INIT;
    uint64_t damaged;
    int submitted;

    atomic_store(&restore->plan.meter->stage, "fetch");
    submitted = submit_all(restore, err);
    if (submitted < 0)
        atomic_store(&restore->workers.stop, true);
    /* in any case: jobs point into this restore */
    if (pool_wait(restore->plan.pool, &after) < 0) {
        if (submitted == 0 || err->cls == SF_CANCELLED) /* a job's failure cancels the run, and is the cause */
            *err = after;
        return -1;
    }
    if (submitted < 0)
        return -1;
    damaged = atomic_load(&restore->workers.damaged);
    if (damaged == 0)
        return 0;
    restore->fault = RESTORE_FAULT_DAMAGE;
    return sf_fail(err, SF_CORRUPT,
                   "%" PRIu64 " of %" PRIu64 " files of %s in %s are damaged or missing: %s was not changed", damaged,
                   restore->files, restore->plan.source, restore->plan.point->time_dir, restore->shown);
}
