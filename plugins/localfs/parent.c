/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder that holds an object: found, made, kept for the next call, synced, and cleared away once it is
 * empty. Puts and removes come folder by folder, so a connection keeps the last one open.
 */
#include "plugins/localfs/localfs.h"

#include "base/beneath.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

void parent_forget(struct sf_conn *conn)
{
    free(conn->parent.path);
    conn->parent.path = NULL;
    auto_close(&conn->parent.fd);
    conn->parent.fd = -1;
    conn->parent.is_synced = false;
}

static char *first_bytes(const char *path, size_t length)
{
    char *copy = mem_alloc(length + 1);

    memcpy(copy, path, length);
    return copy;
}

/* One step down from *fd, which is replaced; creates the folder if there is none. */
static int make_step(int *fd, const char *name)
{
    int next = beneath_open(*fd, name, O_PATH | O_DIRECTORY, 0);

    if (next < 0 && errno == ENOENT) {
        if (mkdirat(*fd, name, 0700) < 0 && errno != EEXIST)
            return -1;
        next = beneath_open(*fd, name, O_PATH | O_DIRECTORY, 0);
    }
    if (next < 0)
        return -1;
    close(*fd);
    *fd = next;
    return 0;
}

static int make_once(int rootfd, char *path)
{
    AUTO_FD fd = openat(rootfd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    char *name = path;

    if (fd < 0)
        return -1;
    for (;;) {
        char *slash = strchr(name, '/');

        if (slash != NULL)
            *slash = '\0';
        if (make_step(&fd, name) < 0)
            return -1;
        if (slash == NULL)
            return 0;
        name = slash + 1;
    }
}

int folders_make(int rootfd, const char *path, size_t length)
{
    int tries, result = -1;

    for (tries = 0; tries < VANISHED_MAX && result < 0; tries++) {
        AUTO_FREE char *copy = first_bytes(path, length);

        result = make_once(rootfd, copy);
        if (result < 0 && errno != ENOENT)
            return -1;
    }
    return result;
}

static int open_folder(struct sf_conn *conn, const char *path, bool make)
{
    int tries;

    for (tries = 0; tries < VANISHED_MAX; tries++) {
        int fd = beneath_open(conn->rootfd, path, O_RDONLY | O_DIRECTORY, 0);

        if (fd >= 0 || errno != ENOENT || !make)
            return fd;
        if (folders_make(conn->rootfd, path, strlen(path)) < 0)
            return -1;
    }
    errno = ENOENT;
    return -1;
}

int parent_open(struct sf_conn *conn, const char *key, bool make, const char **leaf)
{
    const char *slash = strrchr(key, '/');
    size_t length = slash != NULL ? (size_t)(slash - key) : 0;

    *leaf = slash != NULL ? slash + 1 : key;
    conn->parent.is_fresh = false;
    if (slash == NULL)
        return conn->rootfd;
    if (conn->parent.path != NULL && conn->parent.length == length && memcmp(conn->parent.path, key, length) == 0)
        return conn->parent.fd;
    parent_forget(conn);
    conn->parent.path = first_bytes(key, length);
    conn->parent.length = length;
    conn->parent.fd = open_folder(conn, conn->parent.path, make);
    conn->parent.is_fresh = true;
    if (conn->parent.fd < 0) {
        int number = errno;

        parent_forget(conn);
        errno = number;
        return -1;
    }
    return conn->parent.fd;
}

int parent_sync_above(struct sf_conn *conn, const char *key)
{
    const char *slash = strchr(key, '/');

    if (slash == NULL || conn->parent.is_synced)
        return 0;
    if (folder_sync(conn->rootfd) < 0)
        return -1;
    for (slash = strchr(key, '/'); strchr(slash + 1, '/') != NULL; slash = strchr(slash + 1, '/')) {
        AUTO_FREE char *path = first_bytes(key, (size_t)(slash - key));
        AUTO_FD fd = beneath_open(conn->rootfd, path, O_RDONLY | O_DIRECTORY, 0);

        if (fd < 0 || folder_sync(fd) < 0)
            return -1;
    }
    conn->parent.is_synced = true;
    return 0;
}

void parent_clear(struct sf_conn *conn, const char *key)
{
    AUTO_FREE char *path = mem_text(key);
    char *slash;

    for (slash = strrchr(path, '/'); slash != NULL; slash = strrchr(path, '/')) {
        const char *leaf;
        AUTO_FD above = -1;

        *slash = '\0';
        if (strcmp(path, OWN_FOLDER) == 0)
            return;
        above = beneath_parent(conn->rootfd, path, &leaf);
        if (above < 0 || unlinkat(above, leaf, AT_REMOVEDIR) < 0)
            return;
    }
}
