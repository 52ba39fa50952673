/* SPDX-License-Identifier: Apache-2.0
 *
 * Yields the entries of a tree in ascending order of their keys (entry_key), the root folder first, by openat and O_NOFOLLOW,
 * within one file system, in constant memory. Single-threaded.
 */
#ifndef CORE_WALK_WALK_H
#define CORE_WALK_WALK_H

#include "core/manifest/entry.h"
#include "core/walk/pattern.h"

struct walk;

struct walk_options {
    const struct patterns *exclude; /* NULL: none. An excluded folder is not entered */
    const char *temp_dir;           /* for folders too large for memory */
    const char *name;               /* what errors call the root: its path */
    /* Yield sockets, FIFOs and devices as ENTRY_OTHER and cross no error over them; else sockets are skipped and counted,
     * FIFOs and devices fail the walk. */
    bool yield_others;
};

/* rootfd is not owned. options must outlive the walk. */
MUST_CHECK int walk_open(struct walk **walk, int rootfd, const struct walk_options *options, struct sf_error *err);

/* 1: *entry (cleaned up and filled); 0: the end; -1: failed, with the path. A name that vanished between listing and looking
 * fails with SF_NOT_FOUND: a snapshot does not change. A folder on another file system is yielded but not entered, and
 * counted. */
MUST_CHECK int walk_next(struct walk *walk, struct entry *entry, struct sf_error *err);

/* Do not enter the folder that walk_next yielded last. */
void walk_skip(struct walk *walk);

struct walk_counts {
    uint64_t sockets_skipped;
    uint64_t mounts_skipped;
    uint64_t excluded;
};
const struct walk_counts *walk_counts(const struct walk *walk);
void walk_close(struct walk *walk); /* NULL is fine */

/* Fills entry's type, mode, uid, gid, mtime_ns, size from a stat. */
struct stat;
void walk_entry_stat(struct entry *entry, const struct stat *st);

#endif
