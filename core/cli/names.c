/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/names.h"

#include <ctype.h>
#include <string.h>

#define NAME_MAX_BYTES 63 /* longer words have no neighbours */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: insert, delete, replace, swap of two neighbours. Both at most NAME_MAX_BYTES long. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][NAME_MAX_BYTES + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2], *spare;
    size_t i, j;

    for (j = 0; j <= b_length; j++)
        row[j] = j;
    for (i = 1; i <= a_length; i++) {
        int left = tolower((unsigned char)a[i - 1]);

        spare = before;
        before = above;
        above = row;
        row = spare;
        row[0] = i;
        for (j = 1; j <= b_length; j++) {
            int right = tolower((unsigned char)b[j - 1]);

            row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + (left != right));
            if (i > 1 && j > 1 && left == tolower((unsigned char)b[j - 2]) && tolower((unsigned char)a[i - 2]) == right)
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return row[b_length];
}

const char *nearest_name(const char *word, const char *const *candidates, size_t count)
{
    size_t length = strlen(word);
    size_t best = length / 3 < 2 ? 2 : length / 3;
    const char *nearest = NULL;
    size_t i;

    if (length == 0 || length > NAME_MAX_BYTES)
        return NULL;
    best = least(best, length - 1) + 1; /* one more than is near enough */
    for (i = 0; i < count; i++) {
        size_t other = strlen(candidates[i]), steps;

        if (other == 0 || other > NAME_MAX_BYTES)
            continue;
        steps = distance(word, length, candidates[i], other);
        if (steps < best && steps < other) {
            best = steps;
            nearest = candidates[i];
        }
    }
    return nearest;
}
