/* SPDX-License-Identifier: Apache-2.0 */
#include "base/beneath.h"
#include "base/beneath_priv.h"
#include "base/buf.h"
#include "tests/kit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

typedef int (*open_fn)(int rootfd, const char *path, int flags, mode_t mode);

/* From here on the kernel has no openat2, or a filter refuses it. */
static void refuse_openat2(int number)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)number),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
    errno = 0;
    ck_assert_int_eq(syscall(SYS_openat2, -1, "", NULL, 0), -1);
    ck_assert_int_eq(errno, number);
}

static int open_root(void)
{
    char path[PATH_MAX];
    int fd;

    unit_write("root/a/b/file", "inside", -1);
    unit_write("outside/secret", "outside", -1);
    snprintf(path, sizeof(path), "%s/root/link", unit_temp_dir());
    ck_assert_int_eq(symlink("a/b/file", path), 0);
    snprintf(path, sizeof(path), "%s/root/a/folder-link", unit_temp_dir());
    ck_assert_int_eq(symlink("../../outside", path), 0);
    snprintf(path, sizeof(path), "%s/root/dangling", unit_temp_dir());
    ck_assert_int_eq(symlink("nothing", path), 0);
    snprintf(path, sizeof(path), "%s/root", unit_temp_dir());
    fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void expect_errno(open_fn open_it, int root, const char *path, int flags, int number)
{
    int fd;

    errno = 0;
    fd = open_it(root, path, flags, 0644);
    ck_assert_msg(fd < 0, "%s opened", path);
    ck_assert_msg(errno == number, "%s: %s, not %s", path, strerror(errno), strerror(number));
}

static void expect_text(open_fn open_it, int root, const char *path, const char *text)
{
    char got[64] = "";
    int fd = open_it(root, path, O_RDONLY, 0);

    ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(read(fd, got, sizeof(got) - 1), (ssize_t)strlen(text));
    ck_assert_str_eq(got, text);
    close(fd);
}

static void check_open(open_fn open_it)
{
    int root = open_root(), fd;
    struct stat st;

    expect_text(open_it, root, "a/b/file", "inside");
    fd = open_it(root, "a/new", O_WRONLY | O_CREAT | O_EXCL, 0640);
    ck_assert_int_ge(fd, 0);
    ck_assert(fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0640);
    close(fd);
    fd = open_it(root, "a/b", O_PATH | O_DIRECTORY, 0777); /* a mode where none belongs is no error */
    ck_assert_int_ge(fd, 0);
    close(fd);
    fd = open_it(root, "a/b", O_TMPFILE | O_RDWR, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    expect_errno(open_it, root, "a/new", O_WRONLY | O_CREAT | O_EXCL, EEXIST);
    expect_errno(open_it, root, "a/none", O_RDONLY, ENOENT);
    expect_errno(open_it, root, "none/file", O_RDONLY, ENOENT);
    expect_errno(open_it, root, "a/b/file/x", O_RDONLY, ENOTDIR);
    expect_errno(open_it, root, "a/b/file", O_RDONLY | O_DIRECTORY, ENOTDIR);
    expect_errno(open_it, root, "a", O_WRONLY, EISDIR);
    /* links: at the end, on the way, dangling, whatever the flags */
    expect_errno(open_it, root, "link", O_RDONLY, ELOOP);
    expect_errno(open_it, root, "link", O_PATH, ELOOP);
    expect_errno(open_it, root, "link", O_PATH | O_NOFOLLOW, ELOOP);
    expect_errno(open_it, root, "link", O_WRONLY | O_CREAT, ELOOP);
    expect_errno(open_it, root, "a/folder-link", O_RDONLY | O_DIRECTORY, ELOOP);
    expect_errno(open_it, root, "a/folder-link", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, ELOOP);
    expect_errno(open_it, root, "a/folder-link", O_PATH | O_DIRECTORY, ELOOP);
    expect_errno(open_it, root, "a/folder-link/secret", O_RDONLY, ELOOP);
    expect_errno(open_it, root, "dangling", O_WRONLY | O_CREAT, ELOOP);
    expect_errno(open_it, root, "dangling", O_WRONLY | O_CREAT | O_EXCL, EEXIST);
    ck_assert_int_eq(faccessat(root, "nothing", F_OK, AT_SYMLINK_NOFOLLOW), -1);
    close(root);
}

/* Only the whole function judges the form of a path and takes very long ones. */
static void check_form(void)
{
    static const char *const bad[] = {"/",      "/a",  "/etc/passwd", ".",    "..", "../outside/secret", "a/..",
                                      "a/../a", "./a", "a/.",         "a//b", "a/", "a/b/file/"};
    char text[300];
    int root = open_root(), fd;
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *leaf;

        expect_errno(beneath_open, root, bad[i], O_RDONLY, EINVAL);
        errno = 0;
        ck_assert_int_eq(beneath_parent(root, bad[i], &leaf), -1);
        ck_assert_int_eq(errno, EINVAL);
    }
    unit_write("root/...", "dots", -1);
    unit_write("root/..a/.b", "dots", -1);
    expect_text(beneath_open, root, "...", "dots");
    expect_text(beneath_open, root, "..a/.b", "dots");
    memset(text, 'n', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    expect_errno(beneath_open, root, text, O_RDONLY, ENAMETOOLONG);
    fd = beneath_open(root, "", O_RDONLY | O_DIRECTORY, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(faccessat(fd, "a/b/file", F_OK, 0), 0);
    close(fd);
    close(root);
}

static void check_parent(void)
{
    int root = open_root(), fd;
    const char *leaf = NULL, *path = "a/b/file";

    fd = beneath_parent(root, path, &leaf);
    ck_assert_int_ge(fd, 0);
    ck_assert_ptr_eq(leaf, path + 4);
    ck_assert_int_eq(faccessat(fd, "file", F_OK, 0), 0);
    close(fd);
    fd = beneath_parent(root, "link", &leaf); /* the leaf itself is not looked at */
    ck_assert_int_ge(fd, 0);
    ck_assert_str_eq(leaf, "link");
    ck_assert_int_eq(faccessat(fd, "a", F_OK, 0), 0);
    close(fd);
    ck_assert_int_eq(beneath_parent(root, "", &leaf), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(beneath_parent(root, "a/folder-link/secret", &leaf), -1);
    ck_assert_int_eq(errno, ELOOP);
    close(root);
}

#define LONG_LEVELS 40

static void check_long(void)
{
    SF_AUTO(buf) path = BUF_INIT;
    char name[NAME_MAX + 1];
    int root = open_root(), fds[LONG_LEVELS + 1], i;
    const char *leaf;

    memset(name, 'd', NAME_MAX);
    name[NAME_MAX] = '\0';
    fds[0] = dup(root);
    for (i = 0; i < LONG_LEVELS; i++) {
        ck_assert_int_eq(mkdirat(fds[i], name, 0755), 0);
        fds[i + 1] = openat(fds[i], name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(fds[i + 1], 0);
        buf_add_text(&path, name);
        buf_add_byte(&path, '/');
    }
    ck_assert_int_eq(symlinkat("x", fds[LONG_LEVELS], "link"), 0);
    buf_add_text(&path, "file");
    i = beneath_open(root, path.data, O_WRONLY | O_CREAT | O_EXCL, 0600);
    ck_assert_msg(i >= 0, "%s", strerror(errno));
    ck_assert_int_eq(write(i, "far", 3), 3);
    close(i);
    expect_text(beneath_open, root, path.data, "far");
    i = beneath_parent(root, path.data, &leaf);
    ck_assert_int_ge(i, 0);
    ck_assert_str_eq(leaf, "file");
    ck_assert_int_eq(faccessat(i, "link", F_OK, AT_SYMLINK_NOFOLLOW), 0);
    close(i);
    memcpy(path.data + path.length - 4, "link", 4);
    expect_errno(beneath_open, root, path.data, O_RDONLY, ELOOP);
    ck_assert_int_eq(unlinkat(fds[LONG_LEVELS], "file", 0), 0);
    ck_assert_int_eq(unlinkat(fds[LONG_LEVELS], "link", 0), 0);
    for (i = LONG_LEVELS; i > 0; i--) { /* too long for the kit to remove */
        close(fds[i]);
        ck_assert_int_eq(unlinkat(fds[i - 1], name, AT_REMOVEDIR), 0);
    }
    close(fds[0]);
    close(root);
}

START_TEST(opens)
{
    check_open(beneath_open);
}
END_TEST

START_TEST(opens_by_components)
{
    check_open(beneath_open_components);
}
END_TEST

START_TEST(form)
{
    check_form();
}
END_TEST

START_TEST(parent)
{
    check_parent();
}
END_TEST

START_TEST(longer_than_path_max)
{
    check_long();
}
END_TEST

START_TEST(without_openat2)
{
    refuse_openat2(ENOSYS);
    check_open(beneath_open);
}
END_TEST

START_TEST(without_openat2_long)
{
    refuse_openat2(EPERM);
    check_long();
}
END_TEST

START_TEST(without_openat2_form)
{
    refuse_openat2(EPERM);
    check_form();
}
END_TEST

struct swapper {
    int root;
    atomic_bool is_done;
};

/* Makes "door" a folder, then a link to the outside, then a folder ... */
static void *swap(void *arg)
{
    struct swapper *swapper = arg;

    while (!atomic_load(&swapper->is_done))
        (void)renameat2(swapper->root, "door", swapper->root, "trap", RENAME_EXCHANGE);
    return NULL;
}

static void check_race(open_fn open_it)
{
    struct swapper swapper = {open_root(), false};
    int i, in = 0, refused = 0;
    pthread_t thread;

    unit_write("root/door/secret", "inside", -1);
    ck_assert_int_eq(symlinkat("../outside", swapper.root, "trap"), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, swap, &swapper), 0);
    for (i = 0; i < 200000 && (i < 2000 || in == 0 || refused == 0); i++) {
        char got[16] = "";
        int fd = open_it(swapper.root, "door/secret", O_RDONLY, 0);

        if (fd < 0) {
            ck_assert_msg(errno == ELOOP || errno == ENOTDIR, "%s", strerror(errno));
            refused++;
            continue;
        }
        ck_assert_int_eq(read(fd, got, sizeof(got) - 1), 6);
        ck_assert_str_eq(got, "inside");
        in++;
        close(fd);
    }
    atomic_store(&swapper.is_done, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_msg(in > 0 && refused > 0, "the race was not run: %d in, %d refused", in, refused);
    close(swapper.root);
}

START_TEST(race)
{
    check_race(beneath_open);
}
END_TEST

START_TEST(race_by_components)
{
    check_race(beneath_open_components);
}
END_TEST

UNIT_MAIN("beneath", &opens, &opens_by_components, &form, &parent, &longer_than_path_max, &without_openat2,
          &without_openat2_long, &without_openat2_form, &race, &race_by_components)
