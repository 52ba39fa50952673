/* SPDX-License-Identifier: Apache-2.0
 *
 * A stack of open folders, each with its sorted names (base/folder.h). What a folder holds is looked at and opened relative to
 * its descriptor, so that no path is ever resolved twice and none is too long. A folder is yielded first and entered by the
 * next call, unless the caller skips it. Called by the pipeline's thread.
 */
#include "core/walk/walk.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/folder.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Folders kept open, the root and the deepest ones; those between are opened again on the way back. */
#define LEVELS_OPEN 64

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

/* The path as a message shows it, below the name of the root. */
static const char *shown_path(const struct walk *walk, char *out, size_t bytes)
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

/* path: what failed: errno's text */
static int fail_errno(const struct walk *walk, struct sf_error *err, int number, const char *what)
{
    char shown[384];

    if (number == ENOENT)
        return sf_fail(err, SF_NOT_FOUND, "%s: vanished while the tree was read",
                       shown_path(walk, shown, sizeof(shown)));
    return err_errno(err, number, "%s: %s", shown_path(walk, shown, sizeof(shown)), what);
}

static int fail_changed(const struct walk *walk, struct sf_error *err)
{
    char shown[384];

    return sf_fail(err, SF_CONFLICT, "%s: turned into something else while the tree was read",
                   shown_path(walk, shown, sizeof(shown)));
}

