/* SPDX-License-Identifier: Apache-2.0
 *
 * Option tables for the tests: like those of s3 and localfs, with elements larger than the host's struct sf_option. And a
 * config loaded from text.
 */
#ifndef TESTS_UNIT_CONFIG_PLUGINS_H
#define TESTS_UNIT_CONFIG_PLUGINS_H

#include "core/cli/options.h"
#include "core/config/config.h"

extern const struct sf_plugin plugin_s3;     /* bucket (host, required), secret_key, and one option of each type */
extern const struct sf_plugin plugin_folder; /* path (path, required), sync */
extern const struct sf_plugin plugin_plain;  /* no options at all */

/* Writes text to c.json in unit_temp_dir() and loads it as options' config (config_file is set). */
MUST_CHECK int load_text(struct config *config, struct options *options, const char *text, struct sf_error *err);
/* The path of that file. */
const char *text_file(void);

#endif
