/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "tests/kit/unit.h"

#include <stdio.h>
#include <time.h>

START_TEST(test_agrees_with_the_library)
{
    static const int days[] = {1, 27, 28, 29, 30, 31};
    int year, month;
    size_t i;

    for (year = 0; year <= 9999; year += year % 100 == 96 ? 1 : 3)
        for (month = 1; month <= 12; month++)
            for (i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
                struct tm parts = {.tm_year = year - 1900,
                                   .tm_mon = month - 1,
                                   .tm_mday = days[i],
                                   .tm_hour = 13,
                                   .tm_min = 5,
                                   .tm_sec = 59};
                time_t expected = timegm(&parts);
                char text[CLOCK_TEXT + 32];
                int64_t ms = 0;

                snprintf(text, sizeof(text), "%04d-%02d-%02dT13:05:59.25Z", year, month, days[i]);
                if (clock_parse(text, &ms) != (parts.tm_mon == month - 1))
                    ck_abort_msg("%s", text); /* timegm carries 31 April over to May */
                if (parts.tm_mon == month - 1 && ms != (int64_t)expected * 1000 + 250)
                    ck_abort_msg("%s became %lld", text, (long long)ms);
            }
}
END_TEST

START_TEST(test_there_and_back)
{
    static const int64_t times[] = {
        0, 1, 999, INT64_C(1795359845123), -1, INT64_C(-86400000), INT64_C(253402300799999)};
    char text[CLOCK_TEXT];
    int64_t ms;
    size_t i;

    for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        ck_assert(clock_parse(clock_text(times[i], text), &ms));
        ck_assert_int_eq(ms, times[i]);
    }
    ck_assert_str_eq(clock_text(INT64_C(1795359845123), text), "2026-11-22T15:04:05.123Z");
}
END_TEST

START_TEST(test_refuses)
{
    static const char *const texts[] = {"",
                                        "2026",
                                        "2026-11-22",
                                        "2026-11-22T15:04:05",
                                        "2026-11-22T15:04:05z",
                                        "2026-11-22 15:04:05Z",
                                        "2026-02-29T00:00:00Z",
                                        "2026-00-01T00:00:00Z",
                                        "2026-13-01T00:00:00Z",
                                        "2026-11-00T00:00:00Z",
                                        "2026-11-22T24:00:00Z",
                                        "2026-11-22T15:60:00Z",
                                        "2026-11-22T15:04:60Z",
                                        "2026-11-22T15:04:05.Z",
                                        "2026-11-22T15:04:05.1234567890Z",
                                        "2026-11-22T15:04:05Z ",
                                        "+026-11-22T15:04:05Z"};
    int64_t ms;
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        ck_assert_msg(!clock_parse(texts[i], &ms), "%s", texts[i]);
}
END_TEST

UNIT_MAIN("clock", &test_agrees_with_the_library, &test_there_and_back, &test_refuses)
