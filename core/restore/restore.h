/* SPDX-License-Identifier: Apache-2.0
 *
 * Brings one source of a point back into a folder. Everything is fetched and verified in <target>/.snapferry-restore/
 * before the first rename; then placed, then what is not in the point is removed, then the marker goes
 * (docs/design.md, "Restore").
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
    const char *run;      /* this restore's id, for the lock and the marker */
    const char *time_dir; /* the point's */
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
    RESTORE_FAULT_NONE,
    RESTORE_FAULT_USAGE,  /* target not empty without --replace, not a folder, no such pattern match */
    RESTORE_FAULT_GUARD,  /* another restore holds the target */
    RESTORE_FAULT_DAMAGE, /* manifest or object damaged: nothing was written into the target */
    RESTORE_FAULT_OTHER,
};

/* A damaged or missing object is logged with its name; all of them are looked at before the restore ends. */
MUST_CHECK int restore_source(const struct restore_plan *plan, struct restore_counts *counts, enum restore_fault *fault,
                              struct sf_error *err);

#endif
