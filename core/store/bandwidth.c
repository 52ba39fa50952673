/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/bandwidth.h"

#define SECOND_US INT64_C(1000000)
#define CREDIT_US 100000 /* what was not used for longer than this is lost: no bursts after a pause */
#define LONGEST_US (INT64_C(1000) * 86400 * SECOND_US) /* of one piece: a sum that cannot overflow */

void bandwidth_init(struct bandwidth *bandwidth, uint64_t rate)
{
    bandwidth->rate = rate;
    atomic_init(&bandwidth->due_us, 0);
}

static int64_t time_of(const struct bandwidth *bandwidth, uint64_t bytes)
{
    double us = (double)bytes / (double)bandwidth->rate * (double)SECOND_US;

    return us < (double)LONGEST_US ? (int64_t)us : LONGEST_US;
}

int64_t bandwidth_wait_us(struct bandwidth *bandwidth, uint64_t bytes, int64_t now_us)
{
    int64_t before, due, takes;

    if (bandwidth->rate == 0)
        return 0;
    takes = time_of(bandwidth, bytes);
    before = atomic_load_explicit(&bandwidth->due_us, memory_order_relaxed);
    do {
        due = (before > now_us - CREDIT_US ? before : now_us - CREDIT_US) + takes;
        if (due > now_us + LONGEST_US)
            due = now_us + LONGEST_US;
    } while (!atomic_compare_exchange_weak_explicit(&bandwidth->due_us, &before, due, memory_order_relaxed,
                                                    memory_order_relaxed));
    return due > now_us ? due - now_us : 0;
}
