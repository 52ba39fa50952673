/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/lanes/uploads.h"

#include "base/digest.h"
#include "base/mem.h"
#include "tests/kit/store.h"

#include <check.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <unistd.h>

struct uploads_script uploads_script;
static pthread_mutex_t script_mutex = PTHREAD_MUTEX_INITIALIZER; /* what is not atomic in it */
static struct sf_plugin table;

struct sf_upload {
    pthread_mutex_t mutex;
    char *data;
    uint64_t bytes;
    uint64_t received;
    bool in_order;
    bool over; /* committed or aborted */
};

static void note_meta(const struct sf_upload_args *args, char out[512], uint32_t *digests)
{
    uint32_t i;

    out[0] = '\0';
    for (i = 0; i < args->meta_count; i++)
        snprintf(out + strlen(out), 512 - strlen(out), "%s=%s;", args->meta[i].key, args->meta[i].value);
    *digests = args->digests != NULL ? args->digests->have : 0;
}

static int play_begin(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                      struct sf_upload_token *token, struct sf_upload **upload, struct sf_error *err)
{
    (void)call;
    (void)conn;
    uploads_script.begins++;
    if (uploads_script.begin_cls != 0)
        return sf_fail(err, (enum sf_class)uploads_script.begin_cls, "begin fails");
    pthread_mutex_lock(&script_mutex);
    note_meta(args, uploads_script.begin_meta, &uploads_script.begin_digests);
    uploads_script.part_bytes = args->part_bytes;
    pthread_mutex_unlock(&script_mutex);
    token->bytes = 1;
    *upload = mem_alloc(sizeof(**upload));
    pthread_mutex_init(&(*upload)->mutex, NULL);
    (*upload)->data = mem_alloc(args->bytes + 1);
    (*upload)->bytes = args->bytes;
    (*upload)->in_order = table.threads == SF_SERIAL;
    return 0;
}

/* Once for each of so many times, and not for threads at once. */
static bool take(int *times)
{
    bool taken;

    pthread_mutex_lock(&script_mutex);
    taken = *times > 0;
    *times -= taken;
    pthread_mutex_unlock(&script_mutex);
    return taken;
}

static bool digests_fit(const struct sf_digests *digests, const char *data, size_t bytes)
{
    uint8_t sum[EVP_MAX_MD_SIZE];

    if ((digests->have & SF_DIGEST_CRC32C) != 0 && digests->crc32c != crc32c_update(0, data, bytes))
        return false;
    EVP_Digest(data, bytes, sum, NULL, EVP_md5(), NULL);
    if ((digests->have & SF_DIGEST_MD5) != 0 && memcmp(sum, digests->md5, sizeof(digests->md5)) != 0)
        return false;
    sha256_of(data, bytes, sum);
    return (digests->have & SF_DIGEST_SHA256) == 0 || memcmp(sum, digests->sha256, sizeof(digests->sha256)) == 0;
}

static int receive(struct sf_upload *upload, const struct sf_part *part, struct sf_part_result *result,
                   struct sf_error *err)
{
    char *data = upload->data + part->offset;
    ssize_t got = pread(part->body->fd, data, part->body->length, (off_t)part->body->offset);

    if (got != (ssize_t)part->body->length)
        return sf_fail(err, SF_CORRUPT, "the source is shorter than it was");
    if (part->digests == NULL)
        uploads_script.parts_without_digests++;
    else if (!digests_fit(part->digests, data, part->body->length))
        return sf_fail(err, SF_CORRUPT, "the digest does not fit");
    pthread_mutex_lock(&upload->mutex);
    ck_assert(!upload->over);
    if (upload->in_order)
        ck_assert_uint_eq(part->offset, upload->received);
    if (part->digests != NULL) {
        pthread_mutex_lock(&script_mutex);
        uploads_script.part_digests = part->digests->have;
        pthread_mutex_unlock(&script_mutex);
    }
    result->persisted = part->body->length;
    if (uploads_script.keep_at_most != 0 && result->persisted > uploads_script.keep_at_most)
        result->persisted = uploads_script.keep_at_most;
    if (uploads_script.keep_nothing)
        result->persisted = 0;
    upload->received += result->persisted;
    pthread_mutex_unlock(&upload->mutex);
    return 0;
}

