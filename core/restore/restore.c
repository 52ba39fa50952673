/* SPDX-License-Identifier: Apache-2.0
 *
 * The steps of a restore: manifest, target, survey, fetch, place, surplus, finish. Pipeline's thread; only the jobs of
 * fetch.c run on workers.
 */
#include "core/restore/restore.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/progress/log.h"
#include "core/restore/restore_priv.h"

#include <unistd.h>

int restore_go_on(const struct restore *restore, struct sf_error *err)
{
    if (!run_call_cancelled(restore->plan.base->run))
        return 0;
    return run_call_cancel_error(restore->plan.base->run, err);
}

/* Whole, and of this point and source, before anything is touched. */
static int check_manifest(struct restore *restore, struct manifest_counts *counts, struct sf_error *err)
{
    const struct restore_plan *plan = &restore->plan;
    struct manifest_header header = {0};

    if (manifest_check(plan->manifest_fd, plan->manifest_name, &header, counts, err) == 0 &&
        point_check_header(plan->point, plan->source, &header, plan->manifest_name, err) == 0)
        return 0;
    if (err->cls == SF_CORRUPT || err->cls == SF_UNSUPPORTED)
        restore->fault = RESTORE_FAULT_DAMAGE;
    return -1;
}

struct restore *restore_new(const struct restore_plan *plan)
{
    struct restore *restore = mem_alloc(sizeof(*restore));

    restore->plan = *plan;
    restore->target = (struct target){.fd = -1, .parent_fd = -1, .restore_fd = -1, .guard = GUARD_INIT};
    restore->trash.fd = -1;
    restore->staging_fd = -1;
    restore->owners = geteuid() == 0;
    restore->only = plan->only != NULL && plan->only->count > 0;
    err_printable(plan->target, restore->shown, sizeof(restore->shown));
    return restore;
}

void restore_free(struct restore *restore)
{
    if (restore == NULL)
        return;
    target_abandon(restore);
    if (restore->target.placing && !restore->target.finished && restore->fault == RESTORE_FAULT_NONE)
        log_warning(restore->plan.log, "%s is incomplete too", restore->shown);
    if (restore->staging_fd >= 0)
        close(restore->staging_fd);
    if (restore->trash.fd >= 0)
        close(restore->trash.fd);
    target_cleanup(&restore->target);
    free(restore);
}

/* Who knows better has set the fault already. */
static int ended(struct restore *restore, int result, struct sf_error *err)
{
    if (result == 0)
        return 0;
    if (restore->fault == RESTORE_FAULT_NONE)
        restore->fault = RESTORE_FAULT_OTHER;
    if (restore->target.placing && !restore->target.finished)
        return err_prefix(err, "%s is incomplete, run the same restore again to finish it", restore->shown);
    return -1;
}

int restore_open(struct restore *restore, struct sf_error *err)
{
    struct manifest_counts counts = {0};
    bool failed = check_manifest(restore, &counts, err) < 0 || target_open(restore, err) < 0 ||
                  choose_survey(restore, &counts, err) < 0;

    return ended(restore, failed ? -1 : 0, err);
}

int restore_fetch(struct restore *restore, struct sf_error *err)
{
    return ended(restore, fetch_all(restore, err), err);
}

int restore_place(struct restore *restore, struct sf_error *err)
{
    bool failed = target_mark(restore, err) < 0 || place_all(restore, err) < 0 || surplus_remove(restore, err) < 0 ||
                  target_tidy(restore, err) < 0;

    return ended(restore, failed ? -1 : 0, err);
}

int restore_finish(struct restore *restore, struct sf_error *err)
{
    return ended(restore, target_finish(restore, err), err);
}

enum restore_fault restore_fault(const struct restore *restore)
{
    return restore->fault;
}

struct restore_counts restore_counts(const struct restore *restore)
{
    return (struct restore_counts){
        .files = restore->files,
        .bytes = restore->bytes,
        .fetched_files = atomic_load(&restore->workers.fetched_files),
        .fetched_bytes = atomic_load(&restore->workers.fetched_bytes),
        .kept_files = atomic_load(&restore->workers.kept_files),
        .removed = restore->removed,
    };
}
