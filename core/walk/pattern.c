/* SPDX-License-Identifier: Apache-2.0
 *
 * Patterns of `exclude` and `--only`. Filled while the config is read, then only asked, by any thread.
 */
#include "core/walk/pattern.h"

#include "base/mem.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

void patterns_add(struct patterns *patterns, const char *pattern)
{
    patterns->items = mem_resize(patterns->items, (patterns->count + 1) * sizeof(patterns->items[0]));
    patterns->items[patterns->count++] = mem_text(pattern);
}

static bool is_match(const char *pattern, const char *path, const char *leaf)
{
    if (strchr(pattern, '/') == NULL)
        return fnmatch(pattern, leaf, FNM_PATHNAME) == 0;
    while (*pattern == '/')
        pattern++;
    return fnmatch(pattern, path, FNM_PATHNAME) == 0;
}

bool patterns_match(const struct patterns *patterns, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *leaf = slash == NULL ? path : slash + 1;
    size_t i;

    for (i = 0; i < patterns->count; i++) {
        if (is_match(patterns->items[i], path, leaf))
            return true;
    }
    return false;
}

void patterns_cleanup(struct patterns *patterns)
{
    size_t i;

    for (i = 0; i < patterns->count; i++)
        free(patterns->items[i]);
    free(patterns->items);
    *patterns = (struct patterns){NULL, 0};
}
