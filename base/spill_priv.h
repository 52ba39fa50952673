/* SPDX-License-Identifier: Apache-2.0
 *
 * What spill.c (records in memory), spill_run.c (sorted runs in the file) and spill_merge.c (reading runs) share.
 * A record lies in the file as in memory: both lengths, key, NUL, value, NUL.
 */
#ifndef BASE_SPILL_PRIV_H
#define BASE_SPILL_PRIV_H

#include "base/spill.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SPILL_READ_BYTES 4096u /* buffer of one run while it is merged; more if a record needs it */
#define SPILL_WRITE_BYTES 8192u
#define SPILL_FAN_IN 64u /* runs merged at once, at most */
/* Kept free of records and read buffers, for the write buffer, the table of runs and the structs. */
#define SPILL_BOOK_BYTES (20u * 1024u)

struct spill_record {
    struct spill_record *next;
    uint32_t key_bytes;
    uint32_t value_bytes;
    char data[]; /* key NUL value NUL */
};

/* From key_bytes on, as in the file. */
#define SPILL_HEAD_BYTES (2 * sizeof(uint32_t))

static inline size_t spill_file_bytes(uint32_t key_bytes, uint32_t value_bytes)
{
    return SPILL_HEAD_BYTES + (size_t)key_bytes + (size_t)value_bytes + 2;
}

static inline int spill_compare(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);

    if (order != 0)
        return order;
    return a_bytes < b_bytes ? -1 : a_bytes > b_bytes;
}

struct spill_run {
    uint64_t offset;
    uint64_t bytes;
    unsigned level; /* 0 from memory, n + 1 merged from runs of level n */
};

/* The temporary file and the runs in it, in the order in which their records were added. Merged as they come, so the table
 * holds at most SPILL_FAN_IN runs a level. */
struct spill_runs {
    const char *temp_dir;
    int fd; /* -1: nothing was written yet */
    uint64_t end;
    struct spill_run *items;
    size_t count;
    size_t capacity;
    size_t record_max; /* bytes in the file of the largest record */
};

void spill_runs_cleanup(struct spill_runs *runs);
/* How many runs may be merged at once within SPILL_MEMORY. */
size_t spill_runs_fan_in(const struct spill_runs *runs);
/* Writes a sorted list as the newest run. */
MUST_CHECK int spill_runs_add(struct spill_runs *runs, const struct spill_record *list, struct sf_error *err);
/* Merges the newest runs while a fan-in of them has the same level. Nothing else should be in memory then. */
MUST_CHECK int spill_runs_compact(struct spill_runs *runs, struct sf_error *err);
/* Merges until one merge can read all that is left. */
MUST_CHECK int spill_runs_reduce(struct spill_runs *runs, struct sf_error *err);

/* Reads some runs as one sorted stream. */
struct spill_merge {
    int fd;
    struct spill_reader *readers;
    size_t count;
    char *buffers; /* one block for all readers */
    size_t heap[SPILL_FAN_IN];
    size_t heap_count;
    bool started;
};

struct spill_view {
    const char *key;
    const char *value;
    uint32_t key_bytes;
    uint32_t value_bytes;
};

MUST_CHECK int spill_merge_open(struct spill_merge *merge, const struct spill_runs *runs, size_t first, size_t count,
                                struct sf_error *err);
MUST_CHECK int spill_merge_next(struct spill_merge *merge, struct spill_view *view, struct sf_error *err);
void spill_merge_cleanup(struct spill_merge *merge); /* the zero value is fine */

#endif
