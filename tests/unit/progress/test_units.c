/* SPDX-License-Identifier: Apache-2.0 */
#include "core/progress/units.h"
#include "tests/kit/unit.h"

START_TEST(bytes)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {{0, "0 B"},
                 {1, "1 B"},
                 {999, "999 B"},
                 {1023, "1023 B"},
                 {1024, "1.0 KiB"},
                 {1536, "1.5 KiB"},
                 {10137, "9.9 KiB"},
                 {10200, "10 KiB"},
                 {1048050, "1023 KiB"},
                 {1048500, "1.0 MiB"},
                 {UINT64_C(85) << 20, "85 MiB"},
                 {UINT64_C(3113851290), "2.9 GiB"},
                 {UINT64_MAX, "16 EiB"}};
    char out[UNITS_TEXT];
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_str_eq(units_bytes(cases[i].bytes, out), cases[i].text);
}
END_TEST

START_TEST(counts)
{
    char out[UNITS_TEXT];

    ck_assert_str_eq(units_count(0, out), "0");
    ck_assert_str_eq(units_count(999, out), "999");
    ck_assert_str_eq(units_count(1000, out), "1,000");
    ck_assert_str_eq(units_count(1234567, out), "1,234,567");
    ck_assert_str_eq(units_count(UINT64_MAX, out), "18,446,744,073,709,551,615");
}
END_TEST

START_TEST(times)
{
    char out[UNITS_TEXT];

    ck_assert_str_eq(units_clock(-5, out), "0:00");
    ck_assert_str_eq(units_clock(20400, out), "0:20");
    ck_assert_str_eq(units_clock(59600, out), "1:00");
    ck_assert_str_eq(units_clock(725000, out), "12:05");
    ck_assert_str_eq(units_clock(3723000, out), "1:02:03");
    ck_assert_str_eq(units_duration(85, out), "85 ms");
    ck_assert_str_eq(units_duration(1250, out), "1.2 s");
    ck_assert_str_eq(units_duration(59999, out), "59.9 s");
    ck_assert_str_eq(units_duration(200000, out), "3 min 20 s");
    ck_assert_str_eq(units_duration(7500000, out), "2 h 5 min");
    ck_assert_str_eq(units_duration(INT64_MAX, out), "2562047788015 h 12 min");
}
END_TEST

UNIT_MAIN("units", &bytes, &counts, &times)
