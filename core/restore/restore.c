/* SPDX-License-Identifier: Apache-2.0
 *
 * The story of a restore: manifest, target, survey, fetch, place, surplus, finish. Pipeline's thread; only the jobs of
 * fetch.c run on workers.
 */
#include "core/restore/restore.h"

#include "base/err.h"
#include "core/progress/log.h"
#include "core/restore/restore_priv.h"

#include <string.h>
#include <unistd.h>

static void restore_cleanup(struct restore *restore)
{
    if (restore->staging_fd >= 0)
        close(restore->staging_fd);
    if (restore->trash.fd >= 0)
        close(restore->trash.fd);
    target_cleanup(&restore->target);
}

int restore_go_on(const struct restore *restore, struct sf_error *err)
{
    if (!run_call_cancelled(restore->plan->base->run))
        return 0;
    return run_call_cancel_error(restore->plan->base->run, err);
}

/* Whole, and of this point and source, before anything is touched. */
static int check_manifest(struct restore *restore, struct manifest_counts *counts, struct sf_error *err)
{
    const struct restore_plan *plan = restore->plan;
    struct manifest_header header = {0};

    if (manifest_check(plan->manifest_fd, plan->manifest_name, &header, counts, err) < 0) {
        if (err->cls == SF_CORRUPT)
            restore->fault = RESTORE_FAULT_DAMAGE;
        return -1;
    }
    if (strcmp(header.source, plan->source) != 0 || strcmp(header.time_dir, plan->time_dir) != 0) {
        restore->fault = RESTORE_FAULT_DAMAGE;
        return sf_fail(err, SF_CORRUPT, "%s: is the manifest of %s in %s, not of %s in %s", plan->manifest_name,
                       header.source, header.time_dir, plan->source, plan->time_dir);
    }
    return 0;
}

static int run(struct restore *restore, struct sf_error *err)
{
    struct manifest_counts counts = {0};

    if (check_manifest(restore, &counts, err) < 0 || target_open(restore, err) < 0 ||
        choose_survey(restore, &counts, err) < 0 || fetch_all(restore, err) < 0)
        return -1;
    if (restore->plan->dry_run)
        return 0;
    if (target_mark(restore, err) < 0 || place_all(restore, err) < 0 || surplus_remove(restore, err) < 0 ||
        target_finish(restore, err) < 0)
        return -1;
    return 0;
}

static void report(const struct restore *restore, struct restore_counts *counts)
{
    counts->files = restore->files;
    counts->bytes = restore->bytes;
    counts->fetched_files = atomic_load(&restore->workers.fetched_files);
    counts->fetched_bytes = atomic_load(&restore->workers.fetched_bytes);
    counts->kept_files = atomic_load(&restore->workers.kept_files);
    counts->removed = restore->removed;
}

int restore_source(const struct restore_plan *plan, struct restore_counts *counts, enum restore_fault *fault,
                   struct sf_error *err)
{
    SF_AUTO(restore)
    restore = {
        .plan = plan,
        .target = {.fd = -1, .parent_fd = -1, .restore_fd = -1, .guard = GUARD_INIT},
        .trash = {.fd = -1},
        .staging_fd = -1,
        .owners = geteuid() == 0,
        .only = plan->only != NULL && plan->only->count > 0,
        .fault = RESTORE_FAULT_OTHER,
    };
    int result;

    err_printable(plan->target, restore.shown, sizeof(restore.shown));
    result = run(&restore, err);
    report(&restore, counts);
    *fault = RESTORE_FAULT_NONE;
    if (result == 0)
        return 0;
    *fault = restore.fault;
    target_abandon(&restore);
    if (restore.target.placing && !restore.target.finished)
        return err_prefix(err, "%s is incomplete, run the same restore again to finish it", restore.shown);
    return -1;
}
