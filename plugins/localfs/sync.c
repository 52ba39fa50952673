/* SPDX-License-Identifier: Apache-2.0
 *
 * Getting writes onto the disk. Puts of `durability: batch` sync nothing; a barrier syncs the whole file system
 * at once, which is an order of magnitude cheaper than a sync a file.
 */
#include "plugins/localfs/localfs.h"

#include "base/err.h"

#include <errno.h>

/* Some file systems of the network have no fsync for folders; there it is not needed either. */
int folder_sync(int fd)
{
    if (fsync(fd) == 0 || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)
        return 0;
    return -1;
}

/* rootfd was opened before this store's first write, so syncfs tells of every write error since. It tells only
 * once: a second syncfs succeeds although the data is lost. So the failure is kept, and barriers take turns. */
int barrier_sync(struct sf_store *store, int rootfd, struct sf_error *err)
{
    int number;

    pthread_mutex_lock(&store->barrier.mutex);
    if (store->barrier.error == 0 && syncfs(rootfd) < 0)
        store->barrier.error = errno;
    number = store->barrier.error;
    pthread_mutex_unlock(&store->barrier.mutex);
    if (number == 0)
        return 0;
    err_errno(err, number, "what was written could not be brought onto the disk (see the kernel's log)");
    if (number != ENOSPC && number != EDQUOT)
        err->cls = SF_PERMANENT;
    return -1;
}
