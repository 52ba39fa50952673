/* SPDX-License-Identifier: Apache-2.0
 *
 * After a lost answer: is the object that stands at a key the one that we sent? Pure. Private to core/store.
 */
#ifndef CORE_STORE_SETTLE_H
#define CORE_STORE_SETTLE_H

#include "snapferry/plugin.h"

#include <stdbool.h>

/* What was sent, taken from a put or a copy. */
struct sent {
    const char *key;
    uint64_t bytes;
    const char *if_tag;               /* of the object to replace; NULL: there was none */
    const struct sf_digests *digests; /* NULL: none known */
    const struct sf_meta *meta;
    uint32_t meta_count;
    uint32_t meta_element_size;
};

/* true: same size, not the object that was to be replaced, nothing that both sides know differs, and a digest, our checksum or our
 * run among it. */
bool settle_is_ours(const struct sent *sent, const struct sf_object *found);

#endif
