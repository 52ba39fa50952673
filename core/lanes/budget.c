/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lanes/budget.h"

#include "core/lanes/pool.h"

#include <inttypes.h>

#define KIB 1024u
#define STACK_TOUCHED (64u * KIB) /* of WORKER_STACK: TLS handshakes and getaddrinfo go deepest */

/* Rounded up: a sum that is shown must not look smaller than what was compared. */
static uint64_t kib(uint64_t bytes)
{
    return bytes / KIB + (bytes % KIB != 0);
}

static void tell(const struct budget *budget, uint64_t a_worker, unsigned workers, char text[BUDGET_TEXT])
{
    uint64_t others = budget->process + budget->conn_bytes;

    snprintf(text, BUDGET_TEXT,
             "memory_max is %" PRIu64 " KiB; without workers %" PRIu64 " KiB are taken, a worker takes %" PRIu64
             " KiB (%u buffer, %u stack, %" PRIu64 " connection), and %" PRIu64 " + %u * %" PRIu64 " = %" PRIu64 " KiB",
             budget->memory_max / KIB, kib(others), kib(a_worker), WORKER_BUFFER / KIB, STACK_TOUCHED / KIB,
             kib(budget->conn_bytes), kib(others), workers, kib(a_worker), kib(others) + workers * kib(a_worker));
}

int budget_workers(const struct budget *budget, unsigned wanted, unsigned *workers, char text[BUDGET_TEXT],
                   struct sf_error *err)
{
    uint64_t others = budget->process + budget->conn_bytes;
    uint64_t a_worker = WORKER_BUFFER + STACK_TOUCHED + budget->conn_bytes;
    uint64_t fit = budget->memory_max > others ? (budget->memory_max - others) / a_worker : 0;

    text[0] = '\0';
    *workers = wanted;
    if (budget->memory_max == 0 || fit >= wanted)
        return 0;
    tell(budget, a_worker, fit > 0 ? (unsigned)fit : 1, text);
    if (fit == 0)
        return sf_fail(err, SF_INVALID, "%s: not even one worker fits; raise memory_max", text);
    *workers = (unsigned)fit;
    return 0;
}
