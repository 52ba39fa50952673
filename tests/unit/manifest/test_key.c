/* SPDX-License-Identifier: Apache-2.0 */
#include "core/manifest/entry.h"
#include "tests/kit/unit.h"

#include <jansson.h>
#include <string.h>

/* For loops: Check writes a line to its pipe for every ck_assert that is passed. */
#define MUST(claim, text)                                                                                              \
    do {                                                                                                               \
        if (!(claim))                                                                                                  \
            ck_abort_msg("%s: %s", #claim, text);                                                                      \
    } while (0)

static void expect(const char *path, const char *key)
{
    SF_AUTO(buf) out = BUF_INIT;

    buf_add_text(&out, "kept ");
    key_encode(path, &out);
    ck_assert_str_eq(buf_text(&out) + 5, key);
    buf_clear(&out);
    buf_add_text(&out, "kept ");
    ck_assert(key_decode(key, &out));
    ck_assert_str_eq(buf_text(&out) + 5, path);
    ck_assert_mem_eq(out.data, "kept ", 5);
}

static void refuse(const char *key)
{
    SF_AUTO(buf) out = BUF_INIT;

    ck_assert_msg(!key_decode(key, &out), "%s was taken", key);
    ck_assert_uint_eq(out.length, 0);
    buf_add_text(&out, "kept");
    ck_assert(!key_decode(key, &out));
    ck_assert_str_eq(buf_text(&out), "kept");
}

START_TEST(what_stays)
{
    expect("", "");
    expect("a/b.c", "a/b.c");
    expect(" +#?&=~*'\"\\<>|:;,@!$()[]{}^`", " +#?&=~*'\"\\<>|:;,@!$()[]{}^`");
    expect("caf\xc3\xa9", "caf\xc3\xa9"); /* composed and decomposed stay apart */
    expect("cafe\xcc\x81", "cafe\xcc\x81");
    expect("\xc2\xa0", "\xc2\xa0");                 /* U+00A0, first after C1 */
    expect("\xdf\xbf", "\xdf\xbf");                 /* U+07FF */
    expect("\xe0\xa0\x80", "\xe0\xa0\x80");         /* U+0800 */
    expect("\xed\x9f\xbf", "\xed\x9f\xbf");         /* U+D7FF */
    expect("\xee\x80\x80", "\xee\x80\x80");         /* U+E000 */
    expect("\xef\xbf\xbd", "\xef\xbf\xbd");         /* U+FFFD */
    expect("\xef\xbe\xbe", "\xef\xbe\xbe");         /* U+FFBE: not FFFE */
    expect("\xf0\x90\x80\x80", "\xf0\x90\x80\x80"); /* U+10000 */
    expect("\xf0\x9f\xbf\xbe", "\xf0\x9f\xbf\xbe"); /* U+1FFFE: only the plane that XML forbids is escaped */
    expect("\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"); /* U+10FFFF */
}
END_TEST

START_TEST(what_is_escaped)
{
    expect("\x01\t\n\x1f\x7f", "%01%09%0A%1F%7F");
    expect("\xc2\x80", "%C2%80"); /* U+0080 */
    expect("\xc2\x9f", "%C2%9F");
    expect("\xef\xbf\xbe", "%EF%BF%BE"); /* U+FFFE */
    expect("\xef\xbf\xbf", "%EF%BF%BF");
    /* not UTF-8 */
    expect("\x80", "%80");
    expect("a\xff/b", "a%FF/b");
    expect("\xc0\xaf", "%C0%AF"); /* overlong '/' */
    expect("\xc1\xbf", "%C1%BF");
    expect("\xe0\x9f\xbf", "%E0%9F%BF");        /* overlong U+07FF */
    expect("\xf0\x8f\xbf\xbf", "%F0%8F%BF%BF"); /* overlong U+FFFF */
    expect("\xed\xa0\x80", "%ED%A0%80");        /* surrogate */
    expect("\xf4\x90\x80\x80", "%F4%90%80%80"); /* U+110000 */
    expect("\xf5\x80\x80\x80", "%F5%80%80%80");
    expect("\xe2\x82", "%E2%82"); /* cut */
    expect("\xc3", "%C3");
    expect("\xf0\x9f\x98", "%F0%9F%98");
    expect("\xc3/\xa9", "%C3/%A9");               /* a name's bytes do not join the next name's */
    expect("\xe2\x82\xc3\xa9", "%E2%82\xc3\xa9"); /* what follows a cut sequence is judged for itself */
    expect("\xc3\xc3\xa9", "%C3\xc3\xa9");
}
END_TEST

START_TEST(percent)
{
    expect("%", "%");
    expect("100%", "100%");
    expect("%4", "%4");
    expect("%/41", "%/41");
    expect("%zz", "%zz");
    expect("%g1", "%g1");
    expect("%1g", "%1g");
    expect("%2F", "%252F");
    expect("%2f", "%252f"); /* either case */
    expect("%aB", "%25aB");
    expect("%%41", "%%2541");
    expect("%25", "%2525");
    expect("%\n", "%%0A");
    expect("%4\n", "%4%0A");
    expect("%\xff", "%%FF");
}
END_TEST

START_TEST(not_a_key)
{
    refuse("%41"); /* 'A' needs no escape */
    refuse("%2F");
    refuse("a%00b"); /* no path has a NUL */
    refuse("%00");
    refuse("%0a");    /* lower case */
    refuse("%C3%A9"); /* valid, escaped for nothing */
    refuse("%c3");
    refuse("%25"); /* a '%' that no digits follow */
    refuse("%25zz");
    refuse("\n"); /* raw, to be escaped */
    refuse("\xff");
    refuse("\xc2\x80");
    refuse("\xc2%80"); /* half a sequence raw */
    refuse("\xef\xbf\xbf");
}
END_TEST

static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

/* Bytes that matter: pieces of sequences, escapes, slashes; now and then anything. */
static void make_path(uint64_t *state, char *path, size_t max)
{
    static const unsigned char picks[] =
        "%%%%0123aAfFgG/\x01\x7f\x80\x9f\xa0\xbe\xbf\xc2\xc3\xe0\xe2\xed\xef\xf0\xf4\xff";
    size_t bytes = next_random(state) % max, i;

    for (i = 0; i < bytes; i++) {
        unsigned any = next_random(state);

        path[i] = (char)(any % 8 == 0 ? any % 255 + 1 : picks[any % (sizeof(picks) - 1)]);
    }
    path[bytes] = '\0';
}

static bool is_utf8(const char *text)
{
    json_t *string = json_string(text); /* NULL unless it is UTF-8: a second opinion */
    bool is_valid = string != NULL;

    json_decref(string);
    return is_valid;
}

static void check_one(const char *path, struct buf *key, struct buf *back)
{
    const char *at;

    buf_clear(key);
    buf_clear(back);
    key_encode(path, key);
    MUST(is_utf8(buf_text(key)), path);
    for (at = buf_text(key); *at != '\0'; at++)
        MUST((unsigned char)*at >= 0x20 && *at != 0x7f, path);
    MUST(key_decode(buf_text(key), back), path); /* with the next line: injective */
    MUST(strcmp(buf_text(back), path) == 0, path);
}

START_TEST(any_bytes_come_back)
{
    SF_AUTO(buf) key = BUF_INIT;
    SF_AUTO(buf) back = BUF_INIT;
    SF_AUTO(buf) parts = BUF_INIT;
    uint64_t state = 1;
    char path[24], *slash;
    int i;

    for (i = 0; i < 300000; i++) {
        char *name = path;

        make_path(&state, path, sizeof(path));
        check_one(path, &key, &back);
        /* name by name gives the same */
        buf_clear(&parts);
        while ((slash = strchr(name, '/')) != NULL) {
            *slash = '\0';
            key_encode(name, &parts);
            buf_add_byte(&parts, '/');
            name = slash + 1;
        }
        key_encode(name, &parts);
        MUST(strcmp(buf_text(&parts), buf_text(&key)) == 0, buf_text(&key));
    }
}
END_TEST

START_TEST(any_text_is_a_key_or_not)
{
    SF_AUTO(buf) path = BUF_INIT;
    SF_AUTO(buf) again = BUF_INIT;
    uint64_t state = 2;
    char text[16];
    int i, taken = 0;

    for (i = 0; i < 300000; i++) {
        make_path(&state, text, sizeof(text));
        buf_clear(&path);
        buf_clear(&again);
        if (!key_decode(text, &path))
            continue;
        taken++;
        key_encode(buf_text(&path), &again);
        MUST(strcmp(buf_text(&again), text) == 0, text); /* one key a path, so no object has two names */
    }
    ck_assert_int_gt(taken, 1000);
    ck_assert_int_lt(taken, 299000);
}
END_TEST

UNIT_MAIN("key", &what_stays, &what_is_escaped, &percent, &not_a_key, &any_bytes_come_back, &any_text_is_a_key_or_not)
