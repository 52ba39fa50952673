/* SPDX-License-Identifier: Apache-2.0
 *
 * Slots get and stat: an object or a range of it into memory, a descriptor or a callback.
 */
#include "plugins/localfs/localfs.h"

#include <errno.h>
#include <string.h>

struct transfer {
    const struct sf_call *call;
    struct sf_conn *conn;
    const struct sf_sink *sink;
    const char *key;
    int fd;
    uint64_t offset; /* of the range in the object */
    uint64_t bytes;  /* of the range, as far as the object goes */
    uint64_t done;
};

static size_t next_step(const struct transfer *transfer, size_t most)
{
    uint64_t left = transfer->bytes - transfer->done;

    return left < most ? (size_t)left : most;
}

static int moved(struct transfer *transfer, size_t bytes, struct sf_error *err)
{
    transfer->done += bytes;
    transfer->call->account(transfer->call, bytes);
    return call_check(transfer->call, err);
}

/* Reads exactly bytes, the range's next ones. */
static int read_exactly(const struct transfer *transfer, char *buffer, size_t bytes, struct sf_error *err)
{
    size_t have = 0;

    while (have < bytes) {
        ssize_t got =
            pread(transfer->fd, buffer + have, bytes - have, (off_t)(transfer->offset + transfer->done + have));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return key_errno(err, errno, transfer->key, "read");
        if (got == 0)
            return key_fail(err, SF_TRANSIENT, transfer->key, "the object became shorter while it was read");
        have += (size_t)got;
    }
    return 0;
}

static int write_at(const struct transfer *transfer, const char *data, size_t bytes, struct sf_error *err)
{
    off_t at = (off_t)(transfer->sink->offset + transfer->done);

    while (bytes > 0) {
        ssize_t written = pwrite(transfer->sink->fd, data, bytes, at);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return key_errno(err, errno, transfer->key, "write what was read");
        data += written;
        at += written;
        bytes -= (size_t)written;
    }
    return 0;
}

static int to_memory(struct transfer *transfer, struct sf_error *err)
{
    if (transfer->bytes > transfer->sink->capacity)
        return key_fail(err, SF_TOO_LARGE, transfer->key, "the object is larger than the memory it is read into");
    while (transfer->done < transfer->bytes) {
        size_t step = next_step(transfer, STEP_BYTES);

        if (read_exactly(transfer, (char *)transfer->sink->data + transfer->done, step, err) < 0 ||
            moved(transfer, step, err) < 0)
            return -1;
    }
    return 0;
}

/* Copies inside the kernel as far as it can; what is left, and errors, are for the way through the buffer. */
static int copy_in_kernel(struct transfer *transfer, struct sf_error *err)
{
    while (transfer->done < transfer->bytes) {
        loff_t from = (loff_t)(transfer->offset + transfer->done);
        loff_t to = (loff_t)(transfer->sink->offset + transfer->done);
        ssize_t copied =
            copy_file_range(transfer->fd, &from, transfer->sink->fd, &to, next_step(transfer, STEP_BYTES), 0);

        if (copied < 0 && errno == EINTR)
            continue;
        if (copied <= 0)
            return 0;
        if (moved(transfer, (size_t)copied, err) < 0)
            return -1;
    }
    return 0;
}

static int to_descriptor(struct transfer *transfer, struct sf_error *err)
{
    char *buffer;

    if (transfer->bytes > IO_BYTES && copy_in_kernel(transfer, err) < 0)
        return -1;
    buffer = conn_buffer(transfer->conn);
    while (transfer->done < transfer->bytes) {
        size_t step = next_step(transfer, IO_BYTES);

        if (read_exactly(transfer, buffer, step, err) < 0 || write_at(transfer, buffer, step, err) < 0 ||
            moved(transfer, step, err) < 0)
            return -1;
    }
    return 0;
}

static int to_callback(struct transfer *transfer, struct sf_error *err)
{
    char *buffer = conn_buffer(transfer->conn);

    while (transfer->done < transfer->bytes) {
        size_t step = next_step(transfer, IO_BYTES);

        if (read_exactly(transfer, buffer, step, err) < 0 ||
            transfer->sink->write(transfer->sink->ctx, transfer->done, buffer, step, err) < 0 ||
            moved(transfer, step, err) < 0)
            return -1;
    }
    return 0;
}

static int transfer_all(struct transfer *transfer, struct sf_error *err)
{
    switch ((enum sf_sink_kind)transfer->sink->kind) {
    case SF_SINK_MEMORY:
        return to_memory(transfer, err);
    case SF_SINK_FD:
        return to_descriptor(transfer, err);
    case SF_SINK_CALLBACK:
        return to_callback(transfer, err);
    }
    return key_fail(err, SF_INVALID, transfer->key, "a sink of an unknown kind");
}

static int get_checked(struct transfer *transfer, const struct sf_get *get, struct sf_object *object,
                       struct sf_error *err)
{
    AUTO_FD fd = -1;

    if (call_check(transfer->call, err) < 0 || key_check(get->key, err) < 0 ||
        object_open(transfer->conn, get->key, &fd, object, err) < 0)
        return -1;
    if (get->if_tag != NULL && strcmp(get->if_tag, object->tag) != 0)
        return key_fail(err, SF_PRECONDITION, get->key, "the object has another tag");
    transfer->fd = fd;
    transfer->offset = get->offset < object->bytes ? get->offset : object->bytes;
    transfer->bytes = object->bytes - transfer->offset;
    if (get->length < transfer->bytes)
        transfer->bytes = get->length;
    return transfer_all(transfer, err);
}

int localfs_get(const struct sf_call *call, struct sf_conn *conn, const struct sf_get *get, const struct sf_sink *sink,
                struct sf_object *object, struct sf_error *err)
{
    struct sf_object own;
    struct sf_get args;
    struct sf_sink into;
    struct transfer transfer = {.call = call, .conn = conn, .sink = &into, .fd = -1};
    int result;

    sf_take(&args, sizeof(args), get);
    sf_take(&into, sizeof(into), sink);
    transfer.key = args.key;
    result = get_checked(&transfer, &args, &own, err);
    if (result == 0)
        sf_give(object, &own);
    return call_report(call, SF_REQUEST_GET, result, transfer.done, err);
}

int localfs_stat(const struct sf_call *call, struct sf_conn *conn, const char *key, struct sf_object *object,
                 struct sf_error *err)
{
    struct sf_object own;
    AUTO_FD fd = -1;
    int result = -1;

    if (call_check(call, err) == 0 && key_check(key, err) == 0)
        result = object_open(conn, key, &fd, &own, err);
    if (result == 0)
        sf_give(object, &own);
    return call_report(call, SF_REQUEST_STAT, result, 0, err);
}
