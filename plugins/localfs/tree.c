/* SPDX-License-Identifier: Apache-2.0
 *
 * The stack of open folders behind a list. What vanishes while it is gone through is passed over, and so is
 * whatever no key can name: symlinks, FIFOs, temporaries. Only the innermost levels keep their descriptor, so
 * depth costs none.
 */
#include "plugins/localfs/tree.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/folder.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW)

enum { OPEN_LEVELS = 16, LOOKS_BETWEEN_CHECKS = 64 };

struct level {
    struct folder *folder;
    int fd;        /* -1: closed to save descriptors */
    size_t length; /* of the path up to the names in here, with its slash */
};

static void cut_path(struct tree *tree, size_t length)
{
    tree->path.length = length;
    if (tree->path.data != NULL)
        tree->path.data[length] = '\0';
}

static int path_errno(const struct tree *tree, int number, const char *what, struct sf_error *err)
{
    return key_errno(err, number, buf_text(&tree->path), what);
}

static bool is_gone(int number)
{
    return number == ENOENT || number == ENOTDIR || number == ELOOP || number == ENXIO;
}

static void pop(struct tree *tree)
{
    struct level *level = &tree->levels[--tree->depth];

    folder_close(level->folder);
    auto_close(&level->fd);
}

/* The folder whose names begin at the end of path. Owns fd from now on. */
static int push(struct tree *tree, int fd, struct sf_error *err)
{
    struct level level = {.folder = NULL, .fd = fd, .length = tree->path.length};

    if (folder_open(&level.folder, fd, NULL, tree->temp_dir, err) < 0) {
        char printable[SF_ERROR_TEXT / 2];

        close(fd);
        if (is_gone(err->status))
            return 0;
        return err_prefix(err, "list %s", err_printable(buf_text(&tree->path), printable, sizeof(printable)));
    }
    if (tree->depth == tree->room) {
        tree->room = tree->room * 2 + 8;
        tree->levels = mem_resize(tree->levels, tree->room * sizeof(*tree->levels));
    }
    if (tree->depth >= OPEN_LEVELS) {
        struct level *outer = &tree->levels[tree->depth - OPEN_LEVELS];

        auto_close(&outer->fd);
        outer->fd = -1;
    }
    tree->levels[tree->depth++] = level;
    return 0;
}

/* The descriptor of the innermost folder; opened again if it was closed. Sets errno. */
static int level_fd(struct tree *tree)
{
    struct level *level = &tree->levels[tree->depth - 1];
    char saved;

    if (level->fd >= 0 || level->length == 0)
        return level->fd >= 0 ? level->fd : (level->fd = openat(tree->conn->rootfd, ".", FOLDER_FLAGS | O_CLOEXEC));
    saved = tree->path.data[level->length - 1];
    tree->path.data[level->length - 1] = '\0';
    level->fd = beneath_open(tree->conn->rootfd, tree->path.data, FOLDER_FLAGS, 0);
    tree->path.data[level->length - 1] = saved;
    return level->fd;
}

static int open_inside(struct tree *tree, const char *name)
{
    int fd = level_fd(tree);

    return fd < 0 ? -1 : openat(fd, name, FOLDER_FLAGS | O_CLOEXEC);
}

static int visit_object(struct tree *tree, const char *name, struct sf_error *err)
{
    const char *path = tree->path.data;
    int dirfd;

    if (strcmp(path, tree->start_after) <= 0 || strcmp(path, tree->resume_after) <= 0)
        return 0;
    dirfd = level_fd(tree);
    if (dirfd < 0 || object_find(dirfd, name, &tree->object) < 0)
        return is_gone(errno) ? 0 : path_errno(tree, errno, "look at the object", err);
    tree->object.key = path;
    tree->is_folder = false;
    return 1;
}

static int enter_folder(struct tree *tree, const char *name, struct sf_error *err)
{
    const char *path = tree->path.data;
    int fd;

    if (strncmp(path, tree->start_after, tree->path.length) < 0 ||
        strncmp(path, tree->resume_after, tree->path.length) < 0)
        return 0;
    fd = open_inside(tree, name);
    if (fd < 0)
        return is_gone(errno) ? 0 : path_errno(tree, errno, "open the folder", err);
    return push(tree, fd, err);
}

