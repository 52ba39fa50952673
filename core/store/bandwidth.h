/* SPDX-License-Identifier: Apache-2.0
 *
 * A limit on the bytes a second that all threads of a run move together. Lock-free; any thread.
 */
#ifndef CORE_STORE_BANDWIDTH_H
#define CORE_STORE_BANDWIDTH_H

#include <stdatomic.h>
#include <stdint.h>

struct bandwidth {
    uint64_t rate;          /* bytes a second; 0: no limit */
    _Atomic int64_t due_us; /* by the monotonic clock: when all bytes so far may have been moved */
};

void bandwidth_init(struct bandwidth *bandwidth, uint64_t rate);

/* After bytes were moved at now_us: how many us whoever moved them has to wait. */
int64_t bandwidth_wait_us(struct bandwidth *bandwidth, uint64_t bytes, int64_t now_us);

#endif
