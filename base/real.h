/* SPDX-License-Identifier: Apache-2.0
 *
 * The one name of a folder that may be reached by many, also of one that is yet to be made. Thread-safe.
 */
#ifndef BASE_REAL_H
#define BASE_REAL_H

#include <stdbool.h>

/* realpath() of as much of path as exists, and the rest behind it. NULL with errno set if that cannot be said: what exists cannot
 * be entered, or ".." stands behind what does not exist. To free. */
char *real_path(const char *path);

/* Whether the first of two real paths is the second, or lies below it. */
bool real_is_inside(const char *path, const char *folder);

#endif
