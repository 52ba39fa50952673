/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A test runs in a forked process of its own, so these are per test. */
static char temp_dir[PATH_MAX];
static int open_before;

static int count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)where;
    if (type == FTW_D || type == FTW_DNR)
        chmod(path, 0700);
    return 0;
}

static int remove_two(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static void setup(void)
{
    temp_dir[0] = '\0';
    open_before = count_descriptors();
}

static void teardown(void)
{
    if (temp_dir[0] != '\0') {
        nftw(temp_dir, remove_one, 16, FTW_PHYS);
        nftw(temp_dir, remove_two, 16, FTW_PHYS | FTW_DEPTH);
    }
    ck_assert_msg(count_descriptors() == open_before, "the test left descriptors open");
}

int unit_run(const char *name, const TTest *const *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    SRunner *runner;
    size_t i;
    int failed;

    for (i = 0; i < count; i++) {
        TCase *tcase = tcase_create((*tests[i])->name);

        tcase_set_timeout(tcase, 120);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, *tests[i]);
        suite_add_tcase(suite, tcase);
    }
    runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

const char *unit_temp_dir(void)
{
    const char *parent = getenv("TMPDIR");

    if (temp_dir[0] == '\0') {
        snprintf(temp_dir, sizeof(temp_dir), "%s/snapferry-unit-XXXXXX", parent != NULL ? parent : "/tmp");
        ck_assert_msg(mkdtemp(temp_dir) != NULL, "mkdtemp %s: %s", temp_dir, strerror(errno));
    }
    return temp_dir;
}

void unit_write(const char *path, const void *data, long bytes)
{
    char whole[PATH_MAX * 2];
    char *slash;
    int fd;

    snprintf(whole, sizeof(whole), "%s/%s", unit_temp_dir(), path);
    for (slash = strchr(whole + strlen(unit_temp_dir()) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        ck_assert(mkdir(whole, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    if (bytes < 0)
        bytes = (long)strlen(data);
    fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ck_assert_msg(fd >= 0, "open %s: %s", whole, strerror(errno));
    ck_assert_int_eq(write(fd, data, (size_t)bytes), bytes);
    ck_assert_int_eq(close(fd), 0);
}
