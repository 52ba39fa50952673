/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/restore/rig.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static long die_at = -1, fail_at = -1, cancel_at = -1, changes;
static struct run_call *cancelled;
static int64_t free_space = -1;

void rig_die_at(long change)
{
    die_at = change;
    changes = 0;
}

void rig_fail_at(long change)
{
    fail_at = change;
    changes = 0;
}

void rig_cancel_at(struct rig *rig, long change)
{
    cancelled = &rig->run;
    cancel_at = change;
    changes = 0;
}

void rig_free_space(int64_t bytes)
{
    free_space = bytes;
}

/* False: the change is to fail, errno is set. */
static bool may_change(void)
{
    long change = changes++;

    if (change == die_at)
        kill(getpid(), SIGKILL);
    if (change == cancel_at)
        atomic_store(&cancelled->cancel_signal, SIGTERM);
    errno = EIO;
    return change != fail_at;
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return may_change() ? (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0) : -1;
}

int unlinkat(int dirfd, const char *name, int flags)
{
    return may_change() ? (int)syscall(SYS_unlinkat, dirfd, name, flags) : -1;
}

int mkdirat(int dirfd, const char *name, mode_t mode)
{
    return may_change() ? (int)syscall(SYS_mkdirat, dirfd, name, mode) : -1;
}

int symlinkat(const char *target, int dirfd, const char *name)
{
    return may_change() ? (int)syscall(SYS_symlinkat, target, dirfd, name) : -1;
}

int fstatvfs(int fd, struct statvfs *out)
{
    struct statfs fs;

    if (fstatfs(fd, &fs) < 0)
        return -1;
    memset(out, 0, sizeof(*out));
    out->f_frsize = 1;
    out->f_bavail = free_space >= 0 ? (fsblkcnt_t)free_space : (fsblkcnt_t)fs.f_bavail * (fsblkcnt_t)fs.f_bsize;
    return 0;
}
