/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config/state.h"
#include "base/mem.h"
#include "tests/kit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char *below(const char *path)
{
    return mem_printf("%s/%s", unit_temp_dir(), path);
}

static void forget_environment(void)
{
    unsetenv("STATE_DIRECTORY");
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    unsetenv("TMPDIR");
}

/* In a process that is not root: drops root if that is who runs the tests. */
static void become_nobody(void)
{
    if (geteuid() != 0)
        return;
    ck_assert_int_eq(chown(unit_temp_dir(), 65534, 65534), 0);
    ck_assert_int_eq(setresgid(65534, 65534, 0), 0);
    ck_assert_int_eq(setresuid(65534, 65534, 0), 0);
}

static void become_root_again(void)
{
    uid_t real, effective, saved;

    ck_assert_int_eq(getresuid(&real, &effective, &saved), 0);
    if (saved == 0 && effective != 0) {
        ck_assert_int_eq(setresuid(0, 0, 0), 0);
        ck_assert_int_eq(setresgid(0, 0, 0), 0);
    }
}

static void must_open(struct state *state, const char *flag)
{
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_msg(state_open(state, flag, true, &err) == 0, "%s", err.text);
}

static void check_mode(const char *path, mode_t mode)
{
    struct stat st;

    ck_assert_int_eq(lstat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, mode);
}

START_TEST(made_once)
{
    AUTO_FREE char *folder = below("a/b/c");
    AUTO_FREE char *parent = below("a");
    AUTO_FREE char *temp = below("a/b/c/tmp");
    AUTO_FREE char *id_file = below("a/b/c/id");
    SF_AUTO(state) state = {NULL, NULL, {0}};
    SF_AUTO(state) again = {NULL, NULL, {0}};

    umask(0);
    must_open(&state, folder);
    ck_assert_str_eq(state.folder, folder);
    ck_assert_str_eq(state.temp_dir, temp);
    ck_assert_uint_eq(strlen(state.id), 32);
    ck_assert_uint_eq(strspn(state.id, "0123456789abcdef"), 32);
    check_mode(parent, 0700);
    check_mode(folder, 0700);
    check_mode(temp, 0700);
    check_mode(id_file, 0600);
    must_open(&again, folder);
    ck_assert_str_eq(again.id, state.id);
}
END_TEST

START_TEST(two_at_once)
{
    AUTO_FREE char *folder = below("race");
    char ids[4][33];
    int pipes[4][2], i;

    for (i = 0; i < 4; i++) {
        ck_assert_int_eq(pipe2(pipes[i], O_CLOEXEC), 0);
        if (fork() == 0) {
            struct state state;

            must_open(&state, folder);
            _exit(write(pipes[i][1], state.id, 33) != 33);
        }
        close(pipes[i][1]);
    }
    for (i = 0; i < 4; i++) {
        ck_assert_int_eq(read(pipes[i][0], ids[i], 33), 33);
        ck_assert_str_eq(ids[i], ids[0]);
        close(pipes[i][0]);
    }
    while (wait(NULL) > 0)
        continue;
}
END_TEST

START_TEST(relative_flag)
{
    AUTO_FREE char *folder = below("rel");
    SF_AUTO(state) state = {NULL, NULL, {0}};

    ck_assert_int_eq(chdir(unit_temp_dir()), 0);
    must_open(&state, "rel");
    ck_assert_str_eq(state.folder, folder);
}
END_TEST

START_TEST(by_environment)
{
    AUTO_FREE char *systemd = below("systemd");
    AUTO_FREE char *two = below("systemd:/other");
    AUTO_FREE char *xdg = below("xdg");
    AUTO_FREE char *xdg_folder = below("xdg/snapferry");
    AUTO_FREE char *home = below("home");
    AUTO_FREE char *home_folder = below("home/.local/state/snapferry");
    SF_AUTO(state) state = {NULL, NULL, {0}};

    forget_environment();
    become_nobody();
    setenv("HOME", home, 1);
    must_open(&state, NULL);
    ck_assert_str_eq(state.folder, home_folder);
    state_cleanup(&state);
    setenv("XDG_STATE_HOME", "relative", 1); /* the specification: ignore it */
    must_open(&state, NULL);
    ck_assert_str_eq(state.folder, home_folder);
    state_cleanup(&state);
    setenv("XDG_STATE_HOME", xdg, 1);
    must_open(&state, NULL);
    ck_assert_str_eq(state.folder, xdg_folder);
    state_cleanup(&state);
    setenv("STATE_DIRECTORY", two, 1);
    must_open(&state, NULL);
    ck_assert_str_eq(state.folder, systemd);
    become_root_again();
}
END_TEST

static void check_refused(const char *flag, const char *message)
{
    SF_AUTO(state) state = {NULL, NULL, {0}};
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_int_eq(state_open(&state, flag, true, &err), -1);
    ck_assert_int_eq(err.cls, SF_INVALID);
    ck_assert_str_eq(err.text, message);
    state_cleanup(&state);
    ck_assert_int_eq(state_open(&state, flag, false, &err), 0); /* list and verify go on */
    ck_assert_ptr_null(state.folder);
    ck_assert_str_eq(state.id, "");
    ck_assert_str_eq(state.temp_dir, "/tmp");
}

