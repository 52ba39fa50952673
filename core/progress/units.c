/* SPDX-License-Identifier: Apache-2.0 */
#include "core/progress/units.h"

#include <stdio.h>
#include <string.h>

char *units_bytes(uint64_t bytes, char out[UNITS_TEXT])
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;

    /* The bounds are where rounding would carry: 9.96 is "10", 1023.6 is the next unit's "1.0". */
    while (value >= 1023.5 && unit + 1 < sizeof(names) / sizeof(names[0])) {
        value /= 1024.0;
        unit++;
    }
    if (unit == 0 || value >= 9.95)
        snprintf(out, UNITS_TEXT, "%.0f %s", value, names[unit]);
    else
        snprintf(out, UNITS_TEXT, "%.1f %s", value, names[unit]);
    return out;
}

char *units_count(uint64_t count, char out[UNITS_TEXT])
{
    char plain[UNITS_TEXT];
    size_t length, i, used = 0;

    snprintf(plain, sizeof(plain), "%llu", (unsigned long long)count);
    length = strlen(plain);
    for (i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = plain[i];
    }
    out[used] = '\0';
    return out;
}

char *units_clock(int64_t ms, char out[UNITS_TEXT])
{
    long long seconds = ms > 0 ? (long long)((ms + 500) / 1000) : 0;

    if (seconds < 3600)
        snprintf(out, UNITS_TEXT, "%lld:%02lld", seconds / 60, seconds % 60);
    else
        snprintf(out, UNITS_TEXT, "%lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60, seconds % 60);
    return out;
}

char *units_duration(int64_t ms, char out[UNITS_TEXT])
{
    long long seconds = (long long)(ms / 1000);

    if (ms < 0)
        ms = 0;
    if (ms < 1000)
        snprintf(out, UNITS_TEXT, "%lld ms", (long long)ms);
    else if (seconds < 60)
        snprintf(out, UNITS_TEXT, "%lld.%lld s", seconds, (long long)(ms % 1000) / 100);
    else if (seconds < 3600)
        snprintf(out, UNITS_TEXT, "%lld min %lld s", seconds / 60, seconds % 60);
    else
        snprintf(out, UNITS_TEXT, "%lld h %lld min", seconds / 3600, seconds / 60 % 60);
    return out;
}
