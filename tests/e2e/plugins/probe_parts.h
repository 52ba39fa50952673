/* SPDX-License-Identifier: Apache-2.0
 *
 * Uploads in parts for the probe: parts are kept apart, and a commit is a put of the memory plugin.
 */
#ifndef TESTS_E2E_PROBE_PARTS_H
#define TESTS_E2E_PROBE_PARTS_H

#include <snapferry/plugin.h>

/* Fills the slots upload_*, once memory is known. The capabilities are store_open's to state. */
void probe_parts_fill(struct sf_plugin *plugin, const struct sf_plugin *memory);

#endif
