/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/common/text.h"

#include <string.h>
#include <time.h>

bool http_date_parse(const char *text, int64_t *ms)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);

    if (end == NULL || *end != '\0')
        return false;
    *ms = (int64_t)timegm(&tm) * 1000;
    return true;
}
