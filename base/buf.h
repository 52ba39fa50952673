/* SPDX-License-Identifier: Apache-2.0
 *
 * A growable byte string. Always NUL-terminated once something was put in; the NUL is not counted.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

struct buf {
    char *data; /* NULL while nothing was ever put in */
    size_t length;
    size_t capacity;
};

#define BUF_INIT                                                                                                       \
    {                                                                                                                  \
        NULL, 0, 0                                                                                                     \
    }

void buf_clear(struct buf *buf);                 /* empties, keeps the memory */
void buf_reserve(struct buf *buf, size_t bytes); /* room for bytes more */
void buf_add(struct buf *buf, const void *data, size_t bytes);
void buf_add_byte(struct buf *buf, char byte);
void buf_add_text(struct buf *buf, const char *text);
void buf_set_text(struct buf *buf, const char *text); /* instead of what is in it; not its own text */
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *buf_text(const struct buf *buf); /* "" if nothing was put in */
void buf_cleanup(struct buf *buf);

#endif
