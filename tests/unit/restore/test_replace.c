/* SPDX-License-Identifier: Apache-2.0
 *
 * Into a folder that holds something: --replace makes it what the point holds, --only touches nothing but what it
 * names.
 */
#include "tests/unit/restore/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_NS INT64_C(86400000000000)

static void make_point(struct rig *rig)
{
    rig_make("src", "same", "the same content");
    rig_make("src", "touched", "same content, other time");
    rig_make("src", "changed", "content A");
    rig_make("src", "grown", "longer than before");
    rig_make("src", "new/file", "new");
    rig_make("src", "file to folder/inside", "now a folder");
    rig_make("src", "folder to file", "now a file");
    rig_make("src", "link to folder/inside", "a folder again");
    rig_make("src", "link to file", "a file again");
    rig_make("src", "file to link", "-> same");
    rig_make("src", "folder to link", "-> new");
    rig_make("src", "link", "-> changed");
    rig_make("src", "kept link", "-> same");
    rig_make("src", "fifo to file", "a file");
    rig_make("src", "folder/m4755-other mode", "mode");
    rig_set_mtime("src", "touched", 5 * DAY_NS);
    rig_set_mtime("src", "changed", 6 * DAY_NS);
    rig_set_mtime("src", "kept link", 6 * DAY_NS);
    rig_store_tree(rig, "src");
}

static void make_other_tree(const char *folder)
{
    rig_make(folder, "same", "the same content");
    rig_make(folder, "touched", "same content, other time");
    rig_make(folder, "changed", "content B");
    rig_make(folder, "grown", "short");
    rig_make(folder, "file to folder", "a file");
    rig_make(folder, "folder to file/a/b/c", "deep");
    rig_make(folder, "link to folder", "-> ../outside");
    rig_make(folder, "link to file", "-> ../outside/precious");
    rig_make(folder, "file to link", "a file");
    rig_make(folder, "folder to link/x", "a folder");
    rig_make(folder, "link", "-> elsewhere");
    rig_make(folder, "kept link", "-> same");
    ck_assert_int_eq(mkfifo(rig_path("dst/fifo to file"), 0600), 0);
    rig_make(folder, "folder/m4755-other mode", "mode");
    rig_make(folder, "folder/surplus", "surplus");
    rig_make(folder, "surplus/a/b/c/d", "surplus");
    rig_make(folder, "surplus/e", "-> ../outside");
    ck_assert_int_eq(mkfifo(rig_path("dst/surplus/fifo"), 0600), 0);
    rig_make(folder, "lost+found/fragment", "of the file system");
    rig_make("outside", "precious", "not ours");
    /* what no check of times would notice */
    rig_set_mtime(folder, "changed", 6 * DAY_NS);
    rig_set_mtime(folder, "kept link", 6 * DAY_NS);
}

/* lost+found stays, so that it must go before the comparison; the root's mtime was right. */
static void check_replaced(struct rig *rig)
{
    struct stat before, after;
    struct timespec times[2] = {{0, UTIME_OMIT}, {0, 0}};
    char *text = rig_read("outside", "precious");

    ck_assert_str_eq(text, "not ours");
    free(text);
    ck_assert(!rig_exists("outside", "inside"));
    text = rig_read("dst", "lost+found/fragment");
    ck_assert_str_eq(text, "of the file system");
    free(text);
    ck_assert_int_eq(stat(rig_path("dst"), &before), 0);
    ck_assert_int_eq(unlink(rig_path("dst/lost+found/fragment")), 0);
    ck_assert_int_eq(rmdir(rig_path("dst/lost+found")), 0);
    times[1] = before.st_mtim;
    ck_assert_int_eq(utimensat(AT_FDCWD, rig_path("dst"), times, 0), 0);
    ck_assert_int_eq(stat(rig_path("dst"), &after), 0);
    rig_check(rig, "dst");
}

