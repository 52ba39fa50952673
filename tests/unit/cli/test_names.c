/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/names.h"
#include "tests/kit/unit.h"

#include <string.h>

static const char *const keys[] = {"bucket", "region", "upload", "time_style", "to"};

static const char *nearest(const char *word)
{
    const char *found = nearest_name(word, keys, 5);

    return found != NULL ? found : "-";
}

START_TEST(near_names)
{
    ck_assert_str_eq(nearest("buket"), "bucket");
    ck_assert_str_eq(nearest("bcuket"), "bucket"); /* a swap counts one */
    ck_assert_str_eq(nearest("Bucket"), "bucket");
    ck_assert_str_eq(nearest("REGION"), "region");
    ck_assert_str_eq(nearest("uplaods"), "upload");
    ck_assert_str_eq(nearest("time-styel"), "time_style");
    ck_assert_str_eq(nearest("tiem_sytel"), "time_style"); /* 3 of 10 */
}
END_TEST

START_TEST(far_names)
{
    ck_assert_str_eq(nearest("endpoint"), "-");
    ck_assert_str_eq(nearest(""), "-");
    ck_assert_str_eq(nearest("x"), "-"); /* two steps would make anything of it */
    ck_assert_str_eq(nearest("xy"), "-");
    ck_assert_str_eq(nearest("bxxxet"), "-"); /* 3 of 6 */
    ck_assert_str_eq(nearest("buckeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeet"), "-");
    ck_assert_ptr_null(nearest_name("bucket", keys, 0));
}
END_TEST

START_TEST(first_of_equals)
{
    static const char *const twins[] = {"abcd1", "abcd2"};

    ck_assert_str_eq(nearest_name("abcd3", twins, 2), "abcd1");
}
END_TEST

UNIT_MAIN("names", &near_names, &far_names, &first_of_equals)
