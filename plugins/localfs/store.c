/* SPDX-License-Identifier: Apache-2.0
 *
 * Opens the destination folder and finds out what its file system can do. Nothing is changed before the first put.
 */
#include "plugins/localfs/localfs.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

/* Not in every linux/magic.h. */
#define CIFS_MAGIC 0xff534d42L
#define FUSE_MAGIC 0x65735546L
#define CEPH_MAGIC 0x00c36400L

enum { REMOVE_BATCH_MAX = 1000 };

static enum durability durability_of(const char *value)
{
    if (value != NULL && strcmp(value, "each") == 0)
        return DURABLE_EACH;
    if (value != NULL && strcmp(value, "none") == 0)
        return DURABLE_NONE;
    return DURABLE_BATCH;
}

/* The path without slashes at its end. */
static char *path_of(const char *value)
{
    char *path = mem_text(value);
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
    return path;
}

static char *folder_above(const char *path)
{
    char *above = mem_text(path);
    char *slash = strrchr(above, '/');

    slash[slash == above] = '\0';
    return above;
}

static int open_folder(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int folder_errno(struct sf_error *err, int number, const char *path)
{
    char printable[SF_ERROR_TEXT / 2];

    err_printable(path, printable, sizeof(printable));
    if (number == ENOENT) {
        sf_fail(err, SF_NOT_FOUND, "%s: no such folder", printable);
    } else if (number == ENOTDIR) {
        sf_fail(err, SF_INVALID, "%s: not a folder", printable);
    } else {
        return err_errno(err, number, "%s", printable);
    }
    err->status = number;
    return -1;
}

/* The folder itself, or where it does not exist yet the one above it; *is_there says which. */
static int open_nearest(const char *path, bool *is_there, struct sf_error *err)
{
    AUTO_FREE char *above = NULL;
    struct stat st;
    int fd = open_folder(path);

    *is_there = fd >= 0;
    if (fd >= 0)
        return fd;
    /* A symlink to nowhere is there, but nothing can be created under its name. */
    if (errno != ENOENT || lstat(path, &st) == 0)
        return folder_errno(err, errno, path);
    above = folder_above(path);
    fd = open_folder(above);
    return fd >= 0 ? fd : folder_errno(err, errno, above);
}

static bool has_xattr(int fd)
{
    char value[1];

    return fgetxattr(fd, XATTR_NAME, value, sizeof(value)) >= 0 || errno == ENODATA || errno == ERANGE;
}

static bool is_on_the_network(int fd)
{
    struct statfs fs;

    if (fstatfs(fd, &fs) < 0)
        return true;
    return fs.f_type == NFS_SUPER_MAGIC || fs.f_type == CIFS_MAGIC || fs.f_type == SMB2_SUPER_MAGIC ||
           fs.f_type == FUSE_MAGIC || fs.f_type == CEPH_MAGIC || fs.f_type == AFS_SUPER_MAGIC ||
           fs.f_type == V9FS_MAGIC;
}

static void describe(const struct sf_store *store, struct sf_store_info *info)
{
    struct sf_store_info own = {.size = sizeof(own)};
    char printable[sizeof(own.description) - sizeof("folder ")];

    own.capabilities = SF_CAP_CREATE_ONLY_PUT | SF_CAP_CREATE_ONLY_COPY | SF_CAP_IF_TAG_PUT | SF_CAP_IF_TAG_REMOVE |
                       SF_CAP_DIGEST_ON_PUT | SF_CAP_COPY;
    if (store->has_xattr)
        own.capabilities |= SF_CAP_METADATA;
    if (store->durability == DURABLE_BATCH)
        own.capabilities |= SF_CAP_BARRIER;
    own.remove_batch_max = REMOVE_BATCH_MAX;
    own.key_max_bytes = KEY_MAX_BYTES;
    own.segment_max_bytes = SEGMENT_MAX_BYTES;
    snprintf(own.description, sizeof(own.description), "folder %s",
             err_printable(store->path, printable, sizeof(printable)));
    sf_give(info, &own);
}

int localfs_store_open(const struct sf_call *call, const struct sf_settings *settings, struct sf_store_info *info,
                       struct sf_store **store, struct sf_error *err)
{
    const char *value = sf_setting_value(settings, "path");
    struct sf_store *made;
    bool is_there;
    int fd;

    (void)call;
    if (value == NULL || value[0] != '/')
        return sf_fail(err, SF_INVALID, "path: must be the absolute path of a folder");
    made = mem_alloc(sizeof(*made));
    made->path = path_of(value);
    fd = open_nearest(made->path, &is_there, err);
    if (fd < 0) {
        free(made->path);
        free(made);
        return -1;
    }
    made->durability = durability_of(sf_setting_value(settings, "durability"));
    made->has_xattr = has_xattr(fd);
    made->is_remote = is_on_the_network(fd);
    made->locked.rootfd = is_there ? fd : -1;
    if (!is_there)
        close(fd);
    pthread_mutex_init(&made->locked.mutex, NULL);
    pthread_mutex_init(&made->barrier.mutex, NULL);
    describe(made, info);
    *store = made;
    return 0;
}

void localfs_store_close(struct sf_store *store)
{
    auto_close(&store->locked.rootfd);
    pthread_mutex_destroy(&store->barrier.mutex);
    pthread_mutex_destroy(&store->locked.mutex);
    free(store->path);
    free(store);
}

static int make_root(const char *path)
{
    AUTO_FREE char *above = folder_above(path);
    AUTO_FD fd = open_folder(above);

    if (fd < 0 || (mkdir(path, 0700) < 0 && errno != EEXIST))
        return -1;
    return folder_sync(fd);
}

static int open_root_locked(struct sf_store *store, bool make)
{
    int fd = open_folder(store->path);

    if (fd < 0 && errno == ENOENT && make && make_root(store->path) == 0)
        fd = open_folder(store->path);
    store->locked.rootfd = fd;
    return fd;
}

int root_find(struct sf_conn *conn, bool make)
{
    struct sf_store *store = conn->store;
    int number = 0;

    if (conn->rootfd >= 0)
        return 0;
    pthread_mutex_lock(&store->locked.mutex);
    conn->rootfd = store->locked.rootfd;
    if (conn->rootfd < 0)
        conn->rootfd = open_root_locked(store, make);
    if (conn->rootfd < 0)
        number = errno;
    pthread_mutex_unlock(&store->locked.mutex);
    errno = number;
    return conn->rootfd >= 0 ? 0 : -1;
}
