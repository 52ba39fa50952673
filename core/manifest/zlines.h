/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines of a zstd file, one after the other, by positional reads and in bounded memory whatever the file holds.
 * Single-threaded; several may share a descriptor.
 */
#ifndef CORE_MANIFEST_ZLINES_H
#define CORE_MANIFEST_ZLINES_H

#include "base/auto.h"
#include "snapferry/plugin.h"

#include <stdbool.h>

struct zlines;

struct zlines *zlines_open(int fd); /* fd is not owned */
/* 1: a line, whose newline stands at (*line)[*bytes], valid until the next call; 0: the file ends, at the end of a zstd frame
 * and of a line; -1: SF_CORRUPT. */
MUST_CHECK int zlines_next(struct zlines *lines, const char **line, size_t *bytes, struct sf_error *err);
/* Fails unless nothing at all follows the last line, not even an empty frame. */
MUST_CHECK int zlines_end(struct zlines *lines, struct sf_error *err);
void zlines_close(struct zlines *lines); /* NULL is fine */

#endif
