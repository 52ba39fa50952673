/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether, and after which wait, a call that failed is made again. Private to core/store; one per call, any thread.
 */
#ifndef CORE_STORE_BACKOFF_H
#define CORE_STORE_BACKOFF_H

#include "snapferry/plugin.h"

#include <stdbool.h>

struct log;
struct run_call;

struct backoff {
    struct run_call *run;
    struct log *log;
    unsigned tries; /* made so far and failed */
};

/* After a failure that boundary_error() has seen. true: it waited, the caller tries again. false: *err is final; it is
 * SF_CANCELLED if the run was cancelled during the wait, with maybe_applied as it was. */
bool backoff_again(struct backoff *backoff, struct sf_error *err);

/* Longest random wait before try number tries + 1 in ms: 100, 200, ... up to 20 s. */
int64_t backoff_limit_ms(unsigned tries);

#endif
