/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a restore, and its middle: the marker that stands in the target from the first change to the last, and
 * how all that is ours goes away again, after success and after failure.
 */
#include "core/restore/restore_priv.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/progress/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_marker(struct restore *restore, struct sf_error *err)
{
    struct target *target = &restore->target;
    const char *name = restore->only ? RESTORE_MARKER_ONLY : RESTORE_MARKER;
    AUTO_FREE char *text = mem_printf("restore %s of %s from %s\n", restore->plan.run, restore->plan.source,
                                      restore->plan.point->time_dir);
    AUTO_FD fd = openat(target->restore_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    ssize_t written;

    if (fd < 0)
        return err_errno(err, errno, "make %s/" RESTORE_FOLDER "/%s", restore->shown, name);
    written = write(fd, text, strlen(text));
    if (written < 0 || fsync(fd) < 0 || fsync(target->restore_fd) < 0 || fsync(target->fd) < 0)
        return err_errno(err, errno, "write %s/" RESTORE_FOLDER "/%s", restore->shown, name);
    return 0;
}

int target_mark(struct restore *restore, struct sf_error *err)
{
    /* One call for all staged files; without it a crash could leave names of empty files in the target. */
    if (syncfs(restore->target.fd) < 0)
        return err_errno(err, errno, "sync %s", restore->shown);
    restore->target.marked = true; /* it may be there even if this fails */
    if (write_marker(restore, err) < 0)
        return -1;
    restore->target.placing = true;
    return 0;
}

/* Removes what is left in RESTORE_FOLDER, all of it files, and the folder. It is left to another restore that has
 * just moved in: that one waited for our lock, and finds out that it is alone or that the folder is gone. */
static int remove_restore_folder(struct restore *restore, struct sf_error *err)
{
    struct target *target = &restore->target;
    int fd = openat(target->restore_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *item;
    int number = dir == NULL ? errno : 0;

    if (dir == NULL && fd >= 0)
        close(fd);
    while (dir != NULL && (item = readdir(dir)) != NULL)
        if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0 &&
            unlinkat(target->restore_fd, item->d_name, 0) < 0 && errno != ENOENT && errno != EISDIR)
            number = errno;
    if (dir != NULL)
        closedir(dir);
    if (number == 0 && unlinkat(target->fd, RESTORE_FOLDER, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY && errno != EEXIST)
        number = errno;
    if (number != 0)
        return err_errno(err, number, "remove %s/" RESTORE_FOLDER, restore->shown);
    return 0;
}

/* The one that this restore wrote goes last. */
static int remove_marker(struct restore *restore, struct sf_error *err)
{
    struct target *target = &restore->target;

    if ((unlinkat(target->restore_fd, RESTORE_MARKER_ONLY, 0) < 0 && errno != ENOENT) ||
        (!restore->only && unlinkat(target->restore_fd, RESTORE_MARKER, 0) < 0))
        return err_errno(err, errno, "remove %s/" RESTORE_FOLDER "/" RESTORE_MARKER, restore->shown);
    target->finished = true;
    if (fsync(target->restore_fd) < 0)
        return err_errno(err, errno, "sync %s/" RESTORE_FOLDER, restore->shown);
    return 0;
}

/* The point's root entry is its manifest's first. A mount point that belongs to someone else is no failure: containers
 * restore into those. */
static int settle_root(struct restore *restore, struct sf_error *err)
{
    struct target *target = &restore->target;
    struct manifest_reader *reader = NULL;
    SF_AUTO(entry) root = ENTRY_INIT;
    struct meta meta;
    struct stat st;
    int result;

    if (restore->only && !target->created)
        return 0;
    if (manifest_reader_open(&reader, restore->plan.manifest_fd, restore->plan.manifest_name, err) < 0)
        return -1;
    result = manifest_reader_next(reader, &root, err);
    manifest_reader_free(reader);
    if (result < 0)
        return -1;
    meta = meta_of(&root);
    if (fstat(target->fd, &st) < 0)
        return err_errno(err, errno, "stat %s", restore->shown);
    if (!restore->owners && st.st_uid != geteuid()) {
        log_info(restore->plan.log, "%s belongs to user %u: its own mode and mtime stay as they are", restore->shown,
                 (unsigned)st.st_uid);
        return 0;
    }
    return meta_set_fd(restore, target->fd, &meta, &st, restore->plan.target, err);
}

int target_tidy(struct restore *restore, struct sf_error *err)
{
    struct target *target = &restore->target;

    atomic_store(&restore->plan.meter->stage, "finish");
    if (trash_empty(restore, &restore->removed, err) < 0 || trash_folder(restore, STAGING_FOLDER, err) < 0)
        return -1;
    if (syncfs(target->fd) < 0)
        return err_errno(err, errno, "sync %s", restore->shown);
    return 0;
}

int target_finish(struct restore *restore, struct sf_error *err)
{
    struct target *target = &restore->target;

    if (remove_marker(restore, err) < 0 || remove_restore_folder(restore, err) < 0 || settle_root(restore, err) < 0)
        return -1;
    if (fsync(target->fd) < 0)
        return err_errno(err, errno, "sync %s", restore->shown);
    return 0;
}

/* The target, and the folder above it, if this restore made them and they are empty. */
static int remove_made(const struct restore *restore, struct sf_error *err)
{
    AUTO_FREE char *parent = target_parent(restore->plan.target);
    int result = restore->target.created ? rmdir(restore->plan.target) : 0;

    if (result == 0 && restore->target.parent_made)
        result = rmdir(parent);
    if (result < 0 && errno != ENOTEMPTY && errno != EEXIST)
        return err_errno(err, errno, "remove %s", restore->shown);
    return 0;
}

/* What failed before the first change leaves the target as it was, its own mtime included. */
static int leave_no_trace(struct restore *restore, struct sf_error *err)
{
    struct target *target = &restore->target;
    struct timespec times[2];

    if (target->guard.fd >= 0 && remove_restore_folder(restore, err) < 0)
        return -1;
    if (target->created)
        return remove_made(restore, err);
    if (!restore->owners && target->before.st_uid != geteuid())
        return 0;
    times[0] = target->before.st_atim;
    times[1] = target->before.st_mtim;
    if (fchmod(target->fd, target->before.st_mode & 07777) < 0 || futimens(target->fd, times) < 0)
        return err_errno(err, errno, "set the mode and mtime of %s back", restore->shown);
    return 0;
}

void target_abandon(struct restore *restore)
{
    struct target *target = &restore->target;
    struct sf_error err = SF_ERROR_INIT;
    int result = 0;

    if (restore->plan.dry_run || target->fd < 0 || target->finished || restore->fault == RESTORE_FAULT_GUARD)
        return;
    if (target->guard.fd >= 0) /* only the holder may touch what is staged */
        result = trash_empty(restore, NULL, &err) < 0 ? -1 : trash_folder(restore, STAGING_FOLDER, &err);
    if (result == 0 && target->touched && !target->marked && !target->marked_only)
        result = leave_no_trace(restore, &err);
    if (result < 0)
        log_warning(restore->plan.log, "after the failure: %s", err.text);
}
