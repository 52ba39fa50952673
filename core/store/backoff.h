/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether, and after which wait, a call that failed is made again. Private to core/store; one per call, any thread.
 */
#ifndef CORE_STORE_BACKOFF_H
#define CORE_STORE_BACKOFF_H

#include "snapferry/plugin.h"

#include <stdbool.h>

struct log;
struct pace;
struct run_call;

#define BACKOFF_GIVE_UP_MS (15 * 60000) /* no try later than this after the first failure */

struct backoff {
    const struct sf_call *call; /* of the tries: a call made after the run was cancelled goes on to its own deadline */
    struct run_call *run;
    struct log *log;
    struct pace *pace;  /* of the store; NULL while that is being opened */
    unsigned tries_max; /* RETRY_TRIES, ... */
    unsigned tries;     /* made so far and failed */
    int64_t failed_ms;  /* when the first one did, monotonic */
    unsigned paid;      /* tokens that the last retry cost */
};

/* After a failure that boundary_error() has seen. true: it waited, the caller tries again. false: *err is final; it is
 * SF_CANCELLED if the call was cancelled during the wait, with maybe_applied as it was. */
bool backoff_again(struct backoff *backoff, struct sf_error *err);

/* Whether a failure of class cls at now_ms, counted in tries, may be followed by a try after wait_ms. Pure. */
bool backoff_allows(const struct backoff *backoff, int cls, int64_t now_ms, int64_t wait_ms);

/* Longest random wait before try number tries + 1 in ms: 50, 100, ... up to 20 s; after SF_THROTTLED 1 s, 2 s, ... */
int64_t backoff_limit_ms(int cls, unsigned tries);

#endif
