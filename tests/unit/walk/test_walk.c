/* SPDX-License-Identifier: Apache-2.0 */
#include "core/walk/walk.h"
#include "tests/kit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* For loops: Check writes a line to its pipe for every ck_assert that is passed. */
#define MUST(claim)                                                                                                    \
    do {                                                                                                               \
        if (!(claim))                                                                                                  \
            ck_abort_msg("%s: %s", #claim, strerror(errno));                                                           \
    } while (0)

/* Trees stand in "tree" below the temporary folder, which itself takes the spills. */
static int make_root(void)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof(path), "%s/tree", unit_temp_dir());
    ck_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void make_file(int dir, const char *name)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    MUST(fd >= 0);
    MUST(close(fd) == 0);
}

static int make_folder(int dir, const char *name)
{
    int fd;

    MUST(mkdirat(dir, name, 0755) == 0);
    fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    MUST(fd >= 0);
    return fd;
}

static struct walk_options options_of(const struct patterns *exclude, bool yield_others)
{
    return (struct walk_options){
        .exclude = exclude, .temp_dir = unit_temp_dir(), .name = "/src", .yield_others = yield_others};
}

/* Walks to the end or an error; rows as "d: d:a f:a/b l:c->target o:fifo "; skip: a folder that is not entered. */
static int list(int root, const struct walk_options *options, const char *skip, struct buf *rows,
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

static void expect(int root, const struct walk_options *options, const char *skip, const char *rows)
{
    SF_AUTO(buf) got = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_msg(list(root, options, skip, &got, NULL, &err) == 0, "%s", err.text);
    ck_assert_str_eq(buf_text(&got), rows);
}

static void refuse(int root, const struct walk_options *options, enum sf_class cls, const char *text)
{
    SF_AUTO(buf) got = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_int_eq(list(root, options, NULL, &got, NULL, &err), -1);
    ck_assert_str_eq(err.text, text);
    ck_assert_int_eq(err.cls, (int)cls);
}

START_TEST(order_and_kinds)
{
    struct walk_options options = options_of(NULL, false);
    int root = make_root(), opath;

    unit_write("tree/a/x", "1", 1);
    unit_write("tree/a/b/y", "1", 1);
    unit_write("tree/a.b", "1", 1);
    unit_write("tree/a0", "1", 1);
    close(make_folder(root, "empty"));
    ck_assert_int_eq(symlinkat("a", root, "to-folder"), 0);
    ck_assert_int_eq(symlinkat("no/where", root, "dangling"), 0);
    expect(root, &options, NULL, "d: f:a.b d:a d:a/b f:a/b/y f:a/x f:a0 l:dangling->no/where d:empty l:to-folder->a ");
    expect(root, &options, "a", "d: f:a.b d:a f:a0 l:dangling->no/where d:empty l:to-folder->a ");
    expect(root, &options, "a/b/y",
           "d: f:a.b d:a d:a/b f:a/b/y f:a/x f:a0 l:dangling->no/where d:empty l:to-folder->a ");
    expect(root, &options, "", "d: ");
    opath = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    expect(opath, &options, "a/b", "d: f:a.b d:a d:a/b f:a/x f:a0 l:dangling->no/where d:empty l:to-folder->a ");
    close(opath);
    close(root);
    walk_close(NULL);
}
END_TEST

START_TEST(empty_tree)
{
    struct walk_options options = options_of(NULL, false);
    int root = make_root();

    expect(root, &options, NULL, "d: ");
    expect(root, &options, "", "d: ");
    close(root);
}
END_TEST

/* Names that any escape changes stand where their keys belong. */
START_TEST(strange_names)
{
    static const char *const in_order[] = {" ",    "#?&+",       "%",   "\x01",    "\n",         "%2F",
                                           "\xff", "a\xcc\x81x", "b\\", "caf\xc3", "caf\xc3\xa9"};
    struct walk_options options = options_of(NULL, false);
    SF_AUTO(entry) entry = ENTRY_INIT;
    SF_AUTO(buf) key = BUF_INIT;
    SF_AUTO(buf) last = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct walk *walk;
    int root = make_root();
    size_t i, count = sizeof(in_order) / sizeof(in_order[0]);

    for (i = 0; i < count; i++)
        make_file(root, in_order[count - 1 - i]);
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
    struct walk_options options = options_of(NULL, false);
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct walk *walk;
    int root = make_root();
    char name[8];
    size_t i;

    unit_write("tree/0", "12345", 5);
    for (i = 1; i < sizeof(modes) / sizeof(modes[0]); i++) {
        snprintf(name, sizeof(name), "%zu", i);
        make_file(root, name);
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
    struct walk_options options = options_of(NULL, false);
    SF_AUTO(buf) rows = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;
    char target[PATH_MAX];
    size_t bytes;
    int root = make_root();

    memset(target, '/', sizeof(target));
    for (bytes = 1; bytes < sizeof(target); bytes += bytes < 250 || bytes > 260 ? 245 : 1) {
        target[bytes] = '\0';
        ck_assert_int_eq(symlinkat(target, root, "link"), 0);
        buf_clear(&rows);
        ck_assert_int_eq(list(root, &options, NULL, &rows, NULL, &err), 0);
        ck_assert_uint_eq(rows.length, strlen("d: l:link-> ") + bytes);
        ck_assert_int_eq(unlinkat(root, "link", 0), 0);
        target[bytes] = '/';
    }
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
    struct walk_options plain = options_of(NULL, false), others = options_of(NULL, true);
    struct patterns exclude = {NULL, 0};
    struct walk_options excluding = options_of(&exclude, false);
    SF_AUTO(buf) rows = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct walk_counts counts;
    int root = make_root();

    make_file(root, "a");
    make_socket(root, "sock");
    make_file(root, "z");
    ck_assert_int_eq(list(root, &plain, NULL, &rows, &counts, &err), 0);
    ck_assert_str_eq(buf_text(&rows), "d: f:a f:z ");
    ck_assert_uint_eq(counts.sockets_skipped, 1);
    ck_assert_int_eq(mkfifoat(root, "pipe\n", 0600), 0);
    refuse(root, &plain, SF_INVALID, "/src/pipe\\x0a: is a FIFO; exclude it");
    expect(root, &others, NULL, "d: f:a o:pipe\n o:sock f:z ");
    patterns_add(&exclude, "pipe*");
    expect(root, &excluding, NULL, "d: f:a f:z ");
    if (geteuid() == 0 && mknodat(root, "null", S_IFCHR | 0600, 0x103) == 0)
        refuse(root, &excluding, SF_INVALID, "/src/null: is a device; exclude it");
    patterns_cleanup(&exclude);
    close(root);
}
END_TEST

START_TEST(excluded)
{
    struct patterns exclude = {NULL, 0};
    struct walk_options options = options_of(&exclude, false);
    SF_AUTO(buf) rows = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct walk_counts counts;
    int root = make_root();

    unit_write("tree/a/x.tmp", "1", 1);
    unit_write("tree/a/keep", "1", 1);
    unit_write("tree/cache/x", "1", 1);
    unit_write("tree/d/cache/x", "1", 1);
    unit_write("tree/top", "1", 1);
    unit_write("tree/d/top", "1", 1);
    patterns_add(&exclude, "*.tmp");
    patterns_add(&exclude, "/cache");
    patterns_add(&exclude, "/top");
    ck_assert_int_eq(list(root, &options, NULL, &rows, &counts, &err), 0);
    ck_assert_str_eq(buf_text(&rows), "d: d:a f:a/keep d:d d:d/cache f:d/cache/x f:d/top ");
    ck_assert_uint_eq(counts.excluded, 3);
    patterns_add(&exclude, "*");
    expect(root, &options, NULL, "d: "); /* never the root */
    patterns_cleanup(&exclude);
    close(root);
}
END_TEST

/* Chains of folders; every one also holds "z", which is yielded on the way back. */
static void check_depth(int levels, const char *name)
{
    struct walk_options options = options_of(NULL, false);
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct sf_error err = SF_ERROR_INIT;
    size_t bytes = strlen(name);
    struct walk *walk;
    int root = make_root(), dir = dup(root), i;

    for (i = 0; i < levels; i++) {
        int next = make_folder(dir, name);

        make_file(dir, "z");
        close(dir);
        dir = next;
    }
    ck_assert_int_eq(walk_open(&walk, root, &options, &err), 0);
    MUST(walk_next(walk, &entry, &err) == 1);
    for (i = 1; i <= levels; i++) {
        if (walk_next(walk, &entry, &err) != 1)
            ck_abort_msg("level %d: %s", i, err.text);
        MUST(entry.type == ENTRY_DIR && strlen(entry.path) == (bytes + 1) * (size_t)i - 1);
    }
    for (i = levels; i >= 1; i--) {
        if (walk_next(walk, &entry, &err) != 1)
            ck_abort_msg("back at level %d: %s", i, err.text);
        MUST(entry.type == ENTRY_FILE && strlen(entry.path) == (bytes + 1) * (size_t)(i - 1) + 1);
        MUST(entry.path[strlen(entry.path) - 1] == 'z');
    }
    ck_assert_int_eq(walk_next(walk, &entry, &err), 0);
    walk_close(walk);
    for (i = levels; i > 0; i--) { /* too long for the kit to remove */
        int up = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        close(dir);
        MUST(unlinkat(up, name, AT_REMOVEDIR) == 0 && unlinkat(up, "z", 0) == 0);
        dir = up;
    }
    close(dir);
    close(root);
}

START_TEST(forty_levels_of_long_names)
{
    char name[NAME_MAX + 1];

    memset(name, 'n', NAME_MAX);
    name[NAME_MAX] = '\0';
    check_depth(40, name);
    memset(name, '\xff', NAME_MAX); /* three times as long in a key */
    check_depth(40, name);
}
END_TEST

START_TEST(more_levels_than_descriptors)
{
    struct rlimit limit = {128, 128};

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    check_depth(1000, "d");
    check_depth(66, "d"); /* and just around ours */
    check_depth(65, "d");
    check_depth(64, "d");
}
END_TEST

START_TEST(one_folder_of_30000)
{
    struct walk_options options = options_of(NULL, false);
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct walk *walk;
    char name[32];
    int root = make_root(), i;

    for (i = 0; i < 30000; i++) {
        int number = (int)(i * INT64_C(7919) % 30000);

        snprintf(name, sizeof(name), number % 1000 == 500 ? "%08d.folder" : "%08d.file", number);
        MUST(mknodat(root, name, S_IFREG | 0644, 0) == 0 || errno == EEXIST);
    }
    options.temp_dir = "/nowhere";
    refuse(root, &options, SF_NOT_FOUND, "/src: make a temporary file in /nowhere: No such file or directory");
    options.temp_dir = unit_temp_dir();
    ck_assert_int_eq(walk_open(&walk, root, &options, &err), 0);
    MUST(walk_next(walk, &entry, &err) == 1);
    for (i = 0; i < 30000; i++) {
        snprintf(name, sizeof(name), i % 1000 == 500 ? "%08d.folder" : "%08d.file", i);
        MUST(walk_next(walk, &entry, &err) == 1);
        MUST(strcmp(entry.path, name) == 0);
    }
    ck_assert_int_eq(walk_next(walk, &entry, &err), 0);
    walk_close(walk);
    close(root);
}
END_TEST

/* Walks up to the entry path, so that the tree can be changed behind the walk's back. */
static struct walk *walk_to(int root, const struct walk_options *options, const char *path, struct entry *entry)
{
    struct sf_error err = SF_ERROR_INIT;
    struct walk *walk;

    ck_assert_int_eq(walk_open(&walk, root, options, &err), 0);
    do {
        ck_assert_int_eq(walk_next(walk, entry, &err), 1);
    } while (strcmp(entry->path, path) != 0);
    return walk;
}

START_TEST(name_that_vanished)
{
    struct walk_options options = options_of(NULL, false);
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct walk *walk;
    int root = make_root();

    make_file(root, "a");
    make_file(root, "b");
    walk = walk_to(root, &options, "a", &entry);
    ck_assert_int_eq(unlinkat(root, "b", 0), 0);
    ck_assert_int_eq(walk_next(walk, &entry, &err), -1);
    ck_assert_int_eq(err.cls, SF_NOT_FOUND);
    ck_assert_str_eq(err.text, "/src/b: vanished while the tree was read");
    walk_close(walk);
    close(root);
}
END_TEST

START_TEST(folder_that_became_a_link)
{
    struct walk_options options = options_of(NULL, false);
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct walk *walk;
    int root = make_root();

    unit_write("outside/secret", "1", 1);
    close(make_folder(root, "a"));
    walk = walk_to(root, &options, "a", &entry); /* between yielding and entering */
    ck_assert_int_eq(unlinkat(root, "a", AT_REMOVEDIR), 0);
    ck_assert_int_eq(symlinkat("../outside", root, "a"), 0);
    ck_assert_int_eq(walk_next(walk, &entry, &err), -1);
    ck_assert_int_eq(err.cls, SF_CONFLICT);
    ck_assert_str_eq(err.text, "/src/a: turned into something else while the tree was read");
    walk_close(walk);
    ck_assert_int_eq(unlinkat(root, "a", 0), 0);
    close(make_folder(root, "a"));
    walk = walk_to(root, &options, "", &entry); /* between listing and looking */
    ck_assert_int_eq(unlinkat(root, "a", AT_REMOVEDIR), 0);
    ck_assert_int_eq(symlinkat("../outside", root, "a"), 0);
    ck_assert_int_eq(walk_next(walk, &entry, &err), -1);
    ck_assert_int_eq(err.cls, SF_CONFLICT);
    walk_close(walk);
    close(root);
}
END_TEST

START_TEST(unreadable_folder)
{
    struct walk_options options = options_of(NULL, false);
    int root = make_root();

    unit_write("tree/a/closed/x", "1", 1);
    unit_write("tree/a/file", "1", 1);
    ck_assert_int_eq(fchmodat(root, "a/file", 0, 0), 0); /* reading files is not the walk's matter */
    ck_assert_int_eq(fchmodat(root, "a/closed", 0, 0), 0);
    ck_assert_int_eq(chmod(unit_temp_dir(), 0777), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    refuse(root, &options, SF_DENIED, "/src/a/closed: cannot open the folder: Permission denied");
    expect(root, &options, "a/closed", "d: d:a d:a/closed f:a/file ");
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(fchmod(root, 0), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    refuse(root, &options, SF_DENIED, "/src: cannot open the folder: Permission denied");
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    close(root);
}
END_TEST

START_TEST(other_file_systems_stay_out)
{
    struct walk_options options = options_of(NULL, false);
    SF_AUTO(buf) rows = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct walk_counts counts;
    char path[PATH_MAX];
    int root;

    /* Without the right to mount there is nothing to see here. */
    if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0) {
        root = make_root(); /* a descriptor from before would not see the mount */
        unit_write("tree/m/below", "1", 1);
        make_file(root, "z");
        snprintf(path, sizeof(path), "%s/tree/m", unit_temp_dir());
        ck_assert_int_eq(mount("none", path, "tmpfs", 0, "size=64k"), 0);
        unit_write("tree/m/inside", "1", 1);
        ck_assert_int_eq(list(root, &options, NULL, &rows, &counts, &err), 0);
        ck_assert_str_eq(buf_text(&rows), "d: d:m f:z ");
        ck_assert_uint_eq(counts.mounts_skipped, 1);
        close(root);
        ck_assert_int_eq(umount(path), 0);
    }
}
END_TEST

UNIT_MAIN("walk", &order_and_kinds, &empty_tree, &strange_names, &what_stat_says, &mtime_in_range, &long_link_targets,
          &sockets_fifos_devices, &excluded, &forty_levels_of_long_names, &more_levels_than_descriptors,
          &one_folder_of_30000, &name_that_vanished, &folder_that_became_a_link, &unreadable_folder,
          &other_file_systems_stay_out)
