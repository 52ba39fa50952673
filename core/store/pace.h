/* SPDX-License-Identifier: Apache-2.0
 *
 * How hard a run leans on one store: a bucket of tokens that retries cost, and a limit on the calls in flight once the store asks for fewer.
 * One per open store, shared by all its connections; any thread. The figures are those of the SDKs of AWS (retry behaviour of 2026), but
 * an empty bucket makes retries wait, where theirs fail: a backup has time.
 */
#ifndef CORE_STORE_PACE_H
#define CORE_STORE_PACE_H

#include "base/auto.h"
#include "snapferry/plugin.h"

#include <pthread.h>
#include <stdbool.h>

#define PACE_TOKENS 500        /* of a full bucket */
#define PACE_COST_TRANSIENT 14 /* of a retry */
#define PACE_COST_THROTTLED 5
#define PACE_TOKEN_MS 100  /* a token, while somebody waits for one */
#define PACE_BURST_MS 1000 /* throttled answers within this halve the limit once */
#define PACE_GROW_MS 5000  /* without a throttled answer: one call more */

/* The state without clock and threads: what changes is told the time. */
struct pace_state {
    unsigned tokens;
    unsigned token_waiters;
    int64_t token_ms; /* when the last token came, while there are waiters */
    unsigned in_flight;
    unsigned place_waiters;
    unsigned limit;    /* of calls in flight; 0: none */
    unsigned ceiling;  /* with this limit there would be none */
    int64_t halved_ms; /* the last time */
    int64_t quiet_ms;  /* since then no throttled answer, or grown */
};

void pace_state_init(struct pace_state *state);
/* A place in flight, if there is one. */
bool pace_state_enter(struct pace_state *state, int64_t now_ms);
/* A call has answered with cls; the tokens that it had cost (0: a first try) come back if that is SF_OK. The new limit if this
 * answer lowered it, else 0. */
unsigned pace_state_leave(struct pace_state *state, int cls, unsigned paid, int64_t now_ms);
/* Tokens that came while somebody waited; then 0 and they are taken, or after how many ms there may be enough. */
int64_t pace_state_take(struct pace_state *state, unsigned cost, int64_t now_ms);

struct pace {
    struct {
        pthread_mutex_t mutex;
        pthread_cond_t changed; /* a place or tokens came free */
        struct pace_state state;
    } locked;
};

void pace_init(struct pace *pace);
void pace_cleanup(struct pace *pace);

/* Before a call into the plugin: waits for a place in flight. false: the call was cancelled meanwhile, no place was taken. */
bool pace_enter(struct pace *pace, const struct sf_call *call);
/* After it; as pace_state_leave(). */
unsigned pace_leave(struct pace *pace, int cls, unsigned paid);
/* Before a retry: waits for its tokens. false: the call was cancelled or until_ms (monotonic) has passed, nothing was taken. */
bool pace_take(struct pace *pace, const struct sf_call *call, unsigned cost, int64_t until_ms);

#endif
