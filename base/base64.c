/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *data, size_t bytes, char *out)
{
    const uint8_t *at = data;

    while (bytes > 0) {
        size_t take = bytes < 3 ? bytes : 3;
        uint32_t group = (uint32_t)at[0] << 16 | (take > 1 ? (uint32_t)at[1] << 8 : 0) | (take > 2 ? at[2] : 0u);

        *out++ = digits[group >> 18];
        *out++ = digits[group >> 12 & 63];
        *out++ = take > 1 ? digits[group >> 6 & 63] : '=';
        *out++ = take > 2 ? digits[group & 63] : '=';
        at += take;
        bytes -= take;
    }
    *out = '\0';
}

void base64_add(const void *data, size_t bytes, struct buf *out)
{
    buf_reserve(out, BASE64_BYTES(bytes) - 1);
    base64_encode(data, bytes, out->data + out->length);
    out->length += BASE64_BYTES(bytes) - 1;
}

/* Of four digits the last two may be padding. 0: not a group, else the bytes it stands for. */
static size_t decode_group(const char *text, uint8_t bytes[3])
{
    size_t count = text[3] != '=' ? 3 : text[2] != '=' ? 2 : 1, i;
    uint32_t group = 0;

    for (i = 0; i < 4; i++) {
        const char *digit = i <= count ? strchr(digits, text[i]) : digits;

        if (digit == NULL || *digit == '\0')
            return 0;
        group = group << 6 | (uint32_t)(digit - digits);
    }
    for (i = 0; i < 3; i++)
        bytes[i] = (uint8_t)(group >> (16 - 8 * i));
    /* Bits beyond the last byte must be 0, so that each byte string has one spelling. */
    for (i = count; i < 3; i++) {
        if (bytes[i] != 0)
            return 0;
    }
    return count;
}

bool base64_decode(const char *text, struct buf *out)
{
    size_t length = strlen(text), start = out->length, at;

    if (length % 4 != 0)
        return false;
    for (at = 0; at < length; at += 4) {
        uint8_t bytes[3];
        size_t count = decode_group(text + at, bytes);

        if (count == 0 || (count < 3 && at + 4 < length)) {
            out->length = start;
            return false;
        }
        buf_add(out, bytes, count);
    }
    return true;
}
