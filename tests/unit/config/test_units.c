/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config/config.h"
#include "tests/kit/unit.h"

START_TEST(sizes)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"0", 0},
        {"1000", 1000},
        {"7B", 7},
        {"64KiB", 65536},
        {"64 KiB", 65536},
        {"5MiB", 5242880},
        {"2GiB", UINT64_C(2147483648)},
        {"1TiB", UINT64_C(1099511627776)},
        {"3kB", 3000},
        {"3MB", 3000000},
        {"3GB", UINT64_C(3000000000)},
        {"3TB", UINT64_C(3000000000000)},
        {"18446744073709551615", UINT64_MAX},
        {"16777215TiB", UINT64_C(16777215) << 40},
    };
    static const char *const bad[] = {"",
                                      " ",
                                      "MiB",
                                      "-1",
                                      "+1",
                                      "1.5MiB",
                                      "5M",
                                      "5mib",
                                      "5 MiB ",
                                      " 5MiB",
                                      "5  MiB",
                                      "5MiBs",
                                      "0x10",
                                      "5MiB5",
                                      "5 ",
                                      "16777216TiB",
                                      "18446744073709551616"};
    uint64_t value;
    size_t i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert_msg(parse_bytes(good[i].text, &value), "%s", good[i].text);
        ck_assert_uint_eq(value, good[i].bytes);
    }
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!parse_bytes(bad[i], &value), "%s", bad[i]);
}
END_TEST

START_TEST(durations)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"0s", 0},          {"250ms", 250},
        {"90s", 90000},     {"5m", 300000},
        {"2h", 7200000},    {"1d", 86400000},
        {"1h30m", 5400000}, {"1d2h3m4s5ms", 93784005},
        {"1m1ms", 60001},   {"9223372036854775807ms", INT64_MAX},
    };
    static const char *const bad[] = {"",
                                      "90",
                                      "s",
                                      "-1s",
                                      "1.5h",
                                      "30m1h",
                                      "1h1h",
                                      "1h 30m",
                                      "1w",
                                      "1hour",
                                      "1S",
                                      "2h30",
                                      "9223372036854775808ms",
                                      "106751991168d"};
    int64_t value;
    size_t i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert_msg(parse_duration(good[i].text, &value), "%s", good[i].text);
        ck_assert_int_eq(value, good[i].ms);
    }
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!parse_duration(bad[i], &value), "%s", bad[i]);
}
END_TEST

START_TEST(formats)
{
    char out[FORMAT_TEXT];

    ck_assert_str_eq(format_bytes(0, out), "0");
    ck_assert_str_eq(format_bytes(1000, out), "1000");
    ck_assert_str_eq(format_bytes(1024, out), "1KiB");
    ck_assert_str_eq(format_bytes(5242880, out), "5MiB");
    ck_assert_str_eq(format_bytes(5242881, out), "5242881");
    ck_assert_str_eq(format_bytes(UINT64_C(3) << 41, out), "6TiB");
    ck_assert_str_eq(format_bytes(UINT64_MAX, out), "18446744073709551615");
    ck_assert_str_eq(format_duration(0, out), "0s");
    ck_assert_str_eq(format_duration(1, out), "1ms");
    ck_assert_str_eq(format_duration(90000, out), "1m30s");
    ck_assert_str_eq(format_duration(86400000, out), "24h");
    ck_assert_str_eq(format_duration(93784005, out), "26h3m4s5ms");
}
END_TEST

START_TEST(there_and_back)
{
    uint64_t bytes, read_bytes;
    int64_t ms, read_ms;
    char out[FORMAT_TEXT];

    for (bytes = 1; bytes < UINT64_MAX / 3; bytes = bytes * 3 + bytes % 1024) {
        ck_assert(parse_bytes(format_bytes(bytes, out), &read_bytes));
        ck_assert_uint_eq(bytes, read_bytes);
    }
    for (ms = 1; ms < INT64_MAX / 4; ms = ms * 3 + ms % 1000) {
        ck_assert(parse_duration(format_duration(ms, out), &read_ms));
        ck_assert_int_eq(ms, read_ms);
    }
}
END_TEST

UNIT_MAIN("units", &sizes, &durations, &formats, &there_and_back)
