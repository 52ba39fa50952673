/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/common/text.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static bool is_unreserved(unsigned char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
           byte == '-' || byte == '_' || byte == '.' || byte == '~';
}

void percent_encode(struct buf *out, const char *text, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";

    buf_reserve(out, 3 * strlen(text));
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        char escape[3] = {'%', digits[byte >> 4], digits[byte & 15]};

        if (is_unreserved(byte) || (byte == '/' && keep_slash))
            buf_add_byte(out, *text);
        else
            buf_add(out, escape, sizeof(escape));
    }
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

bool percent_decode(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        int high, low;

        if (*text != '%') {
            buf_add_byte(out, *text);
            continue;
        }
        high = digit_value(text[1]);
        low = high >= 0 ? digit_value(text[2]) : -1;
        if (low < 0 || (high == 0 && low == 0))
            return false;
        buf_add_byte(out, (char)(high << 4 | low));
        text += 2;
    }
    return true;
}

bool http_date_parse(const char *text, int64_t *ms)
{
    time_t seconds = curl_getdate(text, NULL);

    if (seconds == (time_t)-1)
        return false;
    *ms = (int64_t)seconds * 1000;
    return true;
}

void amz_date(int64_t ms, char out[AMZ_DATE_BYTES])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;

    if (gmtime_r(&seconds, &parts) == NULL || strftime(out, AMZ_DATE_BYTES, "%Y%m%dT%H%M%SZ", &parts) == 0)
        snprintf(out, AMZ_DATE_BYTES, "19700101T000000Z");
}
