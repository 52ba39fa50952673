/* SPDX-License-Identifier: Apache-2.0
 *
 * What a test writes to stderr, caught in a file.
 */
#ifndef TESTS_UNIT_PROGRESS_CATCH_H
#define TESTS_UNIT_PROGRESS_CATCH_H

#include "tests/kit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct catch
{
    int file;
    int stderr_before;
};

static inline void catch_begin(struct catch *caught)
{
    caught->file = open(unit_temp_dir(), O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
    caught->stderr_before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    ck_assert_int_ge(caught->file, 0);
    ck_assert_int_ge(caught->stderr_before, 0);
    ck_assert_int_ge(dup2(caught->file, STDERR_FILENO), 0);
}

/* To free. */
static inline char *catch_end(struct catch *caught)
{
    off_t bytes = lseek(caught->file, 0, SEEK_END);
    char *text = calloc(1, (size_t)bytes + 1);

    ck_assert_int_ge(dup2(caught->stderr_before, STDERR_FILENO), 0);
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(pread(caught->file, text, (size_t)bytes, 0), bytes);
    close(caught->stderr_before);
    close(caught->file);
    return text;
}

#endif
