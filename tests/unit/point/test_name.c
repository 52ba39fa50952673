/* SPDX-License-Identifier: Apache-2.0 */
#include "core/point/point.h"
#include "tests/kit/unit.h"
#include "tests/unit/point/bed.h"

START_TEST(time_dirs_are_named_by_style)
{
    char name[TIME_DIR_MAX + 1];

    time_dir_name(TIME_STYLE_DAILY, STARTED, name);
    ck_assert_str_eq(name, "2026-11-22");
    time_dir_name(TIME_STYLE_HOURLY, STARTED, name);
    ck_assert_str_eq(name, "2026-11-22-15");
    time_dir_name(TIME_STYLE_RUN, STARTED, name);
    ck_assert_str_eq(name, "2026-11-22T15-04-05Z");
    ck_assert(time_dir_is_valid(name));
    time_dir_name(TIME_STYLE_RUN, 0, name);
    ck_assert_str_eq(name, "1970-01-01T00-00-00Z");
    time_dir_name(TIME_STYLE_DAILY, -1, name);
    ck_assert_str_eq(name, "1969-12-31");
}
END_TEST

static void expect_keys(const char *prefix, const char *start)
{
    const struct base base = {.prefix = prefix};
    SF_AUTO(buf) key = BUF_INIT;
    SF_AUTO(buf) want = BUF_INIT;

    buf_add_text(&key, "left over");
    buf_printf(&want, "%s.snapferry/points/", start);
    key_points(&base, &key);
    ck_assert_str_eq(key.data, want.data);
    buf_add_text(&want, "2026-11-22.open");
    key_point(&base, "2026-11-22", ".open", &key);
    ck_assert_str_eq(key.data, want.data);
    buf_clear(&want);
    buf_printf(&want, "%s2026-11-22/.snapferry/stream.manifest.jsonl.zst", start);
    key_manifest(&base, "2026-11-22", "stream", &key);
    ck_assert_str_eq(key.data, want.data);
    buf_clear(&want);
    buf_printf(&want, "%s2026-11-22/stream/", start);
    key_source(&base, "2026-11-22", "stream", &key);
    ck_assert_str_eq(key.data, want.data);
    buf_add_text(&want, "a/b%0A%FF");
    key_object(&base, "2026-11-22", "stream", "a/b\n\xff", &key);
    ck_assert_str_eq(key.data, want.data);
}

START_TEST(keys_stand_below_the_prefix)
{
    expect_keys("", "");
    expect_keys("prod/db-1", "prod/db-1/");
}
END_TEST

UNIT_MAIN("point/name", &time_dirs_are_named_by_style, &keys_stand_below_the_prefix)
