/* SPDX-License-Identifier: Apache-2.0
 *
 * openat2 first, one call for up to PATH_MAX bytes of path; component by component where the kernel does not have it or a
 * seccomp filter refuses it. Both give the same answers. Thread-safe, keeps no state.
 */
#include "base/beneath.h"

#include "base/beneath_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define FOLDER_FLAGS (O_PATH | O_DIRECTORY)
#define AGAIN_MAX 1000 /* tries after EAGAIN, so that an O_NONBLOCK open of a leased file ends as well */

/* Relative, not empty, no empty component, no "." or "..". */
static bool is_path_plain(const char *path)
{
    for (;;) {
        size_t bytes = strcspn(path, "/");

        if (bytes == 0 || (bytes == 1 && path[0] == '.') || (bytes == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        if (path[bytes] == '\0')
            return true;
        path += bytes + 1;
    }
}

static bool is_creating(int flags)
{
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

static int open_again(int dirfd, const char *path, int flags, mode_t mode)
{
    int fd;

    do {
        fd = openat(dirfd, path, flags | O_CLOEXEC, is_creating(flags) ? mode : 0);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/* O_NOFOLLOW with O_DIRECTORY says ENOTDIR of a symlink, and with O_PATH opens the symlink itself. */
static int open_component(int dirfd, const char *name, int flags, mode_t mode)
{
    AUTO_FD fd = open_again(dirfd, name, flags | O_NOFOLLOW, mode);
    struct stat st;

    if (fd < 0) {
        if (errno == ENOTDIR)
            errno = fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR;
        return -1;
    }
    if ((flags & O_PATH) != 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode)) {
        errno = ELOOP;
        return -1;
    }
    return fd_take(&fd);
}

int beneath_open_components(int rootfd, const char *path, int flags, mode_t mode)
{
    AUTO_FD fd = -1;

    for (;;) {
        size_t bytes = strcspn(path, "/");
        bool is_last = path[bytes] == '\0';
        char name[NAME_MAX + 1];
        int next;

        if (bytes > NAME_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, path, bytes);
        name[bytes] = '\0';
        next = open_component(fd < 0 ? rootfd : fd, name, is_last ? flags : FOLDER_FLAGS, mode);
        if (next < 0 || is_last)
            return next;
        auto_close(&fd);
        fd = next;
        path += bytes + 1;
    }
}

/* A path that fits into PATH_MAX. */
static int open_short(int dirfd, const char *path, int flags, mode_t mode)
{
    /* Without O_NOFOLLOW a symlink at the end is ELOOP by RESOLVE_NO_SYMLINKS, whatever the other flags. */
    const struct open_how how = {
        .flags = (unsigned)((flags & ~O_NOFOLLOW) | O_CLOEXEC),
        .mode = is_creating(flags) ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    int again = 0;
    long fd;

    do {
        fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
    } while (fd < 0 && (errno == EINTR || (errno == EAGAIN && again++ < AGAIN_MAX)));
    /* An EPERM of the file itself comes again from the second way. */
    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        return beneath_open_components(dirfd, path, flags, mode);
    return (int)fd;
}

int beneath_open(int rootfd, const char *path, int flags, mode_t mode)
{
    AUTO_FD fd = -1;

    if (path[0] == '\0')
        return open_again(rootfd, ".", flags, mode);
    if (!is_path_plain(path)) {
        errno = EINVAL;
        return -1;
    }
    while (strlen(path) >= PATH_MAX) {
        size_t bytes = PATH_MAX - 1; /* up to the last slash that leaves a short part in front of it */
        char part[PATH_MAX];
        int next;

        while (bytes > 0 && path[bytes] != '/')
            bytes--;
        if (bytes == 0) {
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(part, path, bytes);
        part[bytes] = '\0';
        next = open_short(fd < 0 ? rootfd : fd, part, FOLDER_FLAGS, 0);
        if (next < 0)
            return -1;
        auto_close(&fd);
        fd = next;
        path += bytes + 1;
    }
    return open_short(fd < 0 ? rootfd : fd, path, flags, mode);
}

int beneath_parent(int rootfd, const char *path, const char **leaf)
{
    AUTO_FREE char *parent = NULL;
    const char *slash = strrchr(path, '/');

    if (!is_path_plain(path)) {
        errno = EINVAL;
        return -1;
    }
    *leaf = slash == NULL ? path : slash + 1;
    if (slash == NULL)
        return open_again(rootfd, ".", FOLDER_FLAGS, 0);
    parent = strndup(path, (size_t)(slash - path));
    if (parent == NULL)
        return -1;
    return beneath_open(rootfd, parent, FOLDER_FLAGS, 0);
}
