/* SPDX-License-Identifier: Apache-2.0 */
#include "base/auto.h"
#include "base/mem.h"
#include "base/real.h"
#include "tests/kit/unit.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static void check(const char *path, const char *root, const char *wanted)
{
    AUTO_FREE char *whole = mem_printf("%s%s", root, wanted);
    AUTO_FREE char *real = real_path(path);

    ck_assert_msg(real != NULL, "%s: %s", path, strerror(errno));
    ck_assert_str_eq(real, whole);
}

static void check_below(const char *root, const char *below, const char *wanted)
{
    AUTO_FREE char *path = mem_printf("%s/%s", root, below);

    check(path, root, wanted);
}

/* A root that is real itself, with dir/, link -> dir and nowhere -> nothing. To free. */
static char *make_tree(void)
{
    char *root = realpath(unit_temp_dir(), NULL);

    ck_assert_ptr_nonnull(root);
    ck_assert_int_eq(chdir(root), 0);
    ck_assert_int_eq(mkdir("dir", 0700), 0);
    ck_assert_int_eq(symlink("dir", "link"), 0);
    ck_assert_int_eq(symlink("nothing", "nowhere"), 0);
    return root;
}

START_TEST(what_exists)
{
    AUTO_FREE char *root = make_tree();

    check_below(root, "dir", "/dir");
    check_below(root, "dir///", "/dir");
    check_below(root, "link", "/dir");
    check_below(root, "link/../dir/.", "/dir");
    check("dir", root, "/dir");
    check("/", "", "/");
}
END_TEST

START_TEST(what_is_yet_to_be_made)
{
    AUTO_FREE char *root = make_tree();

    check_below(root, "dir/new", "/dir/new");
    check_below(root, "link/new/", "/dir/new");
    check_below(root, "link//new/./newer//", "/dir/new/newer");
    check_below(root, "nowhere", "/nowhere");
    check("new", root, "/new");
    check("new/", root, "/new");
    check("./link/new", root, "/dir/new");
    check("/no-such-folder-here/x", "", "/no-such-folder-here/x");
}
END_TEST

START_TEST(what_cannot_be_said)
{
    AUTO_FREE char *root = make_tree();
    FILE *file = fopen("file", "w");

    ck_assert_ptr_nonnull(file);
    fclose(file);
    ck_assert_ptr_null(real_path("new/../dir"));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_ptr_null(real_path("file/new"));
    ck_assert_int_eq(errno, ENOTDIR);
}
END_TEST

START_TEST(inside)
{
    ck_assert(real_is_inside("/a", "/a"));
    ck_assert(real_is_inside("/a/b", "/a"));
    ck_assert(real_is_inside("/a", "/"));
    ck_assert(real_is_inside("/", "/"));
    ck_assert(!real_is_inside("/ab", "/a"));
    ck_assert(!real_is_inside("/", "/a"));
}
END_TEST

UNIT_MAIN("real", &what_exists, &what_is_yet_to_be_made, &what_cannot_be_said, &inside)
