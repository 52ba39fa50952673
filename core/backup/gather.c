/* SPDX-License-Identifier: Apache-2.0
 *
 * walk > merge > plan > lanes, for one source: every entry gets its record in the draft at once, files that must be read go to a
 * worker, which fills the rest of the record in when it is done.
 */
#include "core/backup/backup.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/merge/ahead.h"
#include "core/merge/merge.h"
#include "core/plan/plan.h"
#include "core/progress/log.h"
#include "core/walk/walk.h"

#include <string.h>

struct gather {
    struct backup *backup;
    struct backup_source *source;
    struct plan_rules rules;
    struct walk_options walk_options;
    struct walk *walk;
    struct manifest_reader *parent;
    struct ahead *walk_ahead;
    struct ahead *parent_ahead;
    struct merge *merge;
};

static void gather_cleanup(struct gather *gather)
{
    merge_free(gather->merge);
    ahead_close(gather->walk_ahead);
    ahead_close(gather->parent_ahead);
    manifest_reader_free(gather->parent);
    walk_close(gather->walk);
}

static int next_walked(void *stream, struct entry *entry, struct sf_error *err)
{
    return walk_next(stream, entry, err);
}

static int next_of_parent(void *stream, struct entry *entry, struct sf_error *err)
{
    return manifest_reader_next(stream, entry, err);
}

static int open_streams(struct gather *gather, struct sf_error *err)
{
    struct backup_source *source = gather->source;
    const struct config *config = gather->backup->config;

    gather->walk_options = (struct walk_options){
        .exclude = &source->source->exclude, .temp_dir = gather->backup->temp_dir, .name = source->source->path};
    source->walked_ms = clock_wall_ms();
    if (walk_open(&gather->walk, source->rootfd, &gather->walk_options, err) < 0 ||
        ahead_open(&gather->walk_ahead, next_walked, gather->walk, err) < 0)
        return -1;
    gather->rules = (struct plan_rules){.compare = config->compare,
                                        .incremental = config->incremental,
                                        .small_file_threshold = backup_small_file_threshold(gather->backup),
                                        .parent_is_ours = source->parent_is_ours};
    if (source->parent_fd >= 0) {
        if (manifest_reader_open(&gather->parent, source->parent_fd, source->parent_name, err) < 0)
            return -1;
        gather->rules.parent_walked_ms = manifest_reader_header(gather->parent)->walked_ms;
        if (ahead_open(&gather->parent_ahead, next_of_parent, gather->parent, err) < 0)
            return -1;
    }
    gather->merge =
        merge_new(ahead_next, gather->walk_ahead, source->source->path,
                  gather->parent_ahead != NULL ? ahead_next : NULL, gather->parent_ahead, source->parent_name);
    return 0;
}

/* The object of a file in the parent's point is taken over: where it lies and what it is. */
static void refer(struct entry *entry, const struct entry *parent)
{
    memcpy(entry->sha256, parent->sha256, sizeof(entry->sha256));
    memcpy(entry->tag, parent->tag, sizeof(entry->tag));
    memcpy(entry->time_dir, parent->time_dir, sizeof(entry->time_dir));
}

static void show_planned(const struct gather *gather, const char *word, const struct entry *entry)
{
    char path[SF_ERROR_TEXT];

    if (gather->backup->dry_run_out != NULL)
        fprintf(gather->backup->dry_run_out, "%s %s/%s\n", word, gather->source->source->name,
                err_printable(entry->path, path, sizeof(path)));
}

static void plan_only(struct gather *gather, enum plan_action action, const struct entry *entry)
{
    struct tally *tally = &gather->source->tally;

    switch (action) {
    case PLAN_REFER:
        tally->referenced_files++;
        break;
    case PLAN_HASH:
        show_planned(gather, "compare", entry);
        tally->uploaded_files++;
        tally->uploaded_bytes += entry->size;
        break;
    case PLAN_UPLOAD:
    case PLAN_UPLOAD_LARGE:
        show_planned(gather, "send", entry);
        tally->uploaded_files++;
        tally->uploaded_bytes += entry->size;
        break;
    case PLAN_RECORD:
    case PLAN_FORGET:
        break;
    }
}

