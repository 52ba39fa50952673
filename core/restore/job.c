/* SPDX-License-Identifier: Apache-2.0
 *
 * What a worker does for one file: if the target has it already, nothing; else gets the object, compares its bytes
 * with the manifest while they come in, and leaves a staged file with its final owner, mode and mtime, ready to be
 * renamed.
 */
#include "core/restore/restore_priv.h"

#include "base/beneath.h"
#include "base/err.h"
#include "core/progress/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAGED_NAME 32 /* bytes of a staged file's name */

static void free_job(struct fetch_job **job)
{
    shard_release((*job)->shard);
    entry_cleanup(&(*job)->entry);
    free(*job);
}

void fetch_job_drop(void *job)
{
    struct fetch_job *dropped = job;

    free_job(&dropped);
}

static void count_done(const struct fetch_job *job)
{
    struct meter *meter = job->restore->plan.meter;

    atomic_fetch_add(&meter->files_done, 1);
    atomic_fetch_add(&meter->bytes_done, job->entry.size);
}

/* ---- what is there already ---- */

static bool has_content(struct worker *worker, int fd, const struct entry *entry)
{
    SF_AUTO(sha256) sha = {0};
    uint8_t sum[SHA256_BYTES];
    uint64_t bytes = 0;
    ssize_t got;

    sha256_init(&sha);
    while ((got = read(fd, worker->buffer, WORKER_BUFFER)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || run_call_cancelled(worker->run))
            return false;
        sha256_update(&sha, worker->buffer, (size_t)got);
        bytes += (uint64_t)got;
    }
    sha256_final(&sha, sum);
    return bytes == entry->size && memcmp(sum, entry->sha256, sizeof(sum)) == 0;
}

/* Only content proves it. A file that cannot be read, or whose metadata must change but is not ours alone to change
 * (another name of a hard link would see it, or we may not), is fetched. */
static bool is_there(struct worker *worker, const struct fetch_job *job)
{
    const struct restore *restore = job->restore;
    const struct meta meta = meta_of(&job->entry);
    AUTO_FD fd = beneath_open(restore->target.fd, job->entry.path, O_RDONLY | O_NONBLOCK, 0);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != job->entry.size)
        return false;
    if (!meta_same(restore, &meta, &st) && (st.st_nlink > 1 || (!restore->owners && st.st_uid != geteuid())))
        return false;
    return has_content(worker, fd, &job->entry);
}

/* ---- what comes in ---- */

struct incoming {
    const struct entry *entry;
    unsigned char *buffer; /* NULL: goes to fd as it comes */
    int fd;
    struct sha256 sha;
    uint64_t bytes;
    bool too_long;
};

static void incoming_cleanup(struct incoming *incoming)
{
    sha256_cleanup(&incoming->sha);
    if (incoming->fd >= 0)
        close(incoming->fd);
}

static int write_at(int fd, const void *data, size_t length, uint64_t position, struct sf_error *err)
{
    const char *from = data;

    while (length > 0) {
        ssize_t done = pwrite(fd, from, length, (off_t)position);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return err_errno(err, done < 0 ? errno : EIO, "write the staged file");
        from += done;
        length -= (size_t)done;
        position += (uint64_t)done;
    }
    return 0;
}

static int take_bytes(void *ctx, uint64_t position, const void *bytes, size_t length, struct sf_error *err)
{
    struct incoming *incoming = ctx;

    if (position == 0) { /* a retry starts again */
        sha256_init(&incoming->sha);
        incoming->bytes = 0;
    }
    if (position != incoming->bytes)
        return sf_fail(err, SF_PERMANENT, "the plugin skipped from byte %" PRIu64 " to %" PRIu64, incoming->bytes,
                       position);
    if (length > incoming->entry->size - incoming->bytes) {
        incoming->too_long = true;
        return sf_fail(err, SF_CORRUPT, "has more than %" PRIu64 " bytes", incoming->entry->size);
    }
    sha256_update(&incoming->sha, bytes, length);
    if (incoming->buffer != NULL)
        memcpy(incoming->buffer + position, bytes, length);
    else if (write_at(incoming->fd, bytes, length, position, err) < 0)
        return -1;
    incoming->bytes += length;
    return 0;
}

static int open_staged(const struct fetch_job *job, struct sf_error *err)
{
    char name[STAGED_NAME];
    int fd;

    snprintf(name, sizeof(name), "%" PRIx64, job->ordinal);
    fd = openat(job->shard->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, errno, "make a staged file");
    return fd;
}

/* Owner, mode and mtime go on last: writing changes mtime and clears set-id bits. */
static int finish_staged(const struct fetch_job *job, struct incoming *incoming, struct sf_error *err)
{
    const struct meta meta = meta_of(&job->entry);
    struct stat st;

    if (incoming->buffer != NULL) {
        incoming->fd = open_staged(job, err);
        if (incoming->fd < 0 || write_at(incoming->fd, incoming->buffer, incoming->bytes, 0, err) < 0)
            return -1;
    }
    if (fstat(incoming->fd, &st) < 0)
        return err_errno(err, errno, "stat the staged file");
    if (meta_set_fd(job->restore, incoming->fd, &meta, &st, job->entry.path, err) < 0)
        return -1;
    if (close(fd_take(&incoming->fd)) < 0 && errno != EINTR) /* some file systems say only now that they are full */
        return err_errno(err, errno, "close the staged file");
    return 0;
}

