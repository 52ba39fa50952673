/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory plugin with uploads that are written here, and with what is to go wrong in them. Parts must come with digests that fit what
 * their descriptor yields; a commit must hand back each part's answer. One store a test (each runs in a process of its own).
 */
#ifndef TESTS_UNIT_LANES_UPLOADS_H
#define TESTS_UNIT_LANES_UPLOADS_H

#include "core/store/call.h"
#include "core/store/store.h"

#include <stdatomic.h>
#include <stdbool.h>

struct uploads_script {
    int begin_cls;        /* fails with it */
    uint32_t part_number; /* this part fails ... */
    int part_cls;         /* ... with that, so many times */
    int part_times;
    int commit_cls; /* fails with it, so many times */
    int commit_times;
    bool commit_in_doubt;  /* and says that it may have been applied */
    uint64_t commit_bytes; /* answers with this size, so many times */
    int commit_bytes_times;
    int abort_cls;
    uint64_t keep_at_most; /* of a part, per call; 0: all */
    bool keep_nothing;
    void (*during_part)(uint32_t number); /* any thread */
    /* what happened */
    atomic_int begins, parts, commits, aborts, closes;
    atomic_int parts_without_digests;
    atomic_bool abort_was_cancelled;
    uint32_t part_digests; /* that the last part came with */
    uint32_t part_count;   /* at commit */
    uint64_t part_bytes;
    char begin_meta[512], commit_meta[512];
    uint32_t begin_digests, commit_digests;
    uint32_t commit_precondition;
};

extern struct uploads_script uploads_script;

/* Opens the memory store `name` with uploads; SF_CAP_PARALLEL_PARTS too unless in_order. */
void uploads_store_open(struct store *store, struct run_call *run, const char *name, bool in_order);

#endif
