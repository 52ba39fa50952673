/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/localfs/bed.h"

#include "base/auto.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(test_clears_empty_folders)
{
    struct bed bed;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put(&bed, "a/b/c/x", "x"), SF_OK);
    ck_assert_int_eq(bed_put(&bed, "a/b/y", "x"), SF_OK);
    ck_assert_int_eq(bed_remove(&bed, "a/b/c/x", NULL), SF_OK);
    ck_assert(!bed_exists("base/a/b/c"));
    ck_assert(bed_exists("base/a/b/y"));
    ck_assert_int_eq(bed_remove(&bed, "a/b/y", NULL), SF_OK);
    ck_assert(!bed_exists("base/a"));
    ck_assert(bed_exists("base/.snapferry/tmp"));
    ck_assert_int_eq(bed_put(&bed, ".snapferry/points/p", "x"), SF_OK);
    ck_assert_int_eq(bed_remove(&bed, ".snapferry/points/p", NULL), SF_OK);
    ck_assert(!bed_exists("base/.snapferry/points"));
    ck_assert(bed_exists("base/.snapferry/tmp"));
    ck_assert_int_eq(bed_put(&bed, "top", "x"), SF_OK);
    ck_assert_int_eq(bed_remove(&bed, "top", NULL), SF_OK);
    ck_assert(bed_exists("base"));
    bed_close(&bed);
}
END_TEST

START_TEST(test_not_there)
{
    struct bed bed;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put(&bed, "a/x", "x"), SF_OK);
    ck_assert_int_eq(bed_remove(&bed, "a/none", NULL), SF_OK);
    ck_assert_int_eq(bed_remove(&bed, "a/none", "tag"), SF_OK);
    ck_assert_int_eq(bed_remove(&bed, "none/none", NULL), SF_OK);
    ck_assert_int_eq(bed_remove(&bed, "a/x/below", NULL), SF_OK);
    ck_assert_int_eq(bed_remove(&bed, "a", NULL), SF_OK); /* a folder is no object */
    ck_assert_int_eq(bed_remove(&bed, "a", "tag"), SF_OK);
    ck_assert_int_eq(bed_stat(&bed, "a/x"), SF_OK);
    bed_close(&bed);
}
END_TEST

START_TEST(test_by_tag)
{
    char tag[SF_TAG_MAX + 4];
    struct bed bed;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put(&bed, "a/x", "x"), SF_OK);
    memcpy(tag, bed.object.tag, sizeof(tag));
    ck_assert_int_eq(bed_remove(&bed, "a/x", "other"), SF_PRECONDITION);
    ck_assert_int_eq(bed_stat(&bed, "a/x"), SF_OK);
    ck_assert_int_eq(bed_remove(&bed, "a/x", tag), SF_OK);
    ck_assert_int_eq(bed_stat(&bed, "a/x"), SF_NOT_FOUND);
    ck_assert(!bed_exists("base/a"));
    bed_close(&bed);
}
END_TEST

/* The connection keeps a folder that others clear away and make anew. */
START_TEST(test_folder_made_anew)
{
    struct bed bed;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put(&bed, "a/x", "x"), SF_OK);
    ck_assert_int_eq(unlink(bed_path("base/a/x")), 0);
    ck_assert_int_eq(rmdir(bed_path("base/a")), 0);
    unit_write("base/a/x", "new", -1);
    ck_assert_int_eq(bed_remove(&bed, "a/x", NULL), SF_OK);
    ck_assert(!bed_exists("base/a"));
    bed_close(&bed);
}
END_TEST

struct results {
    int32_t cls[8];
    int seen[8];
};

static void note(void *ctx, uint32_t index, int32_t cls, const char *text)
{
    struct results *results = ctx;

    ck_assert_uint_lt(index, 8);
    ck_assert(cls == SF_OK || text[0] != '\0');
    results->cls[index] = cls;
    results->seen[index]++;
}

START_TEST(test_batch)
{
    static const int32_t expected[] = {SF_OK, SF_OK, SF_PRECONDITION, SF_INVALID, SF_OK, SF_OK, SF_OK, SF_OK};
    static const char *const keys[] = {"a/1", "a/2", "a/3", "../x", "b/1", "c/1", "a/4", "none"};
    struct results results = {{0}, {0}};
    const struct sf_remove_sink sink = {sizeof(sink), 0, &results, note};
    struct sf_remove items[8];
    struct bed bed;
    uint32_t i;

    bed_open(&bed, "base", NULL);
    for (i = 0; i < 8; i++) {
        items[i] = (struct sf_remove){sizeof(items[i]), 0, keys[i], i == 2 ? "other" : NULL};
        ck_assert(i == 3 || i == 7 || bed_put(&bed, keys[i], "x") == SF_OK);
    }
    ck_assert_int_eq(bed.plugin->remove(&bed.call, bed.conn, items, 8, sizeof(items[0]), &sink, &bed.err), 0);
    for (i = 0; i < 8; i++) {
        ck_assert_int_eq(results.seen[i], 1);
        ck_assert_int_eq(results.cls[i], expected[i]);
    }
    ck_assert(!bed_exists("base/a/1") && !bed_exists("base/a/2") && bed_exists("base/a/3") && !bed_exists("base/a/4"));
    ck_assert(!bed_exists("base/b") && !bed_exists("base/c"));
    bed_close(&bed);
}
END_TEST

START_TEST(test_cancelled)
{
    struct bed bed;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put(&bed, "a", "x"), SF_OK);
    bed.if_cancelled = 1;
    ck_assert_int_eq(bed_remove(&bed, "a", NULL), SF_CANCELLED);
    bed.if_cancelled = 0;
    ck_assert_int_eq(bed_stat(&bed, "a"), SF_OK);
    bed_close(&bed);
}
END_TEST

UNIT_MAIN("localfs/remove", &test_clears_empty_folders, &test_not_there, &test_by_tag, &test_folder_made_anew,
          &test_batch, &test_cancelled)
