/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lanes/send.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/lanes/hash.h"
#include "core/store/call.h"
#include "core/store/store.h"
#include "core/walk/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define NAME_TEXT 320 /* of a path in a message; leaves room for the reason in SF_ERROR_TEXT */

/* How one reading of the file ended. */
enum outcome {
    DONE_STORED,
    DONE_KNOWN,
    FAILED,  /* for good */
    CHANGED, /* the file did, or the bytes were not what was hashed: read again */
};

/* One file on its way. Lives on the worker's stack for the length of send_file(). */
struct passage {
    struct worker *worker;
    const struct send *send;
    struct entry *entry;
    int fd;         /* open during a try */
    struct stat st; /* as the try began */
    struct hash hash;
    struct sf_digests digests;    /* have 0: not hashed */
    struct sf_object object;      /* what the put answered */
    char own_tag[SF_TAG_MAX + 1]; /* of the object that an earlier try stored, "" if none did */
};

static int prefix_name(const struct passage *passage, struct sf_error *err)
{
    AUTO_FREE char *whole = mem_printf("%s/%s", passage->send->root, passage->entry->path);
    char name[NAME_TEXT];

    return err_prefix(err, "%s", err_printable(whole, name, sizeof(name)));
}

static int source_error(struct sf_error *err, int number, const char *what)
{
    if (number == ENOENT || number == ENOTDIR)
        return sf_fail(err, SF_CONFLICT, "vanished while the source was being read; back up a snapshot, not live data");
    if (number == ELOOP || number == EXDEV)
        return sf_fail(err, SF_CONFLICT, "became a symlink while the source was being read");
    return err_errno(err, number, "%s", what);
}

static int open_source(struct passage *passage, struct sf_error *err)
{
    passage->fd = beneath_open(passage->send->rootfd, passage->entry->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0);
    if (passage->fd < 0)
        return source_error(err, errno, "cannot open");
    if (fstat(passage->fd, &passage->st) != 0)
        return err_errno(err, errno, "cannot stat");
    if (!S_ISREG(passage->st.st_mode))
        return sf_fail(err, SF_CONFLICT, "is no longer a regular file");
    return 0;
}

