/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads an object whole and compares its bytes with what its manifest says. Runs on a worker.
 */
#ifndef CORE_CHECK_DEEP_H
#define CORE_CHECK_DEEP_H

#include "core/lanes/pool.h"
#include "core/manifest/entry.h"

/* 0: size and SHA-256 are the entry's. -1 with SF_NOT_FOUND (missing) or SF_CORRUPT (other size or content): damage; any
 * other class: it could not be read, which says nothing about the object. */
MUST_CHECK int check_object(struct worker *worker, const char *key, const struct entry *entry, struct sf_error *err);

#endif
