/* SPDX-License-Identifier: Apache-2.0
 *
 * The last step of put and copy: the finished temporary becomes the object, by one rename that either happens or
 * does not. Others may clear away an empty folder at any moment; then it is made again.
 */
#include "plugins/localfs/localfs.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum outcome { FAILED = -1, TRY_AGAIN = 0, PUBLISHED = 1 };

/* Brings the temporary's bytes onto the disk as far as durability asks for it, and closes it: close may fail too. */
static int settle(struct temp *temp, const struct target *target, struct sf_error *err)
{
    enum durability durability = temp->conn->store->durability;
    bool barrier = target->barrier && durability == DURABLE_BATCH;

    if (temp->fd < 0)
        return 0;
    if (barrier && barrier_sync(temp->conn->store, temp->conn->rootfd, err) < 0)
        return err_prefix(err, "%s", temp->conn->store->path);
    if (barrier)
        temp->conn->parent.is_synced = true; /* the folders were made before */
    if ((barrier || durability == DURABLE_EACH) && fsync(temp->fd) < 0)
        return key_errno(err, errno, target->key, "sync");
    if (close(fd_take(&temp->fd)) < 0 && errno != EINTR)
        return key_errno(err, errno, target->key, "write");
    return 0;
}

static enum outcome fail_not_regular(const struct target *target, struct sf_error *err)
{
    key_fail(err, SF_INVALID, target->key, "something that is not a regular file has this name");
    return FAILED;
}

/* Something has the name already. */
static enum outcome meet_occupant(int dirfd, const char *leaf, const struct target *target, struct sf_error *err)
{
    struct stat st;

    if (fstatat(dirfd, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT)
            return TRY_AGAIN;
        key_errno(err, errno, target->key, "look at what has this name");
        return FAILED;
    }
    if (S_ISLNK(st.st_mode)) {
        key_errno(err, ELOOP, target->key, "");
        return FAILED;
    }
    if (S_ISDIR(st.st_mode)) {
        if (unlinkat(dirfd, leaf, AT_REMOVEDIR) == 0)
            return TRY_AGAIN; /* an empty folder is nothing to an object store */
        key_fail(err, SF_INVALID, target->key, "a folder with objects in it has this name");
        return FAILED;
    }
    if (!S_ISREG(st.st_mode))
        return fail_not_regular(target, err);
    key_errno(err, EEXIST, target->key, "create the object");
    return FAILED;
}

static enum outcome after_rename(struct temp *temp, int dirfd, const char *leaf, const struct target *target,
                                 struct sf_error *err)
{
    switch (errno) {
    case ENOENT:
        parent_forget(temp->conn);
        return TRY_AGAIN;
    case EEXIST:
    case EISDIR:
    case ENOTDIR:
    case ENOTEMPTY:
        return meet_occupant(dirfd, leaf, target, err);
    default:
        key_errno(err, errno, target->key, "put the object in its place");
        return FAILED;
    }
}