static int64_t clamped_mtime_ns(const struct timespec *mtime)
{
    int64_t seconds = (int64_t)mtime->tv_sec, ns;

    if (__builtin_mul_overflow(seconds, INT64_C(1000000000), &ns) ||
        __builtin_add_overflow(ns, (int64_t)mtime->tv_nsec, &ns))
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

void walk_entry_stat(struct entry *entry, const struct stat *st)
{
    if (S_ISREG(st->st_mode))
        entry->type = ENTRY_FILE;
    else if (S_ISDIR(st->st_mode))
        entry->type = ENTRY_DIR;
    else if (S_ISLNK(st->st_mode))
        entry->type = ENTRY_LINK;
    else
        entry->type = ENTRY_OTHER;
    entry->mode = st->st_mode & 07777;
    entry->uid = st->st_uid;
    entry->gid = st->st_gid;
    entry->mtime_ns = clamped_mtime_ns(&st->st_mtim);
    entry->size = entry->type == ENTRY_FILE ? (uint64_t)st->st_size : 0;
}

static void path_cut(struct walk *walk, size_t bytes)
{
    walk->path.length = bytes;
    walk->path.data[bytes] = '\0';
}

static void path_join(struct walk *walk, const struct level *level, const char *name)
{
    path_cut(walk, level->path_bytes);
    if (level->path_bytes != 0)
        buf_add_byte(&walk->path, '/');
    buf_add_text(&walk->path, name);
}

/* Takes fd, the folder walk->path, onto the stack. */
static int push(struct walk *walk, int *fd, struct sf_error *err)
{
    struct folder *folder;
    char shown[384];

    if (folder_open(&folder, *fd, key_encode, walk->options->temp_dir, err) < 0)
        return err_prefix(err, "%s", shown_path(walk, shown, sizeof(shown)));
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

static void pop(struct walk *walk)
{
    struct level *level = &walk->levels[--walk->depth];

    folder_close(level->folder);
    auto_close(&level->fd);
}

/* The innermost folder, open. */
static struct level *top(struct walk *walk, struct sf_error *err)
{
    struct level *level = &walk->levels[walk->depth - 1];

    if (level->fd >= 0)
        return level;
    path_cut(walk, level->path_bytes);
    level->fd = beneath_open(walk->levels[0].fd, buf_text(&walk->path), O_RDONLY | O_DIRECTORY, 0);
    if (level->fd < 0) {
        fail_errno(walk, err, errno, "cannot open the folder again");
        return NULL;
    }
    return level;
}

int walk_open(struct walk **walk, int rootfd, const struct walk_options *options, struct sf_error *err)
{
    struct walk *made = mem_alloc(sizeof(*made));
    AUTO_FD fd = openat(rootfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    made->options = options;
    buf_reserve(&made->path, 0);
    if (fd < 0 || fstat(fd, &made->root) < 0) {
        fail_errno(made, err, errno, "cannot open the folder");
        walk_close(made);
        return -1;
    }
    made->device = made->root.st_dev;
    if (push(made, &fd, err) < 0) {
        walk_close(made);
        return -1;
    }
    *walk = made;
    return 0;
}

/* The folder that was yielded last goes onto the stack; not if it is on another file system. */
static int enter(struct walk *walk, struct sf_error *err)
{
    struct level *parent = top(walk, err);
    AUTO_FD fd = -1;
    struct stat st;
    const char *leaf;

    if (parent == NULL)
        return -1;
    leaf = walk->path.data + parent->path_bytes + (parent->path_bytes != 0);
    fd = openat(parent->fd, leaf, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return fail_changed(walk, err);
    if (fd < 0)
        return fail_errno(walk, err, errno, "cannot open the folder");
    if (fstat(fd, &st) < 0)
        return fail_errno(walk, err, errno, "cannot look at the folder");
    if (st.st_dev != walk->device) { /* also what an automount mounts just now */
        walk->counts.mounts_skipped++;
        return 0;
    }
    return push(walk, &fd, err);
}

/* st_size is 0 for some links of special file systems, and wrong if the link is replaced meanwhile. */
static int read_link(const struct walk *walk, int dirfd, const char *name, off_t guess, char **target,
                     struct sf_error *err)
{
    size_t room = guess > 0 && guess < PATH_MAX ? (size_t)guess + 1 : 256;
    AUTO_FREE char *text = NULL;

    for (;;) {
        ssize_t got;

        text = mem_resize(text, room + 1);
        got = readlinkat(dirfd, name, text, room);
        if (got < 0 && errno == EINVAL)
            return fail_changed(walk, err);
        if (got < 0)
            return fail_errno(walk, err, errno, "cannot read the link");
        if ((size_t)got < room) {
            text[got] = '\0';
            *target = ptr_take(&text);
            return 0;
        }
        room *= 2;
    }
}

static const char *other_name(mode_t mode)
{
    if (S_ISFIFO(mode))
        return "a FIFO";
    if (S_ISCHR(mode) || S_ISBLK(mode))
        return "a device";
    return "neither a file, a folder nor a link";
}

/* Fills entry for walk->path, called name in its folder. 1; 0: nothing to yield; -1. */
static int look(struct walk *walk, const struct level *level, const char *name, bool was_dir, struct entry *entry,
                struct sf_error *err)
{
    char shown[384];
    struct stat st;

    if (fstatat(level->fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
        return fail_errno(walk, err, errno, "cannot look at it");
    if (was_dir != (S_ISDIR(st.st_mode) != 0)) /* it would not stand where its key belongs */
        return fail_changed(walk, err);
    walk_entry_stat(entry, &st);
    if (entry->type == ENTRY_OTHER && !walk->options->yield_others) {
        if (S_ISSOCK(st.st_mode)) {
            walk->counts.sockets_skipped++;
            return 0;
        }
        return sf_fail(err, SF_INVALID, "%s: is %s; exclude it", shown_path(walk, shown, sizeof(shown)),
                       other_name(st.st_mode));
    }
    if (entry->type == ENTRY_LINK && read_link(walk, level->fd, name, st.st_size, &entry->target, err) < 0)
        return -1;
    entry->path = mem_text(walk->path.data);
    if (entry->type == ENTRY_DIR && st.st_dev != walk->device)
        walk->counts.mounts_skipped++;
    else
        walk->is_entering = entry->type == ENTRY_DIR;
    return 1;
}

int walk_next(struct walk *walk, struct entry *entry, struct sf_error *err)
{
    entry_cleanup(entry);
    if (!walk->is_started) {
        walk->is_started = true;
        walk_entry_stat(entry, &walk->root);
        entry->path = mem_text("");
        return 1;
    }
    if (walk->is_entering) {
        walk->is_entering = false;
        if (enter(walk, err) < 0)
            return -1;
    }
    while (walk->depth != 0) {
        struct level *level = top(walk, err);
        const char *name;
        int is_dir, got;

        if (level == NULL)
            return -1;
        got = folder_next(level->folder, &name, &is_dir, err);
        if (got < 0)
            return -1;
        if (got == 0) {
            pop(walk);
            continue;
        }
        path_join(walk, level, name);
        if (walk->options->exclude != NULL && patterns_match(walk->options->exclude, walk->path.data)) {
            walk->counts.excluded++;
            continue;
        }
        got = look(walk, level, name, is_dir != 0, entry, err);
        if (got != 0)
            return got;
        entry_cleanup(entry);
    }
    return 0;
}

void walk_skip(struct walk *walk)
{
    if (walk->is_entering)
        walk->is_entering = false;
    else if (walk->depth == 1 && walk->path.length == 0)
        pop(walk); /* the root, yielded but with no name asked for yet */
}

const struct walk_counts *walk_counts(const struct walk *walk)
{
    return &walk->counts;
}

void walk_close(struct walk *walk)
{
    if (walk == NULL)
        return;
    while (walk->depth != 0)
        pop(walk);
    free(walk->levels);
    buf_cleanup(&walk->path);
    free(walk);
}
