/* SPDX-License-Identifier: Apache-2.0
 *
 * One profile of AWS' shared files: $AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials, "[name]") and $AWS_CONFIG_FILE (~/.aws/config,
 * "[profile name]", "[default]"). Read once, then read-only.
 */
#ifndef PLUGINS_S3_PROFILE_H
#define PLUGINS_S3_PROFILE_H

#include "base/auto.h"
#include "snapferry/plugin.h"

#include <stddef.h>

struct profile_item {
    char *key; /* lower case */
    char *value;
    const char *file; /* where it stood: one of the two paths below */
};

struct profile {
    char *name;
    char *credentials_file; /* paths as resolved; NULL if there is no home either */
    char *config_file;
    struct profile_item *items; /* of the credentials file first, so that they win */
    size_t count;
};

/* name NULL: $AWS_PROFILE, else "default". A named profile (by config or environment) that neither file has is SF_AUTH; a missing
 * "default" is empty. A file that exists and cannot be read is an error; a line that is none is skipped. */
MUST_CHECK int profile_read(struct profile *profile, const char *name, struct sf_error *err);
void profile_cleanup(struct profile *profile); /* zero value is fine; overwrites values */

/* The item of a key, or NULL. */
const struct profile_item *profile_find(const struct profile *profile, const char *key);
/* Its value, or NULL. */
const char *profile_value(const struct profile *profile, const char *key);

#endif
