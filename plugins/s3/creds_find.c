/* SPDX-License-Identifier: Apache-2.0
 *
 * Where credentials come from: the first place that has any, in the order of AWS' own tools. Half of a pair ends the search: who set
 * it wants it to be used.
 */
#include "plugins/s3/creds_priv.h"

#include "base/err.h"
#include "base/mem.h"

#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>

void creds_set_cleanup(struct creds_set *set)
{
    sign_credentials_cleanup(&set->keys);
    set->expires_ms = 0;
}

void creds_origin_cleanup(struct creds_origin *origin)
{
    if (origin->command != NULL)
        OPENSSL_cleanse(origin->command, strlen(origin->command));
    free(origin->command);
    free(origin->profile);
    free(origin->text);
    *origin = (struct creds_origin){.kind = ORIGIN_FIXED};
}

/* --- what keys may look like */

static bool is_plain(const char *text, char least)
{
    for (; *text != '\0'; text++)
        if (*text < least || *text > '~')
            return false;
    return true;
}

int creds_set_fill(struct creds_set *set, const char *access_key_id, const char *secret, const char *token,
                   struct sf_error *err)
{
    struct sign_credentials *keys = &set->keys;

    if (access_key_id[0] == '\0' || secret[0] == '\0')
        return sf_fail(err, SF_AUTH, "the %s is empty",
                       access_key_id[0] == '\0' ? "access key id" : "secret access key");
    if (strlen(access_key_id) >= sizeof(keys->access_key_id))
        return sf_fail(err, SF_AUTH, "the access key id has more than %zu characters", sizeof(keys->access_key_id) - 1);
    if (strlen(secret) >= sizeof(keys->secret))
        return sf_fail(err, SF_AUTH, "the secret access key has more than %zu characters", sizeof(keys->secret) - 1);
    if (!is_plain(access_key_id, '!') || !is_plain(secret, ' ') || (token != NULL && !is_plain(token, '!')))
        return sf_fail(err, SF_AUTH,
                       "the keys have a line end, or another character in them that they cannot have: were they copied "
                       "whole?");
    memcpy(keys->access_key_id, access_key_id, strlen(access_key_id) + 1);
    memcpy(keys->secret, secret, strlen(secret) + 1);
    keys->session_token = token != NULL && token[0] != '\0' ? mem_text(token) : NULL;
    return 0;
}

/* --- sources */

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* 1: taken, 0: nothing there */
static int take_pair(struct creds_origin *origin, struct creds_set *set, const char *id, const char *secret,
                     const char *token, const char *id_name, const char *secret_name, const char *place,
                     struct sf_error *err)
{
    if (id == NULL && secret == NULL)
        return 0;
    if (id == NULL || secret == NULL)
        return sf_fail(err, SF_AUTH, "%s has %s, but no %s", place, id != NULL ? id_name : secret_name,
                       id != NULL ? secret_name : id_name);
    if (creds_set_fill(set, id, secret, token, err) < 0)
        return err_prefix(err, "%s of %s", id_name, place);
    origin->text = mem_printf("%s of %s", id_name, place);
    return 1;
}

static int take_config(struct creds_origin *origin, struct creds_set *set, const struct creds_options *options,
                       struct sf_error *err)
{
    bool has_keys = options->access_key_id != NULL || options->secret_access_key != NULL;

    if (options->anonymous && (has_keys || options->session_token != NULL))
        return sf_fail(err, SF_INVALID, "the config has anonymous = true and keys: leave one of them out");
    if (options->anonymous) {
        origin->text = mem_text("anonymous of the config");
        return 1;
    }
    if (options->session_token != NULL && !has_keys)
        return sf_fail(err, SF_AUTH, "the config has session_token, but no access_key_id and secret_access_key");
    return take_pair(origin, set, options->access_key_id, options->secret_access_key, options->session_token,
                     "access_key_id", "secret_access_key", "the config", err);
}

static int take_environment(struct creds_origin *origin, struct creds_set *set, struct sf_error *err)
{
    return take_pair(origin, set, variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"),
                     variable("AWS_SESSION_TOKEN"), "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "the environment",
                     err);
}

