/* SPDX-License-Identifier: Apache-2.0
 *
 * What upload.c and commit.c share. _locked: the caller holds the store's mutex.
 */
#ifndef EXAMPLES_MEMORY_UPLOAD_H
#define EXAMPLES_MEMORY_UPLOAD_H

#include "memory.h"

/* In the store's list. Guarded by its mutex. */
struct upload {
    struct upload *next;
    uint64_t id;
    int64_t started_ms;
    char *key;
    struct object **parts; /* of number 1, 2, ...; NULL: not here yet */
    uint32_t part_count;
};

struct sf_upload {
    uint64_t id;
    char *key; /* for messages */
};

/* The link that holds the upload, so that it can be taken out; *link is NULL if there is none. */
struct upload **memory_upload_find_locked(struct sf_store *store, uint64_t id);
/* Takes it out and frees it; nothing happens where there is none. */
void memory_upload_end_locked(struct upload **link);
int memory_upload_fail_gone(const struct sf_upload *handle, struct sf_error *err);

#endif