/* Whether something with a key lies in the folder path, open as fd, which is closed. */
static int holds_anything(struct tree *tree, int fd, struct sf_error *err)
{
    size_t length = tree->path.length;
    const struct dirent *item;
    DIR *dir = fdopendir(fd);
    int found = 0;

    if (dir == NULL) {
        path_errno(tree, errno, "read the folder", err);
        close(fd);
        return -1;
    }
    while (found == 0 && (errno = 0, item = readdir(dir)) != NULL) {
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
            continue;
        buf_add_text(&tree->path, item->d_name);
        found = !key_is_reserved(tree->path.data);
        cut_path(tree, length);
    }
    if (found == 0 && errno != 0 && !is_gone(errno))
        found = path_errno(tree, errno, "read the folder", err);
    closedir(dir);
    return found;
}

/* Whether a key beyond start_after, which itself lies in the folder path, does too. */
static int holds_more(const struct tree *tree, struct sf_error *err)
{
    AUTO_FREE char *prefix = mem_text(tree->path.data);
    struct tree inner = {.conn = tree->conn,
                         .call = tree->call,
                         .temp_dir = tree->temp_dir,
                         .prefix = prefix,
                         .start_after = tree->start_after,
                         .resume_after = ""};
    int found = tree_begin(&inner, err);

    if (found == 0)
        found = tree_next(&inner, err);
    tree_end(&inner);
    return found;
}

static int fold_folder(struct tree *tree, const char *name, struct sf_error *err)
{
    const char *path = tree->path.data;
    int fd, order = strncmp(path, tree->start_after, tree->path.length);

    if (order < 0 || strcmp(path, tree->resume_after) <= 0)
        return 0;
    tree->is_folder = true;
    if (order == 0 && strlen(tree->start_after) > tree->path.length)
        return holds_more(tree, err);
    fd = open_inside(tree, name);
    if (fd < 0)
        return is_gone(errno) ? 0 : path_errno(tree, errno, "open the folder", err);
    return holds_anything(tree, fd, err);
}

/* 1: path is an item; 0: go on; -1: failed. */
static int visit(struct tree *tree, const char *name, bool is_dir, struct sf_error *err)
{
    if (tree->looked_at++ % LOOKS_BETWEEN_CHECKS == 0 && call_check(tree->call, err) < 0)
        return -1;
    cut_path(tree, tree->levels[tree->depth - 1].length);
    buf_add_text(&tree->path, name);
    if (is_dir)
        buf_add_byte(&tree->path, '/');
    if (tree->depth == 1) {
        int order = strncmp(tree->path.data, tree->prefix, strlen(tree->prefix));

        if (order > 0)
            pop(tree); /* names ascend */
        if (order != 0)
            return 0;
    }
    if (tree->path.length > KEY_MAX_BYTES || key_is_reserved(tree->path.data))
        return 0;
    if (!is_dir)
        return visit_object(tree, name, err);
    return tree->folds ? fold_folder(tree, name, err) : enter_folder(tree, name, err);
}

int tree_begin(struct tree *tree, struct sf_error *err)
{
    const char *slash = strrchr(tree->prefix, '/');
    int fd = -1;

    cut_path(tree, 0);
    if (slash != NULL)
        buf_add(&tree->path, tree->prefix, (size_t)(slash - tree->prefix));
    if (key_is_reserved(buf_text(&tree->path)) || tree->prefix[0] == '/')
        return 0;
    if (root_find(tree->conn, false) == 0)
        fd = beneath_open(tree->conn->rootfd, buf_text(&tree->path), FOLDER_FLAGS, 0);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EINVAL || errno == ENAMETOOLONG))
        return 0;
    if (fd < 0)
        return path_errno(tree, errno, "open the folder", err);
    if (slash != NULL)
        buf_add_byte(&tree->path, '/');
    return push(tree, fd, err);
}

int tree_next(struct tree *tree, struct sf_error *err)
{
    while (tree->depth > 0) {
        const char *name;
        int is_dir;
        int got = folder_next(tree->levels[tree->depth - 1].folder, &name, &is_dir, err);

        if (got == 0) {
            pop(tree);
            continue;
        }
        if (got > 0)
            got = visit(tree, name, is_dir != 0, err);
        if (got != 0)
            return got;
    }
    return 0;
}

void tree_end(struct tree *tree)
{
    while (tree->depth > 0)
        pop(tree);
    free(tree->levels);
    tree->levels = NULL;
    tree->room = 0;
    buf_cleanup(&tree->path);
}