static void warn_if_readable(const struct sf_host *host, const char *file)
{
    char printable[256], text[384];
    struct stat st;

    if (stat(file, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & (S_IRGRP | S_IROTH)) == 0)
        return;
    snprintf(text, sizeof(text), "%s has a secret key in it and can be read by others: chmod 600",
             err_printable(file, printable, sizeof(printable)));
    host->log(host, SF_LOG_WARNING, text);
}

static char *describe(const struct profile *profile, const char *what, const char *file)
{
    char name[128], path[256];

    return mem_printf("%sprofile '%s' in %s", what, err_printable(profile->name, name, sizeof(name)),
                      err_printable(file, path, sizeof(path)));
}

static int take_profile(struct creds_origin *origin, struct creds_set *set, const struct sf_call *call,
                        const struct creds_options *options, struct sf_error *err)
{
    const struct profile *profile = options->profile;
    enum profile_source source;
    const struct profile_item *item;

    if (profile_source(profile, &source, err) < 0)
        return -1;
    if (source == PROFILE_NONE)
        return 0;
    if (source == PROFILE_KEYS) {
        item = profile_find(profile, "aws_secret_access_key");
        origin->kind = ORIGIN_PROFILE;
        origin->profile = mem_text(profile->name);
        origin->text = describe(profile, "", item->file);
        warn_if_readable(options->host, item->file);
        return profile_keys(profile, set, err) == 0 ? 1 : -1;
    }
    item = profile_find(profile, "credential_process");
    origin->kind = ORIGIN_PROCESS;
    origin->command = mem_text(item->value);
    origin->text = describe(profile, "credential_process of ", item->file);
    return creds_ask(origin, call, set, err) == 0 ? 1 : -1;
}

/* Where a cloud says who we are; told only so that nobody wonders. */
static const char *find_cloud(void)
{
    static const char *const names[] = {"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                        "AWS_CONTAINER_CREDENTIALS_FULL_URI"};
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (variable(names[i]) != NULL)
            return names[i];
    return NULL;
}

static int nothing_found(const struct profile *profile, struct sf_error *err)
{
    const char *cloud = find_cloud();
    char name[64], credentials[100], config[100];

    err_printable(profile->name, name, sizeof(name));
    err_printable(profile->credentials_file != NULL ? profile->credentials_file : "(no home)", credentials,
                  sizeof(credentials));
    err_printable(profile->config_file != NULL ? profile->config_file : "(no home)", config, sizeof(config));
    return sf_fail(
        err, SF_AUTH,
        "no credentials: no access_key_id in the config, no AWS_ACCESS_KEY_ID in the environment, no keys and no "
        "credential_process in profile '%s' of %s and %s%s%s%s; for a public bucket set anonymous",
        name, credentials, config, cloud != NULL ? "; " : "", cloud != NULL ? cloud : "",
        cloud != NULL ? " is not supported, credential_process can do it" : "");
}

int creds_find(struct creds_origin *origin, struct creds_set *set, const struct sf_call *call,
               const struct creds_options *options, struct sf_error *err)
{
    int taken = take_config(origin, set, options, err);

    if (taken == 0)
        taken = take_environment(origin, set, err);
    if (taken == 0)
        taken = take_profile(origin, set, call, options, err);
    if (taken == 0)
        taken = nothing_found(options->profile, err);
    return taken < 0 ? -1 : 0;
}

int creds_ask(const struct creds_origin *origin, const struct sf_call *call, struct creds_set *set,
              struct sf_error *err)
{
    SF_AUTO(profile) profile = {NULL};

    switch (origin->kind) {
    case ORIGIN_FIXED:
        break;
    case ORIGIN_PROFILE: /* other programs write short-lived keys there */
        return profile_read(&profile, origin->profile, err) == 0 ? profile_keys(&profile, set, err) : -1;
    case ORIGIN_PROCESS:
        return creds_process(call, origin->command, set, err) == 0 ? 0 : err_prefix(err, "%s", origin->text);
    }
    return sf_fail(err, SF_AUTH, "%s: there are no others", origin->text);
}
