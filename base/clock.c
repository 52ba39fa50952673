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

bool clock_parse(const char *text, int64_t *ms)
{
    struct tm parts = {0};
    int year, month, fraction = 0, scale = 100, digits = 0;
    time_t seconds;
    struct tm check;

    if (!take_number(&text, 4, 0, 9999, &year) || !take_char(&text, '-') || !take_number(&text, 2, 1, 12, &month) ||
        !take_char(&text, '-') || !take_number(&text, 2, 1, 31, &parts.tm_mday) || !take_char(&text, 'T') ||
        !take_number(&text, 2, 0, 23, &parts.tm_hour) || !take_char(&text, ':') ||
        !take_number(&text, 2, 0, 59, &parts.tm_min) || !take_char(&text, ':') ||
        !take_number(&text, 2, 0, 59, &parts.tm_sec))
        return false;
    if (take_char(&text, '.')) {
        for (; isdigit((unsigned char)*text); text++, digits++, scale /= 10)
            fraction += (*text - '0') * scale;
        if (digits < 1 || digits > 9)
            return false;
    }
    if (!take_char(&text, 'Z') || *text != '\0')
        return false;
    parts.tm_year = year - 1900;
    parts.tm_mon = month - 1;
    seconds = timegm(&parts);
    if (gmtime_r(&seconds, &check) == NULL || check.tm_mon != month - 1)
        return false; /* 31 February */
    *ms = (int64_t)seconds * 1000 + fraction;
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
