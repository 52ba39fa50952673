/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a stream of entries on a thread of its own, a bounded number ahead, so that what it costs to read (a manifest is
 * decompressed, parsed and hashed; a walk asks the kernel of every file) and what is done with it take more than one core. The
 * stream belongs to that thread until ahead_close().
 */
#ifndef CORE_MERGE_AHEAD_H
#define CORE_MERGE_AHEAD_H

#include "core/merge/merge.h"

struct ahead;

MUST_CHECK int ahead_open(struct ahead **ahead, merge_next_fn next, void *stream, struct sf_error *err);
/* A merge_next_fn; ahead is the struct. The stream's end or error comes in its place. */
int ahead_next(void *ahead, struct entry *entry, struct sf_error *err);
void ahead_close(struct ahead *ahead); /* joins the thread, wherever it is; NULL is fine */

#endif
