/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/s3/creds_process.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#define WORDS_MAX 64
#define SLICE_MS 100 /* how soon a cancelled run ends it */

/* ---- the command's words ---- */

/* The next word of *at, written over the text itself; NULL: none. */
static char *next_word(char **at, bool *is_open)
{
    char *from = *at + strspn(*at, " \t"), *to = from, *word = from, quote = '\0';

    if (*from == '\0')
        return NULL;
    for (; *from != '\0' && (quote != '\0' || strchr(" \t", *from) == NULL); from++) {
        if (quote == '\0' && (*from == '"' || *from == '\'')) {
            quote = *from;
        } else if (*from == quote) {
            quote = '\0';
        } else {
            if (*from == '\\' && quote != '\'' && from[1] != '\0')
                from++;
            *to++ = *from;
        }
    }
    *is_open = quote != '\0';
    *at = from + (*from != '\0');
    *to = '\0';
    return word;
}

static int split(char *text, char **words, struct sf_error *err)
{
    bool is_open = false;
    int count = 0;

    while (count < WORDS_MAX && (words[count] = next_word(&text, &is_open)) != NULL)
        count++;
    if (count == WORDS_MAX || is_open)
        return sf_fail(err, SF_AUTH, is_open ? "a quote is not closed" : "too many words");
    return count > 0 ? 0 : sf_fail(err, SF_AUTH, "the command is empty");
}

/* ---- the process ---- */

/* This program's threads block all signals, which a child would inherit. */
static int spawn(char **words, int out, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    int failed;

    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    failed = posix_spawnp(pid, words[0], &actions, &attributes, words, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* Its output until it closes it; -1: too much of it, too long, or cancelled. */
static int read_output(int fd, const struct sf_call *call, struct buf *output, struct sf_error *err)
{
    int64_t end_ms = clock_mono_ms() + CREDS_PROCESS_MS;
    char piece[4096];

    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        ssize_t got;

        if (call->cancelled(call))
            return sf_fail(err, SF_CANCELLED, "stopped");
        if (clock_mono_ms() > end_ms)
            return sf_fail(err, SF_AUTH, "the command took over %d s and was killed", CREDS_PROCESS_MS / 1000);
        if (poll(&wait, 1, SLICE_MS) <= 0)
            continue;
        got = read(fd, piece, sizeof(piece));
        if (got < 0 && errno != EINTR)
            return err_errno(err, errno, "reading the command's output");
        if (got == 0)
            return 0;
        if (got > 0 && output->length + (size_t)got > CREDS_PROCESS_BYTES)
            return sf_fail(err, SF_AUTH, "the command prints over %u bytes", CREDS_PROCESS_BYTES);
        if (got > 0)
            buf_add(output, piece, (size_t)got);
        OPENSSL_cleanse(piece, sizeof(piece));
    }
}

static int collect(pid_t pid, bool kill_it, struct sf_error *err)
{
    int status;

    if (kill_it)
        kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return kill_it ? -1 : err_errno(err, errno, "waiting for the command");
    if (kill_it)
        return -1; /* *err says why */
    if (WIFSIGNALED(status))
        return sf_fail(err, SF_AUTH, "the command was killed by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return sf_fail(err, SF_AUTH, "the command ended with status %d", WEXITSTATUS(status));
    return 0;
}

static int run(char **words, const struct sf_call *call, struct buf *output, struct sf_error *err)
{
    AUTO_FD in = -1;
    int ends[2], failed, read_result;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_errno(err, errno, "a pipe for the command");
    in = ends[0];
    failed = spawn(words, ends[1], &pid);
    close(ends[1]);
    if (failed != 0) {
        sf_fail(err, SF_AUTH, "the command cannot be started: %s", strerror(failed));
        err->status = failed;
        return -1;
    }
    read_result = read_output(in, call, output, err);
    return collect(pid, read_result < 0, err);
}

/* ---- what it prints ---- */

static int take(const json_t *answer, struct sign_credentials *out, int64_t *expires_ms, struct sf_error *err)
{
    const char *id = json_string_value(json_object_get(answer, "AccessKeyId"));
    const char *secret = json_string_value(json_object_get(answer, "SecretAccessKey"));
    const char *token = json_string_value(json_object_get(answer, "SessionToken"));
    const char *expiry = json_string_value(json_object_get(answer, "Expiration"));

    if (json_integer_value(json_object_get(answer, "Version")) != 1)
        return sf_fail(err, SF_AUTH, "the command's output is not {\"Version\": 1, ...}");
    if (id == NULL || secret == NULL)
        return sf_fail(err, SF_AUTH, "the command's output has no AccessKeyId or no SecretAccessKey");
    if (strlen(id) >= sizeof(out->access_key_id) || strlen(secret) >= sizeof(out->secret))
        return sf_fail(err, SF_AUTH, "the command's output has keys that are longer than any of S3");
    *expires_ms = 0;
    if (expiry != NULL && !creds_expiry_parse(expiry, expires_ms))
        return sf_fail(err, SF_AUTH, "the command's output has an Expiration that is no time (RFC 3339)");
    memcpy(out->access_key_id, id, strlen(id) + 1);
    memcpy(out->secret, secret, strlen(secret) + 1);
    out->session_token = token != NULL && *token != '\0' ? mem_text(token) : NULL;
    return 0;
}

/* RFC 3339 with "Z", or with "+00:00" as several tools write it, and other offsets. */
bool creds_expiry_parse(const char *text, int64_t *ms)
{
    size_t length = strlen(text);
    char whole[64];
    int hours, minutes;
    char sign;

    if (clock_parse(text, ms))
        return true;
    if (length < 20 || length >= sizeof(whole) ||
        sscanf(text + length - 6, "%c%2d:%2d", &sign, &hours, &minutes) != 3 || (sign != '+' && sign != '-'))
        return false;
    snprintf(whole, sizeof(whole), "%.*sZ", (int)length - 6, text);
    if (!clock_parse(whole, ms))
        return false;
    *ms -= (sign == '+' ? 1 : -1) * (int64_t)(hours * 60 + minutes) * 60000;
    return true;
}

int creds_process(const char *command, const struct sf_call *call, struct sign_credentials *out, int64_t *expires_ms,
                  struct sf_error *err)
{
    AUTO_FREE char *text = mem_text(command);
    SF_AUTO(buf) output = BUF_INIT;
    char *words[WORDS_MAX + 1];
    json_t *answer = NULL;
    int result;

    if (split(text, words, err) < 0)
        return -1;
    result = run(words, call, &output, err);
    if (result == 0) {
        answer = json_loadb(buf_text(&output), output.length, 0, NULL);
        result = answer != NULL ? take(answer, out, expires_ms, err)
                                : sf_fail(err, SF_AUTH, "the command's output is no JSON");
    }
    json_decref(answer);
    if (output.length != 0)
        OPENSSL_cleanse(output.data, output.length);
    return result;
}
