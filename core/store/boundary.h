/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plugin hands back, before the core believes it. Private to core/store. Any thread.
 */
#ifndef CORE_STORE_BOUNDARY_H
#define CORE_STORE_BOUNDARY_H

#include "base/auto.h"
#include "snapferry/plugin.h"

/* After a slot failed: an unknown class becomes permanent, the text ends and says something. Returns -1. */
int boundary_error(const struct sf_plugin *table, const char *slot, struct sf_error *err);

/* After a slot answered with an object: tag printable and ended, metadata whole pairs. Else SF_PERMANENT naming the plugin. */
MUST_CHECK int boundary_object(const struct sf_plugin *table, const char *slot, struct sf_object *object,
                               struct sf_error *err);

/* After upload_begin: a token that fits. */
MUST_CHECK int boundary_token(const struct sf_plugin *table, const char *slot, const struct sf_upload_token *token,
                              struct sf_error *err);
/* After upload_resume: the store has no more than the whole object (args->bytes 0: size unknown). */
MUST_CHECK int boundary_resumed(const struct sf_plugin *table, const struct sf_upload_args *args, uint64_t persisted,
                                struct sf_error *err);
/* After upload_part: an answer that fits, and no more kept than was sent. */
MUST_CHECK int boundary_part(const struct sf_plugin *table, const char *key, const struct sf_part *part,
                             const struct sf_part_result *result, struct sf_error *err);

/* After store_open: the limits make sense and the capabilities have their slots. */
MUST_CHECK int boundary_info(const struct sf_plugin *table, struct sf_store_info *info, struct sf_error *err);

#endif