static int rename_absent(const struct temp *temp, int dirfd, const char *leaf)
{
    int tempfd = temp->conn->tempfd;

    if (renameat2(tempfd, temp->name, dirfd, leaf, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (linkat(tempfd, temp->name, dirfd, leaf, 0) < 0)
        return -1;
    (void)unlinkat(tempfd, temp->name, 0);
    return 0;
}

static enum outcome create(struct temp *temp, int dirfd, const char *leaf, const struct target *target,
                           struct sf_error *err)
{
    if (rename_absent(temp, dirfd, leaf) == 0)
        return PUBLISHED;
    return after_rename(temp, dirfd, leaf, target, err);
}

static enum outcome check_tag(struct sf_conn *conn, int dirfd, const char *leaf, const struct target *target,
                              struct sf_error *err)
{
    struct sf_object found;

    if (object_find(dirfd, leaf, &found) < 0) {
        if (errno == ENOENT && !conn->parent.is_fresh && dirfd != conn->rootfd) {
            parent_forget(conn); /* perhaps the folder is another one by now */
            return TRY_AGAIN;
        }
        if (errno == ENOENT)
            key_fail(err, SF_PRECONDITION, target->key, "the object to replace is gone");
        else
            key_errno(err, errno, target->key, "look at the object to replace");
        return FAILED;
    }
    if (strcmp(found.tag, target->if_tag) == 0)
        return PUBLISHED;
    key_fail(err, SF_PRECONDITION, target->key, "the object to replace has another tag");
    return FAILED;
}

/* rename() takes a symlink's or FIFO's place without a word; we do not. */
static enum outcome check_kind(int dirfd, const char *leaf, const struct target *target, struct sf_error *err)
{
    struct stat st;

    if (fstatat(dirfd, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISREG(st.st_mode))
        return PUBLISHED;
    return meet_occupant(dirfd, leaf, target, err);
}

static enum outcome replace(const struct sf_call *call, struct temp *temp, int dirfd, const char *leaf,
                            const struct target *target, struct sf_error *err)
{
    SF_AUTO(lock) lock = LOCK_INIT;
    bool by_tag = target->precondition == SF_IF_TAG;
    enum outcome checked;

    if (lock_take(&lock, call, temp->conn, by_tag, err) < 0)
        return FAILED;
    checked = by_tag ? check_tag(temp->conn, dirfd, leaf, target, err) : check_kind(dirfd, leaf, target, err);
    if (checked != PUBLISHED)
        return checked;
    if (renameat(temp->conn->tempfd, temp->name, dirfd, leaf) == 0)
        return PUBLISHED;
    return after_rename(temp, dirfd, leaf, target, err);
}

static int fail_parent(int number, const struct target *target, struct sf_error *err)
{
    if (number == ENOTDIR)
        return key_fail(err, SF_INVALID, target->key, "a part of the key is the name of an object");
    if (number == ENOENT && target->precondition == SF_IF_TAG)
        return key_fail(err, SF_PRECONDITION, target->key, "the object to replace is gone");
    return key_errno(err, number, target->key, "make the folder");
}

static enum outcome publish_once(const struct sf_call *call, struct temp *temp, const struct target *target,
                                 struct sf_error *err)
{
    struct sf_conn *conn = temp->conn;
    bool is_synced =
        conn->store->durability == DURABLE_EACH || (target->barrier && conn->store->durability == DURABLE_BATCH);
    enum outcome outcome;
    const char *leaf;
    int dirfd = parent_open(conn, target->key, target->precondition != SF_IF_TAG, &leaf);

    if (dirfd < 0)
        return (enum outcome)fail_parent(errno, target, err);
    if (settle(temp, target, err) < 0)
        return FAILED;
    if (is_synced && parent_sync_above(conn, target->key) < 0) {
        if (errno == ENOENT) {
            parent_forget(conn);
            return TRY_AGAIN;
        }
        return (enum outcome)key_errno(err, errno, target->key, "sync the folders above");
    }
    outcome = target->precondition == SF_IF_ABSENT ? create(temp, dirfd, leaf, target, err)
                                                   : replace(call, temp, dirfd, leaf, target, err);
    if (outcome != PUBLISHED)
        return outcome;
    temp->name[0] = '\0';
    /* The answer is known: it is visible, but not safe. So this is a failure and not maybe_applied. */
    if (is_synced && folder_sync(dirfd) < 0)
        return (enum outcome)key_errno(err, errno, target->key,
                                       "the object is in place, but its folder was not synced");
    return PUBLISHED;
}

int publish(const struct sf_call *call, struct temp *temp, const struct target *target, struct sf_error *err)
{
    int tries;

    for (tries = 0; tries < VANISHED_MAX; tries++) {
        enum outcome outcome = publish_once(call, temp, target, err);

        if (outcome != TRY_AGAIN)
            return outcome == PUBLISHED ? 0 : -1;
        if (call_check(call, err) < 0)
            return -1;
    }
    return key_fail(err, SF_CONFLICT, target->key, "others remove its folder or its temporary file again and again");
}
