/* SPDX-License-Identifier: Apache-2.0 */
#include "base/folder.h"
#include "tests/kit/unit.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

static int open_temp(int flags)
{
    int fd = open(unit_temp_dir(), flags | O_DIRECTORY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static void expect(struct folder *folder, const char *name, bool is_dir)
{
    struct sf_error err = SF_ERROR_INIT;
    const char *got;
    int got_dir, result = folder_next(folder, &got, &got_dir, &err);

    ck_assert_int_eq(result, 1);
    ck_assert_str_eq(got, name);
    ck_assert_int_eq(got_dir, is_dir);
}

static void expect_end(struct folder *folder)
{
    struct sf_error err = SF_ERROR_INIT;
    const char *name;
    int is_dir;

    ck_assert_int_eq(folder_next(folder, &name, &is_dir, &err), 0);
    folder_close(folder);
}

/* '!' sorts before all, as an escape might; a key that is longer than the name. */
static void key_of(const char *name, struct buf *out)
{
    for (; *name != '\0'; name++) {
        if (*name == 'z')
            buf_add_text(out, "!z");
        else
            buf_add_byte(out, *name);
    }
}

static void make_names(void)
{
    char path[4096];

    unit_write("a/inside", "x", 1);
    unit_write("a.b", "x", 1);
    unit_write("a0", "x", 1);
    unit_write("a-", "x", 1);
    unit_write("z", "x", 1);
    unit_write("zz/inside", "x", 1);
    unit_write("\xff", "x", 1);
    unit_write("...", "x", 1);
    snprintf(path, sizeof(path), "%s/link", unit_temp_dir());
    ck_assert_int_eq(symlink("a", path), 0);
}

START_TEST(folders_sort_with_a_slash)
{
    struct sf_error err = SF_ERROR_INIT;
    struct folder *folder;
    int fd = open_temp(O_RDONLY), round;

    make_names();
    for (round = 0; round < 2; round++) { /* a descriptor whose offset was moved does as well */
        ck_assert_msg(folder_open(&folder, fd, NULL, unit_temp_dir(), &err) == 0, "%s", err.text);
        expect(folder, "...", false);
        expect(folder, "a-", false);
        expect(folder, "a.b", false);
        expect(folder, "a", true);
        expect(folder, "a0", false);
        expect(folder, "link", false); /* a link to a folder is none */
        expect(folder, "z", false);
        expect(folder, "zz", true);
        expect(folder, "\xff", false);
        expect_end(folder);
    }
    close(fd);
}
END_TEST

START_TEST(order_is_by_key)
{
    struct sf_error err = SF_ERROR_INIT;
    struct folder *folder;
    int fd = open_temp(O_PATH);

    make_names();
    ck_assert_msg(folder_open(&folder, fd, key_of, unit_temp_dir(), &err) == 0, "%s", err.text);
    expect(folder, "z", false);
    expect(folder, "zz", true);
    expect(folder, "...", false);
    expect(folder, "a-", false);
    expect(folder, "a.b", false);
    expect(folder, "a", true);
    expect(folder, "a0", false);
    expect(folder, "link", false);
    expect(folder, "\xff", false);
    expect_end(folder);
    close(fd);
}
END_TEST

START_TEST(empty_folder)
{
    struct sf_error err = SF_ERROR_INIT;
    struct folder *folder;
    int fd = open_temp(O_RDONLY);

    ck_assert_int_eq(folder_open(&folder, fd, NULL, "/nowhere", &err), 0);
    expect_end(folder);
    folder_close(NULL);
    close(fd);
}
END_TEST

START_TEST(more_names_than_memory)
{
    struct sf_error err = SF_ERROR_INIT;
    struct folder *folder;
    char name[256], spare[4096];
    int fd, i;

    unit_write("names/0", "", 0);
    snprintf(spare, sizeof(spare), "%s/names", unit_temp_dir());
    fd = open(spare, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(unlinkat(fd, "0", 0), 0);
    for (i = 0; i < 6000; i++) { /* 6000 * 220 bytes are five times SPILL_MEMORY */
        snprintf(name, sizeof(name), "%0220d", i * 4801 % 6000);
        ck_assert_int_eq(mknodat(fd, name, S_IFREG | 0600, 0), 0);
    }
    ck_assert_int_eq(folder_open(&folder, fd, NULL, "/nowhere", &err), -1); /* so it does need the file */
    ck_assert_int_eq(err.cls, SF_NOT_FOUND);
    ck_assert_msg(folder_open(&folder, fd, NULL, unit_temp_dir(), &err) == 0, "%s", err.text);
    for (i = 0; i < 6000; i++) {
        snprintf(name, sizeof(name), "%0220d", i);
        expect(folder, name, false);
    }
    expect_end(folder);
    close(fd);
}
END_TEST

START_TEST(unreadable_folder)
{
    struct sf_error err = SF_ERROR_INIT;
    struct folder *folder = NULL;
    int fd = open_temp(O_PATH);

    ck_assert_int_eq(chmod(unit_temp_dir(), 0100), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    ck_assert_int_eq(folder_open(&folder, fd, NULL, unit_temp_dir(), &err), -1);
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(err.cls, SF_DENIED);
    ck_assert_str_eq(err.text, "cannot open the folder: Permission denied");
    close(fd);
}
END_TEST

UNIT_MAIN("folder", &folders_sort_with_a_slash, &order_is_by_key, &empty_folder, &more_names_than_memory,
          &unreadable_folder)
