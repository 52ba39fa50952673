/* SPDX-License-Identifier: Apache-2.0
 *
 * Names as people type them: the did-you-mean of flags, commands and config keys.
 */
#ifndef CORE_CLI_NAMES_H
#define CORE_CLI_NAMES_H

#include <stddef.h>

/* The candidate nearest to word by edit distance (a swap of neighbours counts one, case nothing), NULL if none is near: over a
 * third of word's length, at least 2, and less than all of it. The first of several equally near ones. */
const char *nearest_name(const char *word, const char *const *candidates, size_t count);

#endif
