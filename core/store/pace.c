/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/pace.h"

#include "base/clock.h"

#include <time.h>

#define SLICE_MS 100 /* how soon a cancelled run ends its waits */

/* ---- the state ---- */

void pace_state_init(struct pace_state *state)
{
    *state = (struct pace_state){.tokens = PACE_TOKENS};
}

/* One call more for each quiet while; once there may be as many as there were, there is no limit again. */
static void grow(struct pace_state *state, int64_t now_ms)
{
    int64_t steps = (now_ms - state->quiet_ms) / PACE_GROW_MS;

    if (state->limit == 0 || steps <= 0)
        return;
    state->quiet_ms += steps * PACE_GROW_MS;
    if (steps >= (int64_t)(state->ceiling - state->limit))
        state->limit = 0;
    else
        state->limit += (unsigned)steps;
}

/* The new limit; 0 if it stays as it is. */
static unsigned shrink(struct pace_state *state, int64_t now_ms)
{
    unsigned before = state->limit;

    state->quiet_ms = now_ms;
    if (before != 0 && now_ms - state->halved_ms < PACE_BURST_MS)
        return 0;
    if (before == 0)
        state->ceiling = state->in_flight > 1 ? state->in_flight : 2;
    state->halved_ms = now_ms;
    state->limit = (before != 0 ? before : state->in_flight) / 2;
    if (state->limit == 0)
        state->limit = 1;
    return state->limit != before ? state->limit : 0;
}

bool pace_state_enter(struct pace_state *state, int64_t now_ms)
{
    grow(state, now_ms);
    if (state->limit != 0 && state->in_flight >= state->limit)
        return false;
    state->in_flight++;
    return true;
}

unsigned pace_state_leave(struct pace_state *state, int cls, unsigned paid, int64_t now_ms)
{
    unsigned lowered = 0, back = paid != 0 ? paid : 1;

    grow(state, now_ms);
    if (cls == SF_THROTTLED)
        lowered = shrink(state, now_ms);
    if (cls == SF_OK)
        state->tokens = state->tokens + back < PACE_TOKENS ? state->tokens + back : PACE_TOKENS;
    state->in_flight--;
    return lowered;
}

int64_t pace_state_take(struct pace_state *state, unsigned cost, int64_t now_ms)
{
    int64_t came;

    if (state->token_waiters > 0) {
        came = (now_ms - state->token_ms) / PACE_TOKEN_MS;
        state->token_ms += came * PACE_TOKEN_MS;
        state->tokens += came < PACE_TOKENS - state->tokens ? (unsigned)came : PACE_TOKENS - state->tokens;
    }
    if (state->tokens >= cost) {
        state->tokens -= cost;
        return 0;
    }
    if (state->token_waiters == 0)
        state->token_ms = now_ms; /* whoever asks waits: from now on tokens come with time */
    return (int64_t)(cost - state->tokens) * PACE_TOKEN_MS;
}

/* ---- shared by threads ---- */

void pace_init(struct pace *pace)
{
    pthread_condattr_t attr;

    pace_state_init(&pace->locked.state);
    pthread_mutex_init(&pace->locked.mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&pace->locked.changed, &attr);
    pthread_condattr_destroy(&attr);
}

void pace_cleanup(struct pace *pace)
{
    pthread_mutex_destroy(&pace->locked.mutex);
    pthread_cond_destroy(&pace->locked.changed);
}

/* At most a slice: a signal handler cannot wake a condition. */
static void wait_locked(struct pace *pace, int64_t now_ms, int64_t ms)
{
    int64_t end_ms = now_ms + (ms < SLICE_MS ? ms : SLICE_MS);
    struct timespec end = {.tv_sec = end_ms / 1000, .tv_nsec = end_ms % 1000 * 1000000};

    pthread_cond_timedwait(&pace->locked.changed, &pace->locked.mutex, &end);
}

bool pace_enter(struct pace *pace, const struct sf_call *call)
{
    struct pace_state *state = &pace->locked.state;
    bool entered;

    pthread_mutex_lock(&pace->locked.mutex);
    state->place_waiters++;
    for (;;) {
        int64_t now_ms = clock_mono_ms();

        entered = pace_state_enter(state, now_ms);
        if (entered || call->cancelled(call))
            break;
        wait_locked(pace, now_ms, SLICE_MS);
    }
    state->place_waiters--;
    pthread_mutex_unlock(&pace->locked.mutex);
    return entered;
}

unsigned pace_leave(struct pace *pace, int cls, unsigned paid)
{
    struct pace_state *state = &pace->locked.state;
    unsigned lowered;
    bool awaited;

    pthread_mutex_lock(&pace->locked.mutex);
    lowered = pace_state_leave(state, cls, paid, clock_mono_ms());
    awaited = state->place_waiters + state->token_waiters > 0;
    pthread_mutex_unlock(&pace->locked.mutex);
    if (awaited)
        pthread_cond_broadcast(&pace->locked.changed);
    return lowered;
}

bool pace_take(struct pace *pace, const struct sf_call *call, unsigned cost, int64_t until_ms)
{
    struct pace_state *state = &pace->locked.state;
    bool waits = false, taken = false;

    pthread_mutex_lock(&pace->locked.mutex);
    for (;;) {
        int64_t now_ms = clock_mono_ms();
        int64_t ms = pace_state_take(state, cost, now_ms);

        taken = ms == 0;
        if (taken || now_ms >= until_ms || call->cancelled(call))
            break;
        state->token_waiters += waits ? 0 : 1;
        waits = true;
        wait_locked(pace, now_ms, ms);
    }
    state->token_waiters -= waits ? 1 : 0;
    pthread_mutex_unlock(&pace->locked.mutex);
    return taken;
}
