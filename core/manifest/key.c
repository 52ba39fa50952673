/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths as object keys and back. Every backend takes what comes out of here: valid UTF-8 without control characters. What
 * needs no escape stays as it is, so that a key reads like the path. Pure functions.
 */
#include "core/manifest/entry.h"

#include <string.h>

static int hex_value(unsigned char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

static bool is_between(unsigned char byte, unsigned char low, unsigned char high)
{
    return byte >= low && byte <= high;
}

/* Bytes of the well-formed UTF-8 sequence at text (Unicode 15, table 3-7), 0 if there is none. Looks at a byte only if all
 * before it belong to a sequence, so the NUL at the end stops it. */
static size_t sequence_bytes(const unsigned char *text)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t bytes, i;

    if (text[0] < 0x80)
        return 1;
    if (is_between(text[0], 0xc2, 0xdf))
        bytes = 2;
    else if (is_between(text[0], 0xe0, 0xef))
        bytes = 3;
    else if (is_between(text[0], 0xf0, 0xf4))
        bytes = 4;
    else
        return 0;
    if (text[0] == 0xe0)
        low = 0xa0; /* below: overlong */
    else if (text[0] == 0xed)
        high = 0x9f; /* above: surrogates */
    else if (text[0] == 0xf0)
        low = 0x90; /* below: overlong */
    else if (text[0] == 0xf4)
        high = 0x8f; /* above: beyond U+10FFFF */
    if (!is_between(text[1], low, high))
        return 0;
    for (i = 2; i < bytes; i++) {
        if (!is_between(text[i], 0x80, 0xbf))
            return 0;
    }
    return bytes;
}

/* Valid, but not wanted in a key: C0, DEL, C1, U+FFFE, U+FFFF, and a '%' that would read as an escape. */
static bool is_escaped(const unsigned char *text, size_t bytes)
{
    if (bytes == 1 && text[0] == '%')
        return hex_value(text[1]) >= 0 && hex_value(text[2]) >= 0;
    if (bytes == 1)
        return text[0] < 0x20 || text[0] == 0x7f;
    if (bytes == 2)
        return text[0] == 0xc2 && text[1] < 0xa0;
    return bytes == 3 && text[0] == 0xef && text[1] == 0xbf && text[2] >= 0xbe;
}

static void add_escape(struct buf *out, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";

    buf_add_byte(out, '%');
    buf_add_byte(out, digits[byte >> 4]);
    buf_add_byte(out, digits[byte & 0xf]);
}

void key_encode(const char *path, struct buf *out)
{
    const unsigned char *text = (const unsigned char *)path;
    const unsigned char *plain = text; /* what is copied as it is, in one go */

    buf_reserve(out, strlen(path));
    while (*text != '\0') {
        size_t bytes = sequence_bytes(text), i;

        if (bytes != 0 && !is_escaped(text, bytes)) {
            text += bytes;
            continue;
        }
        buf_add(out, plain, (size_t)(text - plain));
        if (bytes == 0)
            bytes = 1;
        for (i = 0; i < bytes; i++)
            add_escape(out, text[i]);
        text += bytes;
        plain = text;
    }
    buf_add(out, plain, (size_t)(text - plain));
}

bool key_decode(const char *key, struct buf *out)
{
    SF_AUTO(buf) again = BUF_INIT;
    const unsigned char *text = (const unsigned char *)key;
    size_t start = out->length;

    buf_reserve(out, strlen(key));
    while (*text != '\0') {
        int high = -1, low = -1;

        if (*text == '%') {
            high = hex_value(text[1]);
            low = high < 0 ? -1 : hex_value(text[2]);
        }
        if (low >= 0) {
            buf_add_byte(out, (char)(unsigned char)(high << 4 | low));
            text += 3;
        } else {
            buf_add_byte(out, (char)*text++);
        }
    }
    /* An escape that key_encode would not have made (also %00, which ends the text here) shows as a difference. */
    key_encode(out->data + start, &again);
    if (strcmp(buf_text(&again), key) == 0)
        return true;
    out->length = start;
    out->data[start] = '\0';
    return false;
}

void entry_key(const struct entry *entry, struct buf *out)
{
    buf_clear(out);
    key_encode(entry->path, out);
    if (entry->type == ENTRY_DIR && entry->path[0] != '\0')
        buf_add_byte(out, '/');
}