#define WAY_OUT ": name another with --state-dir"

START_TEST(refused)
{
    AUTO_FREE char *file = below("file");
    AUTO_FREE char *in_file = below("file/x");
    AUTO_FREE char *open_folder = below("open");
    AUTO_FREE char *bad_id = below("bad");
    AUTO_FREE char *bad_temp = below("temp");
    AUTO_FREE char *text = NULL;
    AUTO_FREE char *temp_file = below("temp/tmp");

    forget_environment();
    unit_write("file", "x", -1);
    text = mem_printf("no state folder: %s: Not a directory" WAY_OUT, file);
    check_refused(file, text);
    free(ptr_take(&text));
    text = mem_printf("no state folder: %s: Not a directory" WAY_OUT, in_file);
    check_refused(in_file, text);
    free(ptr_take(&text));
    ck_assert_int_eq(mkdir(open_folder, 0700), 0);
    ck_assert_int_eq(chmod(open_folder, 0770), 0);
    text = mem_printf("no state folder: %s: writable by others (mode 0770): chmod go-w it" WAY_OUT, open_folder);
    check_refused(open_folder, text);
    free(ptr_take(&text));
    ck_assert_int_eq(mkdir(bad_id, 0700), 0);
    unit_write("bad/id", "0123", -1);
    text = mem_printf(
        "no state folder: %s/id: does not hold an id of 32 hex digits: remove it, a new one is made then" WAY_OUT,
        bad_id);
    check_refused(bad_id, text);
    free(ptr_take(&text));
    ck_assert_int_eq(mkdir(bad_temp, 0700), 0);
    ck_assert_int_eq(symlink("/tmp", temp_file), 0);
    text = mem_printf("no state folder: %s/tmp: not a folder" WAY_OUT, bad_temp);
    check_refused(bad_temp, text);
}
END_TEST

START_TEST(foreign_owner)
{
    AUTO_FREE char *folder = below("foreign");
    AUTO_FREE char *text =
        mem_printf("no state folder: %s: owned by user 65534, not by user 0, who runs this" WAY_OUT, folder);

    if (geteuid() != 0)
        return; /* only root can make such a folder */
    forget_environment();
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    ck_assert_int_eq(chown(folder, 65534, 65534), 0);
    check_refused(folder, text);
}
END_TEST

/* All places that were tried are named; the first that can be written is taken. */
START_TEST(nowhere)
{
    AUTO_FREE char *shut = below("shut");
    AUTO_FREE char *text = mem_printf("no state folder: %s/snapferry: Permission denied" WAY_OUT, shut);

    forget_environment();
    ck_assert_int_eq(mkdir(shut, 0755), 0);
    ck_assert_int_eq(chmod(shut, 0555), 0);
    become_nobody();
    check_refused(NULL, "no state folder: neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME is set" WAY_OUT);
    setenv("XDG_STATE_HOME", shut, 1);
    check_refused(NULL, text);
    become_root_again();
}
END_TEST

START_TEST(temp_dir_without_a_folder)
{
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(state) state = {NULL, NULL, {0}};

    forget_environment();
    setenv("TMPDIR", "/var/tmp", 1);
    ck_assert_int_eq(state_open(&state, "/dev/null", false, &err), 0);
    ck_assert_str_eq(state.temp_dir, "/var/tmp");
}
END_TEST

START_TEST(random_hex)
{
    char one[200], two[200];
    size_t digits;

    for (digits = 0; digits < 150; digits++) {
        memset(one, 'x', sizeof(one));
        state_random_hex(one, digits);
        ck_assert_uint_eq(strlen(one), digits);
        ck_assert_uint_eq(strspn(one, "0123456789abcdef"), digits);
        ck_assert_int_eq(one[digits + 1], 'x');
    }
    state_random_hex(one, 32);
    state_random_hex(two, 32);
    ck_assert_str_ne(one, two);
}
END_TEST

START_TEST(identity)
{
    struct state state = {NULL, NULL, "0123456789abcdef0123456789abcdef"};
    char one[33], two[33], machine[40] = {0};
    FILE *file = fopen("/etc/machine-id", "re");

    state_identity(&state, one);
    state_identity(&state, two);
    ck_assert_str_eq(one, two);
    ck_assert_uint_eq(strlen(one), 32);
    ck_assert_uint_eq(strspn(one, "0123456789abcdef"), 32);
    if (file != NULL && fread(machine, 1, 32, file) == 32) {
        ck_assert_str_ne(one, machine);
        ck_assert_str_ne(one, state.id);
    } else {
        ck_assert_str_eq(one, state.id);
    }
    if (file != NULL)
        fclose(file);
}
END_TEST

UNIT_MAIN("state", &made_once, &two_at_once, &relative_flag, &by_environment, &refused, &foreign_owner, &nowhere,
          &temp_dir_without_a_folder, &random_hex, &identity)
