/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a row of the merge: a pure function, all of its rules in one table (plan.c), a test a row.
 */
#ifndef CORE_PLAN_PLAN_H
#define CORE_PLAN_PLAN_H

#include "core/manifest/entry.h"

enum plan_action {
    PLAN_RECORD,       /* folder or link: an entry in the manifest, nothing else */
    PLAN_REFER,        /* file: the parent's object is this file */
    PLAN_HASH,         /* file: refer if its SHA-256 is the parent's, else upload */
    PLAN_UPLOAD,       /* file: one request, concurrently with others */
    PLAN_UPLOAD_LARGE, /* file: the large lane */
    PLAN_FORGET,       /* only in the parent: no longer there */
};

enum plan_compare { COMPARE_STAT, COMPARE_HASH };
enum plan_incremental { INCREMENTAL_REFERENCE, INCREMENTAL_OFF };

struct plan_rules {
    enum plan_compare compare;
    enum plan_incremental incremental;
    uint64_t small_file_threshold; /* files below it are small */
    int64_t parent_walked_ms;      /* when the parent's walk began, its machine's clock */
    bool parent_is_ours;           /* same identity; else size and mtime prove nothing */
};

/* An mtime counts only if it is this much older than the start of the walk that recorded it: a file may change again within
 * one tick of its file system's clock (2 s on FAT, the coarsest in use), see git's "racy" index entries. */
#define PLAN_RACY_MS 2000

/* walked or parent may be NULL, not both. */
enum plan_action plan_decide(const struct plan_rules *rules, const struct entry *walked, const struct entry *parent);

#endif