static int record(struct gather *gather, const struct entry *entry, struct sf_error *err)
{
    uint64_t at;

    return draft_append(gather->source->draft, entry, DRAFT_DONE, &at, err);
}

/* To a worker at once; a large file that finds its lane full stays in the draft until the walk is done. */
static int hand_over(struct gather *gather, struct entry *entry, struct sf_error *err)
{
    struct backup *backup = gather->backup;
    enum lane lane = backup_lane(backup, entry);
    struct entry copy = ENTRY_INIT;
    struct job *job;
    uint64_t at;
    int result;

    if (draft_append(gather->source->draft, entry, DRAFT_SENDING, &at, err) < 0)
        return -1;
    if (lane == LANE_SMALL)
        return backup_submit(backup, backup_job(backup, gather->source, entry, at, false), err);
    entry_copy(&copy, entry);
    job = backup_job(backup, gather->source, &copy, at, false);
    if (backup_try_submit(backup, job, &result, err))
        return result;
    backup_job_free(job);
    gather->source->large_waiting = true;
    return draft_update(gather->source->draft, at, entry, DRAFT_LARGE, err);
}

static int take_row(struct gather *gather, const struct merge_row *row, struct sf_error *err)
{
    enum plan_action action = plan_decide(&gather->rules, row->left, row->right);
    struct meter *meter = gather->backup->meter;
    struct entry *entry = row->left;

    if (action == PLAN_FORGET)
        return 0;
    if (entry->type == ENTRY_FILE) {
        gather->source->tally.files++;
        gather->source->tally.bytes += entry->size;
        meter->files_known++;
        meter->bytes_known += entry->size;
    }
    if (gather->backup->dry_run) {
        plan_only(gather, action, entry);
        return 0;
    }
    switch (action) {
    case PLAN_REFER:
        refer(entry, row->right);
        gather->source->tally.referenced_files++;
        meter->files_done++;
        meter->bytes_done += entry->size;
        return record(gather, entry, err);
    case PLAN_HASH:
        refer(entry, row->right);
        return hand_over(gather, entry, err);
    case PLAN_UPLOAD:
    case PLAN_UPLOAD_LARGE:
        return hand_over(gather, entry, err);
    case PLAN_RECORD:
    case PLAN_FORGET:
        break;
    }
    return record(gather, entry, err);
}

static void note_skipped(struct gather *gather)
{
    const struct walk_counts *counts = walk_counts(gather->walk);

    gather->source->tally.sockets_skipped = counts->sockets_skipped;
    gather->source->tally.mounts_skipped = counts->mounts_skipped;
    if (counts->mounts_skipped != 0)
        log_warning(gather->backup->log,
                    "source %s: %llu folders on other file systems were not entered; name them as sources of their own",
                    gather->source->source->name, (unsigned long long)counts->mounts_skipped);
}

int backup_gather(struct backup *backup, struct backup_source *source, struct sf_error *err)
{
    SF_AUTO(gather) gather = {.backup = backup, .source = source};
    struct merge_row row;
    int result;

    if (!backup->dry_run && draft_open(&source->draft, backup->temp_dir, err) < 0)
        return -1;
    if (open_streams(&gather, err) < 0)
        return -1;
    while ((result = merge_next(gather.merge, &row, err)) > 0) {
        if (run_call_cancelled(backup->base->run))
            return backup->pool != NULL ? pool_wait(backup->pool, err) : run_call_cancel_error(backup->base->run, err);
        if (take_row(&gather, &row, err) < 0)
            return -1;
    }
    if (result < 0)
        return -1;
    note_skipped(&gather);
    return 0;
}
