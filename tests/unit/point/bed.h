/* SPDX-License-Identifier: Apache-2.0
 *
 * A base in the memory plugin's store, with one fault on the way to it. Each function fails the test on any error.
 */
#ifndef TESTS_UNIT_POINT_BED_H
#define TESTS_UNIT_POINT_BED_H

#include "core/point/point.h"

#include <check.h>

#define RUN_A "00112233445566778899aabbccddeeff"
#define RUN_B "ffeeddccbbaa99887766554433221100"
#define DIGEST "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"
#define STARTED INT64_C(1795359845123) /* 2026-11-22T15:04:05.123Z */

enum bed_fault {
    BED_NONE,
    BED_LOST_ANSWER,  /* stored, but the answer does not arrive */
    BED_LOST_REQUEST, /* not stored, and nobody knows */
    BED_RIVAL,        /* another's object is stored a moment before */
    BED_DENIED,
};

struct bed {
    struct run_call run;
    struct store store; /* what base uses: the plugin's table with the fault */
    struct store bare;
    struct base base;
    struct sf_plugin table;
    /* of puts whose key ends in this */
    const char *on;
    enum bed_fault fault;
    const char *rival;
    enum sf_class get_class; /* gets of it fail with this, 0: they work */
    int64_t server_time_ms;  /* answered by every put, 0: the plugin's own */
    /* of the last such put */
    unsigned puts;
    uint32_t flags;
    uint32_t precondition;
    char meta[256]; /* key=value, */
};

/* There is one bed in a test's process. */
struct bed *bed_open(const char *prefix);
void bed_close(struct bed *bed);

/* key is relative to the base. */
void bed_put(struct bed *bed, const char *key, const char *text);
char *bed_get(struct bed *bed, const char *key); /* to free; NULL: nothing there */

/* A complete point of run RUN_A with these sources (const char *). */
struct point bed_point(const char *time_dir, int64_t started_ms, size_t sources, ...);
/* Stores its commit. */
void bed_commit(struct bed *bed, const struct point *point);

#endif
