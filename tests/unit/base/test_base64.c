/* SPDX-License-Identifier: Apache-2.0 */
#include "base/auto.h"
#include "base/base64.h"
#include "tests/kit/unit.h"

#include <string.h>

START_TEST(known)
{
    static const char *const pairs[][2] = {/* RFC 4648, section 10 */
                                           {"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    SF_AUTO(buf) added = BUF_INIT;
    SF_AUTO(buf) back = BUF_INIT;
    size_t i;

    for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char text[BASE64_BYTES(6)];
        size_t bytes = strlen(pairs[i][0]);

        base64_encode(pairs[i][0], bytes, text);
        ck_assert_str_eq(text, pairs[i][1]);
        ck_assert_uint_eq(strlen(text) + 1, BASE64_BYTES(bytes));
        buf_clear(&added);
        buf_add_text(&added, "before ");
        base64_add(pairs[i][0], bytes, &added);
        ck_assert_str_eq(added.data + 7, pairs[i][1]);
        ck_assert_uint_eq(added.length, 7 + strlen(text));
        buf_clear(&back);
        ck_assert(base64_decode(text, &back));
        ck_assert_str_eq(buf_text(&back), pairs[i][0]);
    }
}
END_TEST

START_TEST(all_bytes)
{
    uint8_t bytes[256];
    char text[BASE64_BYTES(sizeof(bytes))];
    SF_AUTO(buf) back = BUF_INIT;
    unsigned i;

    for (i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    base64_encode(bytes, sizeof(bytes), text);
    ck_assert(base64_decode(text, &back));
    ck_assert_uint_eq(back.length, sizeof(bytes));
    ck_assert_mem_eq(back.data, bytes, sizeof(bytes));
}
END_TEST

START_TEST(refused)
{
    static const char *const bad[] = {
        "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm 9", "Zm9v\n", "Zm-_"};
    SF_AUTO(buf) out = BUF_INIT;
    size_t i;

    buf_add_text(&out, "kept");
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!base64_decode(bad[i], &out), "%s", bad[i]);
        ck_assert_uint_eq(out.length, 4);
    }
}
END_TEST

UNIT_MAIN("base64", &known, &all_bytes, &refused)
