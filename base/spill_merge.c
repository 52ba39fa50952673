/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads sorted runs of a spill's file as one sorted stream: a small buffer a run, and a heap of the runs by the key that each
 * stands at, older runs first where keys are equal. Called by spill.c and spill_run.c only.
 */
#include "base/spill_priv.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

struct spill_reader {
    uint64_t at;  /* next byte to read from the file */
    uint64_t end; /* of the run */
    char *buffer;
    size_t capacity;
    size_t start; /* of the current record in buffer */
    size_t filled;
    struct spill_view view;
    size_t record_bytes;
};

/* Gets at least need bytes from start on into the buffer. */
static int reader_fill(struct spill_reader *reader, int fd, size_t need, struct sf_error *err)
{
    if (reader->filled - reader->start >= need)
        return 0;
    memmove(reader->buffer, reader->buffer + reader->start, reader->filled - reader->start);
    reader->filled -= reader->start;
    reader->start = 0;
    while (reader->filled < need) {
        size_t room = reader->capacity - reader->filled;
        uint64_t left = reader->end - reader->at;
        ssize_t got;

        if (need > reader->capacity || left == 0)
            return sf_fail(err, SF_CORRUPT, "read a temporary file: it does not hold what was written");
        got = pread(fd, reader->buffer + reader->filled, left < room ? (size_t)left : room, (off_t)reader->at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, "read a temporary file");
        if (got == 0)
            return sf_fail(err, SF_CORRUPT, "read a temporary file: it is shorter than what was written");
        reader->filled += (size_t)got;
        reader->at += (uint64_t)got;
    }
    return 0;
}

/* 1: view is the run's next record; 0: the run is at its end. */
static int reader_next(struct spill_reader *reader, int fd, struct sf_error *err)
{
    uint32_t head[2];

    reader->start += reader->record_bytes;
    reader->record_bytes = 0;
    if (reader->start == reader->filled && reader->at == reader->end)
        return 0;
    if (reader_fill(reader, fd, sizeof(head), err) < 0)
        return -1;
    memcpy(head, reader->buffer + reader->start, sizeof(head));
    reader->record_bytes = spill_file_bytes(head[0], head[1]);
    if (reader_fill(reader, fd, reader->record_bytes, err) < 0)
        return -1;
    reader->view.key = reader->buffer + reader->start + sizeof(head);
    reader->view.value = reader->view.key + head[0] + 1;
    reader->view.key_bytes = head[0];
    reader->view.value_bytes = head[1];
    return 1;
}

static bool is_before(const struct spill_merge *merge, size_t a, size_t b)
{
    const struct spill_view *left = &merge->readers[a].view, *right = &merge->readers[b].view;
    int order = spill_compare(left->key, left->key_bytes, right->key, right->key_bytes);

    return order != 0 ? order < 0 : a < b;
}

static void sift_down(struct spill_merge *merge, size_t at)
{
    for (;;) {
        size_t child = at * 2 + 1, moved = merge->heap[at];

        if (child >= merge->heap_count)
            return;
        if (child + 1 < merge->heap_count && is_before(merge, merge->heap[child + 1], merge->heap[child]))
            child++;
        if (!is_before(merge, merge->heap[child], moved))
            return;
        merge->heap[at] = merge->heap[child];
        merge->heap[child] = moved;
        at = child;
    }
}

int spill_merge_open(struct spill_merge *merge, const struct spill_runs *runs, size_t first, size_t count,
                     struct sf_error *err)
{
    size_t buffer = runs->record_max > SPILL_READ_BYTES ? runs->record_max : SPILL_READ_BYTES, i;

    *merge = (struct spill_merge){.fd = runs->fd, .count = count};
    merge->readers = mem_alloc(count * sizeof(merge->readers[0]));
    merge->buffers = mem_alloc(count * buffer);
    for (i = 0; i < count; i++) {
        const struct spill_run *run = &runs->items[first + i];
        int got;

        merge->readers[i] = (struct spill_reader){.at = run->offset,
                                                  .end = run->offset + run->bytes,
                                                  .buffer = merge->buffers + i * buffer,
                                                  .capacity = buffer};
        got = reader_next(&merge->readers[i], merge->fd, err);
        if (got < 0)
            return -1;
        if (got > 0)
            merge->heap[merge->heap_count++] = i;
    }
    for (i = merge->heap_count / 2; i-- > 0;)
        sift_down(merge, i);
    return 0;
}

int spill_merge_next(struct spill_merge *merge, struct spill_view *view, struct sf_error *err)
{
    if (merge->started && merge->heap_count != 0) {
        int got = reader_next(&merge->readers[merge->heap[0]], merge->fd, err);

        if (got < 0)
            return -1;
        if (got == 0)
            merge->heap[0] = merge->heap[--merge->heap_count];
        if (merge->heap_count != 0)
            sift_down(merge, 0);
    }
    merge->started = true;
    if (merge->heap_count == 0)
        return 0;
    *view = merge->readers[merge->heap[0]].view;
    return 1;
}

void spill_merge_cleanup(struct spill_merge *merge)
{
    free(merge->readers);
    free(merge->buffers);
    *merge = (struct spill_merge){0};
}
