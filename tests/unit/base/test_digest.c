/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"
#include "tests/kit/unit.h"

#include <string.h>

START_TEST(sha256_known)
{
    uint8_t sum[SHA256_BYTES];
    char hex[SHA256_HEX + 1];

    sha256_of("abc", 3, sum); /* FIPS 180-2, appendix B.1 */
    hex_encode(sum, sizeof(sum), hex);
    ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

START_TEST(sha256_in_steps_and_again)
{
    struct sha256 sha = {NULL};
    uint8_t whole[SHA256_BYTES], steps[SHA256_BYTES];
    int round;

    sha256_of("snapshot", 8, whole);
    for (round = 0; round < 2; round++) {
        sha256_init(&sha);
        sha256_update(&sha, "snap", 4);
        sha256_update(&sha, "shot", 4);
        sha256_final(&sha, steps);
        ck_assert_mem_eq(whole, steps, sizeof(whole));
    }
    sha256_cleanup(&sha);
}
END_TEST

START_TEST(crc32c_known)
{
    ck_assert_uint_eq(crc32c_update(0, "123456789", 9), 0xe3069283); /* RFC 3720, B.4 family: the check value */
    ck_assert_uint_eq(crc32c_update(crc32c_update(0, "1234", 4), "56789", 5), 0xe3069283);
    ck_assert_uint_eq(crc32c_update(0, "", 0), 0);
}
END_TEST

START_TEST(hex_both_ways)
{
    const uint8_t bytes[] = {0x00, 0x9f, 0xff};
    uint8_t back[3];
    char text[7];
    unsigned i;

    hex_encode(bytes, 3, text);
    ck_assert_str_eq(text, "009fff");
    ck_assert(hex_decode(text, back, 3));
    ck_assert_mem_eq(bytes, back, 3);
    ck_assert(!hex_decode("009ff", back, 3));
    ck_assert(!hex_decode("009fff0", back, 3));
    ck_assert(!hex_decode("009FFF", back, 3));
    ck_assert(!hex_decode("009ff ", back, 3));
    for (i = 0; i < 256; i++) { /* every byte as either digit, also those beyond ASCII */
        char pair[3] = {(char)i, '0', '\0'};
        bool is_digit = i != 0 && strchr("0123456789abcdef", (int)i) != NULL;

        ck_assert_int_eq(hex_decode(pair, back, 1), is_digit);
        pair[0] = 'f';
        pair[1] = (char)i;
        ck_assert_int_eq(hex_decode(pair, back, 1), is_digit);
    }
}
END_TEST

UNIT_MAIN("digest", &sha256_known, &sha256_in_steps_and_again, &crc32c_known, &hex_both_ways)
