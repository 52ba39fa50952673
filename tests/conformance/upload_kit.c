/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/upload_kit.h"

#include "base/mem.h"
#include "base/spill.h"

#define PART_USUAL 65536 /* where the store states no minimum */

static size_t smallest_part(const struct sf_store_info *info)
{
    uint64_t align = info->part_align_bytes != 0 ? info->part_align_bytes : 1;
    uint64_t bytes = info->part_min_bytes != 0 ? info->part_min_bytes : PART_USUAL;

    bytes += align - 1;
    return (size_t)(bytes - bytes % align);
}

bool trial_possible(struct conformance *suite, uint32_t parts)
{
    const struct sf_plugin *table = suite->table;
    const char *why = NULL;

    /* Who claims it without the slots is told so by the case of the limits. */
    if ((suite->info.capabilities & SF_CAP_UPLOAD) == 0 || table->upload_begin == NULL || table->upload_part == NULL ||
        table->upload_commit == NULL || table->upload_abort == NULL || table->upload_close == NULL)
        why = "no SF_CAP_UPLOAD";
    else if (smallest_part(&suite->info) > (UPLOAD_BYTES_MAX - UPLOAD_TAIL) / (parts > 1 ? parts - 1 : 1))
        why = "the store's smallest part is too large for a check";
    if (why == NULL)
        return true;
    suite->verdict = CONFORMANCE_SKIPPED;
    snprintf(suite->text, sizeof(suite->text), "%s", why);
    return false;
}

void trial_init(struct trial *upload, struct conformance *suite, const char *name, uint32_t parts)
{
    bool create_only = (suite->info.capabilities & SF_CAP_CREATE_ONLY_COMMIT) != 0;

    upload->suite = suite;
    upload->part_bytes = smallest_part(&suite->info);
    upload->part_count = parts;
    upload->length = upload->part_bytes * (parts - 1) + UPLOAD_TAIL;
    upload->bytes = conformance_noise(upload->length, parts);
    conformance_key(suite, name, &upload->key);
    conformance_digests(suite, upload->bytes, upload->length, &upload->digests);
    upload->meta[0] = (struct sf_meta){sizeof(struct sf_meta), 0, "run", "in parts, with = and ~ signs"};
    upload->meta[1] = (struct sf_meta){sizeof(struct sf_meta), 0, "second", "2"};
    upload->args = (struct sf_upload_args){.size = sizeof(upload->args),
                                           .precondition = create_only ? SF_IF_ABSENT : SF_IF_ANY,
                                           .key = upload->key.data,
                                           .bytes = upload->length,
                                           .part_bytes = upload->part_bytes,
                                           .digests = &upload->digests,
                                           .meta = upload->meta,
                                           .meta_count = 2,
                                           .meta_element_size = sizeof(struct sf_meta)};
}

void trial_cleanup(struct trial *upload)
{
    struct sf_error err = SF_ERROR_INIT;

    if (upload->handle != NULL) {
        upload->suite->cancel = 0;
        if (!upload->committed)
            (void)trial_abort(upload, &err);
        upload->suite->table->upload_close(upload->handle);
    }
    free(upload->bytes);
    buf_cleanup(&upload->key);
}

int trial_begin(struct trial *upload, struct sf_error *err)
{
    struct conformance *suite = upload->suite;

    upload->token.size = sizeof(upload->token);
    return suite->table->upload_begin(&suite->call, suite->conn, &upload->args, &upload->token, &upload->handle, err);
}

const unsigned char *trial_part_data(const struct trial *upload, uint32_t index, size_t *bytes)
{
    *bytes = index + 1 < upload->part_count ? upload->part_bytes : UPLOAD_TAIL;
    return upload->bytes + upload->part_bytes * index;
}

int trial_send_body(struct trial *upload, struct sf_conn *conn, uint32_t index, const struct sf_body *body,
                    const struct sf_digests *digests, struct sf_error *err)
{
    struct conformance *suite = upload->suite;
    struct sf_part part = {.size = sizeof(part),
                           .number = index + 1,
                           .offset = (uint64_t)upload->part_bytes * index,
                           .body = body,
                           .digests = digests};
    struct sf_part_result result = {.size = sizeof(result)};

    if (suite->table->upload_part(&suite->call, conn, upload->handle, &part, &result, err) < 0)
        return -1;
    if (result.persisted != body->length || result.opaque_bytes > sizeof(result.opaque))
        return sf_fail(err, SF_PERMANENT, "of %llu bytes, %llu were kept, with an answer of %u bytes",
                       (unsigned long long)body->length, (unsigned long long)result.persisted, result.opaque_bytes);
    upload->results[index] = result;
    upload->done[index] = (struct sf_part_done){.size = sizeof(struct sf_part_done),
                                                .number = index + 1,
                                                .bytes = body->length,
                                                .opaque = upload->results[index].opaque,
                                                .opaque_bytes = result.opaque_bytes,
                                                .crc32c = digests != NULL ? digests->crc32c : 0};
    return 0;
}

struct source {
    const unsigned char *data;
    size_t bytes;
};

static int64_t read_source(void *ctx, uint64_t position, void *buffer, size_t bytes, struct sf_error *err)
{
    const struct source *source = ctx;
    size_t rest = position < source->bytes ? source->bytes - (size_t)position : 0;

    (void)err;
    if (bytes > rest)
        bytes = rest;
    if (bytes > 7000) /* short answers are allowed */
        bytes = 7000;
    memcpy(buffer, source->data + position, bytes);
    return (int64_t)bytes;
}

