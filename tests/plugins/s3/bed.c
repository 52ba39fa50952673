/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/plugins/s3/bed.h"

#include "tests/kit/unit.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int say_cancelled(const struct sf_call *call)
{
    return atomic_load(&((struct bed *)call->ctx)->cancelled);
}

static void keep_log(const struct sf_host *host, int32_t level, const char *text)
{
    buf_printf(&((struct bed *)host->ctx)->log, "%d %s\n", level, text);
}

void bed_environment(void)
{
    char name[64];
    char **at = environ;

    while (*at != NULL) {
        size_t bytes = strcspn(*at, "=");

        if (strncmp(*at, "AWS_", 4) != 0 || bytes >= sizeof(name)) {
            at++;
            continue;
        }
        memcpy(name, *at, bytes);
        name[bytes] = '\0';
        ck_assert_int_eq(unsetenv(name), 0);
        at = environ;
    }
    ck_assert_int_eq(setenv("HOME", unit_temp_dir(), 1), 0);
}

void bed_init(struct bed *bed)
{
    *bed = (struct bed){.host = {.size = sizeof(bed->host), .ctx = bed, .log = keep_log},
                        .call = {.size = sizeof(bed->call), .ctx = bed, .cancelled = say_cancelled}};
    bed_environment();
}

void bed_cleanup(struct bed *bed)
{
    buf_cleanup(&bed->log);
}

const char *bed_path(const char *name)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", unit_temp_dir(), name);
    return path;
}

void bed_has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "'%s' has no '%s' in it", text, part);
}

void bed_has_not(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) == NULL, "'%s' has '%s' in it", text, part);
}
