/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/walk/made.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

START_TEST(order_and_kinds)
{
    struct walk_options options = made_options(NULL, false);
    int root = made_root(), opath;

    unit_write("tree/a/x", "1", 1);
    unit_write("tree/a/b/y", "1", 1);
    unit_write("tree/a.b", "1", 1);
    unit_write("tree/a0", "1", 1);
    close(made_folder(root, "empty"));
    ck_assert_int_eq(symlinkat("a", root, "to-folder"), 0);
    ck_assert_int_eq(symlinkat("no/where", root, "dangling"), 0);
    made_expect(root, &options, NULL,
                "d: f:a.b d:a d:a/b f:a/b/y f:a/x f:a0 l:dangling->no/where d:empty l:to-folder->a ");
    made_expect(root, &options, "a", "d: f:a.b d:a f:a0 l:dangling->no/where d:empty l:to-folder->a ");
    made_expect(root, &options, "a/b/y",
                "d: f:a.b d:a d:a/b f:a/b/y f:a/x f:a0 l:dangling->no/where d:empty l:to-folder->a ");
    made_expect(root, &options, "", "d: ");
    opath = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    made_expect(opath, &options, "a/b", "d: f:a.b d:a d:a/b f:a/x f:a0 l:dangling->no/where d:empty l:to-folder->a ");
    close(opath);
    close(root);
    walk_close(NULL);
}
END_TEST

START_TEST(empty_tree)
{
    struct walk_options options = made_options(NULL, false);
    int root = made_root();

    made_expect(root, &options, NULL, "d: ");
    made_expect(root, &options, "", "d: ");
    close(root);
}
END_TEST

/* Names that any escape changes stand where their keys belong. */
START_TEST(strange_names)
{
    static const char *const in_order[] = {" ",    "#?&+",       "%",   "\x01",    "\n",         "%2F",
                                           "\xff", "a\xcc\x81x", "b\\", "caf\xc3", "caf\xc3\xa9"};
    struct walk_options options = made_options(NULL, false);
    SF_AUTO(entry) entry = ENTRY_INIT;
    SF_AUTO(buf) key = BUF_INIT;
    SF_AUTO(buf) last = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct walk *walk;
    int root = made_root();
    size_t i, count = sizeof(in_order) / sizeof(in_order[0]);

    for (i = 0; i < count; i++)
        made_file(root, in_order[count - 1 - i]);
    ck_assert_int_eq(walk_open(&walk, root, &options, &err), 0);
    ck_assert_int_eq(walk_next(walk, &entry, &err), 1);
    for (i = 0; i < count; i++) {
        ck_assert_int_eq(walk_next(walk, &entry, &err), 1);
        ck_assert_str_eq(entry.path, in_order[i]);
        entry_key(&entry, &key);
        ck_assert_str_lt(buf_text(&last), buf_text(&key));
        buf_clear(&last);
        buf_add_text(&last, buf_text(&key));
    }
    ck_assert_int_eq(walk_next(walk, &entry, &err), 0);
    walk_close(walk);
    close(root);
}
END_TEST

START_TEST(what_stat_says)
{
    static const mode_t modes[] = {0000, 0644, 0755, 01777, 02750, 04755};
    const struct timespec times[2] = {{1, 0}, {-3, 999999999}};
    struct walk_options options = made_options(NULL, false);
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct walk *walk;
    int root = made_root();
    char name[8];
    size_t i;

    unit_write("tree/0", "12345", 5);
    for (i = 1; i < sizeof(modes) / sizeof(modes[0]); i++) {
        snprintf(name, sizeof(name), "%zu", i);
        made_file(root, name);
    }
    for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        snprintf(name, sizeof(name), "%zu", i);
        ck_assert_int_eq(fchmodat(root, name, modes[i], 0), 0);
    }
    ck_assert_int_eq(symlinkat("x", root, "link"), 0);
    ck_assert_int_eq(utimensat(root, "link", times, AT_SYMLINK_NOFOLLOW), 0);
    ck_assert_int_eq(utimensat(root, "0", times, 0), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(fchownat(root, "0", 12, 34, 0), 0);
    ck_assert_int_eq(fchmodat(root, "0", modes[0], 0), 0);
    ck_assert_int_eq(fchmod(root, 0750), 0);
    ck_assert_int_eq(futimens(root, times), 0);
    ck_assert_int_eq(walk_open(&walk, root, &options, &err), 0);
    ck_assert_int_eq(walk_next(walk, &entry, &err), 1);
    ck_assert(entry.type == ENTRY_DIR && entry.mode == 0750 && entry.size == 0);
    ck_assert_int_eq(entry.mtime_ns, -2000000001);
    for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        ck_assert_int_eq(walk_next(walk, &entry, &err), 1);
        ck_assert_uint_eq(entry.mode, modes[i]);
        ck_assert_uint_eq(entry.size, i == 0 ? 5 : 0);
        if (i == 0) {
            ck_assert_int_eq(entry.mtime_ns, -2000000001);
            ck_assert(geteuid() != 0 || (entry.uid == 12 && entry.gid == 34));
        }
    }
    ck_assert_int_eq(walk_next(walk, &entry, &err), 1);
    ck_assert_int_eq(entry.type, ENTRY_LINK);
    ck_assert_uint_eq(entry.size, 0);
    ck_assert_int_eq(entry.mtime_ns, -2000000001);
    walk_close(walk);
    close(root);
}
END_TEST

static int64_t mtime_of(time_t seconds, long ns)
{
    struct stat st = {.st_mode = S_IFREG | 0644, .st_mtim = {seconds, ns}};
    struct entry entry = ENTRY_INIT;

    walk_entry_stat(&entry, &st);
    return entry.mtime_ns;
}

