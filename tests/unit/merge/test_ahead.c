/* SPDX-License-Identifier: Apache-2.0 */
#include "core/merge/ahead.h"

#include "base/mem.h"
#include "tests/kit/unit.h"

#include <stdatomic.h>

/* Yields paths "0", "1", ... up to count, then its end or a failure. */
struct numbers {
    unsigned count;
    bool fails;
    atomic_uint made;
};

static int next_number(void *stream, struct entry *entry, struct sf_error *err)
{
    struct numbers *numbers = stream;

    entry_cleanup(entry);
    if (numbers->made == numbers->count)
        return numbers->fails ? sf_fail(err, SF_CORRUPT, "line %u", numbers->count) : 0;
    *entry = (struct entry){.path = mem_printf("%u", numbers->made++), .type = ENTRY_FILE};
    return 1;
}

static void read_all(unsigned count, bool fails)
{
    struct numbers numbers = {.count = count, .fails = fails};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct ahead *ahead = NULL;
    unsigned i;
    int again;

    ck_assert_int_eq(ahead_open(&ahead, next_number, &numbers, &err), 0);
    for (i = 0; i < count; i++)
        if (ahead_next(ahead, &entry, &err) != 1 || strtoul(entry.path, NULL, 10) != i)
            ck_abort_msg("entry %u of %u", i, count);
    for (again = 0; again < 2; again++) {
        ck_assert_int_eq(ahead_next(ahead, &entry, &err), fails ? -1 : 0);
        if (fails)
            ck_assert_int_eq(err.cls, SF_CORRUPT);
    }
    ahead_close(ahead);
}

START_TEST(test_order_and_end)
{
    static const unsigned counts[] = {0, 1, 63, 64, 65, 128, 129, 10000};
    size_t i;

    for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        read_all(counts[i], false);
        read_all(counts[i], true);
    }
}
END_TEST

/* Whoever loses interest early leaves no thread and no memory behind, and the stream was not read to its end. */
START_TEST(test_close_early)
{
    struct numbers numbers = {.count = 1000000};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct ahead *ahead = NULL;

    ck_assert_int_eq(ahead_open(&ahead, next_number, &numbers, &err), 0);
    ck_assert_int_eq(ahead_next(ahead, &entry, &err), 1);
    ahead_close(ahead);
    ck_assert_uint_lt(numbers.made, 1000);
    ahead_close(NULL);
}
END_TEST

UNIT_MAIN("ahead", &test_order_and_end, &test_close_early)
