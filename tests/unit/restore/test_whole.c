/* SPDX-License-Identifier: Apache-2.0
 *
 * Into an empty folder: everything comes back as it was.
 */
#include "base/clock.h"
#include "tests/unit/restore/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

START_TEST(into_a_new_folder)
{
    struct rig rig;

    rig_open(&rig);
    rig_make_odd_tree("src");
    rig_store_tree(&rig, "src");
    rig_restore_well(&rig, "dst");
    ck_assert_uint_eq(rig.counts.fetched_files, rig.counts.files);
    ck_assert_uint_eq(rig.counts.fetched_bytes, rig.counts.bytes);
    ck_assert_uint_gt(rig.counts.files, 20);
    ck_assert_uint_eq(rig.counts.removed, 0);
    ck_assert_uint_eq(rig.meter.files_done, rig.counts.files);
    ck_assert_uint_eq(rig.meter.bytes_known, rig.counts.bytes);
    rig_check(&rig, "dst");
    rig_close(&rig);
}
END_TEST

START_TEST(twice_keeps_all)
{
    struct rig rig;

    rig_open(&rig);
    rig_make_odd_tree("src");
    rig_store_tree(&rig, "src");
    rig_restore_well(&rig, "dst");
    rig.plan.replace = true;
    rig_restore_well(&rig, "dst");
    ck_assert_uint_eq(rig.counts.removed, 0);
    if (geteuid() == 0) { /* others cannot read what has mode 0000 */
        ck_assert_uint_eq(rig.counts.kept_files, rig.counts.files);
        ck_assert_uint_eq(rig.counts.fetched_files, 0);
    }
    rig_check(&rig, "dst");
    rig_close(&rig);
}
END_TEST

START_TEST(an_empty_tree)
{
    struct rig rig;

    rig_open(&rig);
    rig_make("src", "x", "gone");
    ck_assert_int_eq(unlink(rig_path("src/x")), 0);
    rig_store_tree(&rig, "src");
    rig_restore_well(&rig, "dst");
    rig_check(&rig, "dst");
    rig_close(&rig);
}
END_TEST

START_TEST(into_an_empty_folder_by_a_link)
{
    struct rig rig;

    rig_open(&rig);
    rig_make("src", "a/b", "content");
    rig_store_tree(&rig, "src");
    ck_assert_int_eq(mkdir(rig_path("real"), 0755), 0);
    ck_assert_int_eq(mkdir(rig_path("real/lost+found"), 0700), 0);
    ck_assert_int_eq(symlink("real", rig_path("dst")), 0);
    rig_restore_well(&rig, "dst");
    ck_assert(rig_exists("real", "lost+found"));
    ck_assert_int_eq(rmdir(rig_path("real/lost+found")), 0);
    rig_set_mtime("real", ".", INT64_C(1));
    rig_set_mtime("src", ".", INT64_C(1));
    rig_store_tree(&rig, "src");
    rig_check(&rig, "real");
    rig_close(&rig);
}
END_TEST

START_TEST(a_get_that_starts_again)
{
    struct rig rig;

    rig_open(&rig);
    rig_make_odd_tree("src");
    rig_store_tree(&rig, "src");
    rig_stutter(&rig);
    rig_restore_well(&rig, "dst");
    rig_check(&rig, "dst");
    rig_close(&rig);
}
END_TEST

/* Runs body as another user when we are root; whatever it asserts fails the test. */
static void as_nobody(struct rig *rig, void (*body)(struct rig *))
{
    int status;
    pid_t child;

    ck_assert_int_eq(chmod(unit_temp_dir(), 0777), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
            _exit(99);
        body(rig);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the other user's restore failed");
}

static void restore_twice(struct rig *rig)
{
    rig_make_odd_tree("theirs");
    rig_store_tree(rig, "theirs");
    rig_restore_well(rig, "dst");
    rig->plan.replace = true;
    rig_restore_well(rig, "dst");
}

static void restore_and_check(struct rig *rig)
{
    restore_twice(rig); /* what modes close is opened up, and closed again */
    ck_assert_int_eq(chmod(rig_path("dst"), 0500), 0);
    rig_restore_well(rig, "dst");
    rig_check(rig, "dst");
}

START_TEST(all_of_it_without_being_root)
{
    struct rig rig;

    rig_open(&rig);
    as_nobody(&rig, restore_and_check);
    rig_close(&rig);
}
END_TEST

START_TEST(into_a_mount_point_of_another)
{
    struct rig rig;

    rig_open(&rig);
    if (geteuid() == 0) {
        struct stat st;

        ck_assert_int_eq(mkdir(rig_path("dst"), 0777), 0);
        ck_assert_int_eq(chmod(rig_path("dst"), 02777), 0);
        as_nobody(&rig, restore_twice);
        ck_assert_int_eq(stat(rig_path("dst"), &st), 0);
        ck_assert_uint_eq(st.st_uid, 0);
    }
    rig_close(&rig);
}
END_TEST

START_TEST(many_small_files)
{
    struct rig rig;
    char name[64], text[64];
    int64_t began;
    int i;

    rig_open(&rig);
    for (i = 0; i < 3000; i++) {
        snprintf(name, sizeof(name), "folder %d/file %d", i / 1000, i);
        snprintf(text, sizeof(text), "content of %d", i);
        rig_make("src", name, text);
    }
    rig_store_tree(&rig, "src");
    began = clock_mono_ms();
    rig_restore_well(&rig, "dst");
    printf("# 3000 files in %lld ms\n", (long long)(clock_mono_ms() - began));
    rig_check(&rig, "dst");
    rig_close(&rig);
}
END_TEST

UNIT_MAIN("restore whole", &into_a_new_folder, &twice_keeps_all, &an_empty_tree, &into_an_empty_folder_by_a_link,
          &a_get_that_starts_again, &all_of_it_without_being_root, &into_a_mount_point_of_another, &many_small_files)
