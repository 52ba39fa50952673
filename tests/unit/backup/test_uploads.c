/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "core/backup/backup.h"
#include "core/progress/log.h"
#include "core/store/call.h"
#include "tests/kit/store.h"
#include "tests/kit/unit.h"

#include <string.h>

#define OURS "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHERS "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* The store's unfinished uploads, by their keys; the token is the index. */
static struct {
    const char *keys[8];
    bool aborted[8];
    unsigned count;
    unsigned lists, resumes, aborts, closes, gets;
    char listed[128];
    int list_cls, resume_cls, abort_cls;
    bool abort_was_cancelled;
} site;

struct sf_upload {
    unsigned index;
};

static int play_list(const struct sf_call *call, struct sf_conn *conn, const char *prefix,
                     const struct sf_uploads_sink *sink, struct sf_error *err)
{
    unsigned i;

    (void)call;
    (void)conn;
    site.lists++;
    snprintf(site.listed, sizeof(site.listed), "%s", prefix);
    if (site.list_cls != 0)
        return sf_fail(err, (enum sf_class)site.list_cls, "you may not list uploads");
    for (i = 0; i < site.count; i++) {
        struct sf_upload_info info = {.size = sizeof(info), .key = site.keys[i], .token_bytes = 1};
        char token = (char)('0' + i);

        info.token = &token;
        if (!site.aborted[i] && strncmp(info.key, prefix, strlen(prefix)) == 0)
            sink->upload(sink->ctx, &info);
    }
    return 0;
}

static int play_resume(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                       const struct sf_upload_token *token, uint64_t *persisted, struct sf_upload **upload,
                       struct sf_error *err)
{
    unsigned index = (unsigned)(token->token[0] - '0');

    (void)call;
    (void)conn;
    site.resumes++;
    if (site.resume_cls != 0)
        return sf_fail(err, (enum sf_class)site.resume_cls, "resume fails");
    ck_assert_uint_eq(token->bytes, 1);
    ck_assert_uint_lt(index, site.count);
    ck_assert_str_eq(args->key, site.keys[index]);
    *persisted = 0;
    *upload = mem_alloc(sizeof(**upload));
    (*upload)->index = index;
    return 0;
}

static int play_abort(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload, struct sf_error *err)
{
    (void)conn;
    site.aborts++;
    site.abort_was_cancelled |= call->cancelled(call) != 0;
    if (site.abort_cls != 0)
        return sf_fail(err, (enum sf_class)site.abort_cls, "abort fails");
    site.aborted[upload->index] = true;
    return 0;
}

static void play_close(struct sf_upload *upload)
{
    site.closes++;
    free(upload);
}

static int count_get(const struct sf_call *call, struct sf_conn *conn, const struct sf_get *get,
                     const struct sf_sink *sink, struct sf_object *object, struct sf_error *err)
{
    site.gets++;
    return kit_memory_plugin()->get(call, conn, get, sink, object, err);
}

struct rig {
    struct run_call run;
    struct store store;
    struct sf_plugin table;
    struct base base;
    struct log log;
    struct backup backup;
};

static void rig_open(struct rig *rig, const char *prefix)
{
    struct sf_error err = SF_ERROR_INIT;

    memset(rig, 0, sizeof(*rig));
    rig->log = (struct log)LOG_INIT;
    rig->log.level = SF_LOG_ERROR;
    run_call_init(&rig->run, 0);
    kit_store_open(&rig->store, &rig->run, "uploads");
    rig->table = *rig->store.table;
    rig->table.uploads_list = play_list;
    rig->table.upload_resume = play_resume;
    rig->table.upload_abort = play_abort;
    rig->table.upload_close = play_close;
    rig->table.get = count_get;
    rig->store.table = &rig->table;
    rig->store.info.capabilities |= SF_CAP_UPLOAD;
    rig->base = (struct base){.store = &rig->store, .run = &rig->run, .prefix = prefix};
    ck_assert_int_eq(rig->table.conn_open(&rig->run.call, rig->store.handle, &rig->base.conn, &err), 0);
    rig->backup = (struct backup){.base = &rig->base, .log = &rig->log};
    strcpy(rig->backup.claim.time_dir, "2026-11-22");
    strcpy(rig->backup.claim.state_id, OURS);
}

static void rig_close(struct rig *rig)
{
    rig->table.conn_close(rig->base.conn);
    store_cleanup(&rig->store);
}

/* The .open of a run with that state folder. */
static void claim(struct rig *rig, const char *time_dir, const char *state_id)
{
    struct point_open open = {.run = "0123456789abcdef", .identity = "db-1", .timeout_ms = 1};
    SF_AUTO(buf) key = BUF_INIT;
    SF_AUTO(buf) text = BUF_INIT;

    memcpy(open.state_id, state_id, strlen(state_id));
    key_point(&rig->base, time_dir, ".open", &key);
    point_format_open(&open, &text);
    kit_store_put(&rig->store, &rig->run, buf_text(&key), buf_text(&text));
}

START_TEST(nothing_costs_one_request)
{
    struct rig rig;

    rig_open(&rig, "prod/db-1");
    claim(&rig, "2026-11-21", OURS);
    backup_sweep_uploads(&rig.backup);
    ck_assert_uint_eq(site.lists, 1);
    ck_assert_str_eq(site.listed, "prod/db-1/");
    ck_assert_uint_eq(site.gets + site.resumes, 0);
    rig_close(&rig);
}
END_TEST

