/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifies one source of a point: every object that its manifest names is listed with the right size and tag, or, deep, holds
 * the right bytes. Runs on the pipeline's thread; deep reads on the pool's workers.
 */
#ifndef CORE_CHECK_VERIFY_H
#define CORE_CHECK_VERIFY_H

#include "core/check/check.h"
#include "core/lanes/pool.h"
#include "core/progress/meter.h"

struct verify {
    const struct base *base;
    struct pool *pool; /* for deep */
    struct meter *meter;
    const char *temp_dir;
    bool deep;
    /* One call a finding, from any thread but one at a time. damage: false for a surplus object. */
    void *ctx;
    void (*found)(void *ctx, bool damage, const char *key, const char *text);
};

struct verify_counts {
    uint64_t files;
    uint64_t bytes;
    uint64_t damaged;
    uint64_t surplus;
};

/* 0: looked at everything (which says nothing about damage: see counts); -1: could not. */
MUST_CHECK int verify_source(const struct verify *verify, const struct point *point, const struct point_source *source,
                             struct verify_counts *counts, struct sf_error *err);

#endif
