/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/walk/made.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

int made_root(void)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof(path), "%s/tree", unit_temp_dir());
    ck_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

void made_file(int dir, const char *name)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    MUST(fd >= 0);
    MUST(close(fd) == 0);
}

int made_folder(int dir, const char *name)
{
    int fd;

    MUST(mkdirat(dir, name, 0755) == 0);
    fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    MUST(fd >= 0);
    return fd;
}

struct walk_options made_options(const struct patterns *exclude, bool yield_others)
{
    return (struct walk_options){
        .exclude = exclude, .temp_dir = unit_temp_dir(), .name = "/src", .yield_others = yield_others};
}

int made_list(int root, const struct walk_options *options, const char *skip, struct buf *rows,
              struct walk_counts *counts, struct sf_error *err)
{
    static const char letters[] = {[ENTRY_FILE] = 'f', [ENTRY_DIR] = 'd', [ENTRY_LINK] = 'l', [ENTRY_OTHER] = 'o'};
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct walk *walk = NULL;
    int got;

    if (walk_open(&walk, root, options, err) < 0)
        return -1;
    while ((got = walk_next(walk, &entry, err)) > 0) {
        buf_printf(rows, "%c:%s", letters[entry.type], entry.path);
        if (entry.target != NULL)
            buf_printf(rows, "->%s", entry.target);
        buf_add_byte(rows, ' ');
        if (skip != NULL && strcmp(entry.path, skip) == 0)
            walk_skip(walk);
    }
    MUST(entry.path == NULL);
    if (counts != NULL)
        *counts = *walk_counts(walk);
    walk_close(walk);
    return got;
}

void made_expect(int root, const struct walk_options *options, const char *skip, const char *rows)
{
    SF_AUTO(buf) got = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_msg(made_list(root, options, skip, &got, NULL, &err) == 0, "%s", err.text);
    ck_assert_str_eq(buf_text(&got), rows);
}

void made_refuse(int root, const struct walk_options *options, enum sf_class cls, const char *text)
{
    SF_AUTO(buf) got = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_int_eq(made_list(root, options, NULL, &got, NULL, &err), -1);
    ck_assert_str_eq(err.text, text);
    ck_assert_int_eq(err.cls, (int)cls);
}
