/* SPDX-License-Identifier: Apache-2.0
 *
 * Goes through the objects below a prefix in ascending order of their keys, holding one folder's names a level
 * (base/folder.h). Used by list.c only. Single-threaded.
 */
#ifndef PLUGINS_LOCALFS_TREE_H
#define PLUGINS_LOCALFS_TREE_H

#include "plugins/localfs/localfs.h"

struct level;

struct tree {
    struct sf_conn *conn;
    const struct sf_call *call; /* of the running list_next */
    const char *temp_dir;
    const char *prefix;
    const char *start_after;  /* "" if none */
    const char *resume_after; /* key or prefix that was the last one delivered, "" if none */
    bool folds;               /* by the delimiter: sub-folders are not entered but named */
    struct level *levels;
    size_t depth, room;
    unsigned looked_at;
    struct buf path; /* of the item that tree_next() found; a folder's ends with a slash */
    bool is_folder;
    struct sf_object object;
};

/* Goes to the first item beyond start_after and resume_after. */
MUST_CHECK int tree_begin(struct tree *tree, struct sf_error *err);
/* 1: path, is_folder and, for an object, object; 0: no more; -1: failed, then only tree_end may follow. */
MUST_CHECK int tree_next(struct tree *tree, struct sf_error *err);
/* Releases all that the tree holds; it can begin again. */
void tree_end(struct tree *tree);

#endif
