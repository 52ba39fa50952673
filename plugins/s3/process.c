/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/s3/process.h"

#include "base/clock.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>

/* Between two looks at the process and at cancelled(). With both pipes closed it is about to end. */
#define LOOK_MS 100
#define LOOK_CLOSED_MS 5

struct process {
    pid_t pid; /* also its group's; 0: none, or it was waited for */
    int outfd, errfd;
    int status;
    char name[64]; /* printable */
    size_t error_length;
    bool error_is_whole; /* its first line is */
};

static void process_cleanup(struct process *process)
{
    if (process->pid > 0) {
        kill(-process->pid, SIGKILL);
        while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    auto_close(&process->outfd);
    auto_close(&process->errfd);
}

/* --- beginning */

struct plan {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
};

static void plan_cleanup(struct plan *plan)
{
    posix_spawn_file_actions_destroy(&plan->files);
    posix_spawnattr_destroy(&plan->attributes);
}

/* Our threads block all signals and ignore SIGPIPE; a program that inherits that behaves like no other. 0 or an errno. */
static int plan_signals(struct plan *plan)
{
    sigset_t set;
    int number;

    sigemptyset(&set);
    number = posix_spawnattr_setsigmask(&plan->attributes, &set);
    sigfillset(&set);
    if (number == 0)
        number = posix_spawnattr_setsigdefault(&plan->attributes, &set);
    if (number == 0)
        number = posix_spawnattr_setpgroup(&plan->attributes, 0);
    if (number == 0)
        number = posix_spawnattr_setflags(&plan->attributes,
                                          POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    return number;
}

/* The pipes' ends are above 2: main() keeps the three standard descriptors open. */
static int plan_files(struct plan *plan, int outfd, int errfd)
{
    int number = posix_spawn_file_actions_addopen(&plan->files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    if (number == 0)
        number = posix_spawn_file_actions_adddup2(&plan->files, outfd, STDOUT_FILENO);
    if (number == 0)
        number = posix_spawn_file_actions_adddup2(&plan->files, errfd, STDERR_FILENO);
    if (number == 0)
        number = posix_spawn_file_actions_addclosefrom_np(&plan->files, STDERR_FILENO + 1);
    return number;
}

static int spawn(struct process *process, char *const argv[], int outfd, int errfd)
{
    SF_AUTO(plan) plan;
    int number;

    posix_spawn_file_actions_init(&plan.files);
    posix_spawnattr_init(&plan.attributes);
    number = plan_signals(&plan);
    if (number == 0)
        number = plan_files(&plan, outfd, errfd);
    if (number == 0)
        number = posix_spawnp(&process->pid, argv[0], &plan.files, &plan.attributes, argv, environ);
    if (number != 0)
        process->pid = 0;
    return number;
}

static int open_pipe(int *ours, int *theirs)
{
    int pair[2];

    if (pipe2(pair, O_CLOEXEC) < 0)
        return -1;
    *ours = pair[0];
    *theirs = pair[1];
    return fcntl(*ours, F_SETFL, O_NONBLOCK);
}

static int begin(struct process *process, char *const argv[], struct sf_error *err)
{
    AUTO_FD outfd = -1;
    AUTO_FD errfd = -1;
    int number;

    if (open_pipe(&process->outfd, &outfd) < 0 || open_pipe(&process->errfd, &errfd) < 0)
        return err_errno(err, errno, "%s: a pipe to it", process->name);
    number = spawn(process, argv, outfd, errfd);
    return number == 0 ? 0 : err_errno(err, number, "%s cannot be run", process->name);
}

/* --- reading */

/* -1 only if there is more than room for. */
static int read_output(struct process *process, struct process_output *output, struct sf_error *err)
{
    ssize_t bytes;

    while (process->outfd >= 0) {
        if (output->length + 1 >= output->capacity)
            return sf_fail(err, SF_TOO_LARGE, "%s printed %zu bytes or more", process->name, output->capacity - 1);
        bytes = read(process->outfd, output->data + output->length, output->capacity - 1 - output->length);
        if (bytes < 0 && errno == EINTR)
            continue;
        if (bytes < 0 && errno == EAGAIN)
            return 0;
        if (bytes <= 0) {
            close(fd_take(&process->outfd));
            return 0;
        }
        output->length += (size_t)bytes;
    }
    return 0;
}

/* Keeps the first line, reads on so that the program is not held up. */
static void read_error(struct process *process, char line[PROCESS_ERROR_BYTES])
{
    char piece[512];
    ssize_t bytes, i;

    while (process->errfd >= 0) {
        bytes = read(process->errfd, piece, sizeof(piece));
        if (bytes < 0 && errno == EINTR)
            continue;
        if (bytes < 0 && errno == EAGAIN)
            return;
        if (bytes <= 0)
            close(fd_take(&process->errfd));
        for (i = 0; i < bytes && !process->error_is_whole; i++) {
            if (piece[i] != '\n')
                line[process->error_length++] = piece[i];
            process->error_is_whole =
                (piece[i] == '\n' && process->error_length > 0) || process->error_length + 1 == PROCESS_ERROR_BYTES;
        }
    }
}

/* 1: it has ended, 0: not yet. */
static int look(struct process *process)
{
    pid_t pid = waitpid(process->pid, &process->status, WNOHANG);

    if (pid == 0 || (pid < 0 && errno == EINTR))
        return 0;
    if (pid < 0)
        process->status = 0; /* somebody else waited for it: what it printed has to tell */
    process->pid = 0;
    return 1;
}

static void wait_for_more(const struct process *process)
{
    struct pollfd fds[] = {{.fd = process->outfd, .events = POLLIN}, {.fd = process->errfd, .events = POLLIN}};

    poll(fds, 2, process->outfd < 0 && process->errfd < 0 ? LOOK_CLOSED_MS : LOOK_MS);
}

/* Until it has ended; a child of its own may still hold the pipes then, and is not waited for. */
static int follow(const struct sf_call *call, struct process *process, int64_t limit_ms, struct process_output *output,
                  char line[PROCESS_ERROR_BYTES], struct sf_error *err)
{
    int64_t end = clock_mono_ms() + limit_ms;
    int ended;

    for (;;) {
        ended = look(process); /* before reading: what it printed is all there then */
        if (read_output(process, output, err) < 0)
            return -1;
        read_error(process, line);
        if (ended)
            return 0;
        if (call->cancelled(call))
            return sf_fail(err, SF_CANCELLED, "%s: cancelled", process->name);
        if (clock_mono_ms() >= end)
            return sf_fail(err, SF_TRANSIENT, "%s did not end within %lld s", process->name,
                           (long long)((limit_ms + 999) / 1000));
        wait_for_more(process);
    }
}

/* --- the end */

static int judge(const struct process *process, struct sf_error *err)
{
    if (WIFSIGNALED(process->status))
        return sf_fail(err, SF_PERMANENT, "%s was ended by signal %d", process->name, WTERMSIG(process->status));
    if (WEXITSTATUS(process->status) != 0)
        return sf_fail(err, SF_PERMANENT, "%s ended with status %d", process->name, WEXITSTATUS(process->status));
    return 0;
}

int process_run(const struct sf_call *call, char *const argv[], int64_t limit_ms, struct process_output *output,
                struct sf_error *err)
{
    SF_AUTO(process) process = {.outfd = -1, .errfd = -1};
    char line[PROCESS_ERROR_BYTES] = "";
    int result;

    output->length = 0;
    output->error[0] = '\0';
    err_printable(argv[0], process.name, sizeof(process.name));
    if (begin(&process, argv, err) < 0)
        return -1;
    result = follow(call, &process, limit_ms, output, line, err);
    output->data[output->length] = '\0';
    err_printable(line, output->error, sizeof(output->error));
    if (result == 0)
        result = judge(&process, err);
    if (result < 0 && output->error[0] != '\0' && err->cls != SF_CANCELLED) {
        size_t used = strlen(err->text);

        snprintf(err->text + used, sizeof(err->text) - used, ": %s", output->error);
    }
    return result;
}
