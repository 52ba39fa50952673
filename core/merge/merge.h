/* SPDX-License-Identifier: Apache-2.0
 *
 * Joins two streams of entries, each in ascending key order, into rows, in constant memory. A backup joins the walk with the
 * parent's manifest, a restore the point's manifest with the target's tree. Single-threaded.
 */
#ifndef CORE_MERGE_MERGE_H
#define CORE_MERGE_MERGE_H

#include "core/manifest/entry.h"

/* As walk_next and manifest_reader_next: 1, 0 or -1; cleans up and fills *entry. */
typedef int (*merge_next_fn)(void *stream, struct entry *entry, struct sf_error *err);

struct merge_row {
    struct entry *left;  /* NULL: this key is only on the right */
    struct entry *right; /* NULL: only on the left. Entries stay the merge's; a caller may entry_move them away */
};

struct merge;

/* left_name and right_name are what errors call the streams. Streams are not owned; NULL right_next: an empty stream. */
struct merge *merge_new(merge_next_fn left_next, void *left, const char *left_name, merge_next_fn right_next,
                        void *right, const char *right_name);
/* 1: *row, valid until the next call; 0: both are at their end; -1: a stream failed, or stepped back (SF_CORRUPT, naming
 * the stream and both keys). */
MUST_CHECK int merge_next(struct merge *merge, struct merge_row *row, struct sf_error *err);
void merge_free(struct merge *merge); /* NULL is fine */

#endif
