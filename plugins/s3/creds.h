/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the credentials come from: the config, else the environment, else a profile (plain keys or credential_process), in the
 * order of AWS' own tools. Anonymous only if the config says so. Cloud identities (web identity, container, instance
 * metadata) will be further sources behind the same functions. Thread-safe.
 */
#ifndef PLUGINS_S3_CREDS_H
#define PLUGINS_S3_CREDS_H

#include "plugins/s3/profile.h"
#include "plugins/s3/sign.h"

struct creds_options {
    const char *access_key_id; /* the config's; NULL: none */
    const char *secret_access_key;
    const char *session_token;
    bool anonymous;
    const struct profile *profile; /* read-only, of use to creds_open() alone */
    const struct sf_host *host;    /* warnings; outlives the creds */
};

struct creds;
/* Chooses the source and takes the first credentials (a credential_process runs here: call is for cancelling). None found, or half of
 * a pair: SF_AUTH, naming every place that was looked at and what is missing there. A profile that wants what is not there yet (role_arn,
 * sso_*, web_identity_token_file, ...): SF_AUTH that says so, and that credential_process can do it; if it stands in the profile too, it
 * does. Anonymous with keys beside it is SF_INVALID. A profile's keys in a file that others can read are worth a warning. */
MUST_CHECK int creds_open(struct creds **creds, const struct sf_call *call, const struct creds_options *options,
                          struct sf_error *err);
void creds_close(struct creds *creds); /* NULL is fine */

/* The credentials to sign with; a copy, the caller's to clean up. Those of a credential_process with an expiry are renewed
 * CREDS_EARLY_MS before it, by one caller while the others go on with the old ones; a renewal that fails is a warning until they have
 * really expired, then SF_AUTH. */
#define CREDS_EARLY_MS 300000
MUST_CHECK int creds_get(struct creds *creds, const struct sf_call *call, struct sign_credentials *out,
                         struct sf_error *err);

/* The store refused these as expired. 1: there are newer ones now (from the source anew, a profile's file being read again, or another
 * caller got them): sign again. 0: the source has nothing else. -1: renewing failed. */
MUST_CHECK int creds_renew(struct creds *creds, const struct sf_call *call, const struct sign_credentials *refused,
                           struct sf_error *err);

/* For messages: "access_key_id of the config", "AWS_ACCESS_KEY_ID of the environment", "profile 'backup' in
 * /root/.aws/credentials", "credential_process of profile 'x' in /root/.aws/config". Never a secret. */
const char *creds_source(const struct creds *creds);

#endif
