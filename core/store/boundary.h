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

/* After store_open: the limits make sense and the capabilities have their slots. Takes away what this core does not use. */
MUST_CHECK int boundary_info(const struct sf_plugin *table, struct sf_store_info *info, struct sf_error *err);

#endif
