/* SPDX-License-Identifier: Apache-2.0
 *
 * How large the parts of an upload are. Pure.
 */
#ifndef CORE_LANES_PART_SIZE_H
#define CORE_LANES_PART_SIZE_H

#include "snapferry/plugin.h"

/* Parts that an upload has at most, even where the store sets no limit: what is kept a part then has one too. It is S3's own limit
 * (Amazon S3 User Guide, "Multipart upload limits"). */
#define PART_COUNT_MAX 10000u

/* Bytes of all parts but the last for an object of so many bytes: wanted, raised to whole MiB until the parts are few enough, within
 * the store's bounds and aligned as it wants them. 0: the store cannot take the object in parts. */
uint64_t part_size(const struct sf_store_info *info, uint64_t wanted, uint64_t bytes);
/* How many parts that makes; an empty object is one part. */
uint32_t part_count(uint64_t part_bytes, uint64_t bytes);
/* The most parts that the store and we allow. */
uint32_t part_count_max(const struct sf_store_info *info);

#endif