/* Names the object; the restore goes on, so that all damaged ones are named. */
static void report_damage(const struct fetch_job *job, const char *key, const char *what)
{
    char shown[SHOWN_MAX];

    atomic_fetch_add(&job->restore->workers.damaged, 1);
    log_error(job->restore->plan.log, "%s: object %s %s", err_printable(job->entry.path, shown, sizeof(shown)), key,
              what);
}

/* Whether what came in is what the manifest says; if not, it is reported. */
static bool is_right(const struct fetch_job *job, struct incoming *incoming, const char *key)
{
    char got[SHA256_HEX + 1], expected[SHA256_HEX + 1], what[256];
    uint8_t sum[SHA256_BYTES];

    sha256_final(&incoming->sha, sum);
    if (incoming->bytes == job->entry.size && memcmp(sum, job->entry.sha256, sizeof(sum)) == 0)
        return true;
    hex_encode(sum, sizeof(sum), got);
    hex_encode(job->entry.sha256, sizeof(sum), expected);
    if (incoming->bytes != job->entry.size)
        snprintf(what, sizeof(what), "has %" PRIu64 " bytes, should have %" PRIu64, incoming->bytes, job->entry.size);
    else
        snprintf(what, sizeof(what), "is damaged: SHA-256 is %s, should be %s", got, expected);
    report_damage(job, key, what);
    return false;
}

/* Whether a failed get says that the object itself is bad, in which case it is reported. */
static bool is_damage(const struct fetch_job *job, const struct incoming *incoming, const char *key,
                      const struct sf_error *err)
{
    char what[256];

    if (incoming->too_long) {
        snprintf(what, sizeof(what), "has more bytes than the %" PRIu64 " that it should have", job->entry.size);
        report_damage(job, key, what);
    } else if (err->cls == SF_NOT_FOUND) {
        report_damage(job, key, "is missing");
    } else if (err->cls == SF_CORRUPT) {
        snprintf(what, sizeof(what), "is damaged: %.200s", err->text);
        report_damage(job, key, what);
    } else {
        return false;
    }
    return true;
}

/* 1: staged; 0: damaged and reported; -1: failed for another reason. */
static int receive(struct worker *worker, const struct fetch_job *job, const char *key, struct sf_error *err)
{
    SF_AUTO(incoming) incoming = {.entry = &job->entry, .fd = -1};
    struct sf_get get = {.size = sizeof(get), .key = key, .length = UINT64_MAX};
    struct sf_sink sink = {.size = sizeof(sink), .kind = SF_SINK_CALLBACK, .ctx = &incoming, .write = take_bytes};
    struct sf_object object = {.size = sizeof(object)};

    if (job->entry.size <= WORKER_BUFFER) {
        incoming.buffer = worker->buffer;
    } else {
        incoming.fd = open_staged(job, err);
        if (incoming.fd < 0)
            return -1;
    }
    sha256_init(&incoming.sha);
    if (worker->store->table->get(&worker->run->call, worker->conn, &get, &sink, &object, err) < 0)
        return is_damage(job, &incoming, key, err) ? 0 : -1;
    if (!is_right(job, &incoming, key))
        return 0;
    return finish_staged(job, &incoming, err) < 0 ? -1 : 1;
}

static int fetch(struct worker *worker, const struct fetch_job *job, struct sf_error *err)
{
    const struct restore *restore = job->restore;
    SF_AUTO(buf) key = BUF_INIT;
    char shown[SHOWN_MAX];
    int result;

    key_object(restore->plan.base, job->entry.time_dir, restore->plan.source, job->entry.path, &key);
    result = receive(worker, job, buf_text(&key), err);
    if (result < 0)
        return err_prefix(err, "fetch %s", err_printable(job->entry.path, shown, sizeof(shown)));
    if (result == 1) {
        atomic_fetch_add(&job->restore->workers.fetched_files, 1);
        atomic_fetch_add(&job->restore->workers.fetched_bytes, job->entry.size);
        count_done(job);
    }
    return 0;
}

int fetch_job_run(struct worker *worker, void *job, struct sf_error *err)
{
    __attribute__((cleanup(free_job))) struct fetch_job *own = job;
    struct restore *restore = own->restore;

    if (atomic_load(&restore->workers.stop))
        return 0;
    if (own->candidate && is_there(worker, own)) {
        atomic_fetch_add(&restore->workers.kept_files, 1);
        count_done(own);
        return 0;
    }
    if (run_call_cancelled(worker->run)) /* what was not read to its end may well be there */
        return run_call_cancel_error(worker->run, err);
    if (restore->plan.dry_run) {
        fetch_say(restore, &own->entry);
        return 0;
    }
    return fetch(worker, own, err);
}
