/* SPDX-License-Identifier: Apache-2.0
 *
 * The sorter itself: records in memory as a linked list over chunks that start small, so that a folder of ten names costs
 * a kilobyte; sorted by a stable merge sort on the list, which needs no memory of its own. Beyond SPILL_MEMORY the list
 * becomes a run of the temporary file (spill_run.c).
 */
#include "base/spill.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/spill_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>

#define CHUNK_FIRST_BYTES 1024u
#define CHUNK_MAX_BYTES (32u * 1024u)
#define CHUNKS_BYTES (SPILL_MEMORY - SPILL_BOOK_BYTES)
/* So that two runs can always be merged. */
#define RECORD_MAX_BYTES (CHUNKS_BYTES / 2 - 64)

struct chunk {
    struct chunk *next;
    size_t bytes; /* of the whole allocation */
    size_t used;
};

struct spill {
    struct chunk *chunks;               /* the newest first */
    size_t chunk_bytes;                 /* of all */
    struct spill_record *first, **last; /* in the order of adding, until sorted */
    struct spill_runs runs;
    struct spill_merge merge;
    bool is_merging;
};

static void forget_records(struct spill *spill)
{
    while (spill->chunks != NULL) {
        struct chunk *next = spill->chunks->next;

        free(spill->chunks);
        spill->chunks = next;
    }
    spill->chunk_bytes = 0;
    spill->first = NULL;
    spill->last = &spill->first;
}

struct spill *spill_new(const char *temp_dir)
{
    struct spill *spill = mem_alloc(sizeof(*spill));

    spill->last = &spill->first;
    spill->runs.temp_dir = temp_dir;
    spill->runs.fd = -1;
    return spill;
}

void spill_free(struct spill *spill)
{
    if (spill == NULL)
        return;
    spill_merge_cleanup(&spill->merge);
    spill_runs_cleanup(&spill->runs);
    forget_records(spill);
    free(spill);
}

static struct spill_record *merge_lists(struct spill_record *older, struct spill_record *newer)
{
    struct spill_record *first = NULL, **last = &first;

    while (older != NULL && newer != NULL) {
        struct spill_record **from =
            spill_compare(newer->data, newer->key_bytes, older->data, older->key_bytes) < 0 ? &newer : &older;

        *last = *from;
        last = &(*from)->next;
        *from = (*from)->next;
    }
    *last = older != NULL ? older : newer;
    return first;
}

/* Bottom-up merge sort: bins[n] holds a sorted list of 2^n records, older than those of the bins below it. */
static struct spill_record *sort_list(struct spill_record *list)
{
    struct spill_record *bins[32] = {NULL};
    struct spill_record *sorted = NULL;
    size_t i;

    while (list != NULL) {
        struct spill_record *carry = list;

        list = list->next;
        carry->next = NULL;
        for (i = 0; bins[i] != NULL; i++) {
            carry = merge_lists(bins[i], carry);
            bins[i] = NULL;
        }
        bins[i] = carry;
    }
    for (i = 0; i < sizeof(bins) / sizeof(bins[0]); i++)
        sorted = merge_lists(bins[i], sorted);
    return sorted;
}

static int flush(struct spill *spill, struct sf_error *err)
{
    if (spill_runs_add(&spill->runs, sort_list(spill->first), err) < 0)
        return -1;
    forget_records(spill);
    return spill_runs_compact(&spill->runs, err);
}

/* Room for a record of that many bytes, or NULL: the memory is used up. */
static struct spill_record *take_room(struct spill *spill, size_t bytes)
{
    struct chunk *chunk = spill->chunks;
    struct spill_record *record;

    if (chunk == NULL || chunk->bytes - chunk->used < bytes) {
        size_t left = CHUNKS_BYTES - spill->chunk_bytes, need = sizeof(*chunk) + bytes;
        size_t size = chunk == NULL ? CHUNK_FIRST_BYTES : chunk->bytes * 2;

        if (size > CHUNK_MAX_BYTES)
            size = CHUNK_MAX_BYTES;
        if (size > left)
            size = left;
        if (size < need)
            size = need;
        if (size > left)
            return NULL;
        chunk = mem_alloc(size);
        chunk->bytes = size;
        chunk->used = sizeof(*chunk);
        chunk->next = spill->chunks;
        spill->chunks = chunk;
        spill->chunk_bytes += size;
    }
    record = (struct spill_record *)(void *)((char *)chunk + chunk->used);
    chunk->used += bytes;
    return record;
}

