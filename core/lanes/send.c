/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lanes/send.h"

#include "base/err.h"
#include "core/lanes/hash.h"
#include "core/lanes/passage.h"
#include "core/store/call.h"
#include "core/store/store.h"

#include <fcntl.h>

/* One file on its way in one request. Lives on the worker's stack for the length of send_file(). */
struct single {
    struct passage passage;
    struct worker *worker;
    struct hash hash;
};

/* ---- the put ---- */

static enum outcome put_body(struct single *single, const struct sf_body *body, struct sf_error *err)
{
    struct passage *passage = &single->passage;
    struct passage_meta meta;
    struct sf_put put = {
        .size = sizeof(put),
        .key = passage->send->key,
        .body = body,
        .digests = passage->digests.have != 0 ? &passage->digests : NULL,
        .meta = meta.items,
        .meta_element_size = sizeof(meta.items[0]),
    };

    passage_meta(passage, &meta);
    put.meta_count = meta.count;
    put.precondition = passage_precondition(passage, &put.if_tag);
    if (passage->store->table->put(&passage->run->call, single->worker->conn, &put, &passage->object, err) != 0)
        return err->cls == SF_CORRUPT ? CHANGED : FAILED;
    return passage_check_answer(passage, err);
}

static int begin_hash(struct single *single, struct sf_error *err)
{
    return hash_init(&single->hash, SF_DIGEST_SHA256 | single->passage.store->info.wanted_digests, err);
}

/* ---- small: read once into the worker's buffer ---- */

static enum outcome send_small(struct single *single, struct sf_error *err)
{
    struct passage *passage = &single->passage;
    size_t size = (size_t)passage->st.st_size;
    unsigned char *buffer = single->worker->buffer;
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_MEMORY, .fd = -1, .data = buffer, .length = size};
    int same = passage_read_whole(passage, buffer, size, err);

    if (same > 0)
        same = passage_is_unchanged(passage, err);
    if (same <= 0)
        return same < 0 ? FAILED : CHANGED;
    if (begin_hash(single, err) != 0)
        return FAILED;
    hash_update(&single->hash, buffer, size);
    hash_final(&single->hash, &passage->digests);
    return passage_is_known(passage) ? DONE_KNOWN : put_body(single, &body, err);
}

/* ---- large: a pass for the digest, then by descriptor from the page cache ---- */

/* 1: hashed, 0: the file has another length by now, -1: failed. */
static int hash_pass(struct single *single, struct sf_error *err)
{
    struct passage *passage = &single->passage;
    uint64_t position = 0;
    ssize_t got;

    if (begin_hash(single, err) != 0)
        return -1;
    do {
        if (run_call_cancelled(passage->run))
            return run_call_cancel_error(passage->run, err);
        got = passage_read(passage, single->worker->buffer, WORKER_BUFFER, position, err);
        if (got < 0)
            return -1;
        hash_update(&single->hash, single->worker->buffer, (size_t)got);
        position += (uint64_t)got;
    } while (got == WORKER_BUFFER && position <= (uint64_t)passage->st.st_size); /* an appender may outrun us */
    hash_final(&single->hash, &passage->digests);
    return position == (uint64_t)passage->st.st_size;
}

/* After a put that the store was to digest: takes its SHA-256, or hashes the file if there is none. */
static enum outcome take_digest(struct single *single, struct sf_error *err)
{
    struct passage *passage = &single->passage;
    const char *hex = sf_object_meta(&passage->object, SF_META_SHA256);
    int hashed;

    if ((passage->object.digests.have & SF_DIGEST_SHA256) != 0) {
        passage->digests = passage->object.digests;
        return DONE_STORED;
    }
    if (hex != NULL && hex_decode(hex, passage->digests.sha256, SHA256_BYTES))
        return DONE_STORED;
    hashed = hash_pass(single, err);
    return hashed < 0 ? FAILED : hashed ? DONE_STORED : CHANGED;
}

