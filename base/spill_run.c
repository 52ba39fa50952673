/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorted runs in the temporary file of a spill: written from memory, and merged into longer ones as soon as there are many,
 * so that the table of runs and the number of read buffers stay small however many records come. What was merged is
 * punched out of the file. Called by spill.c only.
 */
#include "base/spill_priv.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

struct run_writer {
    struct spill_runs *runs;
    size_t used;
    char buffer[SPILL_WRITE_BYTES];
};

static int write_all(struct spill_runs *runs, const char *data, size_t bytes, struct sf_error *err)
{
    char shown[256];

    while (bytes != 0) {
        ssize_t wrote = pwrite(runs->fd, data, bytes, (off_t)runs->end);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return err_errno(err, wrote < 0 ? errno : EIO, "write a temporary file in %s",
                             err_printable(runs->temp_dir, shown, sizeof(shown)));
        data += wrote;
        bytes -= (size_t)wrote;
        runs->end += (uint64_t)wrote;
    }
    return 0;
}

static int writer_flush(struct run_writer *writer, struct sf_error *err)
{
    size_t used = writer->used;

    writer->used = 0;
    return write_all(writer->runs, writer->buffer, used, err);
}

static int writer_put(struct run_writer *writer, const void *data, size_t bytes, struct sf_error *err)
{
    if (bytes > sizeof(writer->buffer) - writer->used && writer_flush(writer, err) < 0)
        return -1;
    if (bytes > sizeof(writer->buffer))
        return write_all(writer->runs, data, bytes, err);
    memcpy(writer->buffer + writer->used, data, bytes);
    writer->used += bytes;
    return 0;
}

static int writer_add(struct run_writer *writer, const struct spill_view *view, struct sf_error *err)
{
    const uint32_t head[2] = {view->key_bytes, view->value_bytes};
    size_t bytes = spill_file_bytes(view->key_bytes, view->value_bytes);

    if (bytes > writer->runs->record_max)
        writer->runs->record_max = bytes;
    if (writer_put(writer, head, sizeof(head), err) < 0)
        return -1;
    return writer_put(writer, view->key, bytes - sizeof(head), err); /* the value stands behind the key */
}

static void append_run(struct spill_runs *runs, uint64_t offset, unsigned level)
{
    if (runs->count == runs->capacity) {
        runs->capacity = runs->capacity == 0 ? 8 : runs->capacity * 2;
        runs->items = mem_resize(runs->items, runs->capacity * sizeof(runs->items[0]));
    }
    runs->items[runs->count++] = (struct spill_run){offset, runs->end - offset, level};
}

int spill_runs_add(struct spill_runs *runs, const struct spill_record *list, struct sf_error *err)
{
    struct run_writer writer;
    uint64_t offset = runs->end;

    writer.runs = runs;
    writer.used = 0;
    if (runs->fd < 0) {
        runs->fd = spill_temp_file(runs->temp_dir, err);
        if (runs->fd < 0)
            return -1;
    }
    for (; list != NULL; list = list->next) {
        const struct spill_view view = {list->data, list->data + list->key_bytes + 1, list->key_bytes,
                                        list->value_bytes};

        if (writer_add(&writer, &view, err) < 0)
            return -1;
    }
    if (writer_flush(&writer, err) < 0)
        return -1;
    append_run(runs, offset, 0);
    return 0;
}

size_t spill_runs_fan_in(const struct spill_runs *runs)
{
    size_t buffer = runs->record_max > SPILL_READ_BYTES ? runs->record_max : SPILL_READ_BYTES;
    size_t fit = (SPILL_MEMORY - SPILL_BOOK_BYTES) / buffer;

    if (fit > SPILL_FAN_IN)
        return SPILL_FAN_IN;
    return fit < 2 ? 2 : fit;
}

/* The newest count runs become one. */
static int merge_newest(struct spill_runs *runs, size_t count, struct sf_error *err)
{
    SF_AUTO(spill_merge) merge = {0};
    struct run_writer writer;
    struct spill_view view;
    uint64_t offset = runs->end;
    unsigned level = 0;
    size_t first = runs->count - count, i;
    int got;

    writer.runs = runs;
    writer.used = 0;
    if (spill_merge_open(&merge, runs, first, count, err) < 0)
        return -1;
    while ((got = spill_merge_next(&merge, &view, err)) > 0) {
        if (writer_add(&writer, &view, err) < 0)
            return -1;
    }
    if (got < 0 || writer_flush(&writer, err) < 0)
        return -1;
    for (i = first; i < runs->count; i++) {
        if (runs->items[i].level > level)
            level = runs->items[i].level;
        /* Where the file system cannot do this, the file is only larger. */
        (void)fallocate(runs->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)runs->items[i].offset,
                        (off_t)runs->items[i].bytes);
    }
    runs->count = first;
    append_run(runs, offset, level + 1);
    return 0;
}

int spill_runs_compact(struct spill_runs *runs, struct sf_error *err)
{
    for (;;) {
        size_t fan_in = spill_runs_fan_in(runs);

        if (runs->count < fan_in || runs->items[runs->count - fan_in].level != runs->items[runs->count - 1].level)
            return 0;
        if (merge_newest(runs, fan_in, err) < 0)
            return -1;
    }
}

int spill_runs_reduce(struct spill_runs *runs, struct sf_error *err)
{
    size_t fan_in = spill_runs_fan_in(runs);

    while (runs->count > fan_in) {
        size_t surplus = runs->count - fan_in + 1;

        if (merge_newest(runs, surplus < fan_in ? surplus : fan_in, err) < 0)
            return -1;
    }
    return 0;
}

void spill_runs_cleanup(struct spill_runs *runs)
{
    if (runs->fd >= 0)
        close(runs->fd);
    free(runs->items);
    *runs = (struct spill_runs){.fd = -1};
}
