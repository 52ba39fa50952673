/* SPDX-License-Identifier: Apache-2.0
 *
 * The credential_process of a profile: a command that prints credentials as JSON.
 * https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sourcing-external.html
 */
#ifndef PLUGINS_S3_CREDS_PROCESS_H
#define PLUGINS_S3_CREDS_PROCESS_H

#include "plugins/s3/sign.h"

#define CREDS_PROCESS_MS 60000     /* it may take this long, then it is killed */
#define CREDS_PROCESS_BYTES 65536u /* of its output */

/* Runs the command without a shell (words and quotes as a shell splits them, nothing is expanded), its standard input empty, its
 * errors shown on ours. *out is the caller's, zero before; *expires_ms 0: never. What goes wrong is SF_AUTH; cancelled() kills it. Neither its
 * words nor its output come into a message: they may be secrets. */
MUST_CHECK int creds_process(const char *command, const struct sf_call *call, struct sign_credentials *out,
                             int64_t *expires_ms, struct sf_error *err);
/* A time of its answer: RFC 3339, with any offset. */
bool creds_expiry_parse(const char *text, int64_t *ms);

#endif
