/* SPDX-License-Identifier: Apache-2.0
 *
 * A destination that is full, read-only, or has another file system mounted inside: in a mount namespace of our own.
 */
#include "tests/unit/localfs/bed.h"

#include "base/mem.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGE = 3 * 1024 * 1024 };

static void mount_small(const char *name)
{
    ck_assert(mkdir(bed_path(name), 0700) == 0 || errno == EEXIST);
    ck_assert_msg(mount("small", bed_path(name), "tmpfs", 0, "size=1m") == 0, "%s", strerror(errno));
}

static char *large_text(void)
{
    char *text = mem_alloc(LARGE + 1);

    memset(text, 'x', LARGE);
    return text;
}

START_TEST(test_no_space)
{
    char *text = large_text();
    struct bed bed;

    mount_small("base");
    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put(&bed, "small", "x"), SF_OK);
    ck_assert_int_eq(bed_put(&bed, "d/large", text), SF_NO_SPACE);
    ck_assert_int_eq(bed.last_status, ENOSPC);
    ck_assert_ptr_nonnull(strstr(bed.err.text, "d/large"));
    ck_assert_int_eq(bed_stat(&bed, "d/large"), SF_NOT_FOUND);
    ck_assert_int_eq(bed_count_temps("base"), 0);
    ck_assert_msg(bed_put(&bed, "small2", "x") == SF_OK, "the space was not given back: %s", bed.err.text);
    bed_close(&bed);
    ck_assert_int_eq(umount(bed_path("base")), 0);
    free(text);
}
END_TEST

START_TEST(test_no_space_for_a_descriptor)
{
    char *text = large_text();
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_FD, .length = LARGE};
    struct sf_put put = {.size = sizeof(put), .key = "large", .body = &body, .precondition = SF_IF_ABSENT};
    FILE *source = tmpfile();
    struct bed bed;

    ck_assert_ptr_nonnull(source);
    ck_assert_uint_eq(fwrite(text, 1, LARGE, source), LARGE);
    ck_assert_int_eq(fflush(source), 0);
    body.fd = fileno(source);
    mount_small("base");
    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put_args(&bed, &put), SF_NO_SPACE);
    ck_assert_int_eq(bed_count_temps("base"), 0);
    bed_close(&bed);
    ck_assert_int_eq(umount(bed_path("base")), 0);
    fclose(source);
    free(text);
}
END_TEST

START_TEST(test_read_only)
{
    SF_AUTO(buf) out = BUF_INIT;
    struct bed bed;

    mount_small("base");
    unit_write("base/a", "x", -1);
    ck_assert_int_eq(mount("small", bed_path("base"), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=1m"), 0);
    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put(&bed, "b", "x"), SF_DENIED);
    ck_assert_int_eq(bed.last_status, EROFS);
    ck_assert_int_eq(bed_remove(&bed, "a", NULL), SF_DENIED);
    ck_assert_int_eq(bed_stat(&bed, "a"), SF_OK);
    ck_assert_int_eq(bed_list(&bed, "", NULL, false, 0, &out), SF_OK);
    ck_assert_str_eq(buf_text(&out), "a\n");
    bed_close(&bed);
    ck_assert_int_eq(umount(bed_path("base")), 0);
}
END_TEST

START_TEST(test_mount_inside)
{
    struct bed bed;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put(&bed, "a/x", "x"), SF_OK);
    mount_small("base/a");
    bed_close(&bed);
    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put(&bed, "a/y", "x"), SF_INVALID);
    ck_assert_ptr_nonnull(strstr(bed.err.text, "mounted"));
    ck_assert_int_eq(bed_count_temps("base"), 0);
    bed_close(&bed);
    ck_assert_int_eq(umount(bed_path("base/a")), 0);
}
END_TEST

/* Nothing that is mounted here is seen by anybody else, and it is gone with the process. */
static bool can_mount(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("probe", "/proc/sys", "tmpfs", 0, "size=64k") == 0 && umount("/proc/sys") == 0;
}

int main(void)
{
    static const TTest *const *const tests[] = {&test_no_space, &test_no_space_for_a_descriptor, &test_read_only,
                                                &test_mount_inside};

    if (!can_mount()) {
        puts("1..0 # SKIP mounting a tmpfs is not allowed here (root needed)");
        return 0;
    }
    return unit_run("localfs/full", tests, sizeof(tests) / sizeof(tests[0]));
}
