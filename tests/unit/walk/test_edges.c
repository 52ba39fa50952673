/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/walk/made.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Chains of folders; every one also holds "z", which is yielded on the way back. */
static void check_depth(int levels, const char *name)
{
    struct walk_options options = made_options(NULL, false);
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct sf_error err = SF_ERROR_INIT;
    size_t bytes = strlen(name);
    struct walk *walk;
    int root = made_root(), dir = dup(root), i;

    for (i = 0; i < levels; i++) {
        int next = made_folder(dir, name);

        made_file(dir, "z");
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
    struct walk_options options = made_options(NULL, false);
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct walk *walk;
    char name[32];
    int root = made_root(), i;

    for (i = 0; i < 30000; i++) {
        int number = (int)(i * INT64_C(7919) % 30000);

        snprintf(name, sizeof(name), number % 1000 == 500 ? "%08d.folder" : "%08d.file", number);
        MUST(mknodat(root, name, S_IFREG | 0644, 0) == 0 || errno == EEXIST);
    }
    options.temp_dir = "/nowhere";
    made_refuse(root, &options, SF_NOT_FOUND, "/src: make a temporary file in /nowhere: No such file or directory");
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
    struct walk_options options = made_options(NULL, false);
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct walk *walk;
    int root = made_root();

    made_file(root, "a");
    made_file(root, "b");
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
    struct walk_options options = made_options(NULL, false);
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct walk *walk;
    int root = made_root();

    unit_write("outside/secret", "1", 1);
    close(made_folder(root, "a"));
    walk = walk_to(root, &options, "a", &entry); /* between yielding and entering */
    ck_assert_int_eq(unlinkat(root, "a", AT_REMOVEDIR), 0);
    ck_assert_int_eq(symlinkat("../outside", root, "a"), 0);
    ck_assert_int_eq(walk_next(walk, &entry, &err), -1);
    ck_assert_int_eq(err.cls, SF_CONFLICT);
    ck_assert_str_eq(err.text, "/src/a: turned into something else while the tree was read");
    walk_close(walk);
    ck_assert_int_eq(unlinkat(root, "a", 0), 0);
    close(made_folder(root, "a"));
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
    struct walk_options options = made_options(NULL, false);
    int root = made_root();

    unit_write("tree/a/closed/x", "1", 1);
    unit_write("tree/a/file", "1", 1);
    ck_assert_int_eq(fchmodat(root, "a/file", 0, 0), 0); /* reading files is not the walk's matter */
    ck_assert_int_eq(fchmodat(root, "a/closed", 0, 0), 0);
    ck_assert_int_eq(chmod(unit_temp_dir(), 0777), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    made_refuse(root, &options, SF_DENIED, "/src/a/closed: cannot open the folder: Permission denied");
    made_expect(root, &options, "a/closed", "d: d:a d:a/closed f:a/file ");
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(fchmod(root, 0), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    made_refuse(root, &options, SF_DENIED, "/src: cannot open the folder: Permission denied");
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    close(root);
}
END_TEST

START_TEST(other_file_systems_stay_out)
{
    struct walk_options options = made_options(NULL, false);
    SF_AUTO(buf) rows = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct walk_counts counts;
    char path[PATH_MAX];
    int root;

    /* Without the right to mount there is nothing to see here. */
    if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0) {
        root = made_root(); /* a descriptor from before would not see the mount */
        unit_write("tree/m/below", "1", 1);
        made_file(root, "z");
        snprintf(path, sizeof(path), "%s/tree/m", unit_temp_dir());
        ck_assert_int_eq(mount("none", path, "tmpfs", 0, "size=64k"), 0);
        unit_write("tree/m/inside", "1", 1);
        ck_assert_int_eq(made_list(root, &options, NULL, &rows, &counts, &err), 0);
        ck_assert_str_eq(buf_text(&rows), "d: d:m f:z ");
        ck_assert_uint_eq(counts.mounts_skipped, 1);
        close(root);
        ck_assert_int_eq(umount(path), 0);
    }
}
END_TEST

UNIT_MAIN("edges", &forty_levels_of_long_names, &more_levels_than_descriptors, &one_folder_of_30000,
          &name_that_vanished, &folder_that_became_a_link, &unreadable_folder, &other_file_systems_stay_out)
