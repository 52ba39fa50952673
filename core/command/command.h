/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands that are no pipeline: each runs from its parsed flags to its exit code. Main thread.
 */
#ifndef CORE_COMMAND_COMMAND_H
#define CORE_COMMAND_COMMAND_H

#include "core/cli/options.h"

struct log;

enum exit_code command_plugin_list(const struct options *options, struct log *log);
enum exit_code command_plugin_info(const struct options *options, struct log *log);
enum exit_code command_plugin_check(const struct options *options, struct log *log);
enum exit_code command_config_check(const struct options *options, struct log *log);
enum exit_code command_config_show(const struct options *options, struct log *log);
enum exit_code command_config_schema(const struct options *options, struct log *log);

#endif
