/* SPDX-License-Identifier: Apache-2.0
 *
 * How many workers fit into the memory that a run may take. Parts are sent by descriptor from the page cache, so what a worker
 * takes does not depend on the files: a worker is the only ticket there is. Pure.
 */
#ifndef CORE_LANES_BUDGET_H
#define CORE_LANES_BUDGET_H

#include "base/auto.h"
#include "snapferry/plugin.h"

#define BUDGET_TEXT 256

struct budget {
    uint64_t memory_max; /* 0: no limit */
    uint64_t process;    /* what the process takes without workers */
    uint64_t conn_bytes; /* of a connection; the stage that feeds the pool has one too */
};

/* How many of the wanted workers fit. Fewer than wanted: text is the arithmetic, for the log; else it is "". SF_INVALID with the
 * arithmetic if not even one does. */
MUST_CHECK int budget_workers(const struct budget *budget, unsigned wanted, unsigned *workers, char text[BUDGET_TEXT],
                              struct sf_error *err);

#endif
