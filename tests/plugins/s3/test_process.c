/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/s3/process.h"

#include "tests/kit/unit.h"
#include "tests/plugins/s3/bed.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#define LONG_MS 60000

static char data[64 * 1024];

static int run_for(struct bed *bed, const char *script, int64_t limit_ms, size_t capacity,
                   struct process_output *output, struct sf_error *err)
{
    char sh[] = "sh", c[] = "-c", name[] = "name", *text = strdup(script);
    char *argv[] = {sh, c, text, name, NULL};
    int result;

    *output = (struct process_output){.data = data, .capacity = capacity};
    result = process_run(&bed->call, argv, limit_ms, output, err);
    free(text);
    return result;
}

static int run(struct bed *bed, const char *script, struct process_output *output, struct sf_error *err)
{
    return run_for(bed, script, LONG_MS, sizeof(data), output, err);
}

static void check_prints(struct bed *bed, const char *script, const char *expected)
{
    struct process_output output;
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_msg(run(bed, script, &output, &err) == 0, "%s", err.text);
    ck_assert_str_eq(output.data, expected);
    ck_assert_uint_eq(output.length, strlen(expected));
}

START_TEST(output_comes_back)
{
    SF_AUTO(bed) bed;

    bed_init(&bed);
    check_prints(&bed, "printf '%s' hello", "hello");
    check_prints(&bed, "exit 0", "");
    check_prints(&bed, "cat", ""); /* there is nothing to read */
}
END_TEST

START_TEST(much_on_both_pipes)
{
    SF_AUTO(bed) bed;
    struct process_output output;
    struct sf_error err = SF_ERROR_INIT;

    bed_init(&bed);
    ck_assert_msg(
        run(&bed,
            "i=0; while [ $i -lt 3000 ]; do echo 0123456789; echo 'error of that line, longer than a pipe holds "
            "when there are so many of it' >&2; i=$((i+1)); done",
            &output, &err) == 0,
        "%s", err.text);
    ck_assert_uint_eq(output.length, 33000);
    ck_assert_str_eq(output.error, "error of that line, longer than a pipe holds when there are so many of it");
}
END_TEST

START_TEST(too_much_is_a_failure)
{
    SF_AUTO(bed) bed;
    struct process_output output;
    struct sf_error err = SF_ERROR_INIT;

    bed_init(&bed);
    ck_assert_int_eq(run_for(&bed, "printf 12345678", LONG_MS, 10, &output, &err), 0);
    ck_assert_str_eq(output.data, "12345678");
    ck_assert_int_eq(run_for(&bed, "printf 123456789", LONG_MS, 10, &output, &err), -1);
    ck_assert_int_eq(err.cls, SF_TOO_LARGE);
    ck_assert_int_eq(run_for(&bed, "while :; do echo more; done", LONG_MS, 100, &output, &err), -1);
    bed_has(err.text, "sh printed 99 bytes or more");
}
END_TEST

START_TEST(failures_tell_status_and_first_line)
{
    SF_AUTO(bed) bed;
    struct process_output output;
    struct sf_error err = SF_ERROR_INIT;

    bed_init(&bed);
    ck_assert_int_eq(run(&bed, "echo >&2; echo 'session expired' >&2; echo more >&2; exit 7", &output, &err), -1);
    ck_assert_str_eq(err.text, "sh ended with status 7: session expired");
    ck_assert_int_eq(run(&bed, "exit 3", &output, &err), -1);
    ck_assert_str_eq(err.text, "sh ended with status 3");
    ck_assert_int_eq(run(&bed, "kill -15 $$", &output, &err), -1);
    ck_assert_str_eq(err.text, "sh was ended by signal 15");
    ck_assert_int_eq(run(&bed, "printf '\\033[31mred' >&2; exit 1", &output, &err), -1);
    ck_assert_str_eq(err.text, "sh ended with status 1: \\x1b[31mred");
}
END_TEST

START_TEST(a_program_that_is_not_there)
{
    SF_AUTO(bed) bed;
    char name[] = "no-such-program-anywhere", secret[] = "hunter2";
    char *argv[] = {name, secret, NULL};
    struct process_output output = {.data = data, .capacity = sizeof(data)};
    struct sf_error err = SF_ERROR_INIT;

    bed_init(&bed);
    ck_assert_int_eq(process_run(&bed.call, argv, LONG_MS, &output, &err), -1);
    ck_assert_int_eq(err.status, ENOENT);
    bed_has(err.text, "no-such-program-anywhere cannot be run");
    bed_has_not(err.text, "hunter2");
}
END_TEST

START_TEST(it_gets_none_of_our_descriptors)
{
    SF_AUTO(bed) bed;
    AUTO_FD kept = open("/dev/null", O_RDONLY); /* without O_CLOEXEC, as a careless library has it */

    bed_init(&bed);
    ck_assert_int_ge(kept, 3);
    check_prints(&bed, "for fd in 3 4 5 6 7 8 9; do [ ! -e /proc/$$/fd/$fd ] || echo $fd; done", "");
    check_prints(&bed, "readlink /proc/$$/fd/0", "/dev/null\n");
}
END_TEST

/* The C library keeps two signals for itself and has them ignored in what it spawns. */
#define OF_THE_C_LIBRARY ((1ull << 31) | (1ull << 32))

