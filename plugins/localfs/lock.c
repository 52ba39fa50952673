/* SPDX-License-Identifier: Apache-2.0
 *
 * The lock of a destination: who replaces or removes an object holds it, so that "only if the tag is still this"
 * is one step. Creating an object needs no lock. It is gone with its holder, also when that is killed.
 */
#include "plugins/localfs/localfs.h"

#include "base/beneath.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

enum { WAIT_MS_MAX = 20 };

static int open_file(int rootfd)
{
    int fd = beneath_open(rootfd, LOCK_FILE, O_RDWR | O_CREAT | O_NONBLOCK, 0600);

    if (fd >= 0 || errno != ENOENT || folders_make(rootfd, OWN_FOLDER, strlen(OWN_FOLDER)) < 0)
        return fd;
    return beneath_open(rootfd, LOCK_FILE, O_RDWR | O_CREAT | O_NONBLOCK, 0600);
}

/* Asks again and again, since a blocking flock could not be cancelled. */
static int wait_for(int fd, const struct sf_call *call, struct sf_error *err)
{
    int64_t wait_ms = 1;

    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EINTR)
            continue;
        if (errno != EWOULDBLOCK)
            return key_errno(err, errno, LOCK_FILE, "lock");
        if (call_check(call, err) < 0)
            return -1;
        clock_sleep_ms(wait_ms);
        wait_ms = wait_ms * 2 < WAIT_MS_MAX ? wait_ms * 2 : WAIT_MS_MAX;
    }
    return 0;
}

int lock_take(struct lock *lock, const struct sf_call *call, struct sf_conn *conn, bool must, struct sf_error *err)
{
    AUTO_FD fd = open_file(conn->rootfd);

    if (fd < 0) {
        if (errno == ELOOP || must)
            return key_errno(err, errno, LOCK_FILE, "open the lock");
        return 0;
    }
    if (wait_for(fd, call, err) < 0)
        return must || err->cls == SF_CANCELLED ? -1 : 0;
    lock->fd = fd_take(&fd);
    return 0;
}

void lock_cleanup(struct lock *lock)
{
    auto_close(&lock->fd);
    lock->fd = -1;
}
