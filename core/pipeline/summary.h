/* SPDX-License-Identifier: Apache-2.0
 *
 * What a backup did, for people and as JSON (docs/snapferry.1). Pipeline's thread, after the workers have ended.
 */
#ifndef CORE_PIPELINE_SUMMARY_H
#define CORE_PIPELINE_SUMMARY_H

#include "core/backup/backup.h"
#include "core/pipeline/report.h"

/* A line a source, and one for the point. */
void summary_log(const struct session *session, const struct backup *backup);
/* Prints one object on standard output; -1 if that failed (and was said). */
int summary_print_json(struct session *session, const struct backup *backup, const struct failure *failure);

#endif
