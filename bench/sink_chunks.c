/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sink_chunks.h"

#include <string.h>

#define SIZE_DIGITS 15 /* hex; no body is that large */

static void begin(struct chunks *chunks, enum chunks_state state)
{
    chunks->state = state;
    chunks->columns = 0;
}

static void take_size(struct chunks *chunks, char byte)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *digit = byte != '\0' ? strchr(byte >= 'A' && byte <= 'F' ? digits + 16 : digits, byte) : NULL;

    if (digit != NULL && chunks->columns < SIZE_DIGITS) {
        chunks->left = chunks->columns++ == 0 ? 0 : chunks->left << 4;
        chunks->left |= (uint64_t)(digit - digits) & 15;
    } else if (chunks->columns > 0 && (byte == ';' || byte == '\r' || byte == ' ')) {
        chunks->state = CHUNKS_EXTENSION;
    } else {
        chunks->state = CHUNKS_BAD;
    }
}

/* One byte of what is not content. */
static void take_byte(struct chunks *chunks, char byte)
{
    switch (chunks->state) {
    case CHUNKS_SIZE:
        take_size(chunks, byte);
        break;
    case CHUNKS_EXTENSION:
        if (byte == '\n')
            begin(chunks, chunks->left > 0 ? CHUNKS_DATA : CHUNKS_TRAILER);
        break;
    case CHUNKS_AFTER:
        if (byte == '\n')
            begin(chunks, CHUNKS_SIZE);
        else if (byte != '\r')
            chunks->state = CHUNKS_BAD;
        break;
    case CHUNKS_TRAILER:
        if (byte == '\n' && chunks->columns == 0)
            chunks->state = CHUNKS_END;
        else if (byte == '\n')
            chunks->columns = 0;
        else if (byte != '\r')
            chunks->columns++;
        break;
    case CHUNKS_DATA:
    case CHUNKS_END:
    case CHUNKS_BAD:
        break;
    }
}

size_t chunks_take(struct chunks *chunks, const char *bytes, size_t length, const char **data, size_t *data_bytes)
{
    size_t taken = 0;

    *data = bytes;
    *data_bytes = 0;
    while (taken < length && chunks->state != CHUNKS_DATA && chunks->state != CHUNKS_END && chunks->state != CHUNKS_BAD)
        take_byte(chunks, bytes[taken++]);
    if (chunks->state == CHUNKS_BAD)
        return length;
    if (chunks->state != CHUNKS_DATA)
        return taken;
    *data = bytes + taken;
    *data_bytes = length - taken < chunks->left ? length - taken : (size_t)chunks->left;
    chunks->left -= *data_bytes;
    if (chunks->left == 0)
        begin(chunks, CHUNKS_AFTER);
    return taken + *data_bytes;
}
