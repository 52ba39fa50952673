/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/s3/creds.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "plugins/s3/creds_process.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#define RENEW_PAUSE_MS 30000 /* between two tries to renew what is still good */

struct creds {
    const struct profile *profile;
    const struct sf_host *host;
    char *source;        /* for messages */
    const char *command; /* the profile's credential_process; NULL: what there is does not change */
    struct {
        pthread_mutex_t mutex;
        pthread_cond_t renewed;
        struct sign_credentials current;
        int64_t expires_ms; /* wall clock; 0: never */
        int64_t next_try_ms;
        bool is_renewing; /* one caller is at it */
    } locked;
};

/* ---- the sources ---- */

static bool has(const char *text)
{
    return text != NULL && *text != '\0';
}

static int take(struct creds *creds, const char *id, const char *secret, const char *token, struct sf_error *err)
{
    struct sign_credentials *current = &creds->locked.current;

    if (strlen(id) >= sizeof(current->access_key_id) || strlen(secret) >= sizeof(current->secret))
        return sf_fail(err, SF_AUTH, "%s: longer than any key of S3", creds->source);
    memcpy(current->access_key_id, id, strlen(id) + 1);
    memcpy(current->secret, secret, strlen(secret) + 1);
    current->session_token = has(token) ? mem_text(token) : NULL;
    return 0;
}

/* 1: this source has them; 0: it has nothing; -1: it has one half of the pair. */
static int try_pair(struct creds *creds, const char *id, const char *secret, const char *token, const char *id_name,
                    const char *secret_name, const char *source, struct sf_error *err)
{
    if (!has(id) && !has(secret))
        return 0;
    if (!has(id) || !has(secret))
        return sf_fail(err, SF_AUTH, "%s: %s is there, but not %s", source, has(id) ? id_name : secret_name,
                       has(id) ? secret_name : id_name);
    creds->source = mem_text(source);
    return take(creds, id, secret, token, err) < 0 ? -1 : 1;
}

static int try_config(struct creds *creds, const struct creds_options *options, struct sf_error *err)
{
    return try_pair(creds, options->access_key_id, options->secret_access_key, options->session_token, "access_key_id",
                    "secret_access_key", "access_key_id of the config", err);
}

static int try_environment(struct creds *creds, struct sf_error *err)
{
    return try_pair(creds, getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN"),
                    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID of the environment", err);
}

static void warn_if_readable(const struct creds *creds, const char *file)
{
    struct stat st;
    char text[512];

    if (stat(file, &st) < 0 || (st.st_mode & (S_IRGRP | S_IROTH)) == 0)
        return;
    snprintf(text, sizeof(text), "%s: others can read it, and the secret in it: chmod 600", file);
    creds->host->log(creds->host, SF_LOG_WARNING, text);
}

static int try_profile_keys(struct creds *creds, struct sf_error *err)
{
    const struct profile *profile = creds->profile;
    const struct profile_item *id = profile_find(profile, "aws_access_key_id");
    const struct profile_item *secret = profile_find(profile, "aws_secret_access_key");
    AUTO_FREE char *source =
        mem_printf("profile '%s' in %s", profile->name, id != NULL ? id->file : profile->credentials_file);
    int found = try_pair(creds, profile_value(profile, "aws_access_key_id"),
                         profile_value(profile, "aws_secret_access_key"), profile_value(profile, "aws_session_token"),
                         "aws_access_key_id", "aws_secret_access_key", source, err);

    if (found > 0)
        warn_if_readable(creds, secret->file);
    return found;
}

/* What such a profile wants is not built; the tools that can do it can also print the result. */
static int refuse_kind(const struct profile *profile, struct sf_error *err)
{
    static const char *const kinds[] = {"role_arn",      "sso_session", "sso_start_url", "web_identity_token_file",
                                        "login_session", "mfa_serial"};
    size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct profile_item *item = profile_find(profile, kinds[i]);

        if (item != NULL)
            return sf_fail(
                err, SF_AUTH,
                "profile '%s' in %s has %s, which is not supported; give it a credential_process, such as: aws "
                "configure export-credentials --profile %s --format process",
                profile->name, item->file, kinds[i], profile->name);
    }
    return 0;
}

/* ---- credential_process ---- */

/* Runs it and takes what it prints. Nothing is locked: *fresh is the caller's. */
static int run_process(const struct creds *creds, const struct sf_call *call, struct sign_credentials *fresh,
                       int64_t *expires_ms, struct sf_error *err)
{
    if (creds_process(creds->command, call, fresh, expires_ms, err) == 0)
        return 0;
    return err_prefix(err, "%s", creds->source);
}

static int try_process(struct creds *creds, const struct sf_call *call, struct sf_error *err)
{
    const struct profile_item *item = profile_find(creds->profile, "credential_process");

    if (item == NULL || *item->value == '\0')
        return 0;
    creds->source = mem_printf("credential_process of profile '%s' in %s", creds->profile->name, item->file);
    creds->command = item->value;
    if (run_process(creds, call, &creds->locked.current, &creds->locked.expires_ms, err) < 0)
        return -1;
    return 1;
}

/* ---- choosing ---- */

