/* SPDX-License-Identifier: Apache-2.0
 *
 * Which names a time-dir and a source may have. Asked by every parser before such a name becomes part of a key. Pure functions.
 */
#include "core/manifest/manifest.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

bool time_dir_is_valid(const char *name)
{
    size_t length = strlen(name);
    char text[CLOCK_TEXT] = "2000-01-01T00:00:00Z";
    int64_t ms;

    /* Put over a time that clock_parse() takes: it then judges digits and calendar. */
    if (length == 10) {
        memcpy(text, name, 10);
    } else if (length == 13 && name[10] == '-') {
        memcpy(text, name, 10);
        memcpy(text + 11, name + 11, 2);
    } else if (length == 20 && name[13] == '-' && name[16] == '-') {
        memcpy(text, name, 20);
        text[13] = ':';
        text[16] = ':';
    } else {
        return false;
    }
    return clock_parse(text, &ms);
}

static bool is_name_byte(char byte, bool first)
{
    if ((byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_')
        return true;
    return !first && (byte == '.' || byte == '-');
}

bool source_name_is_valid(const char *name)
{
    size_t i;

    for (i = 0; name[i] != '\0'; i++) {
        if (i == SOURCE_NAME_MAX || !is_name_byte(name[i], i == 0))
            return false;
    }
    return i > 0;
}
