/* SPDX-License-Identifier: Apache-2.0
 *
 * How a pipeline ends: the same text, class and path in the log and in the JSON object, and the exit code for it.
 */
#ifndef CORE_PIPELINE_REPORT_H
#define CORE_PIPELINE_REPORT_H

#include "core/pipeline/session.h"

struct json_t;

/* What a run that failed says of it. */
struct failure {
    bool set;
    struct sf_error err;
    const char *path; /* of the file or object, or NULL */
    enum exit_code code;
};

/* The exit code of an error that no stage had a special one for: 128 + signal, 6 for denied and auth, else 1. */
enum exit_code report_code(const struct session *session, const struct sf_error *err);

/* "complete", "failed", "timeout", "cancelled", "skipped". */
const char *report_status(const struct session *session, const struct failure *failure);

/* {"status": ..., "error": {...} if there is one, "requests": {...}, "retries": N, "duration_ms": N}. */
struct json_t *report_json(const struct session *session, const struct failure *failure);

/* What was printed on stdout as text has arrived; -1 (and said) if not. */
int report_flush(struct log *log);

/* Prints the JSON value of the command, one line, and frees it. A failed write is -1 (and said). */
int report_print(struct session *session, struct json_t *value);

/* A raw path as a JSON string: invalid UTF-8 and control characters as \xNN text. */
struct json_t *report_text(const char *raw);

/* Logs the failure once; before report_json, since it adds what cancelled the run to the text of what was cancelled. */
void report_failure(const struct session *session, struct failure *failure);

/* The last words of a run whose plugin does not return (a watch_end_fn; ctx is the session): on the watch's thread, so of the session it
 * reads only what does not change any more. With --json the object has status, error, requests, retries and duration_ms, not what the
 * pipeline was still working on. Returns the exit code. */
int report_stuck(void *ctx, const struct sf_error *stuck);

#endif
