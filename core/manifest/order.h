/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules for the sequence of a manifest's entries, held by the writer and the reader alike. Memory is a few times the
 * longest path.
 */
#ifndef CORE_MANIFEST_ORDER_H
#define CORE_MANIFEST_ORDER_H

#include "core/manifest/entry.h"

struct order {
    bool begun;
    struct buf key;    /* of the last entry */
    struct buf marks;  /* marks[n] is 1: the first n bytes of key are the key of an earlier entry that is no folder */
    struct buf folder; /* path of the innermost folder that the next entry may lie in: it and all above were entries */
    struct buf next;
};

/* The zero value is the start. Refuses (SF_CORRUPT, with the reason and the path): absolute paths, empty, "." and ".." parts, a
 * first entry that is not the root folder, a path twice (also as file and as folder), out of order, without its folder. */
MUST_CHECK int order_check(struct order *order, const struct entry *entry, struct sf_error *err);
void order_cleanup(struct order *order);

#endif
