/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/common/text.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

/* By hand, since isalnum() asks the locale. */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_' || c == '.' ||
           c == '~';
}

void percent_encode(struct buf *out, const char *text, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";

    while (*text != '\0') {
        size_t plain = 0;

        while (is_unreserved(text[plain]) || (keep_slash && text[plain] == '/'))
            plain++;
        buf_add(out, text, plain);
        text += plain;
        if (*text != '\0') {
            const char spelled[3] = {'%', digits[(unsigned char)*text >> 4], digits[*text & 15]};

            buf_add(out, spelled, sizeof(spelled));
            text++;
        }
    }
}

/* -1: not a hex digit. */
static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool percent_decode(struct buf *out, const char *text, bool plus_is_space)
{
    const char *special = plus_is_space ? "%+" : "%";
    size_t start = out->length;

    for (;;) {
        size_t plain = strcspn(text, special);
        int high, low;

        buf_add(out, text, plain);
        text += plain;
        if (*text == '\0')
            return true;
        if (*text == '+') {
            buf_add_byte(out, ' ');
            text++;
            continue;
        }
        high = hex_value(text[1]);
        low = high >= 0 ? hex_value(text[2]) : -1;
        if (low < 0 || (high == 0 && low == 0)) {
            out->length = start;
            out->data[start] = '\0';
            return false;
        }
        buf_add_byte(out, (char)(high << 4 | low));
        text += 3;
    }
}

/* Which of count names text begins with, by the first bytes of each (0: by the whole name); -1: none. *text moves behind it. */
static int take_name(const char **text, const char *const *names, int count, size_t bytes)
{
    int i;

    for (i = 0; i < count; i++) {
        size_t length = bytes != 0 ? bytes : strlen(names[i]);

        if (strncmp(*text, names[i], length) == 0) {
            *text += length;
            return i;
        }
    }
    return -1;
}

static bool take_number(const char **text, int digits, int *number)
{
    int i, value = 0;

    for (i = 0; i < digits; i++, (*text)++) {
        if (!is_digit(**text))
            return false;
        value = value * 10 + (**text - '0');
    }
    *number = value;
    return true;
}

struct date {
    int year;
    int month; /* 1 to 12 */
    int day;
    int hour;
    int minute;
    int second;
};

/* One field of a form; the letters are those of strptime(3). */
static bool take_field(const char **text, char letter, struct date *date)
{
    static const char *const days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int digits;

    switch (letter) {
    case 'a':
        return take_name(text, days, 7, 3) >= 0;
    case 'A':
        return take_name(text, days, 7, 0) >= 0;
    case 'b':
        date->month = take_name(text, months, 12, 0) + 1;
        return date->month > 0;
    case 'd':
        return take_number(text, 2, &date->day);
    case 'e': /* a space may stand for the first digit */
        digits = **text == ' ' ? 1 : 2;
        *text += digits == 1;
        return take_number(text, digits, &date->day);
    case 'Y':
        return take_number(text, 4, &date->year);
    case 'y': /* two digits: servers tell the time of now, so the turn is at 1970 */
        if (!take_number(text, 2, &date->year))
            return false;
        date->year += date->year < 70 ? 2000 : 1900;
        return true;
    case 'H':
        return take_number(text, 2, &date->hour);
    case 'M':
        return take_number(text, 2, &date->minute);
    case 'S':
        return take_number(text, 2, &date->second);
    }
    return false;
}

static bool read_form(const char *text, const char *form, struct date *date)
{
    for (; *form != '\0'; form++) {
        if (*form == '%') {
            if (!take_field(&text, *++form, date))
                return false;
        } else if (*text++ != *form) {
            return false;
        }
    }
    return *text == '\0';
}

bool http_date_parse(const char *text, int64_t *ms)
{
    static const char *const forms[] = {
        "%a, %d %b %Y %H:%M:%S GMT", /* Sun, 06 Nov 1994 08:49:37 GMT */
        "%A, %d-%b-%y %H:%M:%S GMT", /* RFC 850: Sunday, 06-Nov-94 08:49:37 GMT */
        "%a %b %e %H:%M:%S %Y",      /* asctime: Sun Nov  6 08:49:37 1994 */
    };
    struct date date;
    char spelled[80];
    size_t i;

    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        memset(&date, 0, sizeof(date));
        if (read_form(text, forms[i], &date)) {
            snprintf(spelled, sizeof(spelled), "%04d-%02d-%02dT%02d:%02d:%02dZ", date.year, date.month, date.day,
                     date.hour, date.minute, date.second);
            return clock_parse(spelled, ms); /* knows the ranges */
        }
    }
    return false;
}

void amz_date(int64_t ms, char out[AMZ_DATE_BYTES])
{
    char text[CLOCK_TEXT];

    clock_text(ms, text); /* 2013-05-24T00:00:00.000Z */
    snprintf(out, AMZ_DATE_BYTES, "%.4s%.2s%.2sT%.2s%.2s%.2sZ", text, text + 5, text + 8, text + 11, text + 14,
             text + 17);
}
