/* SPDX-License-Identifier: Apache-2.0
 *
 * What a restore refuses, and that it then leaves the target as it was.
 */
#include "base/mem.h"
#include "core/guard/guard.h"
#include "tests/unit/restore/rig.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_point(struct rig *rig)
{
    rig_make("src", "a/one", "content one");
    rig_make("src", "a/two", "content two");
    rig_make("src", "three", "content three");
    rig_make("src", "odd\nname", "content four");
    rig_store_tree(rig, "src");
}

static void expect(struct rig *rig, const char *target, enum restore_fault fault, const char *text)
{
    ck_assert_int_eq(rig_restore(rig, target), -1);
    ck_assert_msg(rig->fault == fault, "fault %d: %s", (int)rig->fault, rig->err.text);
    ck_assert_msg(strstr(rig->err.text, text) != NULL, "\"%s\" lacks \"%s\"", rig->err.text, text);
}

/* Runs expect() and compares the target's own metadata. */
static void expect_untouched(struct rig *rig, const char *target, enum restore_fault fault, const char *text)
{
    struct stat before, after;

    ck_assert_int_eq(stat(rig_path(target), &before), 0);
    expect(rig, target, fault, text);
    ck_assert_int_eq(stat(rig_path(target), &after), 0);
    ck_assert_mem_eq(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
    ck_assert_uint_eq(before.st_mode, after.st_mode);
    ck_assert(!rig_exists(target, RESTORE_FOLDER));
    ck_assert(!rig_exists(target, "a"));
}

START_TEST(a_target_that_is_not_empty)
{
    struct rig rig;
    char *text;

    rig_open(&rig);
    make_point(&rig);
    rig_make("dst", "mine", "mine");
    expect_untouched(&rig, "dst", RESTORE_FAULT_USAGE, "is not empty");
    rig.plan.dry_run = true;
    expect_untouched(&rig, "dst", RESTORE_FAULT_USAGE, "is not empty");
    text = rig_read("dst", "mine");
    ck_assert_str_eq(text, "mine");
    free(text);
    rig_close(&rig);
}
END_TEST

START_TEST(targets_that_are_none)
{
    struct rig rig;

    rig_open(&rig);
    make_point(&rig);
    rig_make(".", "file", "x");
    rig_make(".", "dangling", "-> nowhere");
    expect(&rig, "file", RESTORE_FAULT_USAGE, "is not a folder");
    expect(&rig, "no/such", RESTORE_FAULT_USAGE, "the folder above it does not exist");
    expect(&rig, "file/below", RESTORE_FAULT_USAGE, "is not a folder");
    expect(&rig, "dangling", RESTORE_FAULT_USAGE, "symlink to nowhere");
    rig_close(&rig);
}
END_TEST

/* Whoever planted it could lead the restore out of the target. */
START_TEST(a_symlink_as_a_folder)
{
    struct rig rig;

    rig_open(&rig);
    make_point(&rig);
    rig_make("outside", "x", "x");
    rig_make("dst", "a", "-> ../outside");
    expect(&rig, "dst", RESTORE_FAULT_USAGE, "is not empty");
    rig.plan.replace = true;
    rig_restore_well(&rig, "dst");
    ck_assert(!rig_exists("outside", "one"));
    ck_assert(rig_exists("outside", "x"));
    rig_check(&rig, "dst");
    rig_make("dst2", RESTORE_FOLDER, "-> ../outside");
    expect(&rig, "dst2", RESTORE_FAULT_USAGE, "not a folder");
    ck_assert(rig_exists("outside", "x"));
    rig_close(&rig);
}
END_TEST

START_TEST(a_restore_folder_of_another_user)
{
    struct rig rig;

    rig_open(&rig);
    make_point(&rig);
    rig_make("dst", RESTORE_FOLDER, NULL);
    ck_assert_int_eq(chmod(rig_path("dst/" RESTORE_FOLDER), 0777), 0);
    expect(&rig, "dst", RESTORE_FAULT_USAGE, "another user can write to");
    rig_close(&rig);
}
END_TEST

START_TEST(a_busy_target)
{
    struct rig rig;
    struct guard guard = GUARD_INIT;
    struct guard_holder holder = {0};
    struct sf_error err = SF_ERROR_INIT;
    bool held = false;

    rig_open(&rig);
    make_point(&rig);
    rig_make("dst", RESTORE_FOLDER, NULL);
    ck_assert_int_eq(chmod(rig_path("dst/" RESTORE_FOLDER), 0700), 0);
    rig_make("dst", "half", "of the other restore");
    ck_assert_int_eq(guard_take(&guard, rig_path("dst/" RESTORE_FOLDER), "this folder", "aaaabbbbccccdddd", "restore",
                                &held, &holder, &err),
                     0);
    expect(&rig, "dst", RESTORE_FAULT_GUARD, "restore");
    ck_assert_ptr_nonnull(strstr(rig.err.text, "aaaabbbbccccdddd"));
    ck_assert_int_eq(rig.err.cls, SF_CONFLICT);
    rig_make(".", "by another path", "-> dst");
    rig.plan.replace = true;
    expect(&rig, "by another path", RESTORE_FAULT_GUARD, "aaaabbbbccccdddd");
    expect(&rig, "dst", RESTORE_FAULT_GUARD, "aaaabbbbccccdddd");
    ck_assert(rig_exists("dst", "half"));
    guard_cleanup(&guard);
    rig_restore_well(&rig, "dst");
    rig_check(&rig, "dst");
    rig_close(&rig);
}
END_TEST

static void spoil(struct rig *rig, const char *path, const char *text)
{
    kit_store_put(&rig->store, &rig->run, rig_key(rig, path), text);
}

START_TEST(damaged_objects_are_all_named)
{
    struct rig rig;

    rig_open(&rig);
    make_point(&rig);
    spoil(&rig, "a/one", "content ONE");
    spoil(&rig, "three", "content");
    spoil(&rig, "odd\nname", "content four and more");
    rig_remove_object(&rig, "a/two");
    expect(&rig, "dst", RESTORE_FAULT_DAMAGE, "4 of 4 files");
    ck_assert_int_eq(rig.err.cls, SF_CORRUPT);
    ck_assert_ptr_nonnull(strstr(rig.logged, "a/one: object pre/fix/2026-11-22/data/a/one is damaged: SHA-256 is"));
    ck_assert_ptr_nonnull(
        strstr(rig.logged, "three: object pre/fix/2026-11-22/data/three has 7 bytes, should have 13"));
    ck_assert_ptr_nonnull(strstr(rig.logged, "object pre/fix/2026-11-22/data/a/two is missing"));
    ck_assert_ptr_nonnull(strstr(rig.logged, "odd%0Aname has more bytes than the 12"));
    ck_assert_int_eq(access(rig_path("dst"), F_OK), -1);
    rig_close(&rig);
}
END_TEST

START_TEST(damage_leaves_a_full_target_alone)
{
    struct rig rig;
    char *text;

    rig_open(&rig);
    make_point(&rig);
    rig_remove_object(&rig, "three");
    rig_make("dst", "three", "my own");
    rig_make("dst", "b", "my own");
    rig.plan.replace = true;
    expect_untouched(&rig, "dst", RESTORE_FAULT_DAMAGE, "1 of 4 files");
    text = rig_read("dst", "three");
    ck_assert_str_eq(text, "my own");
    free(text);
    ck_assert(rig_exists("dst", "b"));
    rig_close(&rig);
}
END_TEST

START_TEST(a_large_object_that_is_damaged)
{
    struct rig rig;
    static unsigned char data[2 * WORKER_BUFFER];

    rig_open(&rig);
    memset(data, 'x', sizeof(data));
    rig_make_bytes("src", "large", data, sizeof(data));
    rig_store_tree(&rig, "src");
    data[sizeof(data) - 1] = '\0'; /* the text is then one byte short */
    spoil(&rig, "large", (const char *)data);
    expect(&rig, "dst", RESTORE_FAULT_DAMAGE, "1 of 1 files");
    ck_assert_ptr_nonnull(strstr(rig.logged, "has 524287 bytes, should have 524288"));
    rig_close(&rig);
}
END_TEST

START_TEST(a_store_that_fails_is_no_damage)
{
    struct rig rig;

    rig_open(&rig);
    make_point(&rig);
    rig_break_gets(&rig, SF_DENIED);
    rig_make("dst", "b", "my own");
    rig.plan.replace = true;
    expect_untouched(&rig, "dst", RESTORE_FAULT_OTHER, "told to fail");
    ck_assert_int_eq(rig.err.cls, SF_DENIED);
    rig_close(&rig);
}
END_TEST

START_TEST(a_damaged_manifest)
{
    struct rig rig;
    char byte;

    rig_open(&rig);
    make_point(&rig);
    ck_assert_int_eq(pread(rig.manifest_fd, &byte, 1, 60), 1);
    byte ^= 1;
    ck_assert_int_eq(pwrite(rig.manifest_fd, &byte, 1, 60), 1);
    expect(&rig, "dst", RESTORE_FAULT_DAMAGE, "the manifest");
    ck_assert_int_eq(access(rig_path("dst"), F_OK), -1);
    make_point(&rig);
    rig.plan.source = "other";
    expect(&rig, "dst", RESTORE_FAULT_DAMAGE, "not of other");
    ck_assert_int_eq(access(rig_path("dst"), F_OK), -1);
    rig_close(&rig);
}
END_TEST

START_TEST(too_little_space)
{
    struct rig rig;

    rig_open(&rig);
    make_point(&rig);
    rig_free_space(20);
    rig_break_gets(&rig, SF_PERMANENT); /* nothing may be fetched before */
    expect(&rig, "dst", RESTORE_FAULT_OTHER, "20 bytes free");
    ck_assert_int_eq(rig.err.cls, SF_NO_SPACE);
    ck_assert_int_eq(access(rig_path("dst"), F_OK), -1);
    rig.plan.dry_run = true;
    expect(&rig, "dst", RESTORE_FAULT_OTHER, "20 bytes free");
    rig_close(&rig);
}
END_TEST

START_TEST(no_space_is_enough_where_all_is_in_place)
{
    struct rig rig;

    rig_open(&rig);
    make_point(&rig);
    rig_restore_well(&rig, "dst");
    rig_free_space(0);
    rig.plan.replace = true;
    rig_restore_well(&rig, "dst");
    ck_assert_uint_eq(rig.counts.kept_files, 4);
    rig_check(&rig, "dst");
    rig_close(&rig);
}
END_TEST

/* The disk fills up although the check said that it would not: a tmpfs of its own, as root. */
START_TEST(a_disk_that_fills_up)
{
    struct rig rig;
    static unsigned char data[512 * 1024];
    char *dst = mem_text(rig_path("dst"));

    rig_open(&rig);
    memset(data, 'x', sizeof(data));
    rig_make_bytes("src", "large", data, sizeof(data));
    rig_store_tree(&rig, "src");
    ck_assert_int_eq(mkdir(dst, 0755), 0);
    if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount("tmpfs", dst, "tmpfs", 0, "size=256k") == 0) {
        expect(&rig, "dst", RESTORE_FAULT_OTHER, "bytes free");
        rig_free_space(INT64_C(1) << 40);
        expect_untouched(&rig, "dst", RESTORE_FAULT_OTHER, "fetch large: write the staged file");
        ck_assert_int_eq(rig.err.cls, SF_NO_SPACE);
        ck_assert_int_eq(umount(dst), 0);
    }
    free(dst);
    rig_close(&rig);
}
END_TEST

