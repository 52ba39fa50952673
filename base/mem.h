/* SPDX-License-Identifier: Apache-2.0
 *
 * Allocation that does not fail: without memory the process says so and ends at once, as if killed. Nothing is
 * committed half-way by that (docs/design.md, "Never worse"), and no error path is left that nobody has walked.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t bytes) __attribute__((malloc, returns_nonnull)); /* zeroed */
void *mem_resize(void *old, size_t bytes) __attribute__((returns_nonnull));
char *mem_text(const char *text) __attribute__((malloc, returns_nonnull)); /* copy of a string */
char *mem_printf(const char *fmt, ...) __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

#endif
