/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel says of memory: the limit that this process lives under, and what it takes now.
 */
#ifndef CORE_PIPELINE_CGROUP_H
#define CORE_PIPELINE_CGROUP_H

#include <stdint.h>

#define CGROUP_SELF "/proc/self/cgroup"
#define CGROUP_MOUNT "/sys/fs/cgroup"

/* The lowest limit of the control groups that the file self names, and of those above them (v2: memory.max, v1:
 * memory.limit_in_bytes), below mount. 0: none, or it cannot be told. */
uint64_t cgroup_memory_max(const char *self, const char *mount);

/* Resident memory of this process; 0 if it cannot be told. */
uint64_t memory_resident(void);

#endif
