/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of creds share: the sources.
 */
#ifndef PLUGINS_S3_CREDS_PRIV_H
#define PLUGINS_S3_CREDS_PRIV_H

#include "plugins/s3/creds.h"

/* What a source yields. */
struct creds_set {
    struct sign_credentials keys;
    int64_t expires_ms; /* wall clock; 0: never */
};
void creds_set_cleanup(struct creds_set *set); /* zero value is fine */

/* Copies what will stand in headers, after a look at it; token may be NULL. SF_AUTH names what is too long or has a character in it that no
 * header can have. set is zero before. */
MUST_CHECK int creds_set_fill(struct creds_set *set, const char *access_key_id, const char *secret, const char *token,
                              struct sf_error *err);

/* --- creds_find.c */

struct creds_origin {
    enum { ORIGIN_FIXED, ORIGIN_PROFILE, ORIGIN_PROCESS } kind;
    char *text;    /* for messages, see creds_source() */
    char *profile; /* ORIGIN_PROFILE: its name */
    char *command; /* ORIGIN_PROCESS */
};
void creds_origin_cleanup(struct creds_origin *origin); /* zero value is fine */

/* Chooses, and takes the first set. What it has filled when it fails is to be cleaned up too. */
MUST_CHECK int creds_find(struct creds_origin *origin, struct creds_set *set, const struct sf_call *call,
                          const struct creds_options *options, struct sf_error *err);
/* The same source once more. ORIGIN_FIXED has nothing to ask: SF_AUTH. */
MUST_CHECK int creds_ask(const struct creds_origin *origin, const struct sf_call *call, struct creds_set *set,
                         struct sf_error *err);

/* --- creds_profile.c */

enum profile_source { PROFILE_NONE, PROFILE_KEYS, PROFILE_PROCESS };

/* What the profile is for; -1 with SF_AUTH for half of a pair, and for what is not supported. */
MUST_CHECK int profile_source(const struct profile *profile, enum profile_source *source, struct sf_error *err);
MUST_CHECK int profile_keys(const struct profile *profile, struct creds_set *set, struct sf_error *err);

/* --- creds_process.c */

/* Runs the command line of a credential_process and reads its answer. Every failure is SF_AUTH, but SF_CANCELLED. */
MUST_CHECK int creds_process(const struct sf_call *call, const char *command, struct creds_set *set,
                             struct sf_error *err);

#endif
