/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder that is restored into: when it may be, and the lock. The operator names the target, so a symlink there is
 * followed; everything else is beneath its descriptor.
 */
#include "core/restore/restore_priv.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/progress/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RWX 0700u

static int usage(struct restore *restore, struct sf_error *err, const char *what)
{
    restore->fault = RESTORE_FAULT_USAGE;
    return sf_fail(err, SF_INVALID, "%s %s", restore->shown, what);
}

char *target_parent(const char *path)
{
    char *parent = mem_text(path);
    size_t length = strlen(parent);

    while (length > 1 && parent[length - 1] == '/')
        length--;
    while (length > 0 && parent[length - 1] != '/')
        length--;
    while (length > 1 && parent[length - 1] == '/')
        length--;
    parent[length] = '\0';
    if (length == 0) {
        free(parent);
        return mem_text(".");
    }
    return parent;
}

static int open_folder(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_parent(struct restore *restore, const char *path)
{
    int fd = open_folder(path);
    AUTO_FREE char *above = NULL;

    if (fd >= 0 || errno != ENOENT || !restore->plan.make_parent)
        return fd;
    above = target_parent(path);
    if (restore->plan.dry_run)
        return open_folder(above);
    if (mkdir(path, 0777) < 0)
        return -1;
    restore->target.parent_made = true;
    return open_folder(path);
}

/* There is none yet: make it, or in a dry run only see that it could be. */
static int make_target(struct restore *restore, struct sf_error *err)
{
    struct target *target = &restore->target;
    AUTO_FREE char *parent = target_parent(restore->plan.target);

    target->parent_fd = open_parent(restore, parent);
    if (target->parent_fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return usage(restore, err, "cannot be made: the folder above it does not exist");
    if (target->parent_fd < 0)
        return err_errno(err, errno, "open the folder above %s", restore->shown);
    target->empty = true;
    if (restore->plan.dry_run)
        return 0;
    if (mkdir(restore->plan.target, RWX) < 0) {
        if (errno == EEXIST)
            return usage(restore, err, "is a symlink to nowhere");
        return err_errno(err, errno, "make the folder %s", restore->shown);
    }
    target->created = target->touched = true;
    target->fd = open_folder(restore->plan.target);
    if (target->fd < 0)
        return err_errno(err, errno, "open %s", restore->shown);
    return 0;
}

static int open_target(struct restore *restore, struct sf_error *err)
{
    struct target *target = &restore->target;

    target->fd = open_folder(restore->plan.target);
    if (target->fd < 0) {
        if (errno == ENOENT)
            return make_target(restore, err);
        if (errno == ENOTDIR)
            return usage(restore, err, "is not a folder");
        return err_errno(err, errno, "open %s", restore->shown);
    }
    if (fstat(target->fd, &target->before) < 0)
        return err_errno(err, errno, "stat %s", restore->shown);
    /* a restored root folder may be one that its owner cannot write to */
    if (!restore->plan.dry_run && !restore->owners && target->before.st_uid == geteuid() &&
        (target->before.st_mode & RWX) != RWX) {
        target->touched = true;
        if (fchmod(target->fd, (target->before.st_mode & 07777) | RWX) < 0)
            return err_errno(err, errno, "make %s writable", restore->shown);
    }
    return 0;
}

/* Whether nothing but what may stand in an empty target is in dir; false with errno set if it cannot be read. */
static bool is_empty(DIR *dir)
{
    struct dirent *item;

    for (;;) {
        errno = 0;
        item = readdir(dir);
        if (item == NULL)
            return errno == 0;
        if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0 &&
            strcmp(item->d_name, RESTORE_FOLDER) != 0 && strcmp(item->d_name, RESTORE_KEPT_FOLDER) != 0)
            return false;
    }
}

/* Sets target->empty and target->marked by what stands there now. */
static int look_inside(struct restore *restore, struct sf_error *err)
{
    struct target *target = &restore->target;
    AUTO_FD fd = openat(target->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct stat st;
    int number;

    if (dir == NULL)
        return err_errno(err, errno, "read the folder %s", restore->shown);
    (void)fd_take(&fd); /* closedir closes it */
    target->empty = is_empty(dir);
    number = target->empty ? 0 : errno;
    closedir(dir);
    if (number != 0)
        return err_errno(err, number, "read the folder %s", restore->shown);
    target->marked = fstatat(target->fd, RESTORE_FOLDER "/" RESTORE_MARKER, &st, AT_SYMLINK_NOFOLLOW) == 0;
    target->marked_only = fstatat(target->fd, RESTORE_FOLDER "/" RESTORE_MARKER_ONLY, &st, AT_SYMLINK_NOFOLLOW) == 0;
    return 0;
}

static int may_restore(struct restore *restore, struct sf_error *err)
{
    const struct target *target = &restore->target;

    if (restore->only && target->marked)
        return usage(restore, err, "holds an unfinished restore of everything: finish that first, without --only");
    if (target->empty || target->marked || (restore->only && target->marked_only) || restore->plan.replace)
        return 0;
    if (target->marked_only)
        return usage(restore, err,
                     "holds an unfinished restore with --only and files that it did not name: give --replace to "
                     "make all of it what the point holds");
    return usage(restore, err, "is not empty: name an empty folder, or give --replace to make it what the point holds");
}

/* RESTORE_FOLDER, ours alone: whoever could change it could swap files between their check and their rename. */
static int open_restore_folder(struct restore *restore, struct sf_error *err)
{
    struct target *target = &restore->target;
    struct stat st;
    bool made = mkdirat(target->fd, RESTORE_FOLDER, RWX) == 0;

    if (!made && errno != EEXIST)
        return err_errno(err, errno, "make the folder %s/" RESTORE_FOLDER, restore->shown);
    target->touched = true;
    target->restore_fd = openat(target->fd, RESTORE_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (target->restore_fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return usage(restore, err, "holds a " RESTORE_FOLDER " that is not a folder: remove it");
    if (target->restore_fd < 0 || fstat(target->restore_fd, &st) < 0)
        return err_errno(err, errno, "open %s/" RESTORE_FOLDER, restore->shown);
    if (made || (st.st_uid == geteuid() && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0))
        return 0;
    close(fd_take(&target->restore_fd));
    return usage(restore, err, "holds a " RESTORE_FOLDER " that another user can write to: remove it");
}

/* Who held the lock before removes the folder that it lies in. */
static int ended_just_now(struct restore *restore, struct sf_error *err)
{
    restore->fault = RESTORE_FAULT_GUARD;
    return sf_fail(err, SF_CONFLICT, "another restore into %s ended just now: start this one again", restore->shown);
}

static int lock(struct restore *restore, struct sf_error *err)
{
    struct target *target = &restore->target;
    AUTO_FREE char *folder = mem_printf("%s/" RESTORE_FOLDER, restore->plan.target);
    struct guard_holder holder = {0};
    struct stat mine, there;
    bool held = false;

    /* One name for all: the same folder may be reached by many paths. */
    if (guard_take(&target->guard, folder, "this folder", restore->plan.run, "restore", &held, &holder, err) < 0) {
        if (held)
            restore->fault = RESTORE_FAULT_GUARD;
        else if (err->cls == SF_NOT_FOUND)
            return ended_just_now(restore, err);
        return err_prefix(err, "%s", restore->shown);
    }
    if (fstat(target->restore_fd, &mine) < 0)
        return err_errno(err, errno, "stat %s/" RESTORE_FOLDER, restore->shown);
    if (fstatat(target->fd, RESTORE_FOLDER, &there, AT_SYMLINK_NOFOLLOW) == 0 && mine.st_dev == there.st_dev &&
        mine.st_ino == there.st_ino)
        return 0;
    return ended_just_now(restore, err);
}

static int open_staging(struct restore *restore, struct sf_error *err)
{
    struct target *target = &restore->target;

    if (trash_empty(restore, NULL, err) < 0 || trash_folder(restore, STAGING_FOLDER, err) < 0)
        return -1;
    if (mkdirat(target->restore_fd, STAGING_FOLDER, RWX) < 0)
        return err_errno(err, errno, "make the folder %s/" RESTORE_FOLDER "/" STAGING_FOLDER, restore->shown);
    restore->staging_fd = openat(target->restore_fd, STAGING_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (restore->staging_fd < 0)
        return err_errno(err, errno, "open %s/" RESTORE_FOLDER "/" STAGING_FOLDER, restore->shown);
    return 0;
}

int target_open(struct restore *restore, struct sf_error *err)
{
    struct target *target = &restore->target;
    struct stat st;

    if (open_target(restore, err) < 0)
        return -1;
    if (target->fd < 0)
        return 0;
    if (look_inside(restore, err) < 0)
        return -1;
    /* With a RESTORE_FOLDER there, what keeps us out may be a restore that runs: the lock says so, and names it. */
    if ((restore->plan.dry_run || fstatat(target->fd, RESTORE_FOLDER, &st, AT_SYMLINK_NOFOLLOW) < 0) &&
        may_restore(restore, err) < 0)
        return -1;
    if (restore->plan.dry_run)
        return 0;
    if (open_restore_folder(restore, err) < 0 || lock(restore, err) < 0 || look_inside(restore, err) < 0 ||
        may_restore(restore, err) < 0)
        return -1;
    return open_staging(restore, err);
}

void target_cleanup(struct target *target)
{
    guard_cleanup(&target->guard);
    if (target->restore_fd >= 0)
        close(target->restore_fd);
    if (target->fd >= 0)
        close(target->fd);
    if (target->parent_fd >= 0)
        close(target->parent_fd);
}