START_TEST(replace_a_changed_tree)
{
    struct rig rig;
    struct stat before, after;

    rig_open(&rig);
    make_point(&rig);
    make_other_tree("dst");
    ck_assert_int_eq(stat(rig_path("dst/same"), &before), 0);
    rig.plan.replace = true;
    rig_restore_well(&rig, "dst");
    ck_assert_int_eq(stat(rig_path("dst/same"), &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    ck_assert_uint_eq(rig.counts.files, 11);
    ck_assert_uint_eq(rig.counts.kept_files, 3);
    ck_assert_uint_eq(rig.counts.fetched_files, 8);
    /* file to folder, link to folder; folder to file and 3 in it, folder to link and 1; folder/surplus; surplus and
     * 6 in it */
    ck_assert_uint_eq(rig.counts.removed, 2 + 4 + 2 + 1 + 7);
    check_replaced(&rig);
    rig_close(&rig);
}
END_TEST

START_TEST(dry_run_counts_the_same_and_changes_nothing)
{
    struct rig rig;
    struct restore_counts dry;
    struct stat before, after;

    rig_open(&rig);
    make_point(&rig);
    make_other_tree("dst");
    ck_assert_int_eq(stat(rig_path("dst"), &before), 0);
    rig.plan.replace = rig.plan.dry_run = true;
    rig_restore_well(&rig, "dst");
    dry = rig.counts;
    ck_assert_int_eq(stat(rig_path("dst"), &after), 0);
    ck_assert_mem_eq(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
    ck_assert_mem_eq(&before.st_ctim, &after.st_ctim, sizeof(before.st_ctim));
    ck_assert_ptr_nonnull(strstr(rig.logged, "would fetch changed (9 bytes)"));
    ck_assert_ptr_nonnull(strstr(rig.logged, "would fetch new/file (3 bytes)"));
    ck_assert_ptr_nonnull(strstr(rig.logged, "would remove surplus/a/b/c/d"));
    ck_assert_ptr_nonnull(strstr(rig.logged, "would remove folder to link/x"));
    ck_assert_ptr_null(strstr(rig.logged, "would fetch same"));
    ck_assert_ptr_null(strstr(rig.logged, "would remove lost+found"));
    rig.plan.dry_run = false;
    rig_restore_well(&rig, "dst");
    ck_assert_uint_eq(dry.files, rig.counts.files);
    ck_assert_uint_eq(dry.bytes, rig.counts.bytes);
    ck_assert_uint_eq(dry.fetched_files, rig.counts.fetched_files);
    ck_assert_uint_eq(dry.fetched_bytes, rig.counts.fetched_bytes);
    ck_assert_uint_eq(dry.kept_files, rig.counts.kept_files);
    ck_assert_uint_eq(dry.removed, rig.counts.removed);
    rig_close(&rig);
}
END_TEST

START_TEST(dry_run_into_nothing)
{
    struct rig rig;

    rig_open(&rig);
    make_point(&rig);
    rig.plan.dry_run = true;
    rig_restore_well(&rig, "dst");
    ck_assert_uint_eq(rig.counts.fetched_files, rig.counts.files);
    ck_assert_uint_eq(rig.counts.fetched_bytes, rig.counts.bytes);
    ck_assert_int_eq(access(rig_path("dst"), F_OK), -1);
    rig_close(&rig);
}
END_TEST

/* A kept file whose metadata must change is fetched if another name would see that. */
START_TEST(hard_links_are_left_alone)
{
    struct rig rig;
    struct stat other, kept;

    rig_open(&rig);
    make_point(&rig);
    rig_make("dst", "touched", "same content, other time");
    rig_make("dst", "same", "the same content");
    rig_make("live", "x", "x");
    ck_assert_int_eq(link(rig_path("dst/touched"), rig_path("live/touched")), 0);
    rig_set_mtime("live", "touched", 17 * DAY_NS);
    rig.plan.replace = true;
    rig_restore_well(&rig, "dst");
    ck_assert_int_eq(stat(rig_path("live/touched"), &other), 0);
    ck_assert_int_eq(other.st_mtim.tv_sec, 17 * 86400);
    ck_assert_int_eq(stat(rig_path("dst/touched"), &kept), 0);
    ck_assert_uint_ne(kept.st_ino, other.st_ino);
    rig_check(&rig, "dst");
    rig_close(&rig);
}
END_TEST

START_TEST(only_into_a_new_folder)
{
    struct rig rig;

    rig_open(&rig);
    rig_make("src", "a/b/one.seg", "1");
    rig_make("src", "a/b/two.idx", "2");
    rig_make("src", "a/c/three.seg", "3");
    rig_make("src", "a/empty", NULL);
    rig_make("src", "whole/x/y", "x");
    rig_make("src", "whole/l.seg", "-> x");
    rig_set_mtime("src", "a/b", 3 * DAY_NS);
    rig_set_mtime("src", "a", 2 * DAY_NS);
    rig_store_tree(&rig, "src");
    patterns_add(&rig.only, "*.seg");
    rig_restore_well(&rig, "dst");
    ck_assert_uint_eq(rig.counts.files, 2);
    ck_assert(rig_exists("dst", "a/b/one.seg"));
    ck_assert(rig_exists("dst", "a/c/three.seg"));
    ck_assert(rig_exists("dst", "whole/l.seg"));
    ck_assert(!rig_exists("dst", "a/b/two.idx"));
    ck_assert(!rig_exists("dst", "a/empty"));
    ck_assert(!rig_exists("dst", "whole/x"));
    ck_assert(!rig_exists("dst", RESTORE_FOLDER));
    {
        struct stat st;

        ck_assert_int_eq(stat(rig_path("dst/a"), &st), 0);
        ck_assert_int_eq(st.st_mtim.tv_sec, 2 * 86400);
        ck_assert_int_eq(stat(rig_path("dst/a/b"), &st), 0);
        ck_assert_int_eq(st.st_mtim.tv_sec, 3 * 86400);
    }
    rig_close(&rig);
}
END_TEST

START_TEST(only_a_folder_takes_what_is_in_it)
{
    struct rig rig;

    rig_open(&rig);
    rig_make("src", "keep/x/y", "new");
    rig_make("src", "keep/x/empty", NULL);
    rig_make("src", "keep/xz", "not named");
    rig_make("src", "other/x", "not named either");
    rig_store_tree(&rig, "src");
    rig_make("dst", "keep/x/y", "old");
    rig_make("dst", "keep/x/surplus", "stays");
    rig_make("dst", "mine", "stays");
    rig_set_mtime("dst", "keep/x", 9 * DAY_NS);
    ck_assert_int_eq(chmod(rig_path("dst/keep"), 0711), 0);
    patterns_add(&rig.only, "keep/x");
    rig.plan.replace = true;
    rig_restore_well(&rig, "dst");
    {
        char *text = rig_read("dst", "keep/x/y");
        struct stat st;

        ck_assert_str_eq(text, "new");
        free(text);
        ck_assert_int_eq(stat(rig_path("dst/keep"), &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0711);
    }
    ck_assert(rig_exists("dst", "keep/x/empty"));
    ck_assert(rig_exists("dst", "keep/x/surplus"));
    ck_assert(rig_exists("dst", "mine"));
    ck_assert(!rig_exists("dst", "keep/xz"));
    ck_assert(!rig_exists("dst", "other"));
    ck_assert_uint_eq(rig.counts.removed, 0);
    rig_close(&rig);
}
END_TEST

START_TEST(only_that_matches_nothing)
{
    struct rig rig;

    rig_open(&rig);
    make_point(&rig);
    patterns_add(&rig.only, "nothing/like/this");
    ck_assert_int_eq(rig_restore(&rig, "dst"), -1);
    ck_assert_int_eq(rig.fault, RESTORE_FAULT_NO_MATCH);
    ck_assert_ptr_nonnull(strstr(rig.err.text, "nothing in the point matches"));
    ck_assert_int_eq(access(rig_path("dst"), F_OK), -1);
    rig_close(&rig);
}
END_TEST

/* A point of a folder in which a restore had once been killed. */
START_TEST(our_own_folder_in_the_point_is_left_out)
{
    struct rig rig;

    rig_open(&rig);
    rig_make("src", RESTORE_FOLDER "/files/0/1", "junk");
    rig_make("src", "data", "data");
    rig_store_tree(&rig, "src");
    rig_make("dst", "other", "x");
    rig.plan.replace = true;
    rig_restore_well(&rig, "dst");
    ck_assert(rig_exists("dst", "data"));
    ck_assert(!rig_exists("dst", RESTORE_FOLDER));
    ck_assert(!rig_exists("dst", "other"));
    rig_close(&rig);
}
END_TEST

UNIT_MAIN("restore replace", &replace_a_changed_tree, &dry_run_counts_the_same_and_changes_nothing,
          &dry_run_into_nothing, &hard_links_are_left_alone, &only_into_a_new_folder,
          &only_a_folder_takes_what_is_in_it, &only_that_matches_nothing, &our_own_folder_in_the_point_is_left_out)
