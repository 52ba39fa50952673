/* SPDX-License-Identifier: Apache-2.0
 *
 * What commands print: text or one JSON value on stdout, and the same failure in the log and in JSON. Main thread.
 */
#ifndef CORE_COMMAND_OUTPUT_H
#define CORE_COMMAND_OUTPUT_H

#include "core/cli/options.h"

struct buf;
struct json_t;
struct log;

/* To stdout; a full disk or a closed pipe is EXIT_FAILED, and said, also if an earlier write met it. */
MUST_CHECK enum exit_code output_text(const char *text, struct log *log);
/* Prints the value and frees it. */
MUST_CHECK enum exit_code output_json(struct json_t *value, struct log *log);
/* Logs the failure, prints it with --json, and returns code. */
enum exit_code output_failure(const struct options *options, struct log *log, const struct sf_error *err,
                              enum exit_code code);

/* {"class", "path": null, "text", "status"} */
struct json_t *output_error(const struct sf_error *err);
/* Any bytes as a JSON string, what is not printable as \xNN; NULL as null. */
struct json_t *output_string(const char *raw);
void output_printable(struct buf *out, const char *raw);

#endif
