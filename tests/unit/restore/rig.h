/* SPDX-License-Identifier: Apache-2.0
 *
 * What the restore's tests stand on: a source tree put into a memory store with its manifest, restores of it with all
 * that was logged, and the comparison of a folder with the manifest. The program's own renameat, unlinkat, mkdirat,
 * symlinkat and fstatvfs stand before the C library's, so that a test can end a restore at its n-th change or fill the
 * disk.
 */
#ifndef TESTS_UNIT_RESTORE_RIG_H
#define TESTS_UNIT_RESTORE_RIG_H

#include "core/progress/log.h"
#include "core/restore/restore.h"
#include "tests/kit/store.h"
#include "tests/kit/unit.h"

#define RIG_TIME_DIR "2026-11-22"

struct rig {
    struct run_call run;
    struct store store;
    struct base base;
    struct log log;
    struct meter meter;
    struct patterns only;
    struct restore_plan plan; /* what a test changes before rig_restore() */
    int manifest_fd;
    /* of the last restore */
    struct restore_counts counts;
    enum restore_fault fault;
    struct sf_error err;
    char *logged;
};

void rig_open(struct rig *rig);
void rig_close(struct rig *rig);

/* <unit_temp_dir()>/name; a few are kept at a time. */
const char *rig_path(const char *name);

int rig_open_tree(const char *folder); /* made if missing */
/* Makes a file, folder (text NULL) or link (text "-> target") beneath folder of the temp dir, with the folders above
 * it. */
void rig_make(const char *folder, const char *path, const char *text);
void rig_make_bytes(const char *folder, const char *path, const void *data, size_t bytes);
void rig_set_mtime(const char *folder, const char *path, int64_t mtime_ns);
/* All that names, modes and times can be. */
void rig_make_odd_tree(const char *folder);

/* Stores folder's files and writes the manifest. A last part "m4755..." gives the entry that mode; as root "u..."
 * another owner. */
void rig_store_tree(struct rig *rig, const char *folder);
/* The key of a file's object. Static. */
const char *rig_key(const struct rig *rig, const char *path);
void rig_remove_object(struct rig *rig, const char *path);

/* Into <unit_temp_dir()>/target. */
int rig_restore(struct rig *rig, const char *target);
void rig_restore_well(struct rig *rig, const char *target);
/* Fails the test unless folder is what the manifest says, in all that is restored, and holds nothing else. */
void rig_check(struct rig *rig, const char *folder);
bool rig_exists(const char *folder, const char *path);
char *rig_read(const char *folder, const char *path); /* to free */

/* At the n-th change from now, counted from 0: this process kills itself; the change fails with EIO; the run is
 * cancelled. -1: never. */
void rig_die_at(long change);
void rig_fail_at(long change);
void rig_cancel_at(struct rig *rig, long change);
void rig_free_space(int64_t bytes); /* what fstatvfs says is free; -1: the truth */
/* The next get of any object yields half of it, then all of it from the start, as after a retry. */
void rig_stutter(struct rig *rig);
/* Every get fails with this class. */
void rig_break_gets(struct rig *rig, enum sf_class cls);

#endif
