/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "core/store/call.h"
#include "tests/kit/unit.h"

#define SECOND INT64_C(1000000)

START_TEST(no_limit_no_wait)
{
    struct bandwidth bandwidth;

    bandwidth_init(&bandwidth, 0);
    ck_assert_int_eq(bandwidth_wait_us(&bandwidth, UINT64_MAX, 5 * SECOND), 0);
}
END_TEST

START_TEST(bytes_take_their_time)
{
    struct bandwidth bandwidth;

    bandwidth_init(&bandwidth, 1000);
    /* A tenth of a second is given in advance, whatever time has passed before. */
    ck_assert_int_eq(bandwidth_wait_us(&bandwidth, 100, 500 * SECOND), 0);
    ck_assert_int_eq(bandwidth_wait_us(&bandwidth, 1000, 500 * SECOND), SECOND);
    ck_assert_int_eq(bandwidth_wait_us(&bandwidth, 500, 500 * SECOND), SECOND + SECOND / 2);
    ck_assert_int_eq(bandwidth_wait_us(&bandwidth, 0, 501 * SECOND), SECOND / 2);
    ck_assert_int_eq(bandwidth_wait_us(&bandwidth, 1000, 502 * SECOND), SECOND - SECOND / 10);
}
END_TEST

START_TEST(huge_numbers_do_not_overflow)
{
    struct bandwidth bandwidth;
    int64_t once;

    bandwidth_init(&bandwidth, 1);
    once = bandwidth_wait_us(&bandwidth, UINT64_MAX, 0);
    ck_assert_int_gt(once, SECOND);
    ck_assert_int_eq(bandwidth_wait_us(&bandwidth, UINT64_MAX, 0), once);
    bandwidth_init(&bandwidth, UINT64_C(1) << 40);
    ck_assert_int_eq(bandwidth_wait_us(&bandwidth, UINT64_C(1) << 41, SECOND), 2 * SECOND - SECOND / 10);
}
END_TEST

START_TEST(cancelling_ends_the_wait)
{
    struct run_call run;

    run_call_init(&run, 0);
    bandwidth_init(&run.bandwidth, 1);
    atomic_store(&run.failed, true);
    run.call.account(&run.call, UINT64_C(1) << 40);
    ck_assert_uint_eq(run.bytes_moved, UINT64_C(1) << 40);
}
END_TEST

START_TEST(an_account_sleeps)
{
    struct run_call run;
    int64_t start_ms = clock_mono_ms();

    run_call_init(&run, 0);
    bandwidth_init(&run.bandwidth, 1000);
    run.call.account(&run.call, 400);
    ck_assert_int_ge(clock_mono_ms() - start_ms, 299);
}
END_TEST

UNIT_MAIN("bandwidth", &no_limit_no_wait, &bytes_take_their_time, &huge_numbers_do_not_overflow,
          &cancelling_ends_the_wait, &an_account_sleeps)
