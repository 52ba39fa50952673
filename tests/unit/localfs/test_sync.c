/* SPDX-License-Identifier: Apache-2.0
 *
 * What is brought onto the disk, and in which order: fsync and syncfs are our own here, and write down what they were called for.
 */
#include "tests/unit/localfs/bed.h"

#include <limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct buf synced;

/* "call path " with the path below the store, "tmp" for any temporary. */
static void note(const char *call, int fd)
{
    char link[64], path[PATH_MAX];
    const char *base = bed_path("base"), *shown = path;
    size_t length = strlen(base);
    ssize_t got;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    got = readlink(link, path, sizeof(path) - 1);
    ck_assert_int_gt(got, 0);
    path[got] = '\0';
    if (strncmp(path, base, length) == 0)
        shown = path[length] == '\0' ? "." : path + length + 1;
    if (strncmp(shown, ".snapferry/tmp/", 15) == 0)
        shown = "tmp";
    buf_printf(&synced, "%s %s ", call, shown);
}

int fsync(int fd)
{
    note("fsync", fd);
    return (int)syscall(SYS_fsync, fd);
}

int syncfs(int fd)
{
    note("syncfs", fd);
    return (int)syscall(SYS_syncfs, fd);
}

static const char *synced_by_put(struct bed *bed, const char *key, uint32_t flags)
{
    struct sf_body body = bed_text("text");
    struct sf_put put = {.size = sizeof(put), .flags = flags, .key = key, .body = &body, .precondition = SF_IF_ABSENT};

    buf_clear(&synced);
    ck_assert_msg(bed_put_args(bed, &put) == SF_OK, "%s", bed->err.text);
    return buf_text(&synced);
}

/* The folders of the barrier's own object are there before syncfs, so they need nothing more. */
START_TEST(test_batch)
{
    struct bed bed;

    unit_write("base/x", "x", -1);
    bed_open(&bed, "base", "batch");
    ck_assert_str_eq(synced_by_put(&bed, "a/b/c", 0), "");
    ck_assert_str_eq(synced_by_put(&bed, "p/q/first", SF_PUT_BARRIER), "syncfs . fsync tmp fsync p/q ");
    ck_assert_str_eq(synced_by_put(&bed, "p/q/second", SF_PUT_BARRIER), "syncfs . fsync tmp fsync p/q ");
    ck_assert_str_eq(synced_by_put(&bed, "top", SF_PUT_BARRIER), "syncfs . fsync tmp fsync . ");
    ck_assert_str_eq(synced_by_put(&bed, "p/q/third", 0), "");
    bed_close(&bed);
    buf_cleanup(&synced);
}
END_TEST

START_TEST(test_each)
{
    struct bed bed;

    unit_write("base/x", "x", -1);
    bed_open(&bed, "base", "each");
    ck_assert_str_eq(synced_by_put(&bed, "a/b/c", 0), "fsync tmp fsync . fsync a fsync a/b ");
    ck_assert_str_eq(synced_by_put(&bed, "a/b/d", SF_PUT_BARRIER), "fsync tmp fsync a/b ");
    ck_assert_str_eq(synced_by_put(&bed, "a/e", 0), "fsync tmp fsync . fsync a ");
    ck_assert_str_eq(synced_by_put(&bed, "top", 0), "fsync tmp fsync . ");
    bed_close(&bed);
    buf_cleanup(&synced);
}
END_TEST

START_TEST(test_none)
{
    struct bed bed;

    unit_write("base/x", "x", -1);
    bed_open(&bed, "base", "none");
    ck_assert_str_eq(synced_by_put(&bed, "a/b/c", 0), "");
    ck_assert_str_eq(synced_by_put(&bed, "a/b/d", SF_PUT_BARRIER), "");
    bed_close(&bed);
    buf_cleanup(&synced);
}
END_TEST

/* The destination folder itself is made by the first put. */
START_TEST(test_new_destination)
{
    struct bed bed;

    bed_open(&bed, "base", "batch");
    ck_assert_str_ne(synced_by_put(&bed, "a", 0), "");
    ck_assert_str_eq(synced_by_put(&bed, "b", 0), "");
    bed_close(&bed);
    buf_cleanup(&synced);
}
END_TEST

UNIT_MAIN("localfs/sync", &test_batch, &test_each, &test_none, &test_new_destination)
