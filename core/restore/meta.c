/* SPDX-License-Identifier: Apache-2.0
 *
 * Owner, mode and mtime of files and folders, in the order in which they do not undo each other: a change of owner
 * takes away set-id bits. Used by workers (staged files) and by the passes that place.
 */
#include "core/restore/restore_priv.h"

#include "base/err.h"
#include "core/progress/log.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define MODE_BITS 07777u
#define NS_PER_S INT64_C(1000000000)

struct meta meta_of(const struct entry *entry)
{
    struct meta meta = {entry->mode & MODE_BITS, entry->uid, entry->gid, entry->mtime_ns};

    return meta;
}

void meta_times(int64_t mtime_ns, struct timespec times[2])
{
    int64_t seconds = mtime_ns / NS_PER_S;
    int64_t rest = mtime_ns % NS_PER_S;

    if (rest < 0) { /* before 1970: tv_nsec counts upwards all the same */
        rest += NS_PER_S;
        seconds--;
    }
    times[0].tv_sec = 0;
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = (time_t)seconds;
    times[1].tv_nsec = (long)rest;
}

static bool same_owner(const struct restore *restore, const struct meta *meta, const struct stat *st)
{
    return !restore->owners || (st->st_uid == meta->uid && st->st_gid == meta->gid);
}

static bool same_time(const struct meta *meta, const struct stat *st)
{
    struct timespec times[2];

    meta_times(meta->mtime_ns, times);
    return st->st_mtim.tv_sec == times[1].tv_sec && st->st_mtim.tv_nsec == times[1].tv_nsec;
}

bool meta_same(const struct restore *restore, const struct meta *meta, const struct stat *st)
{
    return same_owner(restore, meta, st) && (st->st_mode & MODE_BITS) == meta->mode && same_time(meta, st);
}

static int failed(struct sf_error *err, const char *what, const char *path)
{
    int number = errno;
    char shown[SHOWN_MAX];

    return err_errno(err, number, "set the %s of %s", what, err_printable(path, shown, sizeof(shown)));
}

int meta_set_fd(const struct restore *restore, int fd, const struct meta *meta, const struct stat *st, const char *path,
                struct sf_error *err)
{
    bool chown_done = !same_owner(restore, meta, st);

    if (chown_done && fchown(fd, meta->uid, meta->gid) < 0)
        return failed(err, "owner", path);
    if ((chown_done || (st->st_mode & MODE_BITS) != meta->mode) && fchmod(fd, meta->mode) < 0)
        return failed(err, "mode", path);
    if (!same_time(meta, st)) {
        struct timespec times[2];

        meta_times(meta->mtime_ns, times);
        if (futimens(fd, times) < 0)
            return failed(err, "mtime", path);
    }
    return 0;
}

int meta_set_at(const struct restore *restore, int dirfd, const char *name, const struct meta *meta,
                const struct stat *st, const char *path, struct sf_error *err)
{
    bool chown_done = !same_owner(restore, meta, st);

    if (chown_done && fchownat(dirfd, name, meta->uid, meta->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return failed(err, "owner", path);
    if ((chown_done || (st->st_mode & MODE_BITS) != meta->mode) &&
        fchmodat(dirfd, name, meta->mode, AT_SYMLINK_NOFOLLOW) < 0)
        return failed(err, "mode", path);
    if (!same_time(meta, st)) {
        struct timespec times[2];

        meta_times(meta->mtime_ns, times);
        if (utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
            return failed(err, "mtime", path);
    }
    return 0;
}

void meta_note_owner(struct restore *restore, const struct meta *meta)
{
    if (restore->owners || restore->owner_said || (meta->uid == geteuid() && meta->gid == getegid()))
        return;
    restore->owner_said = true;
    log_info(restore->plan.log, "not root: files and folders get this user's owner and group, not those of the point");
}