int trial_send(struct trial *upload, struct sf_conn *conn, uint32_t index, enum sf_body_kind kind, struct sf_error *err)
{
    const off_t skip = 13;
    struct source source;
    struct sf_digests digests;
    struct sf_body body = {.size = sizeof(body), .kind = kind, .offset = (uint64_t)skip, .fd = -1, .ctx = &source};
    AUTO_FD fd = -1;

    source.data = trial_part_data(upload, index, &source.bytes);
    conformance_digests(upload->suite, source.data, source.bytes, &digests);
    body.length = source.bytes;
    body.read = read_source;
    body.data = source.data;
    if (kind == SF_BODY_FD) {
        fd = spill_temp_file("/tmp", err);
        if (fd < 0)
            return -1;
        if (pwrite(fd, source.data, source.bytes, skip) != (ssize_t)source.bytes)
            return sf_fail(err, SF_NO_SPACE, "a temporary file in /tmp takes no %zu bytes", source.bytes);
        body.fd = fd;
    }
    return trial_send_body(upload, conn, index, &body, &digests, err);
}

int trial_send_all(struct trial *upload, struct sf_error *err)
{
    uint32_t i;

    for (i = 0; i < upload->part_count; i++)
        if (trial_send(upload, upload->suite->conn, i, SF_BODY_MEMORY, err) < 0)
            return -1;
    return 0;
}

int trial_commit(struct trial *upload, uint32_t count, struct sf_object *object, struct sf_error *err)
{
    struct conformance *suite = upload->suite;
    struct sf_object unused = {.size = sizeof(unused)};

    if (suite->table->upload_commit(&suite->call, suite->conn, upload->handle, &upload->args, upload->done, count,
                                    sizeof(upload->done[0]), object != NULL ? object : &unused, err) < 0)
        return -1;
    upload->committed = true;
    return 0;
}

int trial_abort(struct trial *upload, struct sf_error *err)
{
    struct conformance *suite = upload->suite;

    return suite->table->upload_abort(&suite->call, suite->conn, upload->handle, err);
}

bool trial_came_through(struct trial *upload)
{
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) back = BUF_INIT;

    if (conformance_get(upload->suite, upload->key.data, &back, NULL, &err) < 0)
        conformance_fail(upload->suite, __FILE__, __LINE__, "get: %s", err.text);
    else if (back.length != upload->length || memcmp(back.data, upload->bytes, back.length) != 0)
        conformance_fail(upload->suite, __FILE__, __LINE__, "%zu bytes in %u parts came back as %zu other ones",
                         upload->length, upload->part_count, back.length);
    else
        return true;
    return false;
}

/* --- what is unfinished --- */

static void note_key(void *ctx, const struct sf_upload_info *info)
{
    buf_printf(ctx, "%s\n", info->key);
}

int trial_list(struct conformance *suite, const char *prefix, struct buf *keys, struct sf_error *err)
{
    struct sf_uploads_sink sink = {.size = sizeof(sink), .ctx = keys, .upload = note_key};

    buf_clear(keys);
    return suite->table->uploads_list(&suite->call, suite->conn, prefix, &sink, err);
}

/* The last one found. The sink may not call the plugin, so they are ended one by one. */
struct leftover {
    struct sf_upload_token token;
    struct buf key;
};

static void leftover_cleanup(struct leftover *leftover)
{
    buf_cleanup(&leftover->key);
}

static void note_leftover(void *ctx, const struct sf_upload_info *info)
{
    struct leftover *leftover = ctx;

    buf_clear(&leftover->key);
    buf_add_text(&leftover->key, info->key);
    leftover->token.bytes = info->token_bytes < SF_UPLOAD_TOKEN_MAX ? info->token_bytes : SF_UPLOAD_TOKEN_MAX;
    memcpy(leftover->token.token, info->token, leftover->token.bytes);
}

static int abort_one(struct conformance *suite, const struct leftover *leftover, struct sf_error *err)
{
    struct sf_upload_args args = {.size = sizeof(args), .key = leftover->key.data};
    struct sf_upload *handle = NULL;
    uint64_t persisted = 0;
    int result;

    if (suite->table->upload_resume(&suite->call, suite->conn, &args, &leftover->token, &persisted, &handle, err) < 0)
        return -1;
    result = suite->table->upload_abort(&suite->call, suite->conn, handle, err);
    suite->table->upload_close(handle);
    return result;
}

int conformance_abort_uploads(struct conformance *suite, const char *prefix, struct sf_error *err)
{
    const int most = 100; /* of one case */
    int i;

    if ((suite->info.capabilities & SF_CAP_UPLOAD) == 0 || suite->table->uploads_list == NULL ||
        suite->table->upload_resume == NULL || suite->table->upload_abort == NULL || suite->table->upload_close == NULL)
        return 0;
    for (i = 0; i < most; i++) {
        SF_AUTO(leftover) leftover = {.token = {.size = sizeof(leftover.token)}};
        struct sf_uploads_sink sink = {.size = sizeof(sink), .ctx = &leftover, .upload = note_leftover};

        if (suite->table->uploads_list(&suite->call, suite->conn, prefix, &sink, err) < 0)
            return -1;
        if (leftover.key.length == 0)
            return 0;
        if (abort_one(suite, &leftover, err) < 0)
            return -1;
    }
    return sf_fail(err, SF_PERMANENT, "uploads below %s are still there after %d were aborted", prefix, most);
}
