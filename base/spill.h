/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorts records of (key, value) by key bytes in constant memory: up to SPILL_MEMORY bytes in memory, beyond that as sorted
 * runs in an unlinked temporary file that are merged while reading. Single-threaded.
 */
#ifndef BASE_SPILL_H
#define BASE_SPILL_H

#include "base/auto.h"
#include "snapferry/plugin.h"

#define SPILL_MEMORY (256u * 1024u)

struct spill;

/* temp_dir: where an unlinked file may be made if one is needed; only copied when used, must outlive the spill. */
struct spill *spill_new(const char *temp_dir);
MUST_CHECK int spill_add(struct spill *spill, const void *key, size_t key_bytes, const void *value, size_t value_bytes,
                         struct sf_error *err);
/* Ends adding; spill_next may follow. */
MUST_CHECK int spill_sort(struct spill *spill, struct sf_error *err);
/* 1: the next record, NUL-terminated key and value valid until the next call; 0: no more; -1: failed. Equal keys come in the
 * order in which they were added. */
MUST_CHECK int spill_next(struct spill *spill, const char **key, size_t *key_bytes, const char **value,
                          size_t *value_bytes, struct sf_error *err);
void spill_free(struct spill *spill); /* NULL is fine */

/* An unlinked temporary file of mode 0600 in dir (O_TMPFILE, else mkostemp and unlink), or -1. */
MUST_CHECK int spill_temp_file(const char *dir, struct sf_error *err);

#endif
