/* SPDX-License-Identifier: Apache-2.0
 *
 * What has to be remembered of the parts of one upload: digests until a part is sent, and what the store answered until the commit. Packed:
 * 12 bytes a part, the answers themselves in one block that grows, 16 or 32 bytes more where the store wants MD5 or SHA-256. Private
 * to core/lanes; the caller locks.
 */
#ifndef CORE_LANES_ANSWERS_H
#define CORE_LANES_ANSWERS_H

#include "base/auto.h"
#include "base/buf.h"
#include "snapferry/plugin.h"

struct answer;

struct answers {
    uint32_t count;
    struct answer *items;
    struct buf opaque;   /* of all parts, as they came */
    uint32_t strong;     /* SF_DIGEST_MD5, SF_DIGEST_SHA256 or 0 */
    size_t strong_bytes; /* of one */
    unsigned char *strongs;
};

/* The digests of a part that a store with these wanted_digests is given: CRC32C always, and MD5 or, to a store that wants nothing else, SHA-256. */
uint32_t answers_digests_of_parts(uint32_t wanted);

/* For parts 1 to count, with the digests of answers_digests_of_parts(wanted). */
void answers_init(struct answers *answers, uint32_t count, uint32_t wanted);
void answers_cleanup(struct answers *answers); /* zero value is fine */

/* These two touch nothing but what is kept of the part's digests: they need no lock against those below. */
void answers_set_digests(struct answers *answers, uint32_t number, const struct sf_digests *digests);
void answers_get_digests(const struct answers *answers, uint32_t number, struct sf_digests *digests);

void answers_keep(struct answers *answers, uint32_t number, const struct sf_part_result *result);
/* All parts, in order, for upload_commit: to free, and valid as long as answers. */
struct sf_part_done *answers_list(const struct answers *answers, uint64_t part_bytes, uint64_t bytes);

#endif
