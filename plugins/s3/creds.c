/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps what the source gave (creds_find.c), and renews it: one caller asks the source, the others go on with what they have for
 * as long as it is good.
 */
#include "plugins/s3/creds_priv.h"

#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

/* After a renewal that failed, or gave what ends soon again, the source is left alone for a while. */
#define AGAIN_MS 30000
#define WAIT_MS 200 /* between two looks at cancelled() */

struct creds {
    struct creds_origin origin;
    const struct sf_host *host;
    struct {
        pthread_mutex_t mutex;
        pthread_cond_t renewed; /* or it failed */
        struct creds_set set;
        bool is_renewing;
        int64_t not_before_ms; /* monotonic: no early renewal until then */
    } locked;
};

int creds_open(struct creds **creds, const struct sf_call *call, const struct creds_options *options,
               struct sf_error *err)
{
    struct creds *made = mem_alloc(sizeof(*made));
    pthread_condattr_t monotonic;

    made->host = options->host;
    pthread_mutex_init(&made->locked.mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&made->locked.renewed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (creds_find(&made->origin, &made->locked.set, call, options, err) < 0) {
        creds_close(made);
        return -1;
    }
    *creds = made;
    return 0;
}

void creds_close(struct creds *creds)
{
    if (creds == NULL)
        return;
    creds_set_cleanup(&creds->locked.set);
    pthread_cond_destroy(&creds->locked.renewed);
    pthread_mutex_destroy(&creds->locked.mutex);
    creds_origin_cleanup(&creds->origin);
    free(creds);
}

const char *creds_source(const struct creds *creds)
{
    return creds->origin.text;
}

/* --- renewing */

static bool is_same(const struct sign_credentials *a, const struct sign_credentials *b)
{
    const char *a_token = a->session_token != NULL ? a->session_token : "";
    const char *b_token = b->session_token != NULL ? b->session_token : "";

    return strcmp(a->access_key_id, b->access_key_id) == 0 && strcmp(a->secret, b->secret) == 0 &&
           strcmp(a_token, b_token) == 0;
}

static bool is_good_locked(const struct creds *creds, int64_t margin_ms)
{
    int64_t expires_ms = creds->locked.set.expires_ms;

    return expires_ms == 0 || clock_wall_ms() < expires_ms - margin_ms;
}

static void warn_of(const struct creds *creds, const struct sf_error *err)
{
    char text[SF_ERROR_TEXT + 128];

    if (err->cls == SF_CANCELLED)
        return;
    snprintf(text, sizeof(text), "credentials could not be renewed, the old ones are used until they expire: %s",
             err->text);
    creds->host->log(creds->host, SF_LOG_WARNING, text);
}

/* Asks the source; the mutex is open meanwhile. Afterwards what it gave is there, or *err. early: a failure is worth a warning. */
static int renew_locked(struct creds *creds, const struct sf_call *call, bool early, struct sf_error *err)
{
    SF_AUTO(creds_set) fresh = {.expires_ms = 0};
    struct creds_set old;
    int result;

    creds->locked.is_renewing = true;
    pthread_mutex_unlock(&creds->locked.mutex);
    result = creds_ask(&creds->origin, call, &fresh, err);
    if (result < 0 && early)
        warn_of(creds, err);
    pthread_mutex_lock(&creds->locked.mutex);
    creds->locked.is_renewing = false;
    if (result == 0) {
        old = creds->locked.set;
        creds->locked.set = fresh;
        fresh = old;
    }
    if (result < 0 || !is_good_locked(creds, CREDS_EARLY_MS))
        creds->locked.not_before_ms = clock_mono_ms() + AGAIN_MS;
    pthread_cond_broadcast(&creds->locked.renewed);
    return result;
}

/* Until whoever renews has done so, whatever came of it. */
static int wait_locked(struct creds *creds, const struct sf_call *call, struct sf_error *err)
{
    struct timespec until;
    int64_t ms;

    while (creds->locked.is_renewing) {
        if (call->cancelled(call))
            return sf_fail(err, SF_CANCELLED, "%s: cancelled", creds->origin.text);
        ms = clock_mono_ms() + WAIT_MS;
        until = (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
        pthread_cond_timedwait(&creds->locked.renewed, &creds->locked.mutex, &until);
    }
    return 0;
}

static int make_good_locked(struct creds *creds, const struct sf_call *call, struct sf_error *err)
{
    if (is_good_locked(creds, CREDS_EARLY_MS))
        return 0;
    if (is_good_locked(creds, 0)) {
        struct sf_error early = SF_ERROR_INIT;

        if (!creds->locked.is_renewing && clock_mono_ms() >= creds->locked.not_before_ms &&
            renew_locked(creds, call, true, &early) == 0)
            return 0;
    }
    while (!is_good_locked(creds, 0)) {
        if (!creds->locked.is_renewing)
            return renew_locked(creds, call, false, err);
        if (wait_locked(creds, call, err) < 0)
            return -1;
    }
    return 0;
}

int creds_get(struct creds *creds, const struct sf_call *call, struct sign_credentials *out, struct sf_error *err)
{
    int result;

    pthread_mutex_lock(&creds->locked.mutex);
    result = make_good_locked(creds, call, err);
    if (result == 0)
        sign_credentials_copy(out, &creds->locked.set.keys);
    pthread_mutex_unlock(&creds->locked.mutex);
    return result;
}

static int renew_refused_locked(struct creds *creds, const struct sf_call *call, const struct sign_credentials *refused,
                                struct sf_error *err)
{
    if (creds->origin.kind == ORIGIN_FIXED)
        return 0;
    if (wait_locked(creds, call, err) < 0)
        return -1;
    if (!is_same(&creds->locked.set.keys, refused))
        return 1;
    if (renew_locked(creds, call, false, err) < 0)
        return -1;
    return is_same(&creds->locked.set.keys, refused) ? 0 : 1;
}

int creds_renew(struct creds *creds, const struct sf_call *call, const struct sign_credentials *refused,
                struct sf_error *err)
{
    int result;

    pthread_mutex_lock(&creds->locked.mutex);
    result = renew_refused_locked(creds, call, refused, err);
    pthread_mutex_unlock(&creds->locked.mutex);
    return result;
}
