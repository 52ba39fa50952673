/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a program that is asked for something: without a shell, without our descriptors and our signal mask, in a process group of
 * its own, with nothing to read, until it ends.
 */
#ifndef PLUGINS_S3_PROCESS_H
#define PLUGINS_S3_PROCESS_H

#include "base/auto.h"
#include "snapferry/plugin.h"

#include <stddef.h>

#define PROCESS_ERROR_BYTES 200

struct process_output {
    char *
        data; /* the caller's, of capacity bytes; what the program printed, and a NUL: may be secret, so that it never moves */
    size_t capacity; /* as many bytes, with the NUL, are a failure */
    size_t length;
    char error[PROCESS_ERROR_BYTES]; /* the first line of its standard error, printable; "" if none */
};

/* argv[0] is looked for in PATH. -1: it could not be run, ended by a signal or with a status but 0, printed too much, or did not end within
 * limit_ms; err names argv[0] (the rest may be secret) and tells the first line of its standard error. SF_CANCELLED within a
 * second. What has not ended by itself is killed then, with its whole group. */
MUST_CHECK int process_run(const struct sf_call *call, char *const argv[], int64_t limit_ms,
                           struct process_output *output, struct sf_error *err);

#endif
