/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/localfs/bed.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(test_missing_root_reads_as_empty)
{
    SF_AUTO(buf) out = BUF_INIT;
    struct bed bed;

    bed_open(&bed, "new", NULL);
    ck_assert(!bed_exists("new"));
    ck_assert_int_eq(bed_stat(&bed, "a"), SF_NOT_FOUND);
    ck_assert_int_eq(bed.last_status, ENOENT);
    ck_assert_int_eq(bed_get(&bed, "a/b", NULL), SF_NOT_FOUND);
    ck_assert_int_eq(bed_remove(&bed, "a/b", NULL), SF_OK);
    ck_assert_int_eq(bed_remove(&bed, "a/b", "tag"), SF_OK);
    ck_assert_int_eq(bed_list(&bed, "", NULL, false, 0, &out), SF_OK);
    ck_assert_uint_eq(out.length, 0);
    ck_assert_msg(!bed_exists("new"), "reading created the folder");
    ck_assert_uint_eq(bed.reports, 5);
    bed_close(&bed);
}
END_TEST

START_TEST(test_first_put_creates_root)
{
    struct stat st;
    struct bed bed;

    bed_open(&bed, "new//", NULL);
    ck_assert_int_eq(bed_put(&bed, "a/b", "text"), SF_OK);
    ck_assert_int_eq(stat(bed_path("new"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    ck_assert_int_eq(stat(bed_path("new/a"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    ck_assert_int_eq(stat(bed_path("new/a/b"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(bed_stat(&bed, "a/b"), SF_OK);
    bed_close(&bed);
}
END_TEST

START_TEST(test_wrong_paths)
{
    struct bed bed;

    unit_write("file", "x", -1);
    ck_assert_int_eq(bed_try_open(&bed, bed_path("none/new"), NULL), SF_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(bed.err.text, "/none: no such folder"));
    ck_assert_int_eq(bed_try_open(&bed, bed_path("file"), NULL), SF_INVALID);
    ck_assert_ptr_nonnull(strstr(bed.err.text, "/file: not a folder"));
    ck_assert_int_eq(bed_try_open(&bed, bed_path("file/new"), NULL), SF_INVALID);
    ck_assert_int_eq(bed_try_open(&bed, "relative", NULL), SF_INVALID);
    ck_assert_int_eq(symlink("nowhere", bed_path("dangling")), 0);
    ck_assert_int_eq(bed_try_open(&bed, bed_path("dangling"), NULL), SF_NOT_FOUND);
}
END_TEST

START_TEST(test_open_changes_nothing)
{
    struct stat before, after;
    struct bed bed;

    unit_write("base/a", "x", -1);
    ck_assert_int_eq(stat(bed_path("base"), &before), 0);
    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_stat(&bed, "a"), SF_OK);
    bed_close(&bed);
    ck_assert_int_eq(stat(bed_path("base"), &after), 0);
    ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    ck_assert_int_eq(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
}
END_TEST

START_TEST(test_info)
{
    struct bed bed;

    bed_open(&bed, "base", NULL);
    ck_assert(bed.info.capabilities & SF_CAP_BARRIER);
    ck_assert(bed.info.capabilities & SF_CAP_CREATE_ONLY_PUT);
    ck_assert(bed.info.capabilities & SF_CAP_DIGEST_ON_PUT);
    ck_assert(!(bed.info.capabilities & SF_CAP_UPLOAD));
    ck_assert_uint_eq(bed.info.remove_batch_max, 1000);
    ck_assert_uint_eq(bed.info.segment_max_bytes, 255);
    ck_assert_int_eq(strncmp(bed.info.description, "folder /", 8), 0);
    bed_close(&bed);
    bed_open(&bed, "base", "each");
    ck_assert(!(bed.info.capabilities & SF_CAP_BARRIER));
    bed_close(&bed);
    bed_open(&bed, "base", "none");
    ck_assert(!(bed.info.capabilities & SF_CAP_BARRIER));
    bed_close(&bed);
}
END_TEST

START_TEST(test_keys)
{
    static const char *const refused[] = {"",
                                          "/",
                                          "/a",
                                          "a/",
                                          "a//b",
                                          ".",
                                          "..",
                                          "a/.",
                                          "../a",
                                          "a/..",
                                          "a/../b",
                                          "./a",
                                          ".snapferry/tmp",
                                          ".snapferry/tmp/x",
                                          ".snapferry/lock"};
    static const char *const fine[] = {"...",
                                       "..a",
                                       ".a",
                                       "a..",
                                       "a b",
                                       "a\nb",
                                       "\xc3\xa9",
                                       ".snapferry/tmpx",
                                       ".snapferry/points/x.open",
                                       "a\\b",
                                       "x/.snapferry/tmp/y"};
    char key[5000];
    struct bed bed;
    size_t i;

    bed_open(&bed, "base", NULL);
    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        ck_assert_msg(bed_put(&bed, refused[i], "x") == SF_INVALID, "put \"%s\"", refused[i]);
        ck_assert_msg(bed_stat(&bed, refused[i]) == SF_INVALID, "stat \"%s\"", refused[i]);
        ck_assert_msg(bed_get(&bed, refused[i], NULL) == SF_INVALID, "get \"%s\"", refused[i]);
        ck_assert_msg(bed_remove(&bed, refused[i], NULL) == SF_INVALID, "remove \"%s\"", refused[i]);
    }
    for (i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
        ck_assert_msg(bed_put(&bed, fine[i], "x") == SF_OK, "put \"%s\": %s", fine[i], bed.err.text);
    memset(key, 'k', 256);
    key[256] = '\0';
    ck_assert_int_eq(bed_put(&bed, key, "x"), SF_TOO_LARGE);
    key[255] = '\0';
    ck_assert_int_eq(bed_put(&bed, key, "x"), SF_OK);
    for (i = 0; i < sizeof(key) - 1; i++)
        key[i] = i % 100 == 99 ? '/' : 'k';
    key[4097] = '\0';
    ck_assert_int_eq(bed_put(&bed, key, "x"), SF_TOO_LARGE);
    key[4096] = '\0';
    ck_assert_msg(bed_put(&bed, key, "x") == SF_OK, "%s", bed.err.text);
    ck_assert_int_eq(bed_stat(&bed, key), SF_OK);
    ck_assert_int_eq(bed_remove(&bed, key, NULL), SF_OK);
    bed_close(&bed);
}
END_TEST

UNIT_MAIN("localfs/store", &test_missing_root_reads_as_empty, &test_first_put_creates_root, &test_wrong_paths,
          &test_open_changes_nothing, &test_info, &test_keys)
