/* SPDX-License-Identifier: Apache-2.0
 *
 * Killed at its n-th change, for every n: the target is either as it was or marked, and the next restore finishes it.
 */
#include "tests/unit/restore/rig.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void make_point(struct rig *rig)
{
    rig_make("src", "a/one", "content one");
    rig_make("src", "a/same", "same");
    rig_make("src", "b", "was a folder");
    rig_make("src", "c/d", "was a file");
    rig_make("src", "link", "-> a");
    rig_make("src", "m555-fixed/x", "x");
    rig_store_tree(rig, "src");
}

static void make_before(const char *folder)
{
    rig_make(folder, "a/one", "old");
    rig_make(folder, "a/same", "same");
    rig_make(folder, "a/gone", "gone");
    rig_make(folder, "b/x/y", "a folder");
    rig_make(folder, "c", "a file");
    rig_make(folder, "gone/z", "gone");
}

/* False: the restore ended before its n-th change. */
static bool restore_and_die(struct rig *rig, const char *target, long n)
{
    pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        rig_die_at(n);
        _exit(rig_restore(rig, target) == 0 ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        ck_assert_int_eq(WTERMSIG(status), SIGKILL);
        return true;
    }
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    return false;
}

static bool is_marked(const char *target)
{
    return rig_exists(target, RESTORE_FOLDER "/incomplete");
}

START_TEST(killed_at_each_change_of_a_replace)
{
    struct rig rig;
    unsigned marked = 0, unchanged = 0;
    char name[32];
    bool died;
    long n = 0;

    rig_open(&rig);
    make_point(&rig);
    do {
        snprintf(name, sizeof(name), "dst%ld", n);
        make_before(name);
        rig.plan.replace = true;
        died = restore_and_die(&rig, name, n);
        rig.plan.replace = false;
        if (!died) {
            rig_check(&rig, name);
        } else if (is_marked(name)) {
            marked++;
            rig_restore_well(&rig, name);
            rig_check(&rig, name);
        } else if (rig_restore(&rig, name) <
                   0) { /* refused: then it must be what it was, or all of what it should be */
            ck_assert_int_eq(rig.fault, RESTORE_FAULT_USAGE);
            if (rig_exists(name, "gone")) {
                char *text = rig_read(name, "a/one");

                ck_assert_str_eq(text, "old");
                free(text);
                ck_assert(rig_exists(name, "a/gone") && rig_exists(name, "b/x/y") && rig_exists(name, "gone/z"));
                unchanged++;
            }
            rig.plan.replace = true;
            rig_restore_well(&rig, name);
            rig_check(&rig, name);
        } else {
            ck_abort_msg("change %ld: a target that is not empty was taken without a marker", n);
        }
        n++;
    } while (died);
    ck_assert_uint_gt(marked, 10);
    ck_assert_uint_ge(unchanged, 3);
    rig_close(&rig);
}
END_TEST

START_TEST(killed_at_each_change_into_a_new_folder)
{
    struct rig rig;
    char name[32];
    bool died;
    long n = 0;

    rig_open(&rig);
    make_point(&rig);
    do {
        snprintf(name, sizeof(name), "dst%ld", n);
        died = restore_and_die(&rig, name, n++);
        if (died && rig_exists(name, "link") && !is_marked(name)) /* all is in place but the root's own metadata */
            rig.plan.replace = true;
        if (died)
            rig_restore_well(&rig, name);
        rig.plan.replace = false;
        rig_check(&rig, name);
    } while (died);
    ck_assert_int_gt(n, 10);
    rig_close(&rig);
}
END_TEST

START_TEST(damage_in_a_marked_target)
{
    struct rig rig;

    rig_open(&rig);
    make_point(&rig);
    make_before("dst");
    rig.plan.replace = true;
    /* stop it half-way, then let the next one fail */
    ck_assert(restore_and_die(&rig, "dst", 12));
    ck_assert(is_marked("dst"));
    rig.plan.replace = false;
    rig_remove_object(&rig, "a/one");
    unlink(rig_path("dst/a/one"));
    ck_assert_int_eq(rig_restore(&rig, "dst"), -1);
    ck_assert_int_eq(rig.fault, RESTORE_FAULT_DAMAGE);
    ck_assert(is_marked("dst"));
    ck_assert(!rig_exists("dst", RESTORE_FOLDER "/files"));
    kit_store_put(&rig.store, &rig.run, rig_key(&rig, "a/one"), "content one");
    rig_restore_well(&rig, "dst");
    rig_check(&rig, "dst");
    rig_close(&rig);
}
END_TEST

