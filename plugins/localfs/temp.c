/* SPDX-License-Identifier: Apache-2.0
 *
 * Temporaries: a body is written to one of these and becomes the object by a rename. What a killed process left
 * behind is removed a day later, by the first put of some later run.
 */
#include "plugins/localfs/localfs.h"

#include "base/beneath.h"
#include "base/clock.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

enum { STALE_SECONDS = 24 * 60 * 60, NAME_TRIES = 100 };

static int open_folder(struct sf_conn *conn)
{
    int tries;

    for (tries = 0; tries < VANISHED_MAX; tries++) {
        int fd = beneath_open(conn->rootfd, TEMP_FOLDER, O_RDONLY | O_DIRECTORY, 0);

        if (fd >= 0 || errno != ENOENT)
            return fd;
        if (folders_make(conn->rootfd, TEMP_FOLDER, strlen(TEMP_FOLDER)) < 0)
            return -1;
    }
    errno = ENOENT;
    return -1;
}

static void sweep_one(int dirfd, const char *name, time_t before)
{
    struct stat st;

    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && st.st_mtim.tv_sec < before)
        (void)unlinkat(dirfd, name, 0);
}

/* Whatever fails here is tried again by the next run. */
static void sweep(int tempfd)
{
    time_t before = (time_t)(clock_wall_ms() / 1000) - STALE_SECONDS;
    const struct dirent *item;
    int fd = openat(tempfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

    if (dir == NULL) {
        auto_close(&fd);
        return;
    }
    while ((item = readdir(dir)) != NULL)
        sweep_one(tempfd, item->d_name, before);
    closedir(dir);
}

static bool is_first_put(struct sf_store *store)
{
    bool is_first;

    pthread_mutex_lock(&store->locked.mutex);
    is_first = !store->locked.swept;
    store->locked.swept = true;
    pthread_mutex_unlock(&store->locked.mutex);
    return is_first;
}

static int find_folder(struct sf_conn *conn)
{
    if (conn->tempfd >= 0)
        return 0;
    conn->tempfd = open_folder(conn);
    if (conn->tempfd < 0)
        return -1;
    if (is_first_put(conn->store))
        sweep(conn->tempfd);
    return 0;
}

static int create(struct temp *temp, struct sf_conn *conn)
{
    char name[sizeof(temp->name)];
    int tries;

    for (tries = 0; tries < NAME_TRIES; tries++) {
        if (find_folder(conn) < 0)
            return -1;
        snprintf(name, sizeof(name), "%ld-%016" PRIx64, (long)conn->pid, conn_random(conn));
        temp->fd = openat(conn->tempfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (temp->fd >= 0) {
            temp->conn = conn;
            memcpy(temp->name, name, sizeof(name));
            return 0;
        }
        if (errno == ENOENT) { /* somebody removed the folder */
            close(conn->tempfd);
            conn->tempfd = -1;
        } else if (errno != EEXIST && errno != EINTR) {
            return -1;
        }
    }
    return -1;
}

int temp_open(struct temp *temp, struct sf_conn *conn, struct sf_error *err)
{
    if (root_find(conn, true) < 0)
        return err_errno(err, errno, "%s: create the destination folder", conn->store->path);
    if (create(temp, conn) < 0)
        return key_errno(err, errno, TEMP_FOLDER, "create a temporary file");
    return 0;
}

void temp_cleanup(struct temp *temp)
{
    auto_close(&temp->fd);
    temp->fd = -1;
    if (temp->name[0] != '\0')
        (void)unlinkat(temp->conn->tempfd, temp->name, 0);
    temp->name[0] = '\0';
}