START_TEST(a_mount_point_in_the_target)
{
    struct rig rig;
    char *inner = mem_text(rig_path("dst/a"));

    rig_open(&rig);
    make_point(&rig);
    rig_make("dst", "a/x", "x");
    rig.plan.replace = true;
    if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount("tmpfs", inner, "tmpfs", 0, "size=256k") == 0) {
        expect(&rig, "dst", RESTORE_FAULT_USAGE, "a in ");
        ck_assert_ptr_nonnull(strstr(rig.err.text, "is a mount point"));
        ck_assert(!rig_exists("dst", "three"));
        ck_assert_int_eq(umount(inner), 0);
    }
    free(inner);
    rig_restore_well(&rig, "dst");
    rig_check(&rig, "dst");
    rig_close(&rig);
}
END_TEST

UNIT_MAIN("restore refuse", &a_target_that_is_not_empty, &targets_that_are_none, &a_symlink_as_a_folder,
          &a_restore_folder_of_another_user, &a_busy_target, &damaged_objects_are_all_named,
          &damage_leaves_a_full_target_alone, &a_large_object_that_is_damaged, &a_store_that_fails_is_no_damage,
          &a_damaged_manifest, &too_little_space, &no_space_is_enough_where_all_is_in_place, &a_disk_that_fills_up,
          &a_mount_point_in_the_target)