static int none_found(const struct profile *profile, struct sf_error *err)
{
    return sf_fail(err, SF_AUTH,
                   "no credentials: neither access_key_id in the config, nor AWS_ACCESS_KEY_ID in the environment, nor "
                   "profile '%s' in %s or %s (instance and container roles are not read yet: use credential_process)",
                   profile->name, profile->credentials_file != NULL ? profile->credentials_file : "~/.aws/credentials",
                   profile->config_file != NULL ? profile->config_file : "~/.aws/config");
}

static int choose(struct creds *creds, const struct sf_call *call, const struct creds_options *options,
                  struct sf_error *err)
{
    int found = options->anonymous ? 1 : try_config(creds, options, err);

    if (options->anonymous)
        creds->source = mem_text("none (anonymous)");
    if (found == 0)
        found = try_environment(creds, err);
    if (found == 0)
        found = try_profile_keys(creds, err);
    if (found == 0)
        found = try_process(creds, call, err);
    if (found == 0)
        found = refuse_kind(creds->profile, err);
    return found == 0 ? none_found(creds->profile, err) : found < 0 ? -1 : 0;
}

int creds_open(struct creds **creds, const struct sf_call *call, const struct creds_options *options,
               struct sf_error *err)
{
    struct creds *made = mem_alloc(sizeof(*made));

    made->profile = options->profile;
    made->host = options->host;
    pthread_mutex_init(&made->locked.mutex, NULL);
    pthread_cond_init(&made->locked.renewed, NULL);
    if (choose(made, call, options, err) < 0) {
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
    sign_credentials_cleanup(&creds->locked.current);
    pthread_cond_destroy(&creds->locked.renewed);
    pthread_mutex_destroy(&creds->locked.mutex);
    free(creds->source);
    free(creds);
}

const char *creds_source(const struct creds *creds)
{
    return creds->source;
}

/* ---- renewing ---- */

/* Runs the process with the mutex given up, since it may take a minute; others go on with what there is, or wait. */
static int renew_locked(struct creds *creds, const struct sf_call *call, struct sf_error *err)
{
    SF_AUTO(sign_credentials) fresh = {.session_token = NULL};
    int64_t expires_ms = 0;
    int result;

    creds->locked.is_renewing = true;
    pthread_mutex_unlock(&creds->locked.mutex);
    result = run_process(creds, call, &fresh, &expires_ms, err);
    pthread_mutex_lock(&creds->locked.mutex);
    if (result == 0) {
        struct sign_credentials old = creds->locked.current;

        creds->locked.current = fresh;
        fresh = old;
        creds->locked.expires_ms = expires_ms;
    }
    creds->locked.next_try_ms = clock_wall_ms() + RENEW_PAUSE_MS;
    creds->locked.is_renewing = false;
    pthread_cond_broadcast(&creds->locked.renewed);
    return result;
}

static bool is_expired_locked(const struct creds *creds)
{
    return creds->locked.expires_ms != 0 && clock_wall_ms() >= creds->locked.expires_ms;
}

static bool is_due_locked(const struct creds *creds)
{
    int64_t now_ms;

    if (creds->locked.expires_ms == 0)
        return false;
    now_ms = clock_wall_ms();
    return now_ms >= creds->locked.expires_ms - CREDS_EARLY_MS && now_ms >= creds->locked.next_try_ms;
}

static int keep_fresh_locked(struct creds *creds, const struct sf_call *call, struct sf_error *err)
{
    struct sf_error failure = SF_ERROR_INIT;

    while (creds->locked.is_renewing && is_expired_locked(creds))
        pthread_cond_wait(&creds->locked.renewed,
                          &creds->locked.mutex); /* its caller ends when the call is cancelled */
    if (creds->locked.is_renewing || (!is_due_locked(creds) && !is_expired_locked(creds)))
        return 0;
    if (renew_locked(creds, call, &failure) == 0)
        return 0;
    if (is_expired_locked(creds)) {
        *err = failure;
        return -1;
    }
    creds->host->log(creds->host, SF_LOG_WARNING, failure.text);
    return 0;
}

int creds_get(struct creds *creds, const struct sf_call *call, struct sign_credentials *out, struct sf_error *err)
{
    int result;

    pthread_mutex_lock(&creds->locked.mutex);
    result = keep_fresh_locked(creds, call, err);
    if (result == 0)
        sign_credentials_copy(out, &creds->locked.current);
    pthread_mutex_unlock(&creds->locked.mutex);
    return result;
}

static bool is_same(const struct sign_credentials *a, const struct sign_credentials *b)
{
    const char *a_token = a->session_token != NULL ? a->session_token : "";
    const char *b_token = b->session_token != NULL ? b->session_token : "";

    return strcmp(a->access_key_id, b->access_key_id) == 0 && strcmp(a->secret, b->secret) == 0 &&
           strcmp(a_token, b_token) == 0;
}

int creds_renew(struct creds *creds, const struct sf_call *call, const struct sign_credentials *refused,
                struct sf_error *err)
{
    int result = 0;

    if (creds->command == NULL)
        return 0;
    pthread_mutex_lock(&creds->locked.mutex);
    while (creds->locked.is_renewing)
        pthread_cond_wait(&creds->locked.renewed, &creds->locked.mutex);
    if (is_same(&creds->locked.current, refused))
        result = renew_locked(creds, call, err);
    if (result == 0)
        result = !is_same(&creds->locked.current, refused);
    pthread_mutex_unlock(&creds->locked.mutex);
    return result;
}
