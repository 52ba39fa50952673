/* SPDX-License-Identifier: Apache-2.0
 *
 * One run at a time on this machine: flock on one file a state folder and base, gone with its holder however that ends.
 * Also used by restore for its target. Main thread.
 */
#ifndef CORE_GUARD_GUARD_H
#define CORE_GUARD_GUARD_H

#include "base/auto.h"
#include "snapferry/plugin.h"

#include <stdbool.h>
#include <stdint.h>

struct guard {
    int fd; /* -1: not held */
};

#define GUARD_INIT                                                                                                     \
    {                                                                                                                  \
        -1                                                                                                             \
    }

struct guard_holder {
    int64_t since_ms;
    long pid;
    char run[33];
    char command[32];
};

/* <folder>/lock-<16 hex digits of SHA-256(base_name)>.json. Takes the lock without waiting and writes who holds it (JSON, one
 * line: pid, run, since, command, base). *held and *holder are set if another has it, then SF_CONFLICT: "another backup holds
 * the guard of <base>: pid 17, run ..., since 2026-..., 3 min ago". */
MUST_CHECK int guard_take(struct guard *guard, const char *folder, const char *base_name, const char *run,
                          const char *command, bool *held, struct guard_holder *holder, struct sf_error *err);
void guard_cleanup(struct guard *guard); /* releases; the file stays */

#endif
