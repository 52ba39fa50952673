/* SPDX-License-Identifier: Apache-2.0
 *
 * The folders from the root down to where a pass in key order stands. What a folder's content disturbs (its mtime), or
 * needs while it is filled (a mode with u+rwx), is settled when the pass leaves it. Holds one path and one descriptor,
 * whatever the depth.
 */
#include "core/restore/restore_priv.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_fd(struct trail *trail)
{
    if (trail->fd >= 0)
        close(fd_take(&trail->fd));
}

void trail_enter(struct trail *trail, const char *path, const struct trail_level *level)
{
    if (trail->depth == trail->capacity) {
        trail->capacity = trail->capacity == 0 ? 16 : trail->capacity * 2;
        trail->levels = mem_resize(trail->levels, trail->capacity * sizeof(*trail->levels));
    }
    close_fd(trail);
    buf_clear(&trail->path);
    buf_add_text(&trail->path, path);
    trail->levels[trail->depth] = *level;
    trail->levels[trail->depth].length = trail->path.length;
    trail->depth++;
}

int trail_fd(struct trail *trail, struct sf_error *err)
{
    char shown[SHOWN_MAX];

    if (trail->fd >= 0)
        return trail->fd;
    trail->fd = beneath_open(trail->restore->target.fd, buf_text(&trail->path), O_RDONLY | O_DIRECTORY, 0);
    if (trail->fd < 0)
        return err_errno(err, errno, "open the folder %s", err_printable(buf_text(&trail->path), shown, sizeof(shown)));
    return trail->fd;
}

static int settle(struct trail *trail, const struct trail_level *level, struct sf_error *err)
{
    int fd = trail_fd(trail, err);
    struct stat st;
    char shown[SHOWN_MAX];

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return err_errno(err, errno, "stat %s", err_printable(buf_text(&trail->path), shown, sizeof(shown)));
    return meta_set_fd(trail->restore, fd, &level->meta, &st, buf_text(&trail->path), err);
}

static int remove_folder(struct trail *trail, struct sf_error *err)
{
    const char *name;
    AUTO_FD parent = beneath_parent(trail->restore->target.fd, buf_text(&trail->path), &name);
    char shown[SHOWN_MAX];

    if (parent < 0 || unlinkat(parent, name, AT_REMOVEDIR) < 0)
        return err_errno(err, errno, "remove the folder %s",
                         err_printable(buf_text(&trail->path), shown, sizeof(shown)));
    trail->restore->removed++;
    return 0;
}

static bool holds(const struct trail *trail, const char *path)
{
    size_t length = trail->path.length;

    return length == 0 || (strncmp(path, trail->path.data, length) == 0 && path[length] == '/');
}

int trail_leave(struct trail *trail, const char *path, struct sf_error *err)
{
    while (trail->depth > 0 && (path == NULL || !holds(trail, path))) {
        const struct trail_level *level = &trail->levels[trail->depth - 1];
        int result = 0;

        if (level->settle)
            result = settle(trail, level, err);
        else if (level->surplus)
            result = remove_folder(trail, err);
        if (result < 0)
            return -1;
        close_fd(trail);
        trail->depth--;
        if (trail->depth > 0) {
            trail->path.length = trail->levels[trail->depth - 1].length;
            trail->path.data[trail->path.length] = '\0';
        }
    }
    return 0;
}

void trail_cleanup(struct trail *trail)
{
    close_fd(trail);
    buf_cleanup(&trail->path);
    free(trail->levels);
}