int spill_add(struct spill *spill, const void *key, size_t key_bytes, const void *value, size_t value_bytes,
              struct sf_error *err)
{
    struct spill_record *record;
    size_t bytes;

    if (key_bytes > RECORD_MAX_BYTES || value_bytes > RECORD_MAX_BYTES - key_bytes)
        return sf_fail(err, SF_TOO_LARGE, "sort a record of %zu bytes: at most %u are possible",
                       key_bytes + value_bytes, RECORD_MAX_BYTES);
    bytes = offsetof(struct spill_record, data) + key_bytes + value_bytes + 2;
    bytes = (bytes + alignof(struct spill_record) - 1) / alignof(struct spill_record) * alignof(struct spill_record);
    record = take_room(spill, bytes);
    if (record == NULL) {
        if (flush(spill, err) < 0)
            return -1;
        record = take_room(spill, bytes);
        if (record == NULL) /* RECORD_MAX_BYTES fits into an empty spill */
            return sf_fail(err, SF_PERMANENT, "sort a record of %zu bytes", key_bytes + value_bytes);
    }
    record->next = NULL;
    record->key_bytes = (uint32_t)key_bytes;
    record->value_bytes = (uint32_t)value_bytes;
    if (key_bytes != 0)
        memcpy(record->data, key, key_bytes);
    record->data[key_bytes] = '\0';
    if (value_bytes != 0)
        memcpy(record->data + key_bytes + 1, value, value_bytes);
    record->data[key_bytes + 1 + value_bytes] = '\0';
    *spill->last = record;
    spill->last = &record->next;
    return 0;
}

int spill_sort(struct spill *spill, struct sf_error *err)
{
    if (spill->runs.count == 0) {
        spill->first = sort_list(spill->first);
        return 0;
    }
    if (spill->first != NULL && flush(spill, err) < 0)
        return -1;
    if (spill_runs_reduce(&spill->runs, err) < 0)
        return -1;
    if (spill_merge_open(&spill->merge, &spill->runs, 0, spill->runs.count, err) < 0)
        return -1;
    spill->is_merging = true;
    return 0;
}

int spill_next(struct spill *spill, const char **key, size_t *key_bytes, const char **value, size_t *value_bytes,
               struct sf_error *err)
{
    struct spill_view view = {NULL};

    if (spill->is_merging) {
        int got = spill_merge_next(&spill->merge, &view, err);

        if (got <= 0)
            return got;
    } else {
        struct spill_record *record = spill->first;

        if (record == NULL) {
            forget_records(spill);
            return 0;
        }
        spill->first = record->next;
        view = (struct spill_view){record->data, record->data + record->key_bytes + 1, record->key_bytes,
                                   record->value_bytes};
    }
    *key = view.key;
    *key_bytes = view.key_bytes;
    *value = view.value;
    *value_bytes = view.value_bytes;
    return 1;
}

int spill_temp_file(const char *dir, struct sf_error *err)
{
    AUTO_FREE char *name = NULL;
    char shown[256];
    int fd;

    do {
        fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    } while (fd < 0 && errno == EINTR);
    if (fd >= 0)
        return fd;
    /* not known to the file system, or, EISDIR, to the kernel */
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
        return err_errno(err, errno, "make a temporary file in %s", err_printable(dir, shown, sizeof(shown)));
    name = mem_printf("%s/.snapferry-XXXXXX", dir);
    fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "make a temporary file in %s", err_printable(dir, shown, sizeof(shown)));
    if (unlink(name) < 0) {
        err_errno(err, errno, "remove the name of the temporary file %s", err_printable(name, shown, sizeof(shown)));
        close(fd);
        return -1;
    }
    return fd;
}
