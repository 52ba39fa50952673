/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lanes/budget.h"
#include "core/lanes/part_size.h"
#include "core/lanes/pool.h"
#include "tests/kit/unit.h"

#include <check.h>

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

START_TEST(workers_that_fit)
{
    struct sf_error err = SF_ERROR_INIT;
    struct budget budget = {.process = 12 * MIB, .conn_bytes = 704 * KIB}; /* a worker: 1 MiB in all */
    char text[BUDGET_TEXT];
    unsigned workers = 0;

    ck_assert_int_eq(budget_workers(&budget, 8, &workers, text, &err), 0); /* no limit */
    ck_assert_uint_eq(workers, 8);
    budget.memory_max = 12 * MIB + 704 * KIB + 8 * MIB;
    ck_assert_int_eq(budget_workers(&budget, 8, &workers, text, &err), 0);
    ck_assert_uint_eq(workers, 8);
    ck_assert_str_eq(text, "");
    budget.memory_max--;
    ck_assert_int_eq(budget_workers(&budget, 8, &workers, text, &err), 0);
    ck_assert_uint_eq(workers, 7);
    ck_assert_str_eq(
        text, "memory_max is 21183 KiB; without workers 12992 KiB are taken, a worker takes 1024 KiB (256 buffer, "
              "64 stack, 704 connection), and 12992 + 7 * 1024 = 20160 KiB");
    budget.memory_max = 12 * MIB + 704 * KIB + 1 * MIB;
    ck_assert_int_eq(budget_workers(&budget, 8, &workers, text, &err), 0);
    ck_assert_uint_eq(workers, 1);
    budget.memory_max--;
    ck_assert_int_eq(budget_workers(&budget, 8, &workers, text, &err), -1);
    ck_assert_int_eq(err.cls, SF_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "12992 + 1 * 1024 = 14016 KiB: not even one worker fits; raise memory_max"));
    budget.memory_max = 1;
    ck_assert_int_eq(budget_workers(&budget, 8, &workers, text, &err), -1);
}
END_TEST

START_TEST(sizes_of_parts)
{
    struct sf_store_info s3 = {
        .part_min_bytes = 5 * MIB, .part_max_bytes = 5 * GIB, .part_count_max = 10000, .object_max_bytes = 5 * TIB};
    struct sf_store_info gcs = {.part_align_bytes = 256 * KIB};
    struct sf_store_info odd = {.part_min_bytes = 10, .part_max_bytes = 1000, .part_align_bytes = 300};

    ck_assert_uint_eq(part_size(&s3, 16 * MIB, 1 * GIB), 16 * MIB);
    ck_assert_uint_eq(part_size(&s3, 1 * MIB, 1 * GIB), 5 * MIB);
    ck_assert_uint_eq(part_size(&s3, 16 * MIB, 160000 * MIB), 16 * MIB); /* just fits */
    ck_assert_uint_eq(part_size(&s3, 16 * MIB, 160000 * MIB + 1), 17 * MIB);
    ck_assert_uint_eq(part_size(&s3, 16 * MIB, 5 * TIB), 525 * MIB);
    ck_assert_uint_le(part_count(525 * MIB, 5 * TIB), 10000);
    ck_assert_uint_eq(part_size(&s3, 100 * GIB, 5 * TIB), 5 * GIB);
    ck_assert_uint_eq(part_size(&s3, 16 * MIB, 10000 * 5 * GIB), 5 * GIB);
    ck_assert_uint_eq(part_size(&s3, 16 * MIB, 10000 * 5 * GIB + 1), 0);
    ck_assert_uint_eq(part_size(&gcs, 16 * MIB + 1, 1 * GIB), 16 * MIB + 256 * KIB);
    ck_assert_uint_le(part_count(part_size(&gcs, 5 * MIB, INT64_MAX), INT64_MAX), PART_COUNT_MAX);
    ck_assert_uint_eq(part_size(&odd, 1, 2000), 300);
    ck_assert_uint_eq(part_size(&odd, 950, 2000), 900); /* aligned below the largest */
    ck_assert_uint_eq(part_size(&odd, 1, 9000 * 1000), 900);
    odd.part_min_bytes = 950;
    ck_assert_uint_eq(part_size(&odd, 1, 2000), 0); /* nothing between 950 and 1000 is a multiple of 300 */
    odd = (struct sf_store_info){.part_max_bytes = 1, .part_align_bytes = 1};
    ck_assert_uint_eq(part_size(&odd, 16, 5000), 1);
    ck_assert_uint_eq(part_size(&odd, 16, 50000), 0);
}
END_TEST

START_TEST(counts_of_parts)
{
    struct sf_store_info info = {.part_count_max = 50};

    ck_assert_uint_eq(part_count(10, 0), 1);
    ck_assert_uint_eq(part_count(10, 10), 1);
    ck_assert_uint_eq(part_count(10, 11), 2);
    ck_assert_uint_eq(part_count_max(&info), 50);
    info.part_count_max = 0;
    ck_assert_uint_eq(part_count_max(&info), PART_COUNT_MAX);
    info.part_count_max = UINT32_MAX; /* what is kept a part must have an end */
    ck_assert_uint_eq(part_count_max(&info), PART_COUNT_MAX);
}
END_TEST

UNIT_MAIN("budget", &workers_that_fit, &sizes_of_parts, &counts_of_parts)