START_TEST(dead_runs_of_ours_only)
{
    static const char *const keys[] = {"p/2026-11-21/src/a",   "p/2026-11-21/src/b", "p/2026-11-20/src/c",
                                       "p/2026-11-19/src/d",   "p/2026-11-22/src/e", "p/not-a-time-dir/src/f",
                                       "p/2026-11-18-07/src/g"};
    struct rig rig;
    unsigned i;

    rig_open(&rig, "p");
    site.count = sizeof(keys) / sizeof(keys[0]);
    memcpy(site.keys, keys, sizeof(keys));
    claim(&rig, "2026-11-21", OURS);
    claim(&rig, "2026-11-20", OTHERS); /* another machine's */
    claim(&rig, "2026-11-22", OURS);   /* this run's own */
    kit_store_put(&rig.store, &rig.run, "p/.snapferry/points/2026-11-18-07.open", "{\"state_id\":"); /* damaged */
    backup_sweep_uploads(&rig.backup);
    for (i = 0; i < site.count; i++)
        ck_assert_msg(site.aborted[i] == (i < 2), "%s", keys[i]);
    ck_assert_uint_eq(site.aborts, 2);
    ck_assert_uint_eq(site.closes, 2);
    ck_assert_uint_eq(site.lists, 1);
    ck_assert_uint_eq(site.gets, 4); /* an .open a time-dir, but not the run's own */
    rig_close(&rig);
}
END_TEST

START_TEST(a_base_without_prefix)
{
    struct rig rig;

    rig_open(&rig, "");
    site.count = 3;
    site.keys[0] = "2026-11-21/src/a";
    site.keys[1] = "other/2026-11-21/src/a"; /* another base's in the same bucket */
    site.keys[2] = "2026-11-21";
    claim(&rig, "2026-11-21", OURS);
    backup_sweep_uploads(&rig.backup);
    ck_assert(site.aborted[0] && !site.aborted[1] && !site.aborted[2]);
    ck_assert_str_eq(site.listed, "");
    rig_close(&rig);
}
END_TEST

START_TEST(failures_do_not_matter)
{
    struct rig rig;

    rig_open(&rig, "");
    site.count = 2;
    site.keys[0] = "2026-11-21/src/a";
    site.keys[1] = "2026-11-21/src/b";
    claim(&rig, "2026-11-21", OURS);
    site.list_cls = SF_DENIED;
    backup_sweep_uploads(&rig.backup);
    ck_assert_uint_eq(site.lists, 1);
    site.list_cls = 0;
    site.abort_cls = SF_INVALID; /* then the next one may go */
    backup_sweep_uploads(&rig.backup);
    ck_assert_uint_eq(site.aborts, 2);
    site.abort_cls = SF_DENIED; /* then none will */
    backup_sweep_uploads(&rig.backup);
    ck_assert_uint_eq(site.aborts, 3);
    site.abort_cls = SF_TRANSIENT; /* tried ten times: none is worth that */
    backup_sweep_uploads(&rig.backup);
    ck_assert_uint_eq(site.aborts, 4);
    ck_assert_uint_eq(site.closes, 4);
    site.abort_cls = 0;
    site.resume_cls = SF_NOT_FOUND; /* somebody else was faster */
    backup_sweep_uploads(&rig.backup);
    ck_assert_uint_eq(site.resumes, 6);
    ck_assert_uint_eq(site.aborts, 4);
    rig_close(&rig);
}
END_TEST

START_TEST(stores_without_uploads_are_not_asked)
{
    struct rig rig;

    rig_open(&rig, "");
    rig.run.uploads_lost = 1;
    rig.store.info.capabilities &= ~SF_CAP_UPLOAD;
    backup_sweep_uploads(&rig.backup);
    backup_sweep_own_uploads(&rig.backup);
    rig.store.info.capabilities |= SF_CAP_UPLOAD;
    rig.table.uploads_list = NULL;
    backup_sweep_uploads(&rig.backup);
    backup_sweep_own_uploads(&rig.backup);
    ck_assert_uint_eq(site.lists, 0);
    rig_close(&rig);
}
END_TEST

START_TEST(own_ones_only_if_an_answer_was_lost)
{
    struct rig rig;

    rig_open(&rig, "p");
    site.count = 3;
    site.keys[0] = "p/2026-11-22/src/a";
    site.keys[1] = "p/2026-11-22-07/src/a"; /* begins alike */
    site.keys[2] = "p/2026-11-21/src/a";
    backup_sweep_own_uploads(&rig.backup);
    ck_assert_uint_eq(site.lists, 0);
    rig.run.uploads_lost = 1;
    rig.run.cancel_signal = 15; /* a cancelled run cleans up too */
    backup_sweep_own_uploads(&rig.backup);
    ck_assert_str_eq(site.listed, "p/2026-11-22/");
    ck_assert(site.aborted[0] && !site.aborted[1] && !site.aborted[2]);
    ck_assert(!site.abort_was_cancelled);
    rig.backup.claim.time_dir[0] = '\0'; /* a run that claimed nothing has nothing */
    backup_sweep_own_uploads(&rig.backup);
    ck_assert_uint_eq(site.lists, 1);
    rig_close(&rig);
}
END_TEST

UNIT_MAIN("uploads", &nothing_costs_one_request, &dead_runs_of_ours_only, &a_base_without_prefix,
          &failures_do_not_matter, &stores_without_uploads_are_not_asked, &own_ones_only_if_an_answer_was_lost)
