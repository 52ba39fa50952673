/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/restore/rig.h"

#include "base/beneath.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *rig_path(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, PATH_MAX, "%s/%s", unit_temp_dir(), name);
    return path;
}

int rig_open_tree(const char *folder)
{
    int fd;

    ck_assert(mkdir(rig_path(folder), 0755) == 0 || errno == EEXIST);
    fd = open(rig_path(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_msg(fd >= 0, "%s: %s", folder, strerror(errno));
    return fd;
}

/* The folder of path's last part, with all above it made; path may be longer than PATH_MAX. */
static int open_parent(const char *folder, const char *path, const char **leaf)
{
    int fd = rig_open_tree(folder);
    const char *slash;

    while ((slash = strchr(path, '/')) != NULL) {
        char *name = mem_printf("%.*s", (int)(slash - path), path);
        int next;

        ck_assert(syscall(SYS_mkdirat, fd, name, 0755) == 0 || errno == EEXIST);
        next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_msg(next >= 0, "%s: %s", name, strerror(errno));
        free(name);
        close(fd);
        fd = next;
        path = slash + 1;
    }
    *leaf = path;
    return fd;
}

void rig_make_bytes(const char *folder, const char *path, const void *data, size_t bytes)
{
    const char *leaf;
    AUTO_FD parent = open_parent(folder, path, &leaf);
    AUTO_FD fd = openat(parent, leaf, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
    ck_assert_int_eq(write(fd, data, bytes), (ssize_t)bytes);
}

void rig_make(const char *folder, const char *path, const char *text)
{
    const char *leaf;

    if (text != NULL && strncmp(text, "-> ", 3) != 0) {
        rig_make_bytes(folder, path, text, strlen(text));
    } else {
        AUTO_FD parent = open_parent(folder, path, &leaf);

        if (text == NULL)
            ck_assert_int_eq(syscall(SYS_mkdirat, parent, leaf, 0755), 0);
        else
            ck_assert_int_eq(syscall(SYS_symlinkat, text + 3, parent, leaf), 0);
    }
}

void rig_set_mtime(const char *folder, const char *path, int64_t mtime_ns)
{
    const char *leaf;
    AUTO_FD parent = open_parent(folder, path, &leaf);
    struct timespec times[2] = {{0, UTIME_OMIT}, {mtime_ns / 1000000000, mtime_ns % 1000000000}};

    if (times[1].tv_nsec < 0) {
        times[1].tv_nsec += 1000000000;
        times[1].tv_sec--;
    }
    ck_assert_int_eq(utimensat(parent, leaf, times, AT_SYMLINK_NOFOLLOW), 0);
}

void rig_make_odd_tree(const char *folder)
{
    static const char *const names[] = {"with space",   "new\nline", "+%#?",         "%2F",     "caf\xc3\xa9",
                                        "cafe\xcc\x81", "\xff\xfe",  "\x01\x7f\x1b", "-rf",     "a",
                                        "a.b",          "a-b",       "lost+found2",  "..hidden"};
    SF_AUTO(buf) deep = BUF_INIT;
    char long_name[256];
    unsigned char *large = mem_alloc(3 * WORKER_BUFFER + 17);
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        rig_make(folder, names[i], names[i]);
    memset(long_name, 'n', 255);
    long_name[255] = '\0';
    rig_make(folder, long_name, "long");
    for (i = 0; i < 40; i++) {
        buf_add(&deep, long_name, 200);
        buf_add_byte(&deep, '/');
    }
    buf_add_text(&deep, "leaf");
    rig_make(folder, buf_text(&deep), "below PATH_MAX");
    for (i = 0; i < 3 * WORKER_BUFFER + 17; i++)
        large[i] = (unsigned char)(i * 7 + i / 251);
    rig_make_bytes(folder, "sub/large", large, 3 * WORKER_BUFFER + 17);
    rig_make_bytes(folder, "sub/full buffer", large, WORKER_BUFFER);
    free(large);
    rig_make(folder, "sub/empty", "");
    rig_make(folder, "sub/m0-closed", "0000");
    rig_make(folder, "sub/m4755-set", "4755");
    rig_make(folder, "sub/m6511-set", "6511");
    rig_make(folder, "m0-closed/inside/file", "in a closed folder");
    rig_make(folder, "m555-fixed/m333-no list/file", "in closed folders");
    rig_make(folder, "m3777-sticky", NULL);
    rig_make(folder, "nothing in it", NULL);
    rig_make(folder, "u-someone", "of another owner");
    rig_make(folder, "u-folder/file", "in one of another owner");
    rig_make(folder, "u-folder/u-link", "-> nowhere at all");
    rig_make(folder, "links/dangling", "-> not there");
    rig_make(folder, "links/folder", "-> ../sub");
    rig_make(folder, "links/odd", "-> \xff\n//..//");
    rig_set_mtime(folder, "links/odd", INT64_C(-1));
    rig_set_mtime(folder, "sub/empty", INT64_C(-86400000000001));
    rig_set_mtime(folder, "with space", INT64_C(1234567890123456789));
    rig_set_mtime(folder, "nothing in it", INT64_C(999999999));
    rig_set_mtime(folder, "sub", INT64_C(4000000000000000001));
    rig_set_mtime(folder, ".", INT64_C(1000000000000000007));
}

bool rig_exists(const char *folder, const char *path)
{
    AUTO_FD fd = rig_open_tree(folder);
    struct stat st;

    return fstatat(fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

char *rig_read(const char *folder, const char *path)
{
    AUTO_FD root = rig_open_tree(folder);
    AUTO_FD fd = beneath_open(root, path, O_RDONLY, 0);
    struct stat st;
    char *text;

    ck_assert_msg(fd >= 0 && fstat(fd, &st) == 0, "%s: %s", path, strerror(errno));
    text = mem_alloc((size_t)st.st_size + 1);
    ck_assert_int_eq(read(fd, text, (size_t)st.st_size), st.st_size);
    return text;
}
