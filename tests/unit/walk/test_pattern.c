/* SPDX-License-Identifier: Apache-2.0 */
#include "core/walk/pattern.h"
#include "tests/kit/unit.h"

static bool is_match(const char *pattern, const char *path)
{
    struct patterns patterns = {NULL, 0};
    bool result;

    patterns_add(&patterns, pattern);
    result = patterns_match(&patterns, path);
    patterns_cleanup(&patterns);
    return result;
}

START_TEST(without_a_slash_the_last_part)
{
    ck_assert(is_match("*.tmp", "x.tmp"));
    ck_assert(is_match("*.tmp", "a/b/x.tmp"));
    ck_assert(is_match("*.tmp", "a/.tmp")); /* a leading dot is nothing special */
    ck_assert(is_match("*", ".hidden"));
    ck_assert(is_match("lock", "a/lock"));
    ck_assert(!is_match("lock", "lock/a"));
    ck_assert(!is_match("*.tmp", "a.tmp/x"));
    ck_assert(is_match("[ab]?", "x/a1"));
    ck_assert(!is_match("[ab]?", "x/c1"));
    ck_assert(is_match("\\*", "*"));
    ck_assert(!is_match("\\*", "a"));
    ck_assert(is_match("?*", "\xff\xfe"));
    ck_assert(!is_match("", "a"));
}
END_TEST

START_TEST(with_a_slash_the_whole_path)
{
    ck_assert(is_match("a/*.tmp", "a/x.tmp"));
    ck_assert(!is_match("a/*.tmp", "b/a/x.tmp"));
    ck_assert(!is_match("a/*.tmp", "a/b/x.tmp")); /* '*' ends at a '/' */
    ck_assert(is_match("*/b/*", "a/b/c"));
    ck_assert(!is_match("a?b", "a/b"));
    ck_assert(is_match("a/b", "a/b"));
    ck_assert(is_match("/x", "x")); /* a leading slash ties it to the root */
    ck_assert(!is_match("/x", "a/x"));
    ck_assert(is_match("/a/x", "a/x"));
    ck_assert(is_match("a/*", "a/.x"));
}
END_TEST

START_TEST(any_of_several)
{
    struct patterns patterns = {NULL, 0};

    ck_assert(!patterns_match(&patterns, "a"));
    patterns_add(&patterns, "*.tmp");
    patterns_add(&patterns, "/a/b");
    ck_assert(patterns_match(&patterns, "y.tmp"));
    ck_assert(patterns_match(&patterns, "a/b"));
    ck_assert(!patterns_match(&patterns, "b"));
    patterns_cleanup(&patterns);
    ck_assert_uint_eq(patterns.count, 0);
    patterns_cleanup(&patterns);
}
END_TEST

UNIT_MAIN("pattern", &without_a_slash_the_last_part, &with_a_slash_the_whole_path, &any_of_several)
