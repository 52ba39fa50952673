/* SPDX-License-Identifier: Apache-2.0
 *
 * A file of PARTS parts, the store of uploads.h, and what became of the file.
 */
#ifndef TESTS_UNIT_LANES_PARTS_BED_H
#define TESTS_UNIT_LANES_PARTS_BED_H

#include "core/lanes/parts.h"
#include "tests/unit/lanes/uploads.h"

#define PART 65536
#define PARTS 9
#define BYTES ((PARTS - 1) * PART + 17)

extern struct run_call run;
extern struct store store;

struct file {
    char *path;
    char *key;
    char *text;
    struct send send;
    struct entry entry;
    struct parts_events events;
    atomic_int stored, failed, ended;
    atomic_ullong sent;
    enum send_result result;
};

/* Opens the run and the store. */
void open_store(bool in_order);

/* Writes a file of so many bytes, to be sent in parts of PART bytes. */
void file_open(struct file *file, const char *name, size_t bytes);
/* It has ended once, stored or failed. */
void file_close(struct file *file);
/* Its text stands in the store, and the entry says so. */
void check_stored(struct file *file);

/* On a worker without a pool: it sends all parts itself. */
int send_alone(struct file *file, struct sf_error *err);
/* In a pool: a job and what drops it. */
int run_file(struct worker *worker, void *job, struct sf_error *err);
void drop_file(void *job);

/* For uploads_script.during_part: part 1 ends only when others_first parts have come. */
extern int others_first;
void hold_first(uint32_t number);

#endif
