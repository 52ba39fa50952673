/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the S3 plugin's parts share: an environment that is the test's own, a host that keeps what is logged, a call.
 */
#ifndef TESTS_PLUGINS_S3_BED_H
#define TESTS_PLUGINS_S3_BED_H

#include "base/buf.h"
#include "snapferry/plugin.h"

#include <stdatomic.h>

/* Removes every AWS_* variable and makes unit_temp_dir() the home. */
void bed_environment(void);

struct bed {
    struct sf_host host;
    struct sf_call call;
    struct buf log; /* a line each */
    atomic_int cancelled;
};
void bed_init(struct bed *bed);
void bed_cleanup(struct bed *bed);

/* The file's path below the home; static per call. */
const char *bed_path(const char *name);

/* The text has the part in it; the message shows both if not. */
void bed_has(const char *text, const char *part);
void bed_has_not(const char *text, const char *part);

#endif
