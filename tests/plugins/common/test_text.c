/* SPDX-License-Identifier: Apache-2.0 */
#include "base/auto.h"
#include "plugins/common/text.h"
#include "tests/kit/unit.h"

#include <string.h>
#include <time.h>

static void check_encoded(const char *text, bool keep_slash, const char *wanted)
{
    SF_AUTO(buf) out = BUF_INIT;

    percent_encode(&out, text, keep_slash);
    ck_assert_str_eq(buf_text(&out), wanted);
}

START_TEST(percent_encoded)
{
    check_encoded("", true, "");
    check_encoded("AZaz09-_.~", true, "AZaz09-_.~");
    check_encoded("a b/c+d", true, "a%20b/c%2Bd");
    check_encoded("a b/c+d", false, "a%20b%2Fc%2Bd");
    check_encoded("\x01%\x7f\xc3\xa4\xff", true, "%01%25%7F%C3%A4%FF");
    check_encoded("!\"#$&'()*,:;<=>?@[\\]^`{|}", true,
                  "%21%22%23%24%26%27%28%29%2A%2C%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E%60%7B%7C%7D");
}
END_TEST

START_TEST(percent_both_ways)
{
    SF_AUTO(buf) out = BUF_INIT;
    SF_AUTO(buf) back = BUF_INIT;
    char all[256];
    unsigned i;

    for (i = 1; i <= 255; i++)
        all[i - 1] = (char)i;
    all[255] = '\0';
    buf_add_text(&out, "x=");
    percent_encode(&out, all, false);
    buf_add_text(&back, "<");
    ck_assert(percent_decode(&back, out.data + 2, false));
    ck_assert_str_eq(back.data + 1, all);
    buf_clear(&back);
    ck_assert(percent_decode(&back, "a+b%2f%2F%e4", false));
    ck_assert_str_eq(back.data, "a+b//\xe4");
    buf_clear(&back);
    ck_assert(percent_decode(&back, "+a+%2B+", true));
    ck_assert_str_eq(back.data, " a + ");
}
END_TEST

START_TEST(percent_refused)
{
    static const char *const bad[] = {"%",   "a%",  "a%2",   "%2",   "%g0", "%0g",
                                      "% 2", "%00", "a%00b", "%%20", "%-1", "%+1"};
    SF_AUTO(buf) out = BUF_INIT;
    size_t i;

    buf_add_text(&out, "kept");
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!percent_decode(&out, bad[i], true), "%s", bad[i]);
        ck_assert_str_eq(out.data, "kept");
    }
}
END_TEST

static void check_date(const char *text, int64_t wanted)
{
    int64_t ms = -1;

    ck_assert_msg(http_date_parse(text, &ms), "%s", text);
    ck_assert_msg(ms == wanted, "%s: %lld", text, (long long)ms);
}

START_TEST(dates)
{
    check_date("Sun, 06 Nov 1994 08:49:37 GMT", 784111777000); /* RFC 9110, 5.6.7, with the next two */
    check_date("Sunday, 06-Nov-94 08:49:37 GMT", 784111777000);
    check_date("Sun Nov  6 08:49:37 1994", 784111777000);
    check_date("Wed Nov 16 08:49:37 1994", 784975777000);
    check_date("Thu, 01 Jan 1970 00:00:00 GMT", 0);
    check_date("Thursday, 01-Jan-70 00:00:00 GMT", 0);
    check_date("Wed, 31 Dec 1969 23:59:59 GMT", -1000);
    check_date("Tue, 29 Feb 2000 12:00:00 GMT", 951825600000);
    check_date("Tuesday, 31-Dec-69 23:59:59 GMT", 3155759999000);
    check_date("Fri, 31 Dec 9999 23:59:59 GMT", 253402300799000);
}
END_TEST

START_TEST(dates_refused)
{
    static const char *const bad[] = {"",
                                      "0",
                                      "Sun, 06 Nov 1994 08:49:37",
                                      "Sun, 06 Nov 1994 08:49:37 GMT ",
                                      " Sun, 06 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 08:49:37 UTC",
                                      "Sun, 06 Nov 1994 08:49:37 +0000",
                                      "Sun, 6 Nov 1994 08:49:37 GMT",
                                      "Sun,  6 Nov 1994 08:49:37 GMT",
                                      "Sum, 06 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 94 08:49:37 GMT",
                                      "Sun, 00 Nov 1994 08:49:37 GMT",
                                      "Thu, 31 Nov 1994 08:49:37 GMT",
                                      "Wed, 29 Feb 1900 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 24:00:00 GMT",
                                      "Sun, 06 Nov 1994 08:60:37 GMT",
                                      "Sun, 06 Nov 1994 08:49:61 GMT",
                                      "Sun, 06 Nov 1994 08:49:3 GMT",
                                      "Sun, 06 Nov -994 08:49:37 GMT",
                                      "Sun, 06-Nov-94 08:49:37 GMT",
                                      "Sunday, 06-Nov-1994 08:49:37 GMT",
                                      "Sun Nov 6 08:49:37 1994",
                                      "Sun Nov   6 08:49:37 1994",
                                      "Sun Nov  6 08:49:37 1994 GMT",
                                      "Sun Nov",
                                      "Sun Nov ",
                                      "Sun, "};
    int64_t ms = 7;
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!http_date_parse(bad[i], &ms), "%s", bad[i]);
    ck_assert_int_eq(ms, 7);
}
END_TEST

START_TEST(every_day_comes_back)
{
    int64_t ms, read;
    time_t seconds;
    struct tm parts;
    char text[64];
    int day;

    for (day = -800; day < 40000; day++) {
        seconds = (time_t)day * 86400 + day % 86400;
        ms = (int64_t)seconds * 1000;
        ck_assert_ptr_nonnull(gmtime_r(&seconds, &parts));
        ck_assert_uint_ne(strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts), 0);
        ck_assert_msg(http_date_parse(text, &read) && read == ms, "%s", text);
        ck_assert_uint_ne(strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &parts), 0);
        ck_assert_msg(http_date_parse(text, &read) && read == ms, "%s", text);
    }
}
END_TEST

START_TEST(amz_dates)
{
    char text[AMZ_DATE_BYTES];

    amz_date(1369353600000, text);
    ck_assert_str_eq(text, "20130524T000000Z");
    amz_date(1369353600000 + 86399999, text);
    ck_assert_str_eq(text, "20130524T235959Z");
    amz_date(-1, text);
    ck_assert_str_eq(text, "19691231T235959Z");
}
END_TEST

UNIT_MAIN("text", &percent_encoded, &percent_both_ways, &percent_refused, &dates, &dates_refused, &every_day_comes_back,
          &amz_dates)
