/* SPDX-License-Identifier: Apache-2.0
 *
 * Opens the file of an object for reading. Whatever else has its name - a folder, a symlink, a FIFO - is no object.
 */
#include "plugins/localfs/localfs.h"

#include "base/beneath.h"

#include <errno.h>
#include <fcntl.h>

/* O_NONBLOCK: a FIFO that somebody put there must not make us wait. */
#define OBJECT_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW)

static int describe(const struct sf_conn *conn, int fd, struct sf_object *object)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -1;
    if (!S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? ENOENT : ENXIO;
        return -1;
    }
    stamp_read(conn, fd, &st, object);
    return 0;
}

int object_open(struct sf_conn *conn, const char *key, int *fd, struct sf_object *object, struct sf_error *err)
{
    AUTO_FD opened = -1;

    if (root_find(conn, false) == 0)
        opened = beneath_open(conn->rootfd, key, OBJECT_FLAGS, 0);
    if (opened < 0 || describe(conn, opened, object) < 0) {
        if (errno == ENXIO)
            return key_fail(err, SF_INVALID, key, "not a regular file");
        if (errno != ENOENT && errno != ENOTDIR)
            return key_errno(err, errno, key, "open the object");
        key_fail(err, SF_NOT_FOUND, key, "no such object");
        err->status = ENOENT;
        return -1;
    }
    *fd = fd_take(&opened);
    return 0;
}

int object_open_at(const struct sf_conn *conn, int dirfd, const char *leaf, int *fd, struct sf_object *object)
{
    AUTO_FD opened = openat(dirfd, leaf, OBJECT_FLAGS | O_CLOEXEC);

    if (opened < 0 || describe(conn, opened, object) < 0)
        return -1;
    *fd = fd_take(&opened);
    return 0;
}
