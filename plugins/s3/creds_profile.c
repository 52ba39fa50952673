/* SPDX-License-Identifier: Apache-2.0
 *
 * What a profile has to offer. A profile that asks for a role, a single sign-on session or the like is refused even if it has keys
 * too: they are not who the user wants to be. Unless it has a credential_process, which is the way out that we name.
 */
#include "plugins/s3/creds_priv.h"

#include "base/err.h"

#include <string.h>

#define ID "aws_access_key_id"
#define SECRET "aws_secret_access_key"
#define TOKEN "aws_session_token"

static const char *const unsupported[] = {"web_identity_token_file", "sso_session", "sso_start_url", "login_session",
                                          "role_arn"};
#define UNSUPPORTED (sizeof(unsupported) / sizeof(unsupported[0]))

static const struct profile_item *find_unsupported(const struct profile *profile)
{
    const struct profile_item *item;
    size_t i;

    for (i = 0; i < UNSUPPORTED; i++) {
        item = profile_find(profile, unsupported[i]);
        if (item != NULL)
            return item;
    }
    /* also stands beside keys, which then need no second factor */
    return profile_find(profile, ID) == NULL ? profile_find(profile, "mfa_serial") : NULL;
}

/* "profile 'x' in FILE" */
static const char *name_profile(const struct profile *profile, const char *file, char *out, size_t size)
{
    char name[100], path[200];

    snprintf(out, size, "profile '%s' in %s", err_printable(profile->name, name, sizeof(name)),
             err_printable(file, path, sizeof(path)));
    return out;
}

static int unsupported_fail(const struct profile *profile, const struct profile_item *item, struct sf_error *err)
{
    char where[320], name[64];

    name_profile(profile, item->file, where, sizeof(where));
    err_printable(profile->name, name, sizeof(name));
    return sf_fail(err, SF_AUTH,
                   "%s has %s, which is not supported: a profile with credential_process can do it, as `aws configure "
                   "export-credentials --profile %s --format process`",
                   where, item->key, name);
}

/* A key that stands in the file of another one, or NULL. */
static const char *value_beside(const struct profile *profile, const char *key, const struct profile_item *other)
{
    const struct profile_item *item = profile_find(profile, key);

    return item != NULL && item->file == other->file ? item->value : NULL;
}

int profile_source(const struct profile *profile, enum profile_source *source, struct sf_error *err)
{
    const struct profile_item *id = profile_find(profile, ID), *secret = profile_find(profile, SECRET);
    const struct profile_item *process = profile_find(profile, "credential_process");
    const struct profile_item *other = find_unsupported(profile);
    char where[320];

    *source = PROFILE_PROCESS;
    if (other != NULL && process != NULL)
        return 0;
    if (other != NULL)
        return unsupported_fail(profile, other, err);
    *source = PROFILE_KEYS;
    if (id != NULL && value_beside(profile, SECRET, id) != NULL)
        return 0;
    if (id != NULL)
        return sf_fail(err, SF_AUTH, "%s has " ID ", but no " SECRET,
                       name_profile(profile, id->file, where, sizeof(where)));
    if (secret != NULL)
        return sf_fail(err, SF_AUTH, "%s has " SECRET ", but no " ID,
                       name_profile(profile, secret->file, where, sizeof(where)));
    *source = process != NULL ? PROFILE_PROCESS : PROFILE_NONE;
    return 0;
}

int profile_keys(const struct profile *profile, struct creds_set *set, struct sf_error *err)
{
    const struct profile_item *id = profile_find(profile, ID);
    char where[320];

    if (id == NULL || value_beside(profile, SECRET, id) == NULL)
        return sf_fail(err, SF_AUTH, "profile '%s' has no keys any more", profile->name);
    if (creds_set_fill(set, id->value, value_beside(profile, SECRET, id), value_beside(profile, TOKEN, id), err) < 0)
        return err_prefix(err, "%s", name_profile(profile, id->file, where, sizeof(where)));
    return 0;
}
