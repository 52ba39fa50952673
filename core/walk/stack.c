/* SPDX-License-Identifier: Apache-2.0
 *
 * The folders that a walk is in, from the root to where it is, each with its names still to come; and the errors about the
 * current path. What a folder holds is opened relative to its descriptor. Called by walk.c only.
 */
#include "core/walk/walk_priv.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/folder.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* Folders kept open, the root and the deepest ones; those between are opened again on the way back. */
#define LEVELS_OPEN 64

const char *walk_shown(const struct walk *walk, char *out, size_t bytes)
{
    SF_AUTO(buf) whole = BUF_INIT;

    buf_add_text(&whole, walk->options->name);
    if (walk->path.length != 0) {
        if (whole.length == 0 || whole.data[whole.length - 1] != '/')
            buf_add_byte(&whole, '/');
        buf_add(&whole, walk->path.data, walk->path.length);
    }
    return err_printable(buf_text(&whole), out, bytes);
}

int walk_fail_errno(const struct walk *walk, struct sf_error *err, int number, const char *what)
{
    char shown[384];

    if (number == ENOENT)
        return sf_fail(err, SF_NOT_FOUND, "%s: vanished while the tree was read",
                       walk_shown(walk, shown, sizeof(shown)));
    return err_errno(err, number, "%s: %s", walk_shown(walk, shown, sizeof(shown)), what);
}

int walk_fail_changed(const struct walk *walk, struct sf_error *err)
{
    char shown[384];

    return sf_fail(err, SF_CONFLICT, "%s: turned into something else while the tree was read",
                   walk_shown(walk, shown, sizeof(shown)));
}

void walk_path_cut(struct walk *walk, size_t bytes)
{
    walk->path.length = bytes;
    walk->path.data[bytes] = '\0';
}

void walk_path_join(struct walk *walk, const struct level *level, const char *name)
{
    walk_path_cut(walk, level->path_bytes);
    if (level->path_bytes != 0)
        buf_add_byte(&walk->path, '/');
    buf_add_text(&walk->path, name);
}

int walk_push(struct walk *walk, int *fd, struct sf_error *err)
{
    struct folder *folder;
    char shown[384];

    if (folder_open(&folder, *fd, key_encode, walk->options->temp_dir, err) < 0)
        return err_prefix(err, "%s", walk_shown(walk, shown, sizeof(shown)));
    if (walk->depth == walk->capacity) {
        walk->capacity = walk->capacity == 0 ? 16 : walk->capacity * 2;
        walk->levels = mem_resize(walk->levels, walk->capacity * sizeof(walk->levels[0]));
    }
    walk->levels[walk->depth++] = (struct level){fd_take(fd), folder, walk->path.length};
    if (walk->depth > LEVELS_OPEN + 1) {
        struct level *above = &walk->levels[walk->depth - 1 - LEVELS_OPEN];

        auto_close(&above->fd);
        above->fd = -1;
    }
    return 0;
}

void walk_pop(struct walk *walk)
{
    struct level *level = &walk->levels[--walk->depth];

    folder_close(level->folder);
    auto_close(&level->fd);
}

struct level *walk_top(struct walk *walk, struct sf_error *err)
{
    struct level *level = &walk->levels[walk->depth - 1];

    if (level->fd >= 0)
        return level;
    walk_path_cut(walk, level->path_bytes);
    level->fd = beneath_open(walk->levels[0].fd, buf_text(&walk->path), O_RDONLY | O_DIRECTORY, 0);
    if (level->fd < 0) {
        walk_fail_errno(walk, err, errno, "cannot open the folder again");
        return NULL;
    }
    return level;
}

int walk_enter(struct walk *walk, struct sf_error *err)
{
    struct level *parent = walk_top(walk, err);
    AUTO_FD fd = -1;
    struct stat st;
    const char *leaf;

    if (parent == NULL)
        return -1;
    leaf = walk->path.data + parent->path_bytes + (parent->path_bytes != 0);
    fd = openat(parent->fd, leaf, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return walk_fail_changed(walk, err);
    if (fd < 0)
        return walk_fail_errno(walk, err, errno, "cannot open the folder");
    if (fstat(fd, &st) < 0)
        return walk_fail_errno(walk, err, errno, "cannot look at the folder");
    if (st.st_dev != walk->device) { /* also what an automount mounts just now */
        walk->counts.mounts_skipped++;
        return 0;
    }
    return walk_push(walk, &fd, err);
}
