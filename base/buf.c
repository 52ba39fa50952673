/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_clear(struct buf *buf)
{
    buf->length = 0;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

void buf_reserve(struct buf *buf, size_t bytes)
{
    size_t need = buf->length + bytes + 1;

    if (need <= buf->capacity)
        return;
    if (need < buf->capacity * 2)
        need = buf->capacity * 2;
    if (need < 64)
        need = 64;
    buf->data = mem_resize(buf->data, need);
    buf->capacity = need;
    buf->data[buf->length] = '\0';
}

void buf_add(struct buf *buf, const void *data, size_t bytes)
{
    buf_reserve(buf, bytes);
    if (bytes != 0)
        memcpy(buf->data + buf->length, data, bytes);
    buf->length += bytes;
    buf->data[buf->length] = '\0';
}

void buf_add_byte(struct buf *buf, char byte)
{
    buf_add(buf, &byte, 1);
}

void buf_add_text(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_set_text(struct buf *buf, const char *text)
{
    buf_clear(buf);
    buf_add_text(buf, text);
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
    char text[256]; /* most fit, and are formatted once */
    va_list args;
    int bytes;

    va_start(args, fmt);
    bytes = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (bytes <= 0)
        return;
    if ((size_t)bytes < sizeof(text)) {
        buf_add(buf, text, (size_t)bytes);
        return;
    }
    buf_reserve(buf, (size_t)bytes);
    va_start(args, fmt);
    vsnprintf(buf->data + buf->length, (size_t)bytes + 1, fmt, args);
    va_end(args);
    buf->length += (size_t)bytes;
}

const char *buf_text(const struct buf *buf)
{
    return buf->data != NULL ? buf->data : "";
}

void buf_cleanup(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf)BUF_INIT;
}
