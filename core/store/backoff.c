/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/backoff.h"

#include "base/clock.h"
#include "base/err.h"
#include "core/progress/log.h"
#include "core/store/call.h"
#include "core/store/store.h"

#include <sys/random.h>

#define FIRST_MS 100
#define LONGEST_MS 20000
#define SLICE_MS 100 /* how soon a cancelled run ends its wait */

int64_t backoff_limit_ms(unsigned tries)
{
    int64_t limit = FIRST_MS;

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

static bool wait_unless_cancelled(const struct run_call *run, int64_t ms)
{
    int64_t start = clock_mono_ms();

    for (;;) {
        int64_t left = ms - (clock_mono_ms() - start);

        if (run_call_cancelled(run))
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

bool backoff_again(struct backoff *backoff, struct sf_error *err)
{
    int64_t wait;

    backoff->tries++;
    if (!err_is_retryable(err->cls) || backoff->tries >= RETRY_TRIES)
        return false;
    if (run_call_cancelled(backoff->run))
        return cancelled_instead(backoff->run, err);
    wait = random_up_to(backoff_limit_ms(backoff->tries));
    if (wait < err->retry_after_ms)
        wait = err->retry_after_ms;
    log_info(backoff->log, "%s, trying again in %.1f s (%u of %d)", err->text, (double)wait / 1000.0,
             backoff->tries + 1, RETRY_TRIES);
    if (!wait_unless_cancelled(backoff->run, wait))
        return cancelled_instead(backoff->run, err);
    atomic_fetch_add_explicit(&backoff->run->retries, 1, memory_order_relaxed);
    return true;
}
