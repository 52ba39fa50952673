/* SPDX-License-Identifier: Apache-2.0
 *
 * A manifest in the making: the planned entries of one source in key order, in an unlinked file of the state folder. Each
 * record has a fixed part that a worker fills in place once the object is stored, so that nothing waits for its turn
 * and nothing is held in memory.
 *
 * draft_update() is thread-safe, also against draft_append() and cursors; the rest belongs to the pipeline's thread. A cursor
 * sees each record whole, and what was updated before it came by (it reads DRAFT_READ_AHEAD bytes ahead).
 */
#ifndef CORE_MANIFEST_DRAFT_H
#define CORE_MANIFEST_DRAFT_H

#include "core/manifest/entry.h"

/* What is still to be done for an entry before it can stand in a manifest. */
enum draft_state {
    DRAFT_DONE,    /* folder, link, or a file whose object is known */
    DRAFT_SENDING, /* a worker has it */
    DRAFT_LARGE,   /* waits for the large lane */
    DRAFT_DAMAGED, /* the check found its object missing or different: entry.tag is the tag that stands in the run's own
                      time-dir now, empty if nothing does */
};

#define DRAFT_READ_AHEAD (64u * 1024u)

struct draft;

MUST_CHECK int draft_open(struct draft **draft, const char *temp_dir, struct sf_error *err);
/* *at names the record in draft_update. */
MUST_CHECK int draft_append(struct draft *draft, const struct entry *entry, enum draft_state state, uint64_t *at,
                            struct sf_error *err);
/* Overwrites the record's fixed part: all of entry but path, type and target. */
MUST_CHECK int draft_update(struct draft *draft, uint64_t at, const struct entry *entry, enum draft_state state,
                            struct sf_error *err);
void draft_close(struct draft *draft); /* NULL is fine */

struct draft_cursor;

/* From the first record; several cursors may be open at once; appending must have ended. */
MUST_CHECK int draft_cursor_open(struct draft_cursor **cursor, struct draft *draft, struct sf_error *err);
/* 1: *entry (cleaned up and filled), *state, *at; 0: the end; -1: failed. */
MUST_CHECK int draft_cursor_next(struct draft_cursor *cursor, struct entry *entry, enum draft_state *state,
                                 uint64_t *at, struct sf_error *err);
void draft_cursor_close(struct draft_cursor *cursor); /* NULL is fine */

#endif
