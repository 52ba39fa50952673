/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "core/progress/meter.h"
#include "tests/unit/progress/catch.h"

#include <string.h>

START_TEST(draws_and_stops_at_once)
{
    struct log log = LOG_INIT;
    struct meter meter = {0};
    struct catch caught;
    int64_t start;
    char *text;

    atomic_store(&meter.stage, "upload");
    atomic_store(&meter.files_known, 3);
    atomic_store(&meter.bytes_known, 1000);
    atomic_store(&meter.total_known, true);
    catch_begin(&caught);
    meter_start(&meter, PROGRESS_BAR, "backup", &log);
    clock_sleep_ms(100);
    atomic_fetch_add(&meter.files_done, 1);
    atomic_fetch_add(&meter.bytes_done, 500);
    clock_sleep_ms(300);
    start = clock_mono_ms();
    meter_stop(&meter);
    ck_assert_int_lt(clock_mono_ms() - start, 10000);
    meter_stop(&meter);
    text = catch_end(&caught);
    ck_assert_ptr_nonnull(strstr(text, "backup  upload "));
    ck_assert_ptr_nonnull(strstr(text, "0/3 files"));
    ck_assert_ptr_nonnull(strstr(text, " 50%  1/3 files  500 B/1000 B"));
    ck_assert_str_eq(text + strlen(text) - 4, "\r\033[K"); /* the bar is gone */
    free(text);
}
END_TEST

START_TEST(plain_stops_at_once_too)
{
    struct log log = LOG_INIT;
    struct meter meter = {0};
    struct catch caught;
    int64_t start;
    char *text;

    catch_begin(&caught);
    meter_start(&meter, PROGRESS_AUTO, "backup", &log); /* a file is no terminal */
    ck_assert_ptr_nonnull(meter.thread);
    clock_sleep_ms(300);
    start = clock_mono_ms();
    meter_stop(&meter);
    ck_assert_int_lt(clock_mono_ms() - start, 10000);
    text = catch_end(&caught);
    ck_assert_str_eq(text, ""); /* the first line comes after 30 s */
    free(text);
}
END_TEST

START_TEST(none_shows_nothing)
{
    struct log log = LOG_INIT;
    struct meter meter = {0};

    meter_start(&meter, PROGRESS_NONE, "backup", &log);
    ck_assert_ptr_null(meter.thread);
    meter_stop(&meter);
}
END_TEST

UNIT_MAIN("meter", &draws_and_stops_at_once, &plain_stops_at_once_too, &none_shows_nothing)
