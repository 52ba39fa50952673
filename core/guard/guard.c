/* SPDX-License-Identifier: Apache-2.0 */
#include "core/guard/guard.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOLDER_BYTES_MAX 8192
#define TRIES 20 /* of WAIT_MS each: a holder needs that long at most from the lock to its line */
#define WAIT_MS 5

static char *file_name(const char *folder, const char *base_name)
{
    uint8_t sum[SHA256_BYTES];
    char hex[17];

    sha256_of(base_name, strlen(base_name), sum);
    hex_encode(sum, 8, hex);
    return mem_printf("%s/lock-%s.json", folder, hex);
}

/* 1: locked; 0: another has it; -1: failed. */
static int try_lock(int fd)
{
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK)
            return 0;
        if (errno != EINTR)
            return -1;
    }
    return 1;
}

/* Whether path still is the file behind fd: someone may have removed it, and the lock on it is worth nothing then. */
static bool is_same_file(int fd, const char *path)
{
    struct stat ours, there;

    return fstat(fd, &ours) == 0 && lstat(path, &there) == 0 && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino;
}

static void copy_text(char *out, size_t size, const json_t *json)
{
    const char *text = json_string_value(json);
    char clean[64];
    size_t length;

    err_printable(text != NULL ? text : "", clean, sizeof(clean));
    length = strnlen(clean, size - 1);
    memcpy(out, clean, length);
    out[length] = '\0';
}

/* false: nothing there, or not yet all of it. */
static bool read_holder(int fd, struct guard_holder *holder)
{
    char text[HOLDER_BYTES_MAX], since[CLOCK_TEXT];
    ssize_t got = pread(fd, text, sizeof(text), 0);
    json_t *json;
    bool whole;

    if (got <= 0)
        return false;
    json = json_loadb(text, (size_t)got, 0, NULL);
    holder->pid = (long)json_integer_value(json_object_get(json, "pid"));
    copy_text(holder->run, sizeof(holder->run), json_object_get(json, "run"));
    copy_text(holder->command, sizeof(holder->command), json_object_get(json, "command"));
    copy_text(since, sizeof(since), json_object_get(json, "since"));
    whole = holder->pid > 0 && clock_parse(since, &holder->since_ms);
    json_decref(json);
    return whole;
}

static int write_holder(int fd, const char *base_name, const char *run, const char *command, struct sf_error *err)
{
    char printable[2048], since[CLOCK_TEXT];
    AUTO_FREE char *text = NULL;
    size_t length, done = 0;
    json_t *json;

    err_printable(base_name, printable, sizeof(printable));
    json = json_pack("{s:I, s:s, s:s, s:s, s:s}", "pid", (json_int_t)getpid(), "run", run, "since",
                     clock_text(clock_wall_ms(), since), "command", command, "base", printable);
    text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text == NULL)
        return sf_fail(err, SF_INVALID, "the run's id or command is not UTF-8");
    length = strlen(text);
    text[length] = '\n'; /* in place of the NUL: the length is known */
    if (ftruncate(fd, 0) < 0)
        return err_errno(err, errno, "empty");
    while (done < length + 1) {
        ssize_t put = pwrite(fd, text + done, length + 1 - done, (off_t)done);

        if (put < 0 && errno != EINTR)
            return err_errno(err, errno, "write");
        if (put > 0)
            done += (size_t)put;
    }
    return 0;
}

static void age_text(int64_t ms, char *out, size_t size)
{
    int64_t seconds = ms > 0 ? ms / 1000 : 0;

    if (seconds < 120)
        snprintf(out, size, "%d s", (int)seconds);
    else if (seconds < 7200)
        snprintf(out, size, "%d min", (int)(seconds / 60));
    else if (seconds < 172800)
        snprintf(out, size, "%d h", (int)(seconds / 3600));
    else
        snprintf(out, size, "%lld days", (long long)(seconds / 86400));
}

static int held_by(const struct guard_holder *holder, bool known, const char *base_name, struct sf_error *err)
{
    char since[CLOCK_TEXT], age[32], base[256];

    err_printable(base_name, base, sizeof(base));
    if (!known)
        return sf_fail(err, SF_CONFLICT, "another run holds the guard of %s: it has not said who it is", base);
    age_text(clock_wall_ms() - holder->since_ms, age, sizeof(age));
    return sf_fail(err, SF_CONFLICT, "another %s holds the guard of %s: pid %ld, run %s, since %s, %s ago",
                   holder->command[0] != '\0' ? holder->command : "run", base, holder->pid, holder->run,
                   clock_text(holder->since_ms, since), age);
}

/* 1: *guard has it; 0: another, *known if it says who; -1: failed. */
static int attempt(struct guard *guard, const char *path, struct guard_holder *holder, bool *known,
                   struct sf_error *err)
{
    AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    char shown[256];
    int locked;

    err_printable(path, shown, sizeof(shown));
    if (fd < 0)
        return err_errno(err, errno, "open lock file %s", shown);
    locked = try_lock(fd);
    if (locked < 0)
        return err_errno(err, errno, "lock %s", shown);
    if (locked == 1 && is_same_file(fd, path)) {
        guard->fd = fd_take(&fd);
        return 1;
    }
    *known = locked == 0 && read_holder(fd, holder);
    return 0;
}

int guard_take(struct guard *guard, const char *folder, const char *base_name, const char *run, const char *command,
               bool *held, struct guard_holder *holder, struct sf_error *err)
{
    AUTO_FREE char *path = file_name(folder, base_name);
    bool known = false;
    int tries, got = 0;

    *held = false;
    *holder = (struct guard_holder){0, 0, {0}, {0}};
    for (tries = 0; tries < TRIES && got == 0 && !known; tries++) {
        if (tries > 0)
            clock_sleep_ms(WAIT_MS);
        got = attempt(guard, path, holder, &known, err);
    }
    if (got < 0)
        return -1;
    if (got == 0) {
        *held = true;
        return held_by(holder, known, base_name, err);
    }
    if (write_holder(guard->fd, base_name, run, command, err) < 0) {
        guard_cleanup(guard);
        return err_prefix(err, "lock file %s", path);
    }
    return 0;
}

void guard_cleanup(struct guard *guard)
{
    if (guard->fd < 0)
        return;
    /* Else the next holder would for a moment be taken for this one. Without effect on the lock if it fails. */
    if (ftruncate(guard->fd, 0) < 0)
        errno = 0;
    close(guard->fd);
    guard->fd = -1;
}