START_TEST(mtime_in_range)
{
    ck_assert_int_eq(mtime_of(0, 0), 0);
    ck_assert_int_eq(mtime_of(-1, 999999999), -1);
    ck_assert_int_eq(mtime_of(9223372036, 854775807), INT64_MAX);
    ck_assert_int_eq(mtime_of(9223372036, 854775808), INT64_MAX);
    ck_assert_int_eq(mtime_of(INT64_MAX, 0), INT64_MAX);
    ck_assert_int_eq(mtime_of(INT64_MIN, 0), INT64_MIN);
    ck_assert_int_eq(mtime_of(-9223372036, 1), INT64_C(-9223372036000000000) + 1);
}
END_TEST

START_TEST(long_link_targets)
{
    struct walk_options options = made_options(NULL, false);
    SF_AUTO(buf) rows = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;
    char target[PATH_MAX];
    size_t bytes;
    int root = made_root();

    memset(target, '/', sizeof(target));
    for (bytes = 1; bytes < sizeof(target); bytes += bytes < 250 || bytes > 260 ? 245 : 1) {
        target[bytes] = '\0';
        ck_assert_int_eq(symlinkat(target, root, "link"), 0);
        buf_clear(&rows);
        ck_assert_int_eq(made_list(root, &options, NULL, &rows, NULL, &err), 0);
        ck_assert_uint_eq(rows.length, strlen("d: l:link-> ") + bytes);
        ck_assert_int_eq(unlinkat(root, "link", 0), 0);
        target[bytes] = '/';
    }
    close(root);
}
END_TEST

/* Links of procfs do not say how long they are. */
START_TEST(link_targets_of_unknown_length)
{
    struct patterns exclude = {NULL, 0};
    struct walk_options options = made_options(&exclude, false);
    char wanted[PATH_MAX + 32], folder[PATH_MAX], name[NAME_MAX + 1];
    int root = made_root(), proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC), dir;
    size_t bytes, parent;

    ck_assert_int_ge(proc, 0);
    patterns_add(&exclude, "[!c]*"); /* leaves cwd */
    patterns_add(&exclude, "c[!w]*");
    ck_assert_int_eq(fchdir(root), 0);
    ck_assert_ptr_nonnull(getcwd(folder, sizeof(folder)));
    parent = strlen(folder) + 1;
    for (bytes = 254; bytes <= 258; bytes++) { /* round the first guess */
        ck_assert_uint_lt(parent, 254);
        memset(name, 'n', sizeof(name));
        name[bytes - parent] = '\0';
        dir = made_folder(root, name);
        ck_assert_int_eq(fchdir(dir), 0);
        close(dir);
        snprintf(wanted, sizeof(wanted), "d: l:cwd->%s/%s ", folder, name);
        made_expect(proc, &options, NULL, wanted);
    }
    ck_assert_int_eq(chdir("/"), 0);
    patterns_cleanup(&exclude);
    close(proc);
    close(root);
}
END_TEST

static void make_socket(int root, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", root, name);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
}

START_TEST(sockets_fifos_devices)
{
    struct walk_options plain = made_options(NULL, false), others = made_options(NULL, true);
    struct patterns exclude = {NULL, 0};
    struct walk_options excluding = made_options(&exclude, false);
    SF_AUTO(buf) rows = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct walk_counts counts;
    int root = made_root();

    made_file(root, "a");
    make_socket(root, "sock");
    made_file(root, "z");
    ck_assert_int_eq(made_list(root, &plain, NULL, &rows, &counts, &err), 0);
    ck_assert_str_eq(buf_text(&rows), "d: f:a f:z ");
    ck_assert_uint_eq(counts.sockets_skipped, 1);
    ck_assert_int_eq(mkfifoat(root, "pipe\n", 0600), 0);
    made_refuse(root, &plain, SF_INVALID, "/src/pipe\\x0a: is a FIFO; exclude it");
    made_expect(root, &others, NULL, "d: f:a o:pipe\n o:sock f:z ");
    patterns_add(&exclude, "pipe*");
    made_expect(root, &excluding, NULL, "d: f:a f:z ");
    if (geteuid() == 0 && mknodat(root, "null", S_IFCHR | 0600, 0x103) == 0)
        made_refuse(root, &excluding, SF_INVALID, "/src/null: is a device; exclude it");
    patterns_cleanup(&exclude);
    close(root);
}
END_TEST

START_TEST(excluded)
{
    struct patterns exclude = {NULL, 0};
    struct walk_options options = made_options(&exclude, false);
    SF_AUTO(buf) rows = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct walk_counts counts;
    int root = made_root();

    unit_write("tree/a/x.tmp", "1", 1);
    unit_write("tree/a/keep", "1", 1);
    unit_write("tree/cache/x", "1", 1);
    unit_write("tree/d/cache/x", "1", 1);
    unit_write("tree/top", "1", 1);
    unit_write("tree/d/top", "1", 1);
    patterns_add(&exclude, "*.tmp");
    patterns_add(&exclude, "/cache");
    patterns_add(&exclude, "/top");
    ck_assert_int_eq(made_list(root, &options, NULL, &rows, &counts, &err), 0);
    ck_assert_str_eq(buf_text(&rows), "d: d:a f:a/keep d:d d:d/cache f:d/cache/x f:d/top ");
    ck_assert_uint_eq(counts.excluded, 3);
    patterns_add(&exclude, "*");
    made_expect(root, &options, NULL, "d: "); /* never the root */
    patterns_cleanup(&exclude);
    close(root);
}
END_TEST

UNIT_MAIN("walk", &order_and_kinds, &empty_tree, &strange_names, &what_stat_says, &mtime_in_range, &long_link_targets,
          &link_targets_of_unknown_length, &sockets_fifos_devices, &excluded)
