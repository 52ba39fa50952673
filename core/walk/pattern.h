/* SPDX-License-Identifier: Apache-2.0
 *
 * `exclude` and `--only`: fnmatch(3) patterns. Without a '/' a pattern is matched against the last part of a path, with
 * one against the whole path (a leading '/' is ignored; '*' does not match '/'). Read-only after filling.
 */
#ifndef CORE_WALK_PATTERN_H
#define CORE_WALK_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

struct patterns {
    char **items;
    size_t count;
};

void patterns_add(struct patterns *patterns, const char *pattern);
bool patterns_match(const struct patterns *patterns, const char *path); /* any of them; false if there is none */
void patterns_cleanup(struct patterns *patterns);

#endif
