/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks at one name after the other in the folders of stack.c and yields what it is. A folder is yielded first and entered by
 * the next call, unless the caller skips it. Called by the pipeline's thread.
 */
#include "core/walk/walk.h"

#include "base/err.h"
#include "base/folder.h"
#include "base/mem.h"
#include "core/walk/walk_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

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

int walk_open(struct walk **walk, int rootfd, const struct walk_options *options, struct sf_error *err)
{
    struct walk *made = mem_alloc(sizeof(*made));
    AUTO_FD fd = -1;

    made->options = options;
    buf_reserve(&made->path, 0);
    fd = openat(rootfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &made->root) < 0) {
        walk_fail_errno(made, err, errno, "cannot open the folder");
        walk_close(made);
        return -1;
    }
    made->device = made->root.st_dev;
    if (walk_push(made, &fd, err) < 0) {
        walk_close(made);
        return -1;
    }
    *walk = made;
    return 0;
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
            return walk_fail_changed(walk, err);
        if (got < 0)
            return walk_fail_errno(walk, err, errno, "cannot read the link");
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
        return walk_fail_errno(walk, err, errno, "cannot look at it");
    if (was_dir != (S_ISDIR(st.st_mode) != 0)) /* it would not stand where its key belongs */
        return walk_fail_changed(walk, err);
    walk_entry_stat(entry, &st);
    if (entry->type == ENTRY_OTHER && !walk->options->yield_others) {
        if (S_ISSOCK(st.st_mode)) {
            walk->counts.sockets_skipped++;
            return 0;
        }
        return sf_fail(err, SF_INVALID, "%s: is %s; exclude it", walk_shown(walk, shown, sizeof(shown)),
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

/* The sorted names could not be read back. */
static int fail_names(struct walk *walk, const struct level *level, struct sf_error *err)
{
    char shown[384];

    walk_path_cut(walk, level->path_bytes);
    return err_prefix(err, "%s", walk_shown(walk, shown, sizeof(shown)));
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
        if (walk_enter(walk, err) < 0)
            return -1;
    }
    while (walk->depth != 0) {
        struct level *level = walk_top(walk, err);
        const char *name;
        int is_dir, got;

        if (level == NULL)
            return -1;
        got = folder_next(level->folder, &name, &is_dir, err);
        if (got < 0)
            return fail_names(walk, level, err);
        if (got == 0) {
            walk_pop(walk);
            continue;
        }
        walk_path_join(walk, level, name);
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
        walk_pop(walk); /* the root, yielded but with no name asked for yet */
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
        walk_pop(walk);
    free(walk->levels);
    buf_cleanup(&walk->path);
    free(walk);
}