START_TEST(it_gets_neither_our_mask_nor_what_we_ignore)
{
    SF_AUTO(bed) bed;
    char sed[] = "sed", n[] = "-n", script[] = "s/^Sig\\(Blk\\|Ign\\):\\t//p", file[] = "/proc/self/status";
    char *argv[] = {sed, n, script, file, NULL}; /* no shell between, which might clear the mask itself */
    struct process_output output = {.data = data, .capacity = sizeof(data)};
    struct sf_error err = SF_ERROR_INIT;
    unsigned long long blocked = 1, ignored = 1;
    sigset_t all;

    bed_init(&bed);
    sigfillset(&all);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &all, NULL), 0);
    ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    ck_assert_int_eq(process_run(&bed.call, argv, LONG_MS, &output, &err), 0);
    ck_assert_int_eq(sscanf(output.data, "%llx %llx", &blocked, &ignored), 2);
    ck_assert_uint_eq(blocked, 0);
    ck_assert_uint_eq(ignored & ~OF_THE_C_LIBRARY, 0);
}
END_TEST

/* Who ignores SIGCHLD is not told how its children ended. */
START_TEST(where_nobody_waits_for_children)
{
    SF_AUTO(bed) bed;

    bed_init(&bed);
    ck_assert(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    check_prints(&bed, "printf hello", "hello");
}
END_TEST

static bool is_alive(pid_t pid)
{
    char path[64], text[256] = "", *state;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    file = fopen(path, "r");
    if (file == NULL)
        return false;
    ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
    fclose(file);
    state = strrchr(text, ')');
    return state != NULL && state[2] != 'Z';
}

/* Reads the number that the script left, and waits until nothing of that process goes on. */
static void check_ends(const char *path)
{
    FILE *file = fopen(path, "r");
    int pid;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%d", &pid), 1);
    fclose(file);
    while (is_alive(pid))
        usleep(1000);
}

START_TEST(the_time_limit_ends_it_and_its_children)
{
    SF_AUTO(bed) bed;
    SF_AUTO(buf) script = BUF_INIT;
    struct process_output output;
    struct sf_error err = SF_ERROR_INIT;
    char path[512];

    bed_init(&bed);
    snprintf(path, sizeof(path), "%s", bed_path("child"));
    buf_printf(&script, "sleep 1000 & echo $! >'%s'; echo waiting >&2; exec >&- ; wait", path);
    ck_assert_int_eq(run_for(&bed, buf_text(&script), 3000, sizeof(data), &output, &err), -1);
    ck_assert_str_eq(err.text, "sh did not end within 3 s: waiting");
    check_ends(path);
}
END_TEST

struct canceller {
    struct bed *bed;
    char path[512];
};

/* As soon as the program runs. */
static void *cancel(void *arg)
{
    struct canceller *canceller = arg;

    while (access(canceller->path, F_OK) != 0)
        usleep(1000);
    atomic_store(&canceller->bed->cancelled, 1);
    return NULL;
}

START_TEST(cancelling_ends_it)
{
    SF_AUTO(bed) bed;
    SF_AUTO(buf) script = BUF_INIT;
    struct canceller canceller = {.bed = &bed};
    struct process_output output;
    struct sf_error err = SF_ERROR_INIT;
    pthread_t thread;

    bed_init(&bed);
    snprintf(canceller.path, sizeof(canceller.path), "%s", bed_path("child"));
    buf_printf(&script, "echo $$ >'%s.new'; mv '%s.new' '%s'; exec sleep 1000", canceller.path, canceller.path,
               canceller.path);
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel, &canceller), 0);
    ck_assert_int_eq(run(&bed, buf_text(&script), &output, &err), -1);
    ck_assert_int_eq(err.cls, SF_CANCELLED);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    check_ends(canceller.path);
}
END_TEST

/* An agent that the program leaves behind holds the pipes, but nobody waits for it. */
START_TEST(what_it_leaves_behind_is_not_waited_for)
{
    SF_AUTO(bed) bed;
    SF_AUTO(buf) script = BUF_INIT;
    char path[512], pid_text[32];
    struct process_output output;
    struct sf_error err = SF_ERROR_INIT;
    pid_t pid;

    bed_init(&bed);
    snprintf(path, sizeof(path), "%s", bed_path("child"));
    buf_printf(&script, "sleep 1000 & echo $! >'%s'; echo $!", path);
    ck_assert_msg(run(&bed, buf_text(&script), &output, &err) == 0, "%s", err.text);
    snprintf(pid_text, sizeof(pid_text), "%s", output.data);
    pid = (pid_t)strtol(pid_text, NULL, 10);
    ck_assert_int_gt(pid, 1);
    ck_assert(is_alive(pid));
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
}
END_TEST

UNIT_MAIN("s3/process", &output_comes_back, &much_on_both_pipes, &too_much_is_a_failure,
          &failures_tell_status_and_first_line, &a_program_that_is_not_there, &it_gets_none_of_our_descriptors,
          &it_gets_neither_our_mask_nor_what_we_ignore, &where_nobody_waits_for_children,
          &the_time_limit_ends_it_and_its_children, &cancelling_ends_it, &what_it_leaves_behind_is_not_waited_for)
