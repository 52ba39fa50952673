/* SPDX-License-Identifier: Apache-2.0
 *
 * Brings one source of a point back into a folder, in steps, so that several sources go together: what fails in one
 * before the first rename leaves all targets as they were. Everything is fetched and verified in
 * <target>/.snapferry-restore/ first; then placed, then what is not in the point is removed, then the marker goes
 * (docs/design.md, "Restore"). One thread.
 */
#ifndef CORE_RESTORE_RESTORE_H
#define CORE_RESTORE_RESTORE_H

#include "core/lanes/pool.h"
#include "core/point/point.h"
#include "core/progress/meter.h"
#include "core/walk/pattern.h"

#define RESTORE_FOLDER ".snapferry-restore"

struct log;

struct restore_plan {
    const struct base *base;
    struct pool *pool;
    struct log *log;
    struct meter *meter;
    const char *temp_dir;
    const char *source;
    const char *run; /* this restore's id, for the lock and the marker */
    const struct point *point;
    const char *target;
    bool make_parent; /* of target, if it does not exist */
    int manifest_fd;  /* fetched and compared with the commit */
    const char *manifest_name;
    const struct patterns *only; /* count 0: everything */
    bool replace;
    bool dry_run;
};

struct restore_counts {
    uint64_t files; /* of the point that were wanted */
    uint64_t bytes;
    uint64_t fetched_files;
    uint64_t fetched_bytes;
    uint64_t kept_files; /* already there with the same SHA-256 */
    uint64_t removed;    /* files, links and folders that are not in the point */
};

/* What stood against it, for the exit code. */
enum restore_fault {
    RESTORE_FAULT_NONE,     /* nothing has failed */
    RESTORE_FAULT_NO_MATCH, /* of what is wanted only, this source has nothing */
    RESTORE_FAULT_USAGE,    /* target not empty without --replace, not a folder */
    RESTORE_FAULT_GUARD,    /* another restore holds the target */
    RESTORE_FAULT_DAMAGE,   /* manifest or object damaged: nothing was written into the target */
    RESTORE_FAULT_OTHER,
};

struct restore;

/* The plan is copied; what it points to must live as long. */
struct restore *restore_new(const struct restore_plan *plan);
/* After a failure, or before its end, it takes back what it did if nothing was placed yet. NULL is fine. */
void restore_free(struct restore *restore);

/* The steps, in this order; after a failed one only restore_free may follow. All sources take one before any takes the next. */

/* The manifest is whole; the target may be used, is locked, and has room. */
MUST_CHECK int restore_open(struct restore *restore, struct sf_error *err);
/* A damaged or missing object is logged with its name; all of them are looked at before this fails. The last step of a
 * dry run. */
MUST_CHECK int restore_fetch(struct restore *restore, struct sf_error *err);
/* From here on the target changes, and holds the marker. */
MUST_CHECK int restore_place(struct restore *restore, struct sf_error *err);
/* Takes the marker away. */
MUST_CHECK int restore_finish(struct restore *restore, struct sf_error *err);

/* Of the step that failed. */
enum restore_fault restore_fault(const struct restore *restore);
struct restore_counts restore_counts(const struct restore *restore);

#endif
