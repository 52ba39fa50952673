/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share: one restore and its parts. All of it belongs to the caller's thread, except what
 * stands under "workers": jobs of fetch.c add to that.
 */
#ifndef CORE_RESTORE_RESTORE_PRIV_H
#define CORE_RESTORE_RESTORE_PRIV_H

#include "core/guard/guard.h"
#include "core/merge/merge.h"
#include "core/restore/restore.h"
#include "core/walk/walk.h"

#include <stdatomic.h>
#include <sys/stat.h>

/* A restore of everything that was begun may be finished by any restore; one with --only only by another with
 * --only, since what it did not name was never given up. */
#define RESTORE_MARKER "incomplete"
#define RESTORE_MARKER_ONLY "incomplete-only"
#define RESTORE_KEPT_FOLDER "lost+found" /* of a file system's root: never ours to touch */
#define STAGING_FOLDER "files"           /* in RESTORE_FOLDER: fetched files, <ordinal / 1000>/<ordinal>, both in hex */
#define STAGING_SHARD 1000
#define TRASH_FOLDER "old" /* in RESTORE_FOLDER: what stood in the way, until the end */
#define SHOWN_MAX 320      /* bytes of a path in a message */

/* What a restore sets beside content. */
struct meta {
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    int64_t mtime_ns;
};

struct target {
    int fd;         /* -1: a dry run, and there is none yet */
    int parent_fd;  /* in that case the folder it would be made in, else -1 */
    int restore_fd; /* RESTORE_FOLDER; -1 in a dry run */
    struct guard guard;
    struct stat before; /* of the target, as it was found */
    bool created;
    bool parent_made;
    bool empty;       /* nothing in it but RESTORE_KEPT_FOLDER and RESTORE_FOLDER */
    bool marked;      /* RESTORE_MARKER stands in it */
    bool marked_only; /* RESTORE_MARKER_ONLY */
    bool touched;     /* we put something there, or opened it up */
    bool placing;     /* we changed it */
    bool finished;    /* the marker is gone: all content is in place */
};

struct trash {
    int fd; /* TRASH_FOLDER, -1 until something goes there */
    uint64_t next;
};

struct restore {
    struct restore_plan plan;
    struct target target;
    struct trash trash;
    int staging_fd; /* STAGING_FOLDER, -1 in a dry run */
    bool owners;    /* we are root: owners are restored */
    bool owner_said;
    bool only; /* plan->only is not empty */
    enum restore_fault fault;
    char shown[SHOWN_MAX]; /* the target's path, printable */
    /* of the point, as far as wanted */
    uint64_t files;
    uint64_t bytes;
    uint64_t need_files; /* that cannot be there already */
    uint64_t need_bytes;
    uint64_t removed;
    struct {
        _Atomic uint64_t fetched_files;
        _Atomic uint64_t fetched_bytes;
        _Atomic uint64_t kept_files;
        _Atomic uint64_t damaged;
        atomic_bool stop; /* the pass over the manifest failed: what is queued need not run */
    } workers;
};

/* Fails with SF_CANCELLED once the run is cancelled. */
MUST_CHECK int restore_go_on(const struct restore *restore, struct sf_error *err);

/* --- target.c: the folder and its lock --- */

MUST_CHECK int target_open(struct restore *restore, struct sf_error *err);
/* The folder above path, as the operator wrote it: "a/b//" is in "a", "b" in ".", "/" in "/". To free. */
char *target_parent(const char *path);
void target_cleanup(struct target *target);

/* --- finish.c --- */

/* The last thing before the first change: all that was fetched is durable, then the marker. */
MUST_CHECK int target_mark(struct restore *restore, struct sf_error *err);
/* Takes away all of ours but the marker, and makes what was placed durable. */
MUST_CHECK int target_tidy(struct restore *restore, struct sf_error *err);
/* Takes the marker away, then gives the root folder its metadata. */
MUST_CHECK int target_finish(struct restore *restore, struct sf_error *err);
/* After a failure: removes what was staged, and all traces if nothing was changed. Logs what it cannot do. */
void target_abandon(struct restore *restore);

/* --- trash.c --- */

/* Moves dirfd's name out of the way, into TRASH_FOLDER. shown: its path, for messages. */
MUST_CHECK int trash_move(struct restore *restore, int dirfd, const char *name, const char *shown,
                          struct sf_error *err);
/* Removes all that lies in TRASH_FOLDER, and the folder; adds how many names that were to *count if that is not
 * NULL. */
