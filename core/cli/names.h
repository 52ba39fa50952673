/* SPDX-License-Identifier: Apache-2.0
 *
 * Names as people type them: the did-you-mean of flags, commands and config keys, and the form of a source's name.
 */
#ifndef CORE_CLI_NAMES_H
#define CORE_CLI_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define SOURCE_NAME_FORM "[A-Za-z0-9_][A-Za-z0-9._-]{0,63}"

/* The candidate nearest to word by edit distance (a swap of neighbours counts one, case nothing), NULL if none is near: over a
 * third of word's length, at least 2, and less than all of it. The first of several equally near ones. */
const char *nearest_name(const char *word, const char *const *candidates, size_t count);

/* Whether the first length bytes of name have the form of a source's name. */
bool name_is_source(const char *name, size_t length);

#endif
