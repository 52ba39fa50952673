/* SPDX-License-Identifier: Apache-2.0
 *
 * Where things stand below a base, in one place. Pure functions.
 */
#include "core/point/point.h"

#include <stdio.h>
#include <time.h>

void time_dir_name(enum time_style style, int64_t ms, char out[TIME_DIR_MAX + 1])
{
    time_t seconds = (time_t)(ms >= 0 ? ms / 1000 : (ms - 999) / 1000);
    const char *format = "%Y-%m-%dT%H-%M-%SZ";
    struct tm parts = {0};

    gmtime_r(&seconds, &parts);
    switch (style) {
    case TIME_STYLE_DAILY:
        format = "%Y-%m-%d";
        break;
    case TIME_STYLE_HOURLY:
        format = "%Y-%m-%d-%H";
        break;
    case TIME_STYLE_RUN:
        break;
    }
    /* Each format is a constant of the three above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    strftime(out, TIME_DIR_MAX + 1, format, &parts);
#pragma GCC diagnostic pop
}

static void start_key(const struct base *base, struct buf *out)
{
    buf_clear(out);
    if (base->prefix[0] != '\0') {
        buf_add_text(out, base->prefix);
        buf_add_byte(out, '/');
    }
}

void key_points(const struct base *base, struct buf *out)
{
    start_key(base, out);
    buf_add_text(out, ".snapferry/points/");
}

void key_point(const struct base *base, const char *time_dir, const char *suffix, struct buf *out)
{
    key_points(base, out);
    buf_add_text(out, time_dir);
    buf_add_text(out, suffix);
}

void key_manifest(const struct base *base, const char *time_dir, const char *source, struct buf *out)
{
    start_key(base, out);
    buf_printf(out, "%s/.snapferry/%s.manifest.jsonl.zst", time_dir, source);
}

void key_source(const struct base *base, const char *time_dir, const char *source, struct buf *out)
{
    start_key(base, out);
    buf_printf(out, "%s/%s/", time_dir, source);
}

void key_object(const struct base *base, const char *time_dir, const char *source, const char *path, struct buf *out)
{
    key_source(base, time_dir, source, out);
    key_encode(path, out);
}
