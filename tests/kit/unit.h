/* SPDX-License-Identifier: Apache-2.0
 *
 * The frame of a unit test program: UNIT_MAIN("walk", test_a, test_b) runs each START_TEST in a process of its own, checks
 * that it leaves no descriptor open, and prints TAP.
 */
#ifndef TESTS_KIT_UNIT_H
#define TESTS_KIT_UNIT_H

#include <check.h>
#include <stddef.h>

#define UNIT_MAIN(name, ...)                                                                                           \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        static const TTest *const *const tests[] = {__VA_ARGS__};                                                      \
                                                                                                                       \
        return unit_run(name, tests, sizeof(tests) / sizeof(tests[0]));                                                \
    }

/* Tests are passed as &test_name (START_TEST makes test_name a `const TTest *`). Exit status of the program. */
int unit_run(const char *name, const TTest *const *const *tests, size_t count);

/* A fresh folder below $TMPDIR or /tmp, removed with all it holds when the test's process ends. Static per test. */
const char *unit_temp_dir(void);

/* Writes a file (and the folders above it) relative to unit_temp_dir(); -1 bytes: strlen. Fails the test on any error. */
void unit_write(const char *path, const void *data, long bytes);

#endif
