/* SPDX-License-Identifier: Apache-2.0
 *
 * Sizes and durations as people write them, and back.
 */
#include "core/config/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit byte_units[] = {
    {"TiB", UINT64_C(1) << 40}, {"GiB", UINT64_C(1) << 30},      {"MiB", UINT64_C(1) << 20},
    {"KiB", UINT64_C(1) << 10}, {"TB", UINT64_C(1000000000000)}, {"GB", UINT64_C(1000000000)},
    {"MB", UINT64_C(1000000)},  {"kB", UINT64_C(1000)},          {"B", 1},
};

/* Largest first: the order in which they may follow each other. */
static const struct unit time_units[] = {
    {"d", UINT64_C(86400000)}, {"h", UINT64_C(3600000)}, {"m", UINT64_C(60000)}, {"s", UINT64_C(1000)}, {"ms", 1},
};

#define BYTE_UNITS (sizeof(byte_units) / sizeof(byte_units[0]))
#define TIME_UNITS (sizeof(time_units) / sizeof(time_units[0]))

/* Takes decimal digits off *text; false if there are none, or too many. */
static bool take_digits(const char **text, uint64_t *number)
{
    uint64_t value = 0;
    const char *at = *text;

    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');

        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (at == *text)
        return false;
    *text = at;
    *number = value;
    return true;
}

bool parse_bytes(const char *text, uint64_t *bytes)
{
    uint64_t number;
    size_t i;

    if (!take_digits(&text, &number))
        return false;
    if (*text == '\0') {
        *bytes = number;
        return true;
    }
    if (*text == ' ')
        text++;
    for (i = 0; i < BYTE_UNITS; i++) {
        if (strcmp(text, byte_units[i].name) != 0)
            continue;
        if (number > UINT64_MAX / byte_units[i].factor)
            return false;
        *bytes = number * byte_units[i].factor;
        return true;
    }
    return false;
}

bool parse_duration(const char *text, int64_t *ms)
{
    uint64_t total = 0, number;
    size_t next = 0;

    do {
        size_t length, i;

        if (!take_digits(&text, &number))
            return false;
        length = strspn(text, "dhms");
        for (i = next; i < TIME_UNITS; i++)
            if (strlen(time_units[i].name) == length && memcmp(time_units[i].name, text, length) == 0)
                break;
        if (i == TIME_UNITS || number > ((uint64_t)INT64_MAX - total) / time_units[i].factor)
            return false;
        total += number * time_units[i].factor;
        next = i + 1;
        text += length;
    } while (*text != '\0');
    *ms = (int64_t)total;
    return true;
}

char *format_bytes(uint64_t bytes, char out[FORMAT_TEXT])
{
    size_t i;

    for (i = 0; i < 4; i++) {
        if (bytes != 0 && bytes % byte_units[i].factor == 0) {
            snprintf(out, FORMAT_TEXT, "%" PRIu64 "%s", bytes / byte_units[i].factor, byte_units[i].name);
            return out;
        }
    }
    snprintf(out, FORMAT_TEXT, "%" PRIu64, bytes);
    return out;
}

char *format_duration(int64_t ms, char out[FORMAT_TEXT])
{
    uint64_t rest = ms > 0 ? (uint64_t)ms : 0;
    size_t used = 0, i;

    out[0] = '\0';
    /* From hours: "24h" is what people write, "1d" would come back as something else than the default in the docs. */
    for (i = 1; i < TIME_UNITS; i++) {
        if (rest >= time_units[i].factor || (rest == 0 && used == 0 && i == 3)) {
            used += (size_t)snprintf(out + used, FORMAT_TEXT - used, "%" PRIu64 "%s", rest / time_units[i].factor,
                                     time_units[i].name);
            rest %= time_units[i].factor;
        }
    }
    return out;
}
