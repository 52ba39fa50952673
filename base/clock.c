/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

char *clock_text(int64_t ms, char out[CLOCK_TEXT])
{
    int64_t rest = ms % 1000;
    time_t seconds;
    struct tm parts;

    if (rest < 0)
        rest += 1000;
    seconds = (time_t)((ms - rest) / 1000);
    if (gmtime_r(&seconds, &parts) == NULL || parts.tm_year > 8099 || parts.tm_year < -1900) {
        snprintf(out, CLOCK_TEXT, "0000-01-01T00:00:00.000Z");
        return out;
    }
    strftime(out, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out + strlen(out), CLOCK_TEXT - strlen(out), ".%03dZ", (int)rest);
    return out;
}

static bool take_number(const char **text, int digits, int low, int high, int *number)
{
    int i, value = 0;

    for (i = 0; i < digits; i++) {
        if (!isdigit((unsigned char)**text))
            return false;
        value = value * 10 + (**text - '0');
        (*text)++;
    }
    *number = value;
    return value >= low && value <= high;
}

static bool take_char(const char **text, char wanted)
{
    if (**text != wanted)
        return false;
    (*text)++;
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

/* Days from 1970-01-01. Counted in years that begin in March, so that the leap day is the last; 146097 days make 400 years. timegm(3)
 * would do, but for what it costs when every line of a manifest holds a date. */
static int64_t days_since_1970(int year, int month, int day)
{
    int64_t march_year = month > 2 ? year : year - 1;
    int64_t era = (march_year >= 0 ? march_year : march_year - 399) / 400;
    int64_t year_of_era = march_year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

bool clock_parse(const char *text, int64_t *ms)
{
    int year, month, day, hour, minute, second, fraction = 0, scale = 100, digits = 0;

    if (!take_number(&text, 4, 0, 9999, &year) || !take_char(&text, '-') || !take_number(&text, 2, 1, 12, &month) ||
        !take_char(&text, '-') || !take_number(&text, 2, 1, days_in_month(year, month), &day) ||
        !take_char(&text, 'T') || !take_number(&text, 2, 0, 23, &hour) || !take_char(&text, ':') ||
        !take_number(&text, 2, 0, 59, &minute) || !take_char(&text, ':') || !take_number(&text, 2, 0, 59, &second))
        return false;
    if (take_char(&text, '.')) {
        for (; isdigit((unsigned char)*text); text++, digits++, scale /= 10)
            fraction += (*text - '0') * scale;
        if (digits < 1 || digits > 9)
            return false;
    }
    if (!take_char(&text, 'Z') || *text != '\0')
        return false;
    *ms = (((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000 + fraction;
    return true;
}

void clock_sleep_ms(int64_t ms)
{
    struct timespec rest = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

    if (ms <= 0)
        return;
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &rest) == EINTR)
        continue;
}
