/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder's names in ascending byte order of their keys, a sub-folder sorting as "name/", in constant memory (spill.h).
 * Used by the walk of a source, by the merge with a restore's target and by localfs' list. Single-threaded.
 */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include "base/auto.h"
#include "base/buf.h"
#include "snapferry/plugin.h"

struct folder;

/* Appends the key of a name to out. NULL in folder_open: the name itself. */
typedef void (*folder_key_fn)(const char *name, struct buf *out);

/* Reads all names of the folder dirfd (not "." and ".."; not owned, its offset is moved) and sorts them. */
MUST_CHECK int folder_open(struct folder **folder, int dirfd, folder_key_fn key, const char *temp_dir,
                           struct sf_error *err);

/* 1: *name (valid until the next call) and *is_dir; 0: no more; -1: failed. is_dir is by d_type, by fstatat where that is
 * unknown; a symlink is no folder. */
MUST_CHECK int folder_next(struct folder *folder, const char **name, int *is_dir, struct sf_error *err);
void folder_close(struct folder *folder); /* NULL is fine */

#endif