MUST_CHECK int trash_empty(struct restore *restore, uint64_t *count, struct sf_error *err);
/* Removes RESTORE_FOLDER's folder name with all it holds, if it is there. */
MUST_CHECK int trash_folder(struct restore *restore, const char *name, struct sf_error *err);

/* --- choose.c: what of the point is wanted, and what it needs --- */

struct choose {
    const struct patterns *only;
    struct buf inside; /* the folder that matched and all of whose content is wanted */
    bool is_inside;
};

/* For the manifest's entries, in order, each once. */
bool choose_wants(struct choose *choose, const struct entry *entry);
void choose_cleanup(struct choose *choose);

/* Counts what is wanted and what has to be fetched at least, and refuses what cannot end well. */
MUST_CHECK int choose_survey(struct restore *restore, const struct manifest_counts *counts, struct sf_error *err);

/* --- compare.c: the point's manifest joined with the target's tree --- */

struct compare_row {
    const struct entry *wanted; /* of the point, NULL: not in it */
    const struct entry *found;  /* in the target, NULL: not there */
    uint64_t ordinal;           /* of wanted in the manifest */
};

struct compare {
    struct restore *restore;
    struct manifest_reader *reader;
    struct walk *walk; /* NULL: there is nothing to look at */
    struct merge *merge;
    struct patterns exclude;
    struct walk_options options;
    struct choose choose;
    uint64_t next; /* ordinal of the manifest's next entry */
    bool open_up;  /* folders of ours without u+rwx get it, else they are not entered */
};

MUST_CHECK int compare_open(struct compare *compare, struct restore *restore, bool open_up, struct sf_error *err);
/* 1, 0, -1. What is in the point but not wanted counts as not in it. */
MUST_CHECK int compare_next(struct compare *compare, struct compare_row *row, struct sf_error *err);
void compare_cleanup(struct compare *compare);

/* --- fetch.c: the pass; job.c: what a worker does for one file --- */

/* Submits a job for every wanted file and waits for them. A dry run only finds out and says what it would do. */
MUST_CHECK int fetch_all(struct restore *restore, struct sf_error *err);

/* A folder of staged files, open as long as a job or the pass needs it. */
struct shard {
    int fd;
    atomic_uint references;
};

struct fetch_job {
    struct restore *restore;
    struct shard *shard; /* NULL in a dry run */
    uint64_t ordinal;
    bool candidate; /* the target has a file of this size under this path */
    struct entry entry;
};

void shard_release(struct shard *shard);
/* job_fn and job_drop_fn. */
int fetch_job_run(struct worker *worker, void *job, struct sf_error *err);
void fetch_job_drop(void *job);
/* For a dry run, from any thread. */
void fetch_say(struct restore *restore, const struct entry *entry);

/* --- trail.c: the folders from the root to where a pass stands --- */

struct trail_level {
    size_t length; /* of the folder's path */
    struct meta meta;
    bool made;    /* it stands in the target */
    bool settle;  /* gets meta when it is left */
    bool surplus; /* is removed when it is left */
};

struct trail {
    struct restore *restore;
    struct buf path; /* of the last level */
    struct trail_level *levels;
    size_t depth;
    size_t capacity;
    int fd; /* of the last level's folder, -1 until asked for */
};

void trail_enter(struct trail *trail, const char *path, const struct trail_level *level);
/* Leaves all folders that do not hold path; NULL: all. */
MUST_CHECK int trail_leave(struct trail *trail, const char *path, struct sf_error *err);
/* Descriptor of the innermost folder, valid until the next call of any of these; -1: failed. */
MUST_CHECK int trail_fd(struct trail *trail, struct sf_error *err);
void trail_cleanup(struct trail *trail);

/* --- place.c, surplus.c --- */

MUST_CHECK int place_all(struct restore *restore, struct sf_error *err);
MUST_CHECK int surplus_remove(struct restore *restore, struct sf_error *err);

/* --- meta.c --- */

struct meta meta_of(const struct entry *entry);
struct timespec;
void meta_times(int64_t mtime_ns, struct timespec times[2]); /* for utimensat: the access time is left alone */
bool meta_same(const struct restore *restore, const struct meta *meta, const struct stat *st);
/* Owner (as root), then mode, then mtime; only those that differ from st. */
MUST_CHECK int meta_set_fd(const struct restore *restore, int fd, const struct meta *meta, const struct stat *st,
                           const char *path, struct sf_error *err);
MUST_CHECK int meta_set_at(const struct restore *restore, int dirfd, const char *name, const struct meta *meta,
                           const struct stat *st, const char *path, struct sf_error *err);
/* Says once that owners stay as they are, if meta's is not ours. */
void meta_note_owner(struct restore *restore, const struct meta *meta);

#endif
