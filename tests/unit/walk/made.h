/* SPDX-License-Identifier: Apache-2.0
 *
 * Trees for the tests of walk, and what a walk makes of them. Every function fails the test on any error of its own.
 */
#ifndef TESTS_UNIT_WALK_MADE_H
#define TESTS_UNIT_WALK_MADE_H

#include "core/walk/walk.h"
#include "tests/kit/unit.h"

#include <errno.h>
#include <string.h>

/* For loops: Check writes a line to its pipe for every ck_assert that is passed. */
#define MUST(claim)                                                                                                    \
    do {                                                                                                               \
        if (!(claim))                                                                                                  \
            ck_abort_msg("%s: %s", #claim, strerror(errno));                                                           \
    } while (0)

/* The folder "tree" below the temporary folder, which itself takes the spills; made once. */
int made_root(void);
void made_file(int dir, const char *name);
int made_folder(int dir, const char *name); /* a descriptor of it */

/* For a root that is called /src. */
struct walk_options made_options(const struct patterns *exclude, bool yield_others);

/* Walks to the end or an error; rows as "d: d:a f:a/b l:c->target o:fifo "; skip: a folder that is not entered. */
int made_list(int root, const struct walk_options *options, const char *skip, struct buf *rows,
              struct walk_counts *counts, struct sf_error *err);
void made_expect(int root, const struct walk_options *options, const char *skip, const char *rows);
void made_refuse(int root, const struct walk_options *options, enum sf_class cls, const char *text);

#endif