/* Each change of placing fails once, then the run is cancelled there once. */
static void fail_at_each_change(struct rig *rig, bool cancel)
{
    unsigned incomplete = 0;
    char name[32];
    int result;
    long n = 0;

    make_point(rig);
    do {
        snprintf(name, sizeof(name), "dst%ld", n);
        make_before(name);
        rig->plan.replace = true;
        if (cancel)
            rig_cancel_at(rig, n);
        else
            rig_fail_at(n);
        result = rig_restore(rig, name);
        rig_fail_at(-1);
        rig_cancel_at(rig, -1);
        rig->plan.replace = !is_marked(name);
        if (result < 0) {
            bool says_so = strstr(rig->err.text, "is incomplete, run the same restore again") != NULL;

            ck_assert_int_eq(rig->fault, RESTORE_FAULT_OTHER);
            ck_assert_int_eq(rig->err.cls, cancel ? SF_CANCELLED : SF_PERMANENT);
            ck_assert_msg(says_so == is_marked(name), "change %ld: %s", n, rig->err.text);
            incomplete += says_so;
            rig_restore_well(rig, name);
        }
        rig_check(rig, name);
        n++;
    } while (n < 60 && (result < 0 || n < 30));
    ck_assert_int_lt(n, 60);
    ck_assert_uint_gt(incomplete, 10);
}

START_TEST(a_failure_while_placing_says_how_to_go_on)
{
    struct rig rig;

    rig_open(&rig);
    fail_at_each_change(&rig, false);
    rig_close(&rig);
}
END_TEST

START_TEST(cancelled_at_each_change)
{
    struct rig rig;

    rig_open(&rig);
    fail_at_each_change(&rig, true);
    rig_close(&rig);
}
END_TEST

/* What --only did not name was never given up, so the marker of such a restore opens the target to no other. */
START_TEST(markers_of_only_and_of_all)
{
    struct rig rig;

    rig_open(&rig);
    make_point(&rig);
    rig_make("dst", "mine", "mine");
    rig_make("dst", RESTORE_FOLDER, NULL);
    ck_assert_int_eq(chmod(rig_path("dst/" RESTORE_FOLDER), 0700), 0);
    rig_make("dst", RESTORE_FOLDER "/incomplete-only", "marker");
    ck_assert_int_eq(rig_restore(&rig, "dst"), -1);
    ck_assert_int_eq(rig.fault, RESTORE_FAULT_USAGE);
    ck_assert_ptr_nonnull(strstr(rig.err.text, "--only"));
    ck_assert(rig_exists("dst", RESTORE_FOLDER "/incomplete-only"));
    patterns_add(&rig.only, "a");
    rig_restore_well(&rig, "dst");
    ck_assert(rig_exists("dst", "a/one") && rig_exists("dst", "mine") && !rig_exists("dst", "b"));
    ck_assert(!rig_exists("dst", RESTORE_FOLDER));
    rig_make("dst", RESTORE_FOLDER, NULL);
    ck_assert_int_eq(chmod(rig_path("dst/" RESTORE_FOLDER), 0700), 0);
    rig_make("dst", RESTORE_FOLDER "/incomplete", "marker");
    rig.plan.replace = true;
    ck_assert_int_eq(rig_restore(&rig, "dst"), -1);
    ck_assert_int_eq(rig.fault, RESTORE_FAULT_USAGE);
    ck_assert_ptr_nonnull(strstr(rig.err.text, "unfinished restore of everything"));
    ck_assert(is_marked("dst"));
    patterns_cleanup(&rig.only);
    rig.plan.replace = false;
    rig_restore_well(&rig, "dst");
    rig_check(&rig, "dst");
    rig_close(&rig);
}
END_TEST

UNIT_MAIN("restore crash", &killed_at_each_change_of_a_replace, &killed_at_each_change_into_a_new_folder,
          &a_failure_while_placing_says_how_to_go_on, &cancelled_at_each_change, &damage_in_a_marked_target,
          &markers_of_only_and_of_all)
