/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/backoff.h"

#include "base/clock.h"
#include "base/err.h"
#include "core/progress/log.h"
#include "core/store/call.h"
#include "core/store/pace.h"

#include <sys/random.h>

#define FIRST_MS 50
#define FIRST_THROTTLED_MS 1000
#define LONGEST_MS 20000
#define SLICE_MS 100 /* how soon a cancelled run ends its wait */

int64_t backoff_limit_ms(int cls, unsigned tries)
{
    int64_t limit = cls == SF_THROTTLED ? FIRST_THROTTLED_MS : FIRST_MS;

    for (; tries > 1 && limit < LONGEST_MS; tries--)
        limit *= 2;
    return limit < LONGEST_MS ? limit : LONGEST_MS;
}

/* Full jitter: workers that failed together must not come back together. */
static int64_t random_up_to(int64_t limit)
{
    uint64_t bits;

    if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits))
        bits = (uint64_t)clock_mono_ms() * UINT64_C(0x9e3779b97f4a7c15) >> 16; /* early boot: any spread will do */
    return (int64_t)(bits % ((uint64_t)limit + 1));
}

static bool wait_unless_cancelled(const struct sf_call *call, int64_t ms)
{
    int64_t start = clock_mono_ms();

    for (;;) {
        int64_t left = ms - (clock_mono_ms() - start);

        if (call->cancelled(call))
            return false;
        if (left <= 0)
            return true;
        clock_sleep_ms(left < SLICE_MS ? left : SLICE_MS);
    }
}

/* The failure would have been tried again, had the run not ended: that is what it is about now. */
static bool cancelled_instead(const struct run_call *run, struct sf_error *err)
{
    struct sf_error cancel = SF_ERROR_INIT;

    run_call_cancel_error(run, &cancel);
    err_prefix(err, "%s before it could be tried again", cancel.text);
    err->cls = SF_CANCELLED;
    return false;
}

bool backoff_allows(const struct backoff *backoff, int cls, int64_t now_ms, int64_t wait_ms)
{
    return err_is_retryable(cls) && backoff->tries < backoff->tries_max &&
           wait_ms < BACKOFF_GIVE_UP_MS - (now_ms - backoff->failed_ms);
}

/* What the try after this failure costs the store's bucket, once there is enough in it. */
static bool pay(struct backoff *backoff, int cls)
{
    backoff->paid = cls == SF_THROTTLED ? PACE_COST_THROTTLED : PACE_COST_TRANSIENT;
    return backoff->pace == NULL ||
           pace_take(backoff->pace, backoff->call, backoff->paid, backoff->failed_ms + BACKOFF_GIVE_UP_MS);
}

bool backoff_again(struct backoff *backoff, struct sf_error *err)
{
    int64_t now_ms = clock_mono_ms();
    int64_t wait = random_up_to(backoff_limit_ms(err->cls, ++backoff->tries));

    if (backoff->tries == 1)
        backoff->failed_ms = now_ms;
    if (err->cls == SF_THROTTLED)
        atomic_fetch_add_explicit(&backoff->run->throttles, 1, memory_order_relaxed);
    if (wait < err->retry_after_ms)
        wait = err->retry_after_ms; /* the store's own wish is not spread: it knows */
    if (!backoff_allows(backoff, err->cls, now_ms, wait))
        return false;
    if (backoff->call->cancelled(backoff->call))
        return cancelled_instead(backoff->run, err);
    log_info(backoff->log, "%s, trying again in %.1f s (%u of %u)", err->text, (double)wait / 1000.0,
             backoff->tries + 1, backoff->tries_max);
    if (!wait_unless_cancelled(backoff->call, wait))
        return cancelled_instead(backoff->run, err);
    if (!pay(backoff, err->cls))
        return backoff->call->cancelled(backoff->call) ? cancelled_instead(backoff->run, err) : false;
    atomic_fetch_add_explicit(&backoff->run->retries, 1, memory_order_relaxed);
    return true;
}
