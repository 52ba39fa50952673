/* SPDX-License-Identifier: Apache-2.0
 *
 * Where things go that stand in the way: renamed into RESTORE_FOLDER's TRASH_FOLDER, removed at the end. A folder is
 * emptied by moving its sub-folders up beside it, so a tree of any depth goes with two descriptors and without
 * recursion.
 */
#include "core/restore/restore_priv.h"

#include "base/err.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RWX 0700u

static int open_trash(struct restore *restore, struct sf_error *err)
{
    if (restore->trash.fd >= 0)
        return 0;
    if (mkdirat(restore->target.restore_fd, TRASH_FOLDER, RWX) < 0 && errno != EEXIST)
        return err_errno(err, errno, "make the folder %s/" RESTORE_FOLDER "/" TRASH_FOLDER, restore->shown);
    restore->trash.fd =
        openat(restore->target.restore_fd, TRASH_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (restore->trash.fd < 0)
        return err_errno(err, errno, "open %s/" RESTORE_FOLDER "/" TRASH_FOLDER, restore->shown);
    return 0;
}

/* 0, or -1 with errno. A name that a killed restore left there is passed over. */
static int move_in(struct restore *restore, int dirfd, const char *name)
{
    bool opened_up = false;
    char number[32];

    for (;;) {
        snprintf(number, sizeof(number), "%" PRIx64, restore->trash.next);
        if (renameat(dirfd, name, restore->trash.fd, number) == 0) {
            restore->trash.next++;
            return 0;
        }
        if (errno == EACCES && !opened_up) { /* a folder's ".." can change only if the folder is writable */
            opened_up = true;
            if (fchmodat(dirfd, name, RWX, AT_SYMLINK_NOFOLLOW) < 0)
                return -1;
        } else if (errno == EEXIST || errno == ENOTEMPTY || errno == EISDIR || errno == ENOTDIR) {
            restore->trash.next++;
        } else {
            return -1;
        }
    }
}

int trash_move(struct restore *restore, int dirfd, const char *name, const char *shown, struct sf_error *err)
{
    if (open_trash(restore, err) < 0)
        return -1;
    if (move_in(restore, dirfd, name) < 0)
        return err_errno(err, errno, "move %s out of the way", shown);
    return 0;
}

/* Calls one(restore, fd, name) for all names of a folder until it is empty: a scan of a folder that changes may miss
 * some. 0, or -1 with errno. */
static int drain(struct restore *restore, int fd, int (*one)(struct restore *, int, const char *, uint64_t *),
                 uint64_t *count)
{
    int scan = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = scan < 0 ? NULL : fdopendir(scan);
    struct dirent *item;
    bool found;
    int number = 0;

    if (dir == NULL) {
        number = errno;
        if (scan >= 0)
            close(scan);
        errno = number;
        return -1;
    }
    do {
        found = false;
        rewinddir(dir);
        while (number == 0 && (errno = 0, item = readdir(dir)) != NULL) {
            if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
                continue;
            found = true;
            if (one(restore, fd, item->d_name, count) < 0)
                number = errno;
        }
        if (number == 0)
            number = errno;
    } while (found && number == 0);
    closedir(dir);
    errno = number;
    return number == 0 ? 0 : -1;
}

/* Of a folder in the trash: removes what is no folder, moves folders up. */
static int take_apart(struct restore *restore, int fd, const char *name, uint64_t *count)
{
    if (unlinkat(fd, name, 0) == 0) {
        (*count)++;
        return 0;
    }
    if (errno == ENOENT)
        return 0;
    return errno == EISDIR ? move_in(restore, fd, name) : -1;
}

static int remove_one(struct restore *restore, int trash_fd, const char *name, uint64_t *count)
{
    AUTO_FD fd = -1;

    if (unlinkat(trash_fd, name, 0) == 0) {
        (*count)++;
        return 0;
    }
    if (errno == ENOENT)
        return 0;
    if (errno != EISDIR)
        return -1;
    if (!restore->owners && fchmodat(trash_fd, name, RWX, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    fd = openat(trash_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || drain(restore, fd, take_apart, count) < 0 || unlinkat(trash_fd, name, AT_REMOVEDIR) < 0)
        return -1;
    (*count)++;
    return 0;
}

int trash_empty(struct restore *restore, uint64_t *count, struct sf_error *err)
{
    uint64_t removed = 0;
    struct stat st;

    if (restore->trash.fd < 0 && fstatat(restore->target.restore_fd, TRASH_FOLDER, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
        errno == ENOENT)
        return 0;
    if (open_trash(restore, err) < 0)
        return -1;
    if (drain(restore, restore->trash.fd, remove_one, &removed) < 0 ||
        unlinkat(restore->target.restore_fd, TRASH_FOLDER, AT_REMOVEDIR) < 0)
        return err_errno(err, errno, "empty %s/" RESTORE_FOLDER "/" TRASH_FOLDER, restore->shown);
    close(fd_take(&restore->trash.fd));
    if (count != NULL)
        *count += removed;
    return 0;
}

int trash_folder(struct restore *restore, const char *name, struct sf_error *err)
{
    struct stat st;

    if (fstatat(restore->target.restore_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
        return 0;
    if (trash_move(restore, restore->target.restore_fd, name, name, err) < 0)
        return -1;
    return trash_empty(restore, NULL, err);
}