static int play_part(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                     const struct sf_part *part, struct sf_part_result *result, struct sf_error *err)
{
    (void)conn;
    uploads_script.parts++;
    if (uploads_script.during_part != NULL)
        uploads_script.during_part(part->number);
    if (call->cancelled(call))
        return sf_fail(err, SF_CANCELLED, "cancelled");
    if (uploads_script.part_number == part->number && take(&uploads_script.part_times))
        return sf_fail(err, (enum sf_class)uploads_script.part_cls, "part %u fails", part->number);
    ck_assert_uint_eq(part->body->kind, SF_BODY_FD);
    ck_assert_uint_eq(part->body->offset, part->offset);
    ck_assert_uint_le(part->offset + part->body->length, upload->bytes);
    result->opaque_bytes =
        (uint32_t)snprintf(result->opaque, sizeof(result->opaque), "%*u", 1 + (int)part->number % 9, part->number);
    return receive(upload, part, result, err);
}

static void check_parts(const struct sf_upload *upload, const struct sf_part_done *parts, uint32_t count)
{
    uint64_t bytes = 0;
    uint32_t i;

    for (i = 0; i < count; i++) {
        char opaque[SF_PART_OPAQUE_MAX];
        int length = snprintf(opaque, sizeof(opaque), "%*u", 1 + (int)(i + 1) % 9, i + 1);

        ck_assert_uint_eq(parts[i].number, i + 1);
        ck_assert_uint_eq(parts[i].opaque_bytes, (unsigned)length);
        ck_assert_mem_eq(parts[i].opaque, opaque, (size_t)length);
        if (i + 1 < count)
            ck_assert_uint_eq(parts[i].bytes, uploads_script.part_bytes);
        ck_assert_uint_eq(parts[i].crc32c, crc32c_update(0, upload->data + bytes, parts[i].bytes));
        bytes += parts[i].bytes;
    }
    ck_assert_uint_eq(bytes, upload->bytes);
    ck_assert_uint_eq(upload->received, upload->bytes);
}

static int play_commit(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                       const struct sf_upload_args *args, const struct sf_part_done *parts, uint32_t count,
                       uint32_t element_size, struct sf_object *object, struct sf_error *err)
{
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_MEMORY, .length = upload->bytes, .fd = -1};
    struct sf_put put = {.size = sizeof(put), .key = args->key, .body = &body};

    uploads_script.commits++;
    if (take(&uploads_script.commit_times)) {
        sf_fail(err, (enum sf_class)uploads_script.commit_cls, "commit fails");
        err->maybe_applied = uploads_script.commit_in_doubt;
        return -1;
    }
    ck_assert(!upload->over);
    ck_assert_uint_eq(element_size, sizeof(*parts));
    pthread_mutex_lock(&script_mutex);
    note_meta(args, uploads_script.commit_meta, &uploads_script.commit_digests);
    check_parts(upload, parts, count);
    uploads_script.part_count = count;
    uploads_script.commit_precondition = args->precondition;
    pthread_mutex_unlock(&script_mutex);
    body.data = upload->data;
    put.precondition = args->precondition;
    put.if_tag = args->if_tag;
    put.meta = args->meta;
    put.meta_count = args->meta_count;
    put.meta_element_size = args->meta_element_size;
    if (table.put(call, conn, &put, object, err) != 0)
        return -1;
    upload->over = true;
    if (take(&uploads_script.commit_bytes_times))
        object->bytes = uploads_script.commit_bytes;
    return 0;
}

static int play_abort(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload, struct sf_error *err)
{
    (void)conn;
    ck_assert(!upload->over);
    uploads_script.aborts++;
    if (call->cancelled(call))
        uploads_script.abort_was_cancelled = true;
    call->request(call, SF_REQUEST_UPLOAD_ABORT, 0, 0);
    if (uploads_script.abort_cls != 0)
        return sf_fail(err, (enum sf_class)uploads_script.abort_cls, "abort fails");
    upload->over = true;
    return 0;
}

static void play_close(struct sf_upload *upload)
{
    uploads_script.closes++;
    pthread_mutex_destroy(&upload->mutex);
    free(upload->data);
    free(upload);
}

void uploads_store_open(struct store *store, struct run_call *run, const char *name, bool in_order)
{
    kit_store_open(store, run, name);
    table = *store->table;
    table.threads = in_order ? SF_SERIAL : SF_PER_CONN;
    table.upload_begin = play_begin;
    table.upload_part = play_part;
    table.upload_commit = play_commit;
    table.upload_abort = play_abort;
    table.upload_close = play_close;
    store->table = &table;
    store->info.capabilities |= SF_CAP_UPLOAD | SF_CAP_PARALLEL_PARTS;
    if (in_order)
        store->info.capabilities &= ~SF_CAP_PARALLEL_PARTS;
    store->info.part_min_bytes = store->info.part_max_bytes = store->info.part_align_bytes = 0;
    store->info.part_count_max = 0;
}