static enum outcome send_large(struct single *single, struct sf_error *err)
{
    struct passage *passage = &single->passage;
    bool store_digests = (passage->store->info.capabilities & SF_CAP_DIGEST_ON_PUT) != 0;
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_FD, .fd = passage->fd};
    enum outcome outcome = DONE_STORED;
    bool hash_first = !store_digests || passage->send->known != NULL;
    int same;

    body.length = (uint64_t)passage->st.st_size;
    (void)posix_fadvise(passage->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    if (hash_first) {
        same = hash_pass(single, err);
        if (same > 0)
            same = passage_is_unchanged(passage, err);
        if (same <= 0)
            return same < 0 ? FAILED : CHANGED;
        if (passage_is_known(passage))
            return DONE_KNOWN;
    }
    outcome = put_body(single, &body, err);
    if (outcome == DONE_STORED && !hash_first)
        outcome = take_digest(single, err);
    if (outcome != DONE_STORED)
        return outcome;
    same = passage_is_unchanged(passage, err);
    return same < 0 ? FAILED : same ? DONE_STORED : CHANGED;
}

/* ---- one try, and all of them ---- */

static bool goes_in_parts(const struct passage *passage)
{
    const struct sf_store_info *info = &passage->store->info;
    uint64_t single = passage->send->single_bytes;

    if (info->single_put_max_bytes != 0 && single > info->single_put_max_bytes)
        single = info->single_put_max_bytes;
    return (info->capabilities & SF_CAP_UPLOAD) != 0 && (uint64_t)passage->st.st_size > single;
}

static int check_limit(const struct passage *passage, struct sf_error *err)
{
    const struct sf_store_info *info = &passage->store->info;
    uint64_t limit = info->single_put_max_bytes != 0 ? info->single_put_max_bytes : info->object_max_bytes;

    if (limit != 0 && (uint64_t)passage->st.st_size > limit)
        return sf_fail(err, SF_TOO_LARGE, "%lld bytes, but the store takes at most %llu in one request",
                       (long long)passage->st.st_size, (unsigned long long)limit);
    return 0;
}

static enum outcome try_once(struct single *single, bool *in_parts, struct sf_error *err)
{
    struct passage *passage = &single->passage;

    if (passage_open(passage, err) != 0)
        return FAILED;
    /* What an earlier try stored is replaced the way it came. */
    *in_parts = passage->own_tag[0] == '\0' && goes_in_parts(passage);
    if (*in_parts)
        return DONE_KNOWN;
    if (check_limit(passage, err) != 0)
        return FAILED;
    return passage->st.st_size <= (off_t)WORKER_BUFFER ? send_small(single, err) : send_large(single, err);
}

int send_file(struct worker *worker, const struct send *send, struct entry *entry, enum send_result *result,
              struct sf_error *err)
{
    struct single single = {
        .passage = {.store = worker->store, .run = worker->run, .send = send, .entry = entry, .fd = -1},
        .worker = worker};
    struct sf_error failure = SF_ERROR_INIT;
    enum outcome outcome = CHANGED;
    bool in_parts = false;
    unsigned try;

    for (try = 0; try < SEND_TRIES && outcome == CHANGED; try++) {
        failure = (struct sf_error)SF_ERROR_INIT;
        outcome = try_once(&single, &in_parts, &failure);
        passage_close(&single.passage);
    }
    hash_cleanup(&single.hash);
    if (outcome == CHANGED)
        passage_give_up(&failure);
    if (outcome == CHANGED || outcome == FAILED) {
        *err = failure;
        return passage_prefix(&single.passage, err);
    }
    *result = in_parts ? SEND_IN_PARTS : outcome == DONE_STORED ? SEND_STORED : SEND_KNOWN;
    if (!in_parts)
        passage_fill_entry(&single.passage, outcome == DONE_STORED);
    return 0;
}
