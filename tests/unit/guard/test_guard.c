/* SPDX-License-Identifier: Apache-2.0 */
#include "core/guard/guard.h"
#include "base/clock.h"
#include "tests/kit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define BASE "localfs path=/backup prefix=prod"
#define RUN "0123456789abcdef0123456789abcdef"

static int take(struct guard *guard, const char *base, bool *held, struct guard_holder *holder, struct sf_error *err)
{
    return guard_take(guard, unit_temp_dir(), base, RUN, "backup", held, holder, err);
}

static void must_take(struct guard *guard, const char *base)
{
    struct sf_error err = SF_ERROR_INIT;
    struct guard_holder holder;
    bool held;

    ck_assert_msg(take(guard, base, &held, &holder, &err) == 0, "%s", err.text);
    ck_assert(!held);
    ck_assert_int_ge(guard->fd, 0);
}

/* The path of the one lock file there is. */
static const char *lock_file(void)
{
    static char path[512];
    DIR *dir = opendir(unit_temp_dir());
    struct dirent *entry;
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        ck_assert_int_eq(strncmp(entry->d_name, "lock-", 5), 0);
        ck_assert_uint_eq(strlen(entry->d_name), 5 + 16 + 5);
        snprintf(path, sizeof(path), "%s/%s", unit_temp_dir(), entry->d_name);
        count++;
    }
    closedir(dir);
    ck_assert_int_eq(count, 1);
    return path;
}

