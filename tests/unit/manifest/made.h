/* SPDX-License-Identifier: Apache-2.0
 *
 * Manifests made for the tests of this folder. Each function fails the test on any error.
 */
#ifndef TESTS_UNIT_MANIFEST_MADE_H
#define TESTS_UNIT_MANIFEST_MADE_H

#include "core/manifest/manifest.h"

#include <check.h>

/* For loops: Check writes a line to its pipe for every ck_assert that is passed. */
#define MUST(claim)                                                                                                    \
    do {                                                                                                               \
        if (!(claim))                                                                                                  \
            ck_abort_msg("%s", #claim);                                                                                \
    } while (0)

extern const struct manifest_header made_header;

struct made_list {
    struct entry *items;
    size_t count;
};

int made_file(void); /* an empty unlinked file */
struct entry made_entry(const char *path, enum entry_type type);
struct entry *made_add(struct made_list *list, const char *path, enum entry_type type);
void made_list_cleanup(struct made_list *list);
struct made_list made_small(void); /* one entry of each kind */

/* Sorts the list by key and writes it; answers a file. */
int made_write(struct made_list *list, struct manifest_summary *summary);
void made_read(int fd, struct buf *out); /* the whole file */

#endif
