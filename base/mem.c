/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void end_without_memory(void) __attribute__((noreturn));
static void end_without_memory(void)
{
    static const char text[] = "snapferry: out of memory\n";

    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
        _exit(1);
    _exit(1);
}

void *mem_alloc(size_t bytes)
{
    void *memory = calloc(1, bytes != 0 ? bytes : 1);

    if (memory == NULL)
        end_without_memory();
    return memory;
}

void *mem_resize(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes != 0 ? bytes : 1);

    if (memory == NULL)
        end_without_memory();
    return memory;
}

char *mem_text(const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        end_without_memory();
    return copy;
}

char *mem_printf(const char *fmt, ...)
{
    va_list args;
    char *text = NULL;
    int written;

    va_start(args, fmt);
    written = vasprintf(&text, fmt, args);
    va_end(args);
    if (written < 0)
        end_without_memory();
    return text;
}
