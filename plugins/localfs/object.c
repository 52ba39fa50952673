/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the file of an object, and opens it for reading. Whatever else has its name - a folder, a symlink, a FIFO - is no object.
 */
#include "plugins/localfs/localfs.h"

#include "base/beneath.h"

#include <errno.h>
#include <fcntl.h>

/* O_NONBLOCK: a FIFO that somebody put there must not make us wait. */
#define OBJECT_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW)

static int check_kind(const struct stat *st)
{
    if (S_ISREG(st->st_mode))
        return 0;
    errno = S_ISDIR(st->st_mode) ? ENOENT : S_ISLNK(st->st_mode) ? ELOOP : ENXIO;
    return -1;
}

static int describe(const struct sf_conn *conn, int fd, struct sf_object *object)
{
    struct stat st;

    if (fstat(fd, &st) < 0 || check_kind(&st) < 0)
        return -1;
    stamp_read(conn, fd, &st, object);
    return 0;
}

int object_open(struct sf_conn *conn, const char *key, int *fd, struct sf_object *object, struct sf_error *err)
{
    AUTO_FD opened = -1;

    if (root_find(conn, false) == 0)
        opened = beneath_open(conn->rootfd, key, OBJECT_FLAGS, 0);
    if (opened < 0 || describe(conn, opened, object) < 0) {
        if (errno == ELOOP) /* a list does not see it either */
            return key_fail(err, SF_NOT_FOUND, key,
                            "no such object, but a symlink in its place, which is not followed");
        if (errno == ENXIO)
            return key_fail(err, SF_NOT_FOUND, key,
                            "no such object, but something in its place that is no regular file");
        if (errno != ENOENT && errno != ENOTDIR)
            return key_errno(err, errno, key, "open the object");
        key_fail(err, SF_NOT_FOUND, key, "no such object");
        err->status = ENOENT;
        return -1;
    }
    *fd = fd_take(&opened);
    return 0;
}

int object_find(int dirfd, const char *leaf, struct sf_object *object)
{
    struct stat st;

    if (fstatat(dirfd, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0 || check_kind(&st) < 0)
        return -1;
    stamp_plain(&st, object);
    return 0;
}
