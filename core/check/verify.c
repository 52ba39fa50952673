/* SPDX-License-Identifier: Apache-2.0 */
#include "core/check/verify.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/check/deep.h"

#include <pthread.h>
#include <string.h>

struct verifying {
    const struct verify *verify;
    const struct point_source *source;
    int manifest_fd;
    const char *manifest_name;
    struct manifest_reader *reader;
    struct {
        pthread_mutex_t mutex;
        struct verify_counts *counts;
    } locked; /* shared with workers */
};

struct deep_job {
    struct verifying *verifying;
    struct entry entry;
};

static void report(struct verifying *verifying, bool damage, const char *key, const char *text)
{
    pthread_mutex_lock(&verifying->locked.mutex);
    if (damage)
        verifying->locked.counts->damaged++;
    else
        verifying->locked.counts->surplus++;
    verifying->verify->found(verifying->verify->ctx, damage, key, text);
    pthread_mutex_unlock(&verifying->locked.mutex);
}

static int rewind_manifest(void *ctx, struct sf_error *err)
{
    struct verifying *verifying = ctx;

    manifest_reader_free(verifying->reader);
    verifying->reader = NULL;
    return manifest_reader_open(&verifying->reader, verifying->manifest_fd, verifying->manifest_name, err);
}

static int next_of_manifest(void *ctx, struct entry *entry, uint64_t *at, struct sf_error *err)
{
    struct verifying *verifying = ctx;

    *at = 0;
    return manifest_reader_next(verifying->reader, entry, err);
}

static int take_finding(void *ctx, enum check_finding finding, const char *key, const struct entry *entry, uint64_t at,
                        const struct sf_object *object, struct sf_error *err)
{
    struct verifying *verifying = ctx;

    (void)entry;
    (void)at;
    (void)object;
    (void)err;
    if (finding == CHECK_SURPLUS)
        report(verifying, false, key, check_finding_text(finding));
    else if (!verifying->verify->deep) /* deep reads every byte, which says more than a list can */
        report(verifying, true, key, check_finding_text(finding));
    return 0;
}

static void drop_deep(void *job_pointer)
{
    struct deep_job *job = job_pointer;

    entry_cleanup(&job->entry);
    free(job);
}

static int run_deep(struct worker *worker, void *job_pointer, struct sf_error *err)
{
    struct deep_job *job = job_pointer;
    struct verifying *verifying = job->verifying;
    SF_AUTO(buf) key = BUF_INIT;
    int result;

    key_object(verifying->verify->base, job->entry.time_dir, verifying->source->name, job->entry.path, &key);
    result = check_object(worker, buf_text(&key), &job->entry, err);
    if (result < 0 && (err->cls == SF_NOT_FOUND || err->cls == SF_CORRUPT)) {
        report(verifying, true, buf_text(&key), err->cls == SF_NOT_FOUND ? "missing" : err->text);
        result = 0;
    }
    if (result < 0)
        err_prefix(err, "%s", buf_text(&key));
    verifying->verify->meter->files_done++;
    verifying->verify->meter->bytes_done += job->entry.size;
    drop_deep(job);
    return result;
}

static int submit_deep(struct verifying *verifying, struct entry *entry, struct sf_error *err)
{
    struct deep_job *job = mem_alloc(sizeof(*job));

    job->verifying = verifying;
    entry_move(&job->entry, entry);
    return pool_submit(verifying->verify->pool, LANE_SMALL, run_deep, drop_deep, job, err);
}

static bool point_names(const struct point *point, const char *time_dir)
{
    size_t i;

    if (strcmp(point->time_dir, time_dir) == 0)
        return true;
    for (i = 0; i < point->refer_count; i++)
        if (strcmp(point->refers[i], time_dir) == 0)
            return true;
    return false;
}

/* Counts the files and, if deep, sends them to the workers. An object in a time-dir that the commit does not name is damage:
 * no list would look there, and a prune would not know that it is needed. */
static int go_through(struct verifying *verifying, const struct point *point, struct sf_error *err)
{
    SF_AUTO(entry) entry = ENTRY_INIT;
    int result;

    if (rewind_manifest(verifying, err) < 0)
        return -1;
    while ((result = manifest_reader_next(verifying->reader, &entry, err)) > 0) {
        if (entry.type != ENTRY_FILE)
            continue;
        verifying->locked.counts->files++; /* workers do not touch files and bytes */
        verifying->locked.counts->bytes += entry.size;
        if (!point_names(point, entry.time_dir)) {
            report(verifying, true, verifying->manifest_name,
                   "names an object in a time-dir that the commit does not name");
            continue;
        }
        if (verifying->verify->deep && submit_deep(verifying, &entry, err) < 0)
            return -1;
    }
    return result;
}

static int verify_lists(struct verifying *verifying, const struct point *point, struct sf_error *err)
{
    struct check_stream stream = {.ctx = verifying, .rewind = rewind_manifest, .next = next_of_manifest};
    struct check_report found = {.ctx = verifying, .found = take_finding};
    const struct verify *verify = verifying->verify;
    const char *name = verifying->source->name;
    size_t i;

    if (check_time_dir(verify->base, point->time_dir, name, true, &stream, &found, err) < 0)
        return -1;
    if (verify->deep)
        return 0;
    for (i = 0; i < point->refer_count; i++)
        if (check_time_dir(verify->base, point->refers[i], name, false, &stream, &found, err) < 0)
            return -1;
    return 0;
}

/* The manifest must be the one of this run, and name no time-dir that the commit does not. */
static int check_header(struct verifying *verifying, const struct point *point, struct sf_error *err)
{
    struct manifest_header header;
    struct manifest_counts counts;

    if (manifest_check(verifying->manifest_fd, verifying->manifest_name, &header, &counts, err) < 0)
        return -1;
    return point_check_header(point, verifying->source->name, &header, verifying->manifest_name, err);
}

int verify_source(const struct verify *verify, const struct point *point, const struct point_source *source,
                  struct verify_counts *counts, struct sf_error *err)
{
    struct verifying verifying = {.verify = verify,
                                  .source = source,
                                  .manifest_fd = -1,
                                  .locked = {.mutex = PTHREAD_MUTEX_INITIALIZER, .counts = counts}};
    SF_AUTO(buf) name = BUF_INIT;
    int result;

    key_manifest(verify->base, point->time_dir, source->name, &name);
    verifying.manifest_name = buf_text(&name);
    result = point_fetch_manifest(verify->base, point, source, verify->temp_dir, &verifying.manifest_fd, err);
    if (result == 0)
        result = check_header(&verifying, point, err);
    if (result < 0 && (err->cls == SF_CORRUPT || err->cls == SF_UNSUPPORTED)) {
        report(&verifying, true, verifying.manifest_name, err->text);
        result = 0;
    } else if (result == 0) {
        result = go_through(&verifying, point, err);
        if (verify->deep) {
            struct sf_error waiting = SF_ERROR_INIT;

            /* even after a failure: jobs use what is on this stack */
            if (pool_wait(verify->pool, &waiting) < 0 && result == 0) {
                *err = waiting;
                result = -1;
            }
        }
        if (result == 0)
            result = verify_lists(&verifying, point, err);
    }
    manifest_reader_free(verifying.reader);
    auto_close(&verifying.manifest_fd);
    return result;
}
