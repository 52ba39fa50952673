/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lanes/part_size.h"

#define MIB (UINT64_C(1) << 20)

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

uint32_t part_count_max(const struct sf_store_info *info)
{
    return info->part_count_max != 0 && info->part_count_max < PART_COUNT_MAX ? info->part_count_max : PART_COUNT_MAX;
}

uint32_t part_count(uint64_t part_bytes, uint64_t bytes)
{
    return bytes == 0 ? 1 : (uint32_t)divide_up(bytes, part_bytes);
}

uint64_t part_size(const struct sf_store_info *info, uint64_t wanted, uint64_t bytes)
{
    uint64_t most = info->part_max_bytes != 0 ? info->part_max_bytes : UINT64_MAX / 2;
    uint64_t align = info->part_align_bytes != 0 ? info->part_align_bytes : 1;
    uint64_t size = wanted > info->part_min_bytes ? wanted : info->part_min_bytes;

    if (size == 0)
        size = 1;
    if (divide_up(bytes, size) > part_count_max(info)) /* a file's size is below 2^63: nothing overflows */
        size = divide_up(divide_up(bytes, part_count_max(info)), MIB) * MIB;
    most -= most % align;
    size = size < most ? divide_up(size, align) * align : most;
    if (size == 0 || size < info->part_min_bytes || divide_up(bytes, size) > part_count_max(info))
        return 0;
    return size;
}
