/* SPDX-License-Identifier: Apache-2.0
 *
 * One file on its way from the source to the store. Made on the pipeline's thread, run on a worker; a large one may end on another.
 */
#include "core/backup/backup.h"

#include "base/mem.h"
#include "core/lanes/parts.h"

#include <string.h>

struct job {
    struct backup *backup;
    struct backup_source *source;
    struct entry entry;
    uint64_t at; /* in the draft */
    bool repair;
    /* for the lanes, once the job runs */
    struct send send;
    struct buf key;
    uint8_t known_sha256[SHA256_BYTES];
    char old_tag[SF_TAG_MAX + 1];
    _Atomic uint64_t bytes_counted; /* of it in the meter already */
};

uint64_t backup_small_file_threshold(const struct backup *backup)
{
    uint64_t config = backup->config->small_file_threshold, store = backup->base->store->info.small_file_bytes;

    return store > config ? store : config;
}

enum lane backup_lane(const struct backup *backup, const struct entry *entry)
{
    return entry->size < backup_small_file_threshold(backup) ? LANE_SMALL : LANE_LARGE;
}

struct job *backup_job(struct backup *backup, struct backup_source *source, struct entry *entry, uint64_t at,
                       bool repair)
{
    struct job *job = mem_alloc(sizeof(*job));

    job->backup = backup;
    job->source = source;
    job->at = at;
    job->repair = repair;
    entry_move(&job->entry, entry);
    return job;
}

void backup_job_free(void *job_pointer)
{
    struct job *job = job_pointer;

    if (job == NULL)
        return;
    entry_cleanup(&job->entry);
    buf_cleanup(&job->key);
    free(job);
}

static void note_failure(void *job_pointer)
{
    struct job *job = job_pointer;
    struct backup *backup = job->backup;

    pthread_mutex_lock(&backup->locked.mutex);
    if (backup->locked.failed_path == NULL && !run_call_cancelled(backup->base->run))
        backup->locked.failed_path = mem_printf("%s/%s", job->source->source->path, job->entry.path);
    pthread_mutex_unlock(&backup->locked.mutex);
}

static void count_part(void *job_pointer, uint64_t bytes)
{
    struct job *job = job_pointer;

    job->bytes_counted += bytes;
    job->backup->meter->bytes_done += bytes;
}

static void count(struct job *job, enum send_result result)
{
    struct tally *tally = &job->source->tally;

    if (result == SEND_KNOWN)
        tally->referenced_files++;
    else if (job->repair)
        tally->repaired_files++;
    else
        tally->uploaded_files++;
    if (result == SEND_STORED)
        tally->uploaded_bytes += job->entry.size;
    job->backup->meter->files_done++;
    job->backup->meter->bytes_done += job->entry.size - job->bytes_counted; /* a file that shrank takes some back */
}

static void prepare(struct job *job)
{
    struct backup *backup = job->backup;
    struct entry *entry = &job->entry;
    bool known = entry->time_dir[0] != '\0', replaces = !known && entry->tag[0] != '\0';
    uint64_t threshold = backup_small_file_threshold(backup), part_size = backup->config->part_size;

    memcpy(job->known_sha256, entry->sha256, sizeof(job->known_sha256));
    memcpy(job->old_tag, entry->tag, sizeof(job->old_tag));
    key_object(backup->base, backup->claim.time_dir, job->source->source->name, entry->path, &job->key);
    job->send = (struct send){.rootfd = job->source->rootfd,
                              .root = job->source->source->path,
                              .key = buf_text(&job->key),
                              .run = backup->claim.run,
                              .if_tag = replaces ? job->old_tag : NULL,
                              .known = known ? job->known_sha256 : NULL,
                              .single_bytes = threshold > part_size ? threshold : part_size,
                              .part_bytes = part_size};
}

static int record_stored(void *job_pointer, enum send_result result, struct sf_error *err)
{
    struct job *job = job_pointer;

    if (result == SEND_STORED)
        memcpy(job->entry.time_dir, job->backup->claim.time_dir, sizeof(job->entry.time_dir));
    if (draft_update(job->source->draft, job->at, &job->entry, DRAFT_DONE, err) < 0)
        return -1;
    count(job, result);
    return 0;
}

static int job_run(struct worker *worker, void *job_pointer, struct sf_error *err)
{
    struct job *job = job_pointer;
    const struct parts_events events = {
        .stored = record_stored, .sent = count_part, .failed = note_failure, .end = backup_job_free, .ctx = job};
    enum send_result result = SEND_STORED;
    int status;

    prepare(job);
    status = send_file(worker, &job->send, &job->entry, &result, err);
    if (status == 0 && result == SEND_IN_PARTS)
        return parts_send(worker, &job->send, &job->entry, &events, err);
    if (status == 0)
        status = record_stored(job, result, err);
    if (status < 0)
        note_failure(job);
    backup_job_free(job);
    return status;
}

int backup_submit(struct backup *backup, struct job *job, struct sf_error *err)
{
    return pool_submit(backup->pool, backup_lane(backup, &job->entry), job_run, backup_job_free, job, err);
}

bool backup_try_submit(struct backup *backup, struct job *job, int *result, struct sf_error *err)
{
    return pool_try_submit(backup->pool, backup_lane(backup, &job->entry), job_run, backup_job_free, job, result, err);
}