/* Reads up to bytes at position, fewer only at the end of the file. */
static ssize_t read_fully(int fd, unsigned char *buffer, size_t bytes, uint64_t position, struct sf_error *err)
{
    size_t done = 0;

    while (done < bytes) {
        ssize_t got = pread(fd, buffer + done, bytes - done, (off_t)(position + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, "cannot read");
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

/* 1: the file is as when the try began, 0: not, -1: failed. */
static int is_unchanged(const struct passage *passage, struct sf_error *err)
{
    struct stat now;

    if (fstat(passage->fd, &now) != 0)
        return err_errno(err, errno, "cannot stat");
    return now.st_size == passage->st.st_size && now.st_mtim.tv_sec == passage->st.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == passage->st.st_mtim.tv_nsec;
}

/* An object that an earlier try left behind has to be replaced, whatever the file is now. */
static bool is_known(const struct passage *passage)
{
    return passage->send->known != NULL && passage->own_tag[0] == '\0' &&
           memcmp(passage->send->known, passage->digests.sha256, sizeof(passage->digests.sha256)) == 0;
}

/* ---- the put ---- */

static void copy_tag(char to[SF_TAG_MAX + 1], const struct sf_object *object)
{
    memcpy(to, object->tag, SF_TAG_MAX);
    to[SF_TAG_MAX] = '\0';
}

static enum outcome check_answer(struct passage *passage, struct sf_error *err)
{
    const struct sf_object *object = &passage->object;

    if (object->tag[0] != '\0')
        copy_tag(passage->own_tag, object);
    if (object->bytes != 0 && object->bytes != (uint64_t)passage->st.st_size) {
        sf_fail(err, SF_CORRUPT, "%lld bytes were sent, %llu are stored", (long long)passage->st.st_size,
                (unsigned long long)object->bytes);
        return CHANGED;
    }
    if ((passage->digests.have & object->digests.have & SF_DIGEST_SHA256) != 0 &&
        memcmp(passage->digests.sha256, object->digests.sha256, sizeof(object->digests.sha256)) != 0) {
        sf_fail(err, SF_CORRUPT, "what is stored has another SHA-256 than what was read");
        return CHANGED;
    }
    return DONE_STORED;
}

static enum outcome put_body(struct passage *passage, const struct sf_body *body, struct sf_error *err)
{
    const struct store *store = passage->worker->store;
    bool hashed = passage->digests.have != 0;
    char hex[SHA256_HEX + 1];
    struct sf_meta meta[2] = {
        {.size = sizeof(meta[0]), .key = "run", .value = passage->send->run},
        {.size = sizeof(meta[0]), .key = SF_META_SHA256, .value = hex},
    };
    struct sf_put put = {
        .size = sizeof(put),
        .key = passage->send->key,
        .body = body,
        .digests = hashed ? &passage->digests : NULL,
        .meta = meta,
        .meta_count = (store->info.capabilities & SF_CAP_METADATA) == 0 ? 0
                      : hashed                                          ? 2
                                                                        : 1,
        .meta_element_size = sizeof(meta[0]),
        .precondition = SF_IF_ABSENT,
    };

    hex_encode(passage->digests.sha256, SHA256_BYTES, hex);
    put.if_tag = passage->own_tag[0] != '\0' ? passage->own_tag : passage->send->if_tag;
    if (put.if_tag != NULL)
        put.precondition = SF_IF_TAG;
    passage->object = (struct sf_object){.size = sizeof(passage->object)};
    if (store->table->put(&passage->worker->run->call, passage->worker->conn, &put, &passage->object, err) != 0)
        return err->cls == SF_CORRUPT ? CHANGED : FAILED;
    return check_answer(passage, err);
}

/* ---- small: read once into the worker's buffer ---- */

static enum outcome send_small(struct passage *passage, struct sf_error *err)
{
    size_t size = (size_t)passage->st.st_size;
    unsigned char *buffer = passage->worker->buffer, beyond;
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_MEMORY, .fd = -1, .data = buffer, .length = size};
    ssize_t got = read_fully(passage->fd, buffer, size, 0, err);
    ssize_t more = got < 0 ? -1 : read_fully(passage->fd, &beyond, 1, size, err);
    int same = more < 0 ? -1 : is_unchanged(passage, err);

    if (same < 0)
        return FAILED;
    if ((size_t)got != size || more != 0 || !same)
        return CHANGED;
    if (hash_init(&passage->hash, passage->worker->store->info.wanted_digests, err) != 0)
        return FAILED;
    hash_update(&passage->hash, buffer, size);
    hash_final(&passage->hash, &passage->digests);
    return is_known(passage) ? DONE_KNOWN : put_body(passage, &body, err);
}

/* ---- large: a pass for the digest, then by descriptor from the page cache ---- */

/* 1: hashed, 0: the file has another length by now, -1: failed. */
static int hash_pass(struct passage *passage, struct sf_error *err)
{
    uint64_t position = 0;
    ssize_t got;

    if (hash_init(&passage->hash, passage->worker->store->info.wanted_digests, err) != 0)
        return -1;
    do {
        if (run_call_cancelled(passage->worker->run))
            return run_call_cancel_error(passage->worker->run, err);
        got = read_fully(passage->fd, passage->worker->buffer, WORKER_BUFFER, position, err);
        if (got < 0)
            return -1;
        hash_update(&passage->hash, passage->worker->buffer, (size_t)got);
        position += (uint64_t)got;
    } while (got == WORKER_BUFFER && position <= (uint64_t)passage->st.st_size); /* an appender may outrun us */
    hash_final(&passage->hash, &passage->digests);
    return position == (uint64_t)passage->st.st_size;
}

/* After a put that the store was to digest: takes its SHA-256, or hashes the file if there is none. */
static enum outcome take_digest(struct passage *passage, struct sf_error *err)
{
    const char *hex = sf_object_meta(&passage->object, SF_META_SHA256);
    int hashed;

    if ((passage->object.digests.have & SF_DIGEST_SHA256) != 0) {
        passage->digests = passage->object.digests;
        return DONE_STORED;
    }
    if (hex != NULL && hex_decode(hex, passage->digests.sha256, SHA256_BYTES))
        return DONE_STORED;
    hashed = hash_pass(passage, err);
    return hashed < 0 ? FAILED : hashed ? DONE_STORED : CHANGED;
}

static enum outcome send_large(struct passage *passage, struct sf_error *err)
{
    bool store_digests = (passage->worker->store->info.capabilities & SF_CAP_DIGEST_ON_PUT) != 0;
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_FD, .fd = passage->fd};
    enum outcome outcome = DONE_STORED;
    bool hash_first = !store_digests || passage->send->known != NULL;
    int same;

    body.length = (uint64_t)passage->st.st_size;
    (void)posix_fadvise(passage->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    if (hash_first) {
        same = hash_pass(passage, err);
        if (same > 0)
            same = is_unchanged(passage, err);
        if (same <= 0)
            return same < 0 ? FAILED : CHANGED;
        if (is_known(passage))
            return DONE_KNOWN;
    }
    outcome = put_body(passage, &body, err);
    if (outcome == DONE_STORED && !hash_first)
        outcome = take_digest(passage, err);
    if (outcome != DONE_STORED)
        return outcome;
    same = is_unchanged(passage, err);
    return same < 0 ? FAILED : same ? DONE_STORED : CHANGED;
}

/* ---- one try, and all of them ---- */

static int check_limit(const struct passage *passage, struct sf_error *err)
{
    uint64_t limit = passage->worker->store->info.single_put_max_bytes;

    if (limit == 0)
        limit = passage->worker->store->info.object_max_bytes;
    if (limit != 0 && (uint64_t)passage->st.st_size > limit)
        return sf_fail(
            err, SF_TOO_LARGE,
            "%lld bytes, but the store takes at most %llu in one request, and sending a file in parts is not "
            "supported yet by this version",
            (long long)passage->st.st_size, (unsigned long long)limit);
    return 0;
}

static enum outcome try_once(struct passage *passage, struct sf_error *err)
{
    passage->digests = (struct sf_digests){.size = sizeof(passage->digests)};
    if (open_source(passage, err) != 0 || check_limit(passage, err) != 0)
        return FAILED;
    return passage->st.st_size <= (off_t)WORKER_BUFFER ? send_small(passage, err) : send_large(passage, err);
}

static void close_source(struct passage *passage)
{
    auto_close(&passage->fd); /* only read from: nothing is lost by a failing close */
    passage->fd = -1;
}

static void fill_entry(const struct passage *passage, bool stored)
{
    struct entry *entry = passage->entry;

    walk_entry_stat(entry, &passage->st); /* as the next run's walk will see the same file */
    memcpy(entry->sha256, passage->digests.sha256, sizeof(entry->sha256));
    if (stored)
        copy_tag(entry->tag, &passage->object);
}

int send_file(struct worker *worker, const struct send *send, struct entry *entry, enum send_result *result,
              struct sf_error *err)
{
    struct passage passage = {.worker = worker, .send = send, .entry = entry, .fd = -1};
    struct sf_error failure = SF_ERROR_INIT;
    enum outcome outcome = CHANGED;
    unsigned try;

    for (try = 0; try < SEND_TRIES && outcome == CHANGED; try++) {
        failure = (struct sf_error)SF_ERROR_INIT;
        outcome = try_once(&passage, &failure);
        close_source(&passage);
    }
    hash_cleanup(&passage.hash);
    if (outcome == CHANGED && failure.cls == SF_OK)
        sf_fail(&failure, SF_CONFLICT, "changes while it is read (%d times); back up a snapshot, not live data",
                SEND_TRIES);
    if (outcome == CHANGED || outcome == FAILED) {
        *err = failure;
        return prefix_name(&passage, err);
    }
    fill_entry(&passage, outcome == DONE_STORED);
    *result = outcome == DONE_STORED ? SEND_STORED : SEND_KNOWN;
    return 0;
}
