/* SPDX-License-Identifier: Apache-2.0 */
#include "core/progress/bar.h"
#include "tests/kit/unit.h"

#include <string.h>

static const struct moment half = {.verb = "backup",
                                   .stage = "upload",
                                   .files_done = 1234,
                                   .files_known = 3000,
                                   .bytes_done = UINT64_C(1320702444),
                                   .bytes_known = UINT64_C(3113851290),
                                   .total_known = true,
                                   .bytes_per_second = UINT64_C(85) << 20,
                                   .left_ms = 20000};

START_TEST(whole_line)
{
    char line[512];

    bar_line(&half, 101, line, sizeof(line));
    ck_assert_str_eq(line,
                     "backup  upload [=========>            ]  42%  1,234/3,000 files  1.2 GiB/2.9 GiB  85 MiB/s  "
                     "ETA 0:20");
    ck_assert_uint_eq(strlen(line), 100);
    bar_line(&half, 500, line, sizeof(line));
    ck_assert_uint_eq(strlen(line), 100 + 30 - 22); /* the bar does not grow for ever */
}
END_TEST

START_TEST(every_width_fits)
{
    char line[512];
    unsigned columns;
    size_t last = 0;

    for (columns = 1; columns < 300; columns++) {
        bar_line(&half, columns, line, sizeof(line));
        ck_assert_uint_le(strlen(line), columns - 1);
        ck_assert_ptr_null(strchr(line, '\n'));
        last = strlen(line);
    }
    ck_assert_uint_eq(last, 108);
    bar_line(&half, 60, line, sizeof(line));
    ck_assert_ptr_nonnull(strstr(line, "42%"));
    ck_assert_ptr_nonnull(strstr(line, "1,234/3,000 files"));
    ck_assert_ptr_null(strstr(line, "MiB/s"));
}
END_TEST

START_TEST(small_buffer)
{
    char line[20];

    bar_line(&half, 200, line, sizeof(line));
    ck_assert_uint_lt(strlen(line), sizeof(line));
}
END_TEST

START_TEST(total_unknown)
{
    struct moment moment = half;
    char line[512], next[512];

    moment.total_known = false;
    bar_line(&moment, 100, line, sizeof(line));
    ck_assert_ptr_null(strchr(line, '%'));
    ck_assert_ptr_null(strchr(line, '['));
    ck_assert_ptr_null(strstr(line, "ETA"));
    ck_assert_ptr_nonnull(strstr(line, "1,234/3,000 files"));
    moment.tick = 1;
    bar_line(&moment, 100, next, sizeof(next));
    ck_assert_str_ne(line, next); /* it turns */
}
END_TEST

START_TEST(percent)
{
    struct moment moment = {.total_known = true};

    ck_assert_uint_eq(bar_percent(&moment), 100); /* nothing to do is done */
    moment.files_known = 3;
    ck_assert_uint_eq(bar_percent(&moment), 0);
    moment.files_done = 1;
    ck_assert_uint_eq(bar_percent(&moment), 33);
    moment.bytes_known = 1000;
    moment.bytes_done = 999;
    ck_assert_uint_eq(bar_percent(&moment), 99);
    moment.bytes_known = UINT64_MAX;
    moment.bytes_done = UINT64_MAX - 1;
    ck_assert_uint_eq(bar_percent(&moment), 99); /* 100 is for the end */
    moment.bytes_done = UINT64_MAX;
    ck_assert_uint_eq(bar_percent(&moment), 100);
}
END_TEST

START_TEST(plain)
{
    struct moment moment = half;
    char line[512];

    bar_plain(&moment, line, sizeof(line));
    ck_assert_str_eq(line, "backup: upload: 42 %, 1,234 of 3,000 files, 1.2 GiB of 2.9 GiB, 85 MiB/s, 0:20 left");
    moment.total_known = false;
    bar_plain(&moment, line, sizeof(line));
    ck_assert_str_eq(line, "backup: upload: 1,234 of 3,000+ files, 1.2 GiB of 2.9 GiB+, 85 MiB/s");
}
END_TEST

UNIT_MAIN("bar", &whole_line, &every_width_fits, &small_buffer, &total_unknown, &percent, &plain)
