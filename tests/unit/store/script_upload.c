/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "tests/kit/store.h"
#include "tests/unit/store/script.h"

#include <check.h>

#define UPLOADS 32

struct script_slot script_begin, script_resume, script_part, script_commit, script_abort, script_uploads_list;

/* What stands on the store; the token is its index. */
static struct standing {
    atomic_bool open;
    char *key;
    char *data;
    uint64_t bytes;
} standing[UPLOADS];
static atomic_uint standing_count;

struct sf_upload {
    struct standing *at;
};

unsigned script_uploads_open(void)
{
    unsigned i, open = 0;

    for (i = 0; i < standing_count; i++)
        open += standing[i].open;
    return open;
}

static int play_begin(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                      struct sf_upload_token *token, struct sf_upload **upload, struct sf_error *err)
{
    struct step step = script_next(&script_begin);
    struct standing *at;
    unsigned index;

    (void)call;
    (void)conn;
    if (step.cls != 0 && !step.apply)
        return script_fail(&step, err);
    index = atomic_fetch_add(&standing_count, 1);
    ck_assert_uint_lt(index, UPLOADS);
    at = &standing[index];
    at->key = mem_text(args->key);
    at->data = mem_alloc(args->bytes);
    at->bytes = args->bytes;
    at->open = true;
    if (step.cls != 0)
        return script_fail(&step, err);
    token->bytes = (uint32_t)snprintf(token->token, sizeof(token->token), "%u", index);
    *upload = mem_alloc(sizeof(**upload));
    (*upload)->at = at;
    return 0;
}

static int play_resume(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                       const struct sf_upload_token *token, uint64_t *persisted, struct sf_upload **upload,
                       struct sf_error *err)
{
    struct step step = script_next(&script_resume);
    unsigned index = 0;

    (void)call;
    (void)conn;
    (void)args;
    if (step.cls != 0)
        return script_fail(&step, err);
    if (sscanf(token->token, "%u", &index) != 1 || index >= standing_count || !standing[index].open)
        return sf_fail(err, SF_NOT_FOUND, "no such upload");
    *persisted = 0;
    *upload = mem_alloc(sizeof(**upload));
    (*upload)->at = &standing[index];
    return 0;
}

static int play_part(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                     const struct sf_part *part, struct sf_part_result *result, struct sf_error *err)
{
    struct step step = script_next(&script_part);

    (void)call;
    (void)conn;
    if (step.cls == 0 || step.apply) {
        ck_assert_uint_le(part->offset + part->body->length, upload->at->bytes);
        memcpy(upload->at->data + part->offset, part->body->data, part->body->length);
    }
    if (step.cls != 0)
        return script_fail(&step, err);
    result->persisted = part->body->length;
    result->opaque_bytes = (uint32_t)snprintf(result->opaque, sizeof(result->opaque), "part %u", part->number);
    return 0;
}

static int play_commit(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                       const struct sf_upload_args *args, const struct sf_part_done *parts, uint32_t count,
                       uint32_t element_size, struct sf_object *object, struct sf_error *err)
{
    struct step step = script_next(&script_commit);
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_MEMORY, .length = args->bytes, .fd = -1};
    struct sf_put put = {.size = sizeof(put),
                         .key = args->key,
                         .body = &body,
                         .meta = args->meta,
                         .meta_count = args->meta_count,
                         .meta_element_size = args->meta_element_size,
                         .precondition = args->precondition,
                         .if_tag = args->if_tag};

    (void)parts;
    (void)count;
    (void)element_size;
    if (step.cls != 0 && !step.apply)
        return script_fail(&step, err);
    if (!upload->at->open)
        return sf_fail(err, SF_NOT_FOUND, "%s: no such upload", args->key);
    body.data = upload->at->data;
    if (kit_memory_plugin()->put(call, conn, &put, object, err) != 0)
        return -1;
    upload->at->open = false;
    return step.cls != 0 ? script_fail(&step, err) : 0;
}

static int play_abort(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload, struct sf_error *err)
{
    struct step step = script_next(&script_abort);

    (void)call;
    (void)conn;
    if (step.cls != 0 && !step.apply)
        return script_fail(&step, err);
    if (!atomic_exchange(&upload->at->open, false))
        return sf_fail(err, SF_NOT_FOUND, "no such upload");
    return step.cls != 0 ? script_fail(&step, err) : 0;
}

static void play_close(struct sf_upload *upload)
{
    free(upload);
}

/* A list that breaks off has yielded all the same. */
static int play_list(const struct sf_call *call, struct sf_conn *conn, const char *prefix,
                     const struct sf_uploads_sink *sink, struct sf_error *err)
{
    struct step step = script_next(&script_uploads_list);
    unsigned i;

    (void)call;
    (void)conn;
    for (i = 0; i < standing_count; i++) {
        char token[16];
        struct sf_upload_info info = {.size = sizeof(info), .key = standing[i].key, .token = token, .started_ms = i};

        info.token_bytes = (uint32_t)snprintf(token, sizeof(token), "%u", i);
        if (standing[i].open && strncmp(info.key, prefix, strlen(prefix)) == 0)
            sink->upload(sink->ctx, &info);
    }
    return step.cls != 0 ? script_fail(&step, err) : 0;
}

void script_fill_uploads(struct sf_plugin *table)
{
    table->upload_begin = play_begin;
    table->upload_resume = play_resume;
    table->upload_part = play_part;
    table->upload_commit = play_commit;
    table->upload_abort = play_abort;
    table->upload_close = play_close;
    table->uploads_list = play_list;
}
