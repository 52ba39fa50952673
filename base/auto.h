/* SPDX-License-Identifier: Apache-2.0
 *
 * Scope cleanup. SF_AUTO(buf) declares a `struct buf` that buf_cleanup() releases when it leaves scope; every
 * cleanup accepts the zero value. The rest do the same for what the C library hands out.
 */
#ifndef BASE_AUTO_H
#define BASE_AUTO_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SF_AUTO(name) __attribute__((cleanup(name##_cleanup))) struct name
#define AUTO_FD __attribute__((cleanup(auto_close))) int
#define AUTO_FREE __attribute__((cleanup(auto_free)))
#define MUST_CHECK __attribute__((warn_unused_result))

static inline void auto_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void auto_free(void *pointer)
{
    free(*(void **)pointer);
}

/* Hands an owned descriptor or pointer to someone else: the variable no longer cleans it up. */
static inline int fd_take(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

static inline void *ptr_take(void *pointer)
{
    void *taken = *(void **)pointer;

    *(void **)pointer = NULL;
    return taken;
}

#endif
