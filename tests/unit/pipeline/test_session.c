/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "core/pipeline/session.h"
#include "tests/kit/unit.h"

#include <sys/stat.h>

static bool clash(const char *one, const char *other)
{
    bool there = session_targets_clash(one, other), back = session_targets_clash(other, one);

    ck_assert_int_eq(there, back);
    return there;
}

/* In the temp dir: a/, a/b/ and link -> a. */
static void make_tree(void)
{
    ck_assert_int_eq(chdir(unit_temp_dir()), 0);
    ck_assert_int_eq(mkdir("a", 0700), 0);
    ck_assert_int_eq(mkdir("a/b", 0700), 0);
    ck_assert_int_eq(symlink("a", "link"), 0);
}

START_TEST(one_folder_by_two_names)
{
    make_tree();
    ck_assert(clash("a", "a"));
    ck_assert(clash("a", "a/"));
    ck_assert(clash("a", "./a/b/.."));
    ck_assert(clash("a", "link"));
    ck_assert(clash("link/new", "a/new/"));
}
END_TEST

START_TEST(one_in_the_other)
{
    make_tree();
    ck_assert(clash("a", "a/b"));
    ck_assert(clash("a", "link/b"));
    ck_assert(clash("a", "a/new"));
    ck_assert(clash("new", "new/in"));
    ck_assert(clash("/", "a"));
}
END_TEST

START_TEST(apart)
{
    make_tree();
    ck_assert(!clash("a", "ab"));
    ck_assert(!clash("a/b", "a/c"));
    ck_assert(!clash("new", "newer"));
}
END_TEST

/* The mount point is a file system of its own, which the outer restore does not enter. */
START_TEST(a_mount_point_in_the_other)
{
    ck_assert(!clash("/", "/proc"));
}
END_TEST

UNIT_MAIN("session", &one_folder_by_two_names, &one_in_the_other, &apart, &a_mount_point_in_the_other)
