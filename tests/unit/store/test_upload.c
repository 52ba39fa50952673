/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "tests/kit/store.h"
#include "tests/kit/unit.h"
#include "tests/unit/store/script.h"

#include <limits.h>

static struct run_call run;

static const char text[] = "two parts"; /* "two " and "parts" */
#define TEXT_BYTES 9
#define PART_BYTES 4

static const struct sf_meta run_meta = {.size = sizeof(run_meta), .key = "run", .value = "run-1"};
static const struct sf_upload_args upload_args = {.size = sizeof(upload_args),
                                                  .precondition = SF_IF_ABSENT,
                                                  .key = "k",
                                                  .bytes = TEXT_BYTES,
                                                  .part_bytes = PART_BYTES,
                                                  .meta = &run_meta,
                                                  .meta_count = 1,
                                                  .meta_element_size = sizeof(run_meta)};

struct site {
    struct store store;
    struct sf_conn *conn;
    struct sf_upload *upload;
    struct sf_upload_token token;
};

static void site_open(struct site *site, const char *name)
{
    struct sf_error err = SF_ERROR_INIT;

    run_call_init(&run, 0);
    *site = (struct site){.token = {.size = sizeof(site->token)}};
    script_store(&site->store, &run, NULL, name);
    ck_assert_int_eq(site->store.table->conn_open(&run.call, site->store.handle, &site->conn, &err), 0);
}

static void site_cleanup(struct site *site)
{
    if (site->upload != NULL)
        site->store.table->upload_close(site->upload);
    site->store.table->conn_close(site->conn);
    store_cleanup(&site->store);
}

static int begin(struct site *site, struct sf_error *err)
{
    return site->store.table->upload_begin(&run.call, site->conn, &upload_args, &site->token, &site->upload, err);
}

static int send_part(struct site *site, uint32_t number, struct sf_part_result *result, struct sf_error *err)
{
    uint64_t offset = (uint64_t)(number - 1) * PART_BYTES;
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_MEMORY, .data = text + offset, .fd = -1};
    struct sf_part part = {.size = sizeof(part), .number = number, .offset = offset, .body = &body};

    body.length = number == 1 ? PART_BYTES : TEXT_BYTES - PART_BYTES;
    *result = (struct sf_part_result){.size = sizeof(*result)};
    return site->store.table->upload_part(&run.call, site->conn, site->upload, &part, result, err);
}

