/* SPDX-License-Identifier: Apache-2.0
 *
 * The stories (docs/design.md): each of these runs a command from its parsed flags to its exit code, a stage a call.
 */
#ifndef CORE_PIPELINE_PIPELINE_H
#define CORE_PIPELINE_PIPELINE_H

#include "core/cli/options.h"

struct log;

enum exit_code pipeline_backup(const struct options *options, struct log *log);
enum exit_code pipeline_restore(const struct options *options, struct log *log);
enum exit_code pipeline_verify(const struct options *options, struct log *log);
enum exit_code pipeline_list(const struct options *options, struct log *log);

#endif
