/* SPDX-License-Identifier: Apache-2.0
 *
 * What walk.c (what is yielded) and stack.c (the open folders) share.
 */
#ifndef CORE_WALK_WALK_PRIV_H
#define CORE_WALK_WALK_PRIV_H

#include "core/walk/walk.h"

#include <sys/stat.h>

struct level {
    int fd; /* -1: closed because too many are open */
    struct folder *folder;
    size_t path_bytes; /* of the folder's path in walk->path */
};

struct walk {
    const struct walk_options *options;
    dev_t device;
    struct stat root;
    struct level *levels;
    size_t depth;
    size_t capacity;
    struct buf path;
    bool is_started;
    bool is_entering; /* walk->path is a folder that was yielded and is to be entered */
    struct walk_counts counts;
};

/* Shortens the current path. */
void walk_path_cut(struct walk *walk, size_t bytes);
/* Makes the path of a name in a folder the current one. */
void walk_path_join(struct walk *walk, const struct level *level, const char *name);

/* Takes *fd, the folder walk->path, onto the stack, with its names sorted. */
MUST_CHECK int walk_push(struct walk *walk, int *fd, struct sf_error *err);
void walk_pop(struct walk *walk);
/* The innermost folder, open; NULL: failed. */
struct level *walk_top(struct walk *walk, struct sf_error *err);
/* The folder that was yielded last goes onto the stack; not if it is on another file system. */
MUST_CHECK int walk_enter(struct walk *walk, struct sf_error *err);

/* The current path below the name of the root, for a message. Returns out. */
const char *walk_shown(const struct walk *walk, char *out, size_t bytes);
/* "PATH: what: errno's text"; returns -1. */
int walk_fail_errno(const struct walk *walk, struct sf_error *err, int number, const char *what);
/* It is not what it was a moment ago; returns -1. */
int walk_fail_changed(const struct walk *walk, struct sf_error *err);

#endif
