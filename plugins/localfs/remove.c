/* SPDX-License-Identifier: Apache-2.0
 *
 * Slot remove: a batch of objects, under the destination's lock, and the folders that became empty by it.
 */
#include "plugins/localfs/localfs.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct batch {
    const struct sf_call *call;
    struct sf_conn *conn;
    char *cleared; /* last key removed whose folder may be empty now */
};

static void clear_folder(struct batch *batch)
{
    if (batch->cleared == NULL)
        return;
    parent_forget(batch->conn);
    parent_clear(batch->conn, batch->cleared);
    free(ptr_take(&batch->cleared));
}

static bool is_same_folder(const char *a, const char *b)
{
    const char *slash_a = strrchr(a, '/'), *slash_b = strrchr(b, '/');

    if (slash_a == NULL || slash_b == NULL)
        return slash_a == slash_b;
    return slash_a - a == slash_b - b && memcmp(a, b, (size_t)(slash_a - a)) == 0;
}

/* 1: unlinked; 0: it was not there; -1: failed. */
static int unlink_object(int dirfd, const char *leaf, const struct sf_remove *item, struct sf_error *err)
{
    struct sf_object found;
    struct stat st;

    if (item->if_tag == NULL && fstatat(dirfd, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : key_errno(err, errno, item->key, "remove");
    if (item->if_tag == NULL && !S_ISREG(st.st_mode)) {
        if (S_ISDIR(st.st_mode))
            return 0;
        return S_ISLNK(st.st_mode) ? key_errno(err, ELOOP, item->key, "")
                                   : key_fail(err, SF_INVALID, item->key, "not a regular file");
    }
    if (item->if_tag != NULL && object_find(dirfd, leaf, &found) < 0) {
        if (errno == ENXIO)
            return key_fail(err, SF_INVALID, item->key, "not a regular file");
        return errno == ENOENT ? 0 : key_errno(err, errno, item->key, "look at the object to remove");
    }
    if (item->if_tag != NULL && strcmp(item->if_tag, found.tag) != 0)
        return key_fail(err, SF_PRECONDITION, item->key, "the object to remove has another tag");
    if (unlinkat(dirfd, leaf, 0) == 0)
        return 1;
    return errno == ENOENT ? 0 : key_errno(err, errno, item->key, "remove");
}

static int remove_one(struct batch *batch, const struct sf_remove *item, struct sf_error *err)
{
    struct sf_conn *conn = batch->conn;
    const char *leaf;
    int dirfd, removed = 0;
    bool again;

    if (key_check(item->key, err) < 0)
        return -1;
    if (batch->cleared != NULL && !is_same_folder(batch->cleared, item->key))
        clear_folder(batch);
    do {
        dirfd = parent_open(conn, item->key, false, &leaf);
        if (dirfd < 0 && (errno == ENOENT || errno == ENOTDIR))
            return 0;
        if (dirfd < 0)
            return key_errno(err, errno, item->key, "open the folder");
        removed = unlink_object(dirfd, leaf, item, err);
        if (removed < 0)
            return -1;
        /* A folder kept from an earlier call may have been cleared away and made anew since. */
        again = removed == 0 && dirfd != conn->rootfd && !conn->parent.is_fresh;
        if (again)
            parent_forget(conn);
    } while (again);
    if (removed == 1 && batch->cleared == NULL)
        batch->cleared = mem_text(item->key);
    return 0;
}

static int remove_all(struct batch *batch, const struct sf_remove *items, uint32_t count, uint32_t element_size,
                      const struct sf_remove_sink *sink, struct sf_error *err)
{
    SF_AUTO(lock) lock = LOCK_INIT;
    bool is_there = root_find(batch->conn, false) == 0;
    uint32_t i;

    if (!is_there && errno != ENOENT)
        return key_errno(err, errno, batch->conn->store->path, "open the destination folder");
    if (is_there && lock_take(&lock, batch->call, batch->conn, false, err) < 0)
        return -1;
    for (i = 0; i < count; i++) {
        struct sf_error own = SF_ERROR_INIT;
        struct sf_remove item;
        int result = 0;

        sf_take(&item, sizeof(item), (const char *)items + (size_t)i * element_size);
        if (call_check(batch->call, err) < 0)
            return -1;
        if (item.if_tag != NULL && is_there && lock.fd < 0)
            result = lock_take(&lock, batch->call, batch->conn, true, &own);
        if (result == 0)
            result = is_there ? remove_one(batch, &item, &own) : key_check(item.key, &own);
        sink->result(sink->ctx, i, result == 0 ? SF_OK : own.cls, result == 0 ? "" : own.text);
    }
    return 0;
}

int localfs_remove(const struct sf_call *call, struct sf_conn *conn, const struct sf_remove *items, uint32_t count,
                   uint32_t element_size, const struct sf_remove_sink *sink, struct sf_error *err)
{
    struct batch batch = {.call = call, .conn = conn, .cleared = NULL};
    int result = remove_all(&batch, items, count, element_size, sink, err);

    clear_folder(&batch);
    return call_report(call, SF_REQUEST_REMOVE, result, 0, err);
}