/* A child that takes the guard, says so, and waits for its end. */
static pid_t holding_child(void)
{
    int said[2];
    char byte;
    pid_t pid;

    unit_temp_dir(); /* made here, so that the child does not make one of its own */
    ck_assert_int_eq(pipe2(said, O_CLOEXEC), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct guard guard = GUARD_INIT;

        must_take(&guard, BASE);
        if (write(said[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(said[1]);
    ck_assert_int_eq(read(said[0], &byte, 1), 1);
    close(said[0]);
    return pid;
}

START_TEST(take_and_release)
{
    struct guard guard = GUARD_INIT;
    struct stat st;
    char text[512] = {0}, wanted[128];
    int fd;

    must_take(&guard, BASE);
    ck_assert_int_eq(stat(lock_file(), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    fd = open(lock_file(), O_RDONLY | O_CLOEXEC);
    ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
    close(fd);
    snprintf(wanted, sizeof(wanted), "{\"pid\":%ld,\"run\":\"" RUN "\",\"since\":\"2", (long)getpid());
    ck_assert_msg(strncmp(text, wanted, strlen(wanted)) == 0, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "\"command\":\"backup\",\"base\":\"" BASE "\"}\n"));
    guard_cleanup(&guard);
    ck_assert_int_eq(guard.fd, -1);
    guard_cleanup(&guard);
    must_take(&guard, BASE); /* the file stays */
    guard_cleanup(&guard);
}
END_TEST

START_TEST(held_by_another)
{
    struct guard guard = GUARD_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct guard_holder holder;
    int64_t before = clock_wall_ms();
    pid_t pid = holding_child();
    char since[CLOCK_TEXT], wanted[SF_ERROR_TEXT];
    bool held = false;
    int age;

    ck_assert_int_eq(take(&guard, BASE, &held, &holder, &err), -1);
    ck_assert(held);
    ck_assert_int_eq(err.cls, SF_CONFLICT);
    ck_assert_int_eq(guard.fd, -1);
    ck_assert_int_eq(holder.pid, pid);
    ck_assert_str_eq(holder.run, RUN);
    ck_assert_str_eq(holder.command, "backup");
    ck_assert(holder.since_ms >= before && holder.since_ms <= clock_wall_ms());
    ck_assert_ptr_nonnull(strstr(err.text, "Z, "));
    ck_assert_int_eq(sscanf(strstr(err.text, "Z, "), "Z, %d s ago", &age), 1);
    snprintf(wanted, sizeof(wanted),
             "another backup holds the guard of " BASE ": pid %d, run " RUN ", since %s, %d s ago", (int)pid,
             clock_text(holder.since_ms, since), age);
    ck_assert_str_eq(err.text, wanted);
    must_take(&guard, "localfs path=/elsewhere"); /* another base is another guard */
    guard_cleanup(&guard);
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(gone_with_a_killed_holder)
{
    struct guard guard = GUARD_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct guard_holder holder;
    pid_t pid = holding_child();
    bool held = false;

    ck_assert_int_eq(take(&guard, BASE, &held, &holder, &err), -1);
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    must_take(&guard, BASE);
    guard_cleanup(&guard);
}
END_TEST

/* A program that the holder starts does not keep the guard after it. */
START_TEST(children_do_not_inherit)
{
    struct guard guard = GUARD_INIT;
    int ready[2], stop[2];
    char byte;
    pid_t pid;

    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(stop, O_CLOEXEC), 0);
    must_take(&guard, BASE);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        dup2(ready[1], 1);
        dup2(stop[0], 0);
        execl("/bin/sh", "sh", "-c", "echo; read wait", (char *)NULL);
        _exit(127);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    guard_cleanup(&guard);
    must_take(&guard, BASE); /* while the child still runs */
    guard_cleanup(&guard);
    close(stop[1]);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    close(stop[0]);
    close(ready[0]);
    close(ready[1]);
}
END_TEST

static void check_unknown(const char *text)
{
    struct guard guard = GUARD_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct guard_holder holder;
    bool held = false;
    int fd;

    must_take(&guard, BASE);
    guard_cleanup(&guard);
    fd = open(lock_file(), O_RDWR | O_TRUNC | O_CLOEXEC);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
    ck_assert_int_eq(take(&guard, BASE, &held, &holder, &err), -1);
    ck_assert(held);
    ck_assert_str_eq(err.text, "another run holds the guard of " BASE ": it has not said who it is");
    close(fd);
    must_take(&guard, BASE); /* what a killed run left half-written does no harm */
    guard_cleanup(&guard);
}

START_TEST(unknown_holder)
{
    check_unknown("");
    check_unknown("{\"pid\":17,\"run\":\"01");
    check_unknown("{\"pid\":\"x\"}\n");
    check_unknown("[]\n");
}
END_TEST

/* A holder that is still writing is waited for. */
START_TEST(holder_in_the_middle)
{
    static const char line[] =
        "{\"pid\":17,\"run\":\"r\",\"since\":\"2026-11-22T15:04:05.000Z\",\"command\":\"restore\"}";
    struct guard guard = GUARD_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct guard_holder holder;
    bool held = false;
    pid_t pid;
    int fd;

    must_take(&guard, BASE);
    guard_cleanup(&guard);
    fd = open(lock_file(), O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        clock_sleep_ms(20);
        _exit(pwrite(fd, line, sizeof(line) - 1, 0) != (ssize_t)sizeof(line) - 1);
    }
    ck_assert_int_eq(take(&guard, BASE, &held, &holder, &err), -1);
    ck_assert(held);
    ck_assert_int_eq(holder.pid, 17);
    ck_assert_str_eq(holder.command, "restore");
    ck_assert_int_eq(strncmp(err.text, "another restore holds the guard of ", 35), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    close(fd);
}
END_TEST

START_TEST(removed_lock_file)
{
    struct guard first = GUARD_INIT, second = GUARD_INIT;

    must_take(&first, BASE);
    ck_assert_int_eq(unlink(lock_file()), 0);
    must_take(&second, BASE); /* nothing can be done about that */
    guard_cleanup(&first);
    guard_cleanup(&second);
}
END_TEST

START_TEST(bad_folders)
{
    struct guard guard = GUARD_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct guard_holder holder;
    char path[512], wanted[2 * SF_ERROR_TEXT];
    bool held = true;

    ck_assert_int_eq(guard_take(&guard, "/nonexistent", BASE, RUN, "backup", &held, &holder, &err), -1);
    ck_assert(!held);
    ck_assert_int_eq(err.cls, SF_NOT_FOUND);
    must_take(&guard, BASE);
    guard_cleanup(&guard);
    strcpy(path, lock_file());
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(symlink("elsewhere", path), 0);
    ck_assert_int_eq(take(&guard, BASE, &held, &holder, &err), -1);
    ck_assert(!held);
    snprintf(wanted, sizeof(wanted), "open lock file %s: Too many levels of symbolic links", path);
    ck_assert_str_eq(err.text, wanted);
}
END_TEST

UNIT_MAIN("guard", &take_and_release, &held_by_another, &gone_with_a_killed_holder, &children_do_not_inherit,
          &unknown_holder, &holder_in_the_middle, &removed_lock_file, &bad_folders)
