/* SPDX-License-Identifier: Apache-2.0
 *
 * The stages of a backup between its claim and its commit, and what they share. The functions run on the pipeline's thread; the
 * pool's workers touch only what is marked.
 */
#ifndef CORE_BACKUP_BACKUP_H
#define CORE_BACKUP_BACKUP_H

#include "core/config/config.h"
#include "core/lanes/pool.h"
#include "core/manifest/draft.h"
#include "core/point/point.h"
#include "core/progress/meter.h"

#include <pthread.h>
#include <stdatomic.h>

/* What became of a source's files; each file counts in one of the first five. Added to by workers. */
struct tally {
    _Atomic uint64_t uploaded_files;
    _Atomic uint64_t referenced_files;
    _Atomic uint64_t copied_files;
    _Atomic uint64_t kept_files;
    _Atomic uint64_t repaired_files; /* sent again because the check missed them or found them changed */
    _Atomic uint64_t uploaded_bytes; /* sent in all, repairs included */
    uint64_t files;
    uint64_t bytes;
    uint64_t sockets_skipped;
    uint64_t mounts_skipped;
};

struct backup_source {
    const struct source *source;
    int rootfd;
    int64_t walked_ms;
    /* the newest usable point that holds this source; parent_fd -1: none */
    int parent_fd;
    char *parent_name;
    char parent[TIME_DIR_MAX + 1];
    char parent_sha256[SHA256_HEX + 1];
    bool parent_is_ours;
    struct draft *draft; /* draft_update by workers */
    bool large_waiting;  /* some large files found their lane full and wait in the draft */
    int manifest_fd;
    struct manifest_summary manifest;
    struct tally tally;
};

/* Time-dirs that the drafts name, each once. */
struct time_dirs {
    char (*items)[TIME_DIR_MAX + 1];
    size_t count;
};

struct backup {
    /* set before the first stage, then read-only */
    const struct config *config;
    const struct base *base;
    struct pool *pool;
    struct log *log;
    struct meter *meter;
    const char *temp_dir;
    bool dry_run;
    FILE *dry_run_out; /* NULL: no line a file */
    struct point_open claim;

    struct backup_source *sources;
    size_t source_count;
    struct time_dirs time_dirs; /* filled by the check */

    struct {
        pthread_mutex_t mutex;
        char *failed_path; /* of the file whose job failed first */
    } locked;              /* shared with workers */
};

/* Opens every source's folder. A missing one, or a destination inside one, fails. */
MUST_CHECK int backup_open_sources(struct backup *backup, const struct source *sources, size_t count,
                                   struct sf_error *err);

/* Picks each source's parent among points and fetches its manifest. A damaged one is passed over with a warning. */
MUST_CHECK int backup_choose_parents(struct backup *backup, const struct points *points, struct sf_error *err);

/* Aborts the uploads of this base that earlier runs with our state folder left unfinished: as we hold the guard, these runs are dead. One
 * request where there is nothing. Best effort: what cannot be found or aborted is logged. */
void backup_sweep_uploads(struct backup *backup);
/* After the pool is closed: aborts what this run may have left unfinished, as the answer to some request was lost (run_call.uploads_lost).
 * Also after a cancelled run. Best effort. */
void backup_sweep_own_uploads(struct backup *backup);

/* walk, merge, plan: writes the draft of one source and hands its files to the lanes. */
MUST_CHECK int backup_gather(struct backup *backup, struct backup_source *source, struct sf_error *err);

/* Sends the large files that found the large lane full, and waits until all that was handed over is stored. */
MUST_CHECK int backup_finish_lanes(struct backup *backup, struct sf_error *err);

/* Lists every time-dir that the drafts name and sends again what is missing there or differs. */
MUST_CHECK int backup_check(struct backup *backup, struct sf_error *err);

/* Writes every source's manifest into an unlinked file. finished_ms: store's clock. */
MUST_CHECK int backup_write_manifests(struct backup *backup, int64_t finished_ms, struct sf_error *err);

/* Describes the point that the manifests make; *point is the caller's to clean up. */
void backup_describe_point(const struct backup *backup, int64_t finished_ms, struct point *point);

void backup_cleanup(struct backup *backup);

/* --- between the stages --- */

/* One file on its way to the store (job.c). */
uint64_t backup_small_file_threshold(const struct backup *backup); /* the config's, or the store's if that is higher */
enum lane backup_lane(const struct backup *backup, const struct entry *entry);
/* Takes over *entry. If the draft's entry has a time_dir, its SHA-256 makes sending unnecessary; if it has a tag but no time_dir,
 * it replaces the object with that tag. repair: counts as such. */
struct job *backup_job(struct backup *backup, struct backup_source *source, struct entry *entry, uint64_t at,
                       bool repair);
MUST_CHECK int backup_submit(struct backup *backup, struct job *job, struct sf_error *err);
bool backup_try_submit(struct backup *backup, struct job *job, int *result, struct sf_error *err);
void backup_job_free(void *job);

#endif
