/* SPDX-License-Identifier: Apache-2.0
 *
 * Symlinks that somebody planted below the destination must not lead out of it.
 */
#include "tests/unit/localfs/bed.h"

#include "base/auto.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int count_outside(void)
{
    DIR *dir = opendir(bed_path("outside"));
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count - 2;
}

/* Nothing was added to it, taken from it or changed in it. */
static void check_outside(void)
{
    SF_AUTO(buf) text = BUF_INIT;

    ck_assert_int_eq(count_outside(), 1);
    bed_read("outside/secret", &text);
    ck_assert_str_eq(buf_text(&text), "secret");
}

static void plant(struct bed *bed, const char *target, const char *name)
{
    unit_write("outside/secret", "secret", -1);
    ck_assert_int_eq(mkdir(bed_path("base"), 0700), 0);
    if (strchr(name, '/') != NULL)
        ck_assert_int_eq(mkdir(bed_path("base/.snapferry"), 0700), 0);
    {
        char path[4096];

        snprintf(path, sizeof(path), "%s/base/%s", unit_temp_dir(), name);
        ck_assert_int_eq(symlink(target, path), 0);
    }
    bed_open(bed, "base", NULL);
}

static void expect_denied(const struct bed *bed, int result)
{
    ck_assert_int_eq(result, SF_DENIED);
    ck_assert_msg(strstr(bed->err.text, "symlink") != NULL, "%s", bed->err.text);
    check_outside();
}

/* What is read through a symlink is no object. */
static void expect_missing(const struct bed *bed, int result)
{
    ck_assert_int_eq(result, SF_NOT_FOUND);
    ck_assert_msg(strstr(bed->err.text, "symlink") != NULL, "%s", bed->err.text);
    check_outside();
}

START_TEST(test_as_folder)
{
    SF_AUTO(buf) out = BUF_INIT;
    struct bed bed;

    plant(&bed, "../outside", "evil");
    expect_denied(&bed, bed_put(&bed, "evil/new", "x"));
    expect_denied(&bed, bed_put(&bed, "evil/deep/new", "x"));
    expect_denied(&bed, bed_replace(&bed, "evil/secret", "x"));
    expect_denied(&bed, bed_put_if(&bed, "evil/secret", "x", "tag"));
    expect_missing(&bed, bed_stat(&bed, "evil/secret"));
    expect_missing(&bed, bed_get(&bed, "evil/secret", NULL));
    expect_denied(&bed, bed_remove(&bed, "evil/secret", NULL));
    ck_assert_int_eq(bed_list(&bed, "", NULL, false, 0, &out), SF_OK);
    ck_assert_uint_eq(out.length, 0);
    ck_assert_int_eq(bed_list(&bed, "", NULL, true, 0, &out), SF_OK);
    ck_assert_uint_eq(out.length, 0);
    expect_denied(&bed, bed_list(&bed, "evil/", NULL, false, 0, &out));
    ck_assert_int_eq(bed_count_temps("base"), 0);
    bed_close(&bed);
}
END_TEST

START_TEST(test_as_object)
{
    SF_AUTO(buf) out = BUF_INIT;
    struct sf_copy copy = {.size = sizeof(copy), .from = "evil", .to = "mine", .precondition = SF_IF_ABSENT};
    struct bed bed;

    plant(&bed, "../outside/secret", "evil");
    expect_denied(&bed, bed_put(&bed, "evil", "x"));
    expect_denied(&bed, bed_replace(&bed, "evil", "x"));
    expect_denied(&bed, bed_put_if(&bed, "evil", "x", "tag"));
    expect_missing(&bed, bed_stat(&bed, "evil"));
    expect_missing(&bed, bed_get(&bed, "evil", NULL));
    expect_denied(&bed, bed_remove(&bed, "evil", NULL));
    expect_denied(&bed, bed_remove(&bed, "evil", "tag"));
    ck_assert_int_eq(bed.plugin->copy(&bed.call, bed.conn, &copy, &bed.object, &bed.err), -1);
    expect_missing(&bed, bed.err.cls);
    ck_assert(!bed_exists("base/mine"));
    ck_assert(bed_exists("base/evil"));
    ck_assert_int_eq(bed_list(&bed, "", NULL, false, 0, &out), SF_OK);
    ck_assert_uint_eq(out.length, 0);
    bed_close(&bed);
}
END_TEST

START_TEST(test_as_own_folder)
{
    struct bed bed;

    plant(&bed, "../outside", ".snapferry");
    expect_denied(&bed, bed_put(&bed, "a", "x"));
    expect_denied(&bed, bed_put(&bed, ".snapferry/points/p", "x"));
    expect_denied(&bed, bed_remove(&bed, "a", NULL));
    ck_assert(!bed_exists("base/a"));
    bed_close(&bed);
}
END_TEST

START_TEST(test_as_temporaries)
{
    struct bed bed;

    plant(&bed, "../../outside", ".snapferry/tmp");
    expect_denied(&bed, bed_put(&bed, "a", "x"));
    ck_assert(!bed_exists("base/a"));
    bed_close(&bed);
}
END_TEST

START_TEST(test_as_lock)
{
    struct bed bed;

    plant(&bed, "../../outside/lock", ".snapferry/lock");
    expect_denied(&bed, bed_replace(&bed, "a", "x"));
    ck_assert(!bed_exists("base/a"));
    bed_close(&bed);
}
END_TEST

UNIT_MAIN("localfs/escape", &test_as_folder, &test_as_object, &test_as_own_folder, &test_as_temporaries, &test_as_lock)
