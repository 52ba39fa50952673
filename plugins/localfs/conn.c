/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection: what one thread at a time keeps between its calls, and what every slot does at its start and end.
 */
#include "plugins/localfs/localfs.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <sys/random.h>

int localfs_conn_open(const struct sf_call *call, struct sf_store *store, struct sf_conn **conn, struct sf_error *err)
{
    struct sf_conn *made;
    uint64_t seed;

    (void)call;
    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        return err_errno(err, errno, "no random numbers");
    made = mem_alloc(sizeof(*made));
    made->store = store;
    made->rootfd = -1;
    made->tempfd = -1;
    made->parent.fd = -1;
    made->random = seed;
    made->pid = getpid();
    *conn = made;
    return 0;
}

void localfs_conn_close(struct sf_conn *conn)
{
    parent_forget(conn);
    hash_cleanup(&conn->hash);
    auto_close(&conn->tempfd);
    free(conn->buffer);
    free(conn);
}

char *conn_buffer(struct sf_conn *conn)
{
    if (conn->buffer == NULL)
        conn->buffer = mem_alloc(IO_BYTES);
    return conn->buffer;
}

/* SplitMix64: names and times must not repeat, nobody has to fail to guess them. */
uint64_t conn_random(struct sf_conn *conn)
{
    uint64_t mixed = conn->random += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

int call_check(const struct sf_call *call, struct sf_error *err)
{
    if (call->cancelled(call))
        return err_errno(err, ECANCELED, "stopped");
    return 0;
}

int call_report(const struct sf_call *call, enum sf_request kind, int result, uint64_t bytes,
                const struct sf_error *err)
{
    int32_t status = 0;

    if (result < 0)
        status = err->status != 0 ? err->status : EIO;
    call->request(call, (uint32_t)kind, status, bytes);
    return result;
}