static void begin_and_send(struct site *site)
{
    struct sf_error err = SF_ERROR_INIT;
    struct sf_part_result result;

    ck_assert_msg(begin(site, &err) == 0, "%s", err.text);
    ck_assert_msg(send_part(site, 1, &result, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(result.persisted, PART_BYTES);
    ck_assert_str_eq(result.opaque, "part 1");
    ck_assert_msg(send_part(site, 2, &result, &err) == 0, "%s", err.text);
}

static int commit_as(struct site *site, const struct sf_upload_args *args, struct sf_object *object,
                     struct sf_error *err)
{
    static const struct sf_part_done parts[] = {{.size = sizeof(parts[0]), .number = 1, .bytes = PART_BYTES},
                                                {.size = sizeof(parts[0]), .number = 2, .bytes = 5}};

    *object = (struct sf_object){.size = sizeof(*object)};
    return site->store.table->upload_commit(&run.call, site->conn, site->upload, args, parts, 2, sizeof(parts[0]),
                                            object, err);
}

static int commit(struct site *site, struct sf_object *object, struct sf_error *err)
{
    return commit_as(site, &upload_args, object, err);
}

static void assert_stands(const struct site *site)
{
    AUTO_FREE char *stands = kit_store_get(&site->store, &run, "k");

    ck_assert_ptr_nonnull(stands);
    ck_assert_str_eq(stands, text);
}

START_TEST(parts_through_all_wrappers)
{
    SF_AUTO(site) site;
    struct sf_object object;
    struct sf_error err = SF_ERROR_INIT;

    script_plugin()->threads = SF_SERIAL;
    site_open(&site, "whole");
    begin_and_send(&site);
    ck_assert_msg(commit(&site, &object, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(object.bytes, TEXT_BYTES);
    assert_stands(&site);
    ck_assert_uint_eq(run.retries, 0);
    ck_assert_uint_eq(run.uploads_lost, 0);
}
END_TEST

START_TEST(parts_and_begin_are_tried_again)
{
    SF_AUTO(site) site;
    struct sf_object object;
    struct sf_error err = SF_ERROR_INIT;

    site_open(&site, "again");
    script_begin.steps[0] = (struct step){.cls = SF_TRANSIENT}; /* never arrived: nothing is left over */
    script_part.steps[0] = (struct step){.cls = SF_TRANSIENT, .apply = true, .maybe_applied = true};
    begin_and_send(&site);
    ck_assert_int_eq(commit(&site, &object, &err), 0);
    ck_assert_uint_eq(script_part.calls, 3);
    ck_assert_uint_eq(run.retries, 2);
    ck_assert_uint_eq(run.uploads_lost, 0);
    assert_stands(&site);
}
END_TEST

START_TEST(begin_whose_answer_is_lost_is_counted)
{
    SF_AUTO(site) site;
    struct sf_error err = SF_ERROR_INIT;

    site_open(&site, "lost-begin");
    script_begin.steps[0] = (struct step){.cls = SF_TRANSIENT, .apply = true, .maybe_applied = true};
    ck_assert_int_eq(begin(&site, &err), 0);
    ck_assert_uint_eq(script_uploads_open(), 2);
    ck_assert_uint_eq(run.uploads_lost, 1);
    site.store.table->upload_close(site.upload);
    site.upload = NULL;
    script_begin.steps[2] = (struct step){.cls = SF_PERMANENT, .apply = true, .maybe_applied = true};
    ck_assert_int_eq(begin(&site, &err), -1);
    ck_assert_uint_eq(run.uploads_lost, 2);
}
END_TEST

/* ---- commit ---- */

START_TEST(lost_answer_of_our_own_commit)
{
    SF_AUTO(site) site;
    struct sf_object object;
    struct sf_error err = SF_ERROR_INIT;

    /* The second try finds no upload any more: the first was the one that counted. */
    site_open(&site, "own");
    begin_and_send(&site);
    script_commit.steps[0] = (struct step){.cls = SF_TRANSIENT, .apply = true, .maybe_applied = true};
    ck_assert_msg(commit(&site, &object, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(script_commit.calls, 2);
    ck_assert_uint_eq(script_stat.calls, 1);
    ck_assert_str_eq(object.tag, "1");
    assert_stands(&site);
}
END_TEST

START_TEST(lost_answer_of_a_commit_and_what_came_next)
{
    static const int next[] = {SF_EXISTS, SF_PRECONDITION, SF_CONFLICT, SF_NOT_FOUND};
    size_t i;

    for (i = 0; i < sizeof(next) / sizeof(next[0]); i++) {
        SF_AUTO(site) site;
        struct sf_object object;
        struct sf_error err = SF_ERROR_INIT;
        char name[16];

        snprintf(name, sizeof(name), "next-%zu", i);
        memset(&script_commit, 0, sizeof(script_commit));
        script_commit.steps[0] = (struct step){.cls = SF_TRANSIENT, .apply = true, .maybe_applied = true};
        script_commit.steps[1] = (struct step){.cls = next[i]};
        site_open(&site, name);
        begin_and_send(&site);
        ck_assert_msg(commit(&site, &object, &err) == 0, "%d: %s", next[i], err.text);
        ck_assert_uint_eq(script_commit.calls,
                          next[i] == SF_CONFLICT ? 3 : 2); /* our own first try may clash with the second */
    }
}
END_TEST

/* The plugin cannot know whether an upload that is gone was committed: the object tells, unless an answer was lost before. */
START_TEST(commit_of_an_upload_that_is_gone)
{
    SF_AUTO(site) site;
    struct sf_object object;
    struct sf_error err = SF_ERROR_INIT;

    site_open(&site, "gone");
    begin_and_send(&site);
    script_commit.steps[0] = (struct step){.cls = SF_NOT_FOUND, .maybe_applied = true};
    ck_assert_int_eq(commit(&site, &object, &err), -1);
    ck_assert_int_eq(err.cls, SF_NOT_FOUND);
    ck_assert_int_eq(err.maybe_applied, 0);
    ck_assert_uint_eq(script_stat.calls, 1);
    script_commit.steps[1] = (struct step){.cls = SF_TRANSIENT, .maybe_applied = true};
    script_commit.steps[2] = (struct step){.cls = SF_NOT_FOUND, .maybe_applied = true};
    ck_assert_int_eq(commit(&site, &object, &err), -1);
    ck_assert_int_eq(err.cls, SF_NOT_FOUND);
    ck_assert_int_eq(err.maybe_applied, 1);
    ck_assert_uint_eq(script_stat.calls, 2);
}
END_TEST

START_TEST(lost_answer_of_a_commit_and_a_foreign_object)
{
    SF_AUTO(site) site;
    struct sf_object object;
    struct sf_error err = SF_ERROR_INIT;

    site_open(&site, "foreign");
    ck_assert_int_eq(script_send(&site.store, &run, "k", "two parts", "run-2", NULL, &object, &err), 0);
    begin_and_send(&site);
    script_commit.steps[0] = (struct step){.cls = SF_TRANSIENT, .maybe_applied = true};
    ck_assert_int_eq(commit(&site, &object, &err), -1);
    ck_assert_int_eq(err.cls, SF_EXISTS);
    ck_assert_int_eq(err.maybe_applied, 0);
    ck_assert_uint_eq(script_uploads_open(), 1);
}
END_TEST

/* What stands there has our run and size, but is what was to be replaced. */
START_TEST(lost_answer_of_a_commit_that_was_not_applied)
{
    SF_AUTO(site) site;
    struct sf_upload_args args = upload_args;
    struct sf_object first, object;
    struct sf_error err = SF_ERROR_INIT;

    site_open(&site, "not-applied");
    ck_assert_int_eq(script_send(&site.store, &run, "k", "two pairs", "run-1", NULL, &first, &err), 0);
    begin_and_send(&site);
    args.precondition = SF_IF_TAG;
    args.if_tag = first.tag;
    script_commit.steps[0] = (struct step){.cls = SF_PERMANENT, .maybe_applied = true};
    ck_assert_int_eq(commit_as(&site, &args, &object, &err), -1);
    ck_assert_int_eq(err.cls, SF_PERMANENT);
    ck_assert_int_eq(err.maybe_applied, 1);
    ck_assert_msg(commit_as(&site, &args, &object, &err) == 0, "%s", err.text);
    assert_stands(&site);
}
END_TEST

START_TEST(conflict_at_commit_is_the_callers)
{
    SF_AUTO(site) site;
    struct sf_object object;
    struct sf_error err = SF_ERROR_INIT;

    site_open(&site, "conflict");
    begin_and_send(&site);
    script_commit.steps[0] = (struct step){.cls = SF_CONFLICT};
    ck_assert_int_eq(commit(&site, &object, &err), -1);
    ck_assert_int_eq(err.cls, SF_CONFLICT);
    ck_assert_uint_eq(script_commit.calls, 1);
    ck_assert_uint_eq(script_stat.calls, 0);
    ck_assert_uint_eq(run.retries, 0);
}
END_TEST

/* ---- abort, resume, list ---- */

START_TEST(abort_of_what_is_gone_is_done)
{
    SF_AUTO(site) site;
    struct sf_error err = SF_ERROR_INIT;

    site_open(&site, "abort");
    ck_assert_int_eq(begin(&site, &err), 0);
    script_abort.steps[0] = (struct step){.cls = SF_TRANSIENT, .apply = true, .maybe_applied = true};
    script_abort.steps[3] = (struct step){.cls = SF_DENIED};
    ck_assert_int_eq(site.store.table->upload_abort(&run.call, site.conn, site.upload, &err), 0);
    ck_assert_uint_eq(script_abort.calls, 2);
    ck_assert_uint_eq(script_uploads_open(), 0);
    ck_assert_int_eq(site.store.table->upload_abort(&run.call, site.conn, site.upload, &err), 0);
    ck_assert_int_eq(site.store.table->upload_abort(&run.call, site.conn, site.upload, &err), -1);
    ck_assert_int_eq(err.cls, SF_DENIED);
}
END_TEST

START_TEST(resumed_by_its_token)
{
    SF_AUTO(site) site;
    struct sf_object object;
    struct sf_error err = SF_ERROR_INIT;
    uint64_t persisted = 99;

    site_open(&site, "resume");
    begin_and_send(&site);
    site.store.table->upload_close(site.upload);
    site.upload = NULL;
    script_resume.steps[0].cls = SF_TRANSIENT;
    ck_assert_msg(site.store.table->upload_resume(&run.call, site.conn, &upload_args, &site.token, &persisted,
                                                  &site.upload, &err) == 0,
                  "%s", err.text);
    ck_assert_uint_eq(persisted, 0);
    ck_assert_int_eq(commit(&site, &object, &err), 0);
    assert_stands(&site);
}
END_TEST

static void note_upload(void *ctx, const struct sf_upload_info *info)
{
    buf_printf(ctx, "%s=%.*s:%lld ", info->key, (int)info->token_bytes, info->token, (long long)info->started_ms);
}

START_TEST(list_that_broke_off_is_delivered_once)
{
    SF_AUTO(site) site;
    SF_AUTO(buf) found = BUF_INIT;
    struct sf_uploads_sink sink = {.size = sizeof(sink), .ctx = &found, .upload = note_upload};
    struct sf_error err = SF_ERROR_INIT;

    site_open(&site, "list");
    script_begin.steps[0] = (struct step){.cls = SF_TRANSIENT, .apply = true, .maybe_applied = true};
    script_uploads_list.steps[0].cls = SF_TRANSIENT;
    script_uploads_list.steps[2].cls = SF_DENIED;
    ck_assert_int_eq(begin(&site, &err), 0);
    ck_assert_int_eq(site.store.table->uploads_list(&run.call, site.conn, "k", &sink, &err), 0);
    ck_assert_str_eq(buf_text(&found), "k=0:0 k=1:1 ");
    buf_clear(&found);
    ck_assert_int_eq(site.store.table->uploads_list(&run.call, site.conn, "k", &sink, &err), -1);
    ck_assert_str_eq(buf_text(&found), "");
}
END_TEST

/* ---- answers that make no sense ---- */

static struct sf_part_result bad_part;
static struct sf_upload_token bad_token;
static uint64_t bad_persisted;
static struct sf_upload_info bad_listed;
static int closed;

static int answer_part(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                       const struct sf_part *part, struct sf_part_result *result, struct sf_error *err)
{
    (void)call;
    (void)conn;
    (void)upload;
    (void)part;
    (void)err;
    sf_give(result, &bad_part);
    return 0;
}

static int answer_begin(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                        struct sf_upload_token *token, struct sf_upload **upload, struct sf_error *err)
{
    (void)call;
    (void)conn;
    (void)args;
    (void)err;
    sf_give(token, &bad_token);
    *upload = NULL;
    return 0;
}

static int answer_resume(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                         const struct sf_upload_token *token, uint64_t *persisted, struct sf_upload **upload,
                         struct sf_error *err)
{
    (void)call;
    (void)conn;
    (void)args;
    (void)token;
    (void)err;
    *persisted = bad_persisted;
    *upload = NULL;
    return 0;
}

static int answer_list(const struct sf_call *call, struct sf_conn *conn, const char *prefix,
                       const struct sf_uploads_sink *sink, struct sf_error *err)
{
    (void)call;
    (void)conn;
    (void)prefix;
    (void)err;
    sink->upload(sink->ctx, &bad_listed);
    return 0;
}

static void note_close(struct sf_upload *upload)
{
    ck_assert_ptr_null(upload);
    closed++;
}

START_TEST(part_answers_that_make_no_sense)
{
    SF_AUTO(site) site;
    struct sf_part_result result;
    struct sf_error err = SF_ERROR_INIT;

    script_plugin()->upload_part = answer_part;
    site_open(&site, "bad-part");
    ck_assert_int_eq(begin(&site, &err), 0);
    bad_part = (struct sf_part_result){.size = sizeof(bad_part), .persisted = PART_BYTES};
    ck_assert_int_eq(send_part(&site, 1, &result, &err), 0);
    bad_part.persisted = PART_BYTES + 1;
    ck_assert_int_eq(send_part(&site, 1, &result, &err), -1);
    ck_assert_str_eq(err.text, "plugin memory: upload_part says that 5 bytes of part 1 of k are kept, 4 were sent");
    bad_part.persisted = 1;
    bad_part.opaque_bytes = SF_PART_OPAQUE_MAX + 1;
    ck_assert_int_eq(send_part(&site, 1, &result, &err), -1);
    ck_assert_int_eq(err.cls, SF_PERMANENT);
    ck_assert_ptr_nonnull(strstr(err.text, "257 opaque bytes"));
    ck_assert_uint_eq(result.persisted, 0); /* left alone */
}
END_TEST

START_TEST(begin_and_resume_answers_that_make_no_sense)
{
    SF_AUTO(site) site;
    struct sf_error err = SF_ERROR_INIT;
    uint64_t persisted = 0;

    script_plugin()->upload_begin = answer_begin;
    script_plugin()->upload_resume = answer_resume;
    script_plugin()->upload_close = note_close;
    site_open(&site, "bad-begin");
    bad_token = (struct sf_upload_token){.size = sizeof(bad_token), .bytes = SF_UPLOAD_TOKEN_MAX + 1};
    ck_assert_int_eq(begin(&site, &err), -1);
    ck_assert_int_eq(err.cls, SF_PERMANENT);
    ck_assert_ptr_nonnull(strstr(err.text, "upload_begin answered with a token of 2049 bytes"));
    ck_assert_int_eq(closed, 1);
    ck_assert_uint_eq(run.uploads_lost, 1);
    bad_persisted = TEXT_BYTES + 1;
    ck_assert_int_eq(site.store.table->upload_resume(&run.call, site.conn, &upload_args, &site.token, &persisted,
                                                     &site.upload, &err),
                     -1);
    ck_assert_ptr_nonnull(strstr(err.text, "upload_resume says that 10 bytes of the 9 of k are kept"));
    ck_assert_int_eq(closed, 2);
    ck_assert_ptr_null(site.upload);
}
END_TEST

START_TEST(listed_uploads_that_make_no_sense)
{
    static const struct {
        const char *key, *token;
        uint32_t token_bytes;
        const char *says;
    } cases[] = {
        {"other", "t", 1, "yields 'other', which is not under 'k'"},
        {NULL, "t", 1, "not under"},
        {"k", NULL, 1, "a token of 0 bytes"},
        {"k", "", 0, "a token of 0 bytes"},
        {"k", "t", UINT_MAX, "a token of 4294967295 bytes"},
    };
    SF_AUTO(site) site;
    size_t i;

    script_plugin()->uploads_list = answer_list;
    site_open(&site, "bad-list");
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        SF_AUTO(buf) found = BUF_INIT;
        struct sf_uploads_sink sink = {.size = sizeof(sink), .ctx = &found, .upload = note_upload};
        struct sf_error err = SF_ERROR_INIT;

        bad_listed = (struct sf_upload_info){.size = sizeof(bad_listed),
                                             .key = cases[i].key,
                                             .token = cases[i].token,
                                             .token_bytes = cases[i].token_bytes};
        ck_assert_int_eq(site.store.table->uploads_list(&run.call, site.conn, "k", &sink, &err), -1);
        ck_assert_int_eq(err.cls, SF_PERMANENT);
        ck_assert_msg(strstr(err.text, cases[i].says) != NULL, "%s", err.text);
        ck_assert_str_eq(buf_text(&found), "");
    }
}
END_TEST

UNIT_MAIN("upload", &parts_through_all_wrappers, &parts_and_begin_are_tried_again,
          &begin_whose_answer_is_lost_is_counted, &lost_answer_of_our_own_commit,
          &lost_answer_of_a_commit_and_what_came_next, &commit_of_an_upload_that_is_gone,
          &lost_answer_of_a_commit_and_a_foreign_object, &lost_answer_of_a_commit_that_was_not_applied,
          &conflict_at_commit_is_the_callers, &abort_of_what_is_gone_is_done, &resumed_by_its_token,
          &list_that_broke_off_is_delivered_once, &part_answers_that_make_no_sense,
          &begin_and_resume_answers_that_make_no_sense, &listed_uploads_that_make_no_sense)
