/* SPDX-License-Identifier: Apache-2.0
 *
 * Uploads in parts that were begun, and neither committed nor aborted: a store keeps their parts, and bills them, until somebody ends
 * them. Pipeline's thread.
 */
#include "core/backup/backup.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/progress/log.h"

#include <string.h>

#define SWEEP_MS 10000 /* for all that is left to do after the run */

/* One that uploads_list found under a time-dir. */
struct leftover {
    char time_dir[TIME_DIR_MAX + 1];
    char *key;
    char *token; /* mostly far shorter than an sf_upload_token */
    uint32_t token_bytes;
};

struct leftovers {
    struct leftover *items;
    size_t count;
    size_t room;
    size_t prefix_bytes; /* of the base, with its slash */
};

static void leftovers_cleanup(struct leftovers *leftovers)
{
    size_t i;

    for (i = 0; i < leftovers->count; i++) {
        free(leftovers->items[i].key);
        free(leftovers->items[i].token);
    }
    free(leftovers->items);
}

/* The first part of the key below the base, if it can be a time-dir's name. */
static bool split_key(const char *key, char time_dir[TIME_DIR_MAX + 1])
{
    size_t length = strcspn(key, "/");

    if (key[length] != '/' || length > TIME_DIR_MAX)
        return false;
    memcpy(time_dir, key, length);
    time_dir[length] = '\0';
    return time_dir_is_valid(time_dir);
}

static void keep_leftover(void *ctx, const struct sf_upload_info *info)
{
    struct leftovers *leftovers = ctx;
    struct leftover found = {.token_bytes = info->token_bytes};

    if (!split_key(info->key + leftovers->prefix_bytes, found.time_dir))
        return;
    found.key = mem_text(info->key);
    found.token = mem_alloc(info->token_bytes);
    memcpy(found.token, info->token, info->token_bytes);
    if (leftovers->count == leftovers->room) {
        leftovers->room = 2 * leftovers->room + 1;
        leftovers->items = mem_resize(leftovers->items, leftovers->room * sizeof(*leftovers->items));
    }
    leftovers->items[leftovers->count++] = found;
}

/* Those whose key begins with the base's prefix and below. */
static int find(const struct base *base, const struct sf_call *call, const char *below, struct leftovers *leftovers,
                struct sf_error *err)
{
    struct sf_uploads_sink sink = {.size = sizeof(sink), .ctx = leftovers, .upload = keep_leftover};
    SF_AUTO(buf) prefix = BUF_INIT;

    if (base->prefix[0] != '\0')
        buf_printf(&prefix, "%s/", base->prefix);
    leftovers->prefix_bytes = prefix.length;
    buf_add_text(&prefix, below);
    return base->store->table->uploads_list(call, base->conn, buf_text(&prefix), &sink, err);
}

static int abort_one(const struct base *base, const struct sf_call *call, const struct leftover *leftover,
                     struct sf_error *err)
{
    const struct sf_plugin *table = base->store->table;
    struct sf_upload_args args = {.size = sizeof(args), .key = leftover->key};
    struct sf_upload_token token = {.size = sizeof(token), .bytes = leftover->token_bytes};
    struct sf_upload *upload = NULL;
    uint64_t persisted;
    int result;

    memcpy(token.token, leftover->token, leftover->token_bytes);
    if (table->upload_resume(call, base->conn, &args, &token, &persisted, &upload, err) != 0)
        return err->cls == SF_NOT_FOUND ? 0 : -1;
    result = table->upload_abort(call, base->conn, upload, err);
    table->upload_close(upload);
    return result;
}

/* Logs what became of it; false: the next one would end likewise. */
static bool abort_and_tell(const struct backup *backup, const struct sf_call *call, const struct leftover *leftover)
{
    struct sf_error err = SF_ERROR_INIT;
    char key[SF_ERROR_TEXT];

    err_printable(leftover->key, key, sizeof(key));
    if (abort_one(backup->base, call, leftover, &err) == 0) {
        log_info(backup->log, "aborted an upload that was left unfinished: %s", key);
        return true;
    }
    if (err.cls != SF_CANCELLED)
        log_warning(backup->log, "cannot abort an upload that was left unfinished: %s: %s", key, err.text);
    /* What was tried again and again has taken long enough: a backup waits. */
    return err.cls != SF_CANCELLED && err.cls != SF_DENIED && err.cls != SF_AUTH && !err_is_retryable(err.cls);
}

/* Without one of the slots nobody could end what is found. */
static bool can_sweep(const struct backup *backup)
{
    const struct sf_plugin *table = backup->base->store->table;

    return (backup->base->store->info.capabilities & SF_CAP_UPLOAD) != 0 && table->uploads_list != NULL &&
           table->upload_resume != NULL;
}

static void tell_not_found(const struct backup *backup, const struct sf_error *err)
{
    if (err->cls != SF_CANCELLED)
        log_info(
            backup->log,
            "cannot look for uploads that were left unfinished: %s; a rule of the store that ends such uploads after "
            "some days is the way out",
            err->text);
}

/* 1: the run that claimed the time-dir was one of ours, and it is not this one. */
static int is_ours(const struct backup *backup, const char *time_dir, struct sf_error *err)
{
    char state_id[33];

    if (strcmp(time_dir, backup->claim.time_dir) == 0)
        return 0;
    if (point_read_state_id(backup->base, time_dir, state_id, err) < 0)
        return -1;
    return state_id[0] != '\0' && strcmp(state_id, backup->claim.state_id) == 0;
}

void backup_sweep_uploads(struct backup *backup)
{
    __attribute__((cleanup(leftovers_cleanup))) struct leftovers found = {0};
    const struct sf_call *call = &backup->base->run->call;
    struct sf_error err = SF_ERROR_INIT;
    const char *asked = "";
    int ours = 0;
    size_t i;

    if (!can_sweep(backup))
        return;
    if (find(backup->base, call, "", &found, &err) < 0) {
        tell_not_found(backup, &err);
        return;
    }
    for (i = 0; i < found.count; i++) {
        const struct leftover *leftover = &found.items[i];

        if (strcmp(asked, leftover->time_dir) != 0) { /* neighbours mostly lie in the same one */
            asked = leftover->time_dir;
            ours = is_ours(backup, asked, &err);
        }
        if (ours < 0) {
            tell_not_found(backup, &err);
            return;
        }
        if (ours && !abort_and_tell(backup, call, leftover))
            return;
    }
}

void backup_sweep_own_uploads(struct backup *backup)
{
    __attribute__((cleanup(leftovers_cleanup))) struct leftovers found = {0};
    SF_AUTO(buf) below = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct sf_call call;
    size_t i;

    if (backup->claim.time_dir[0] == '\0' || backup->base->run->uploads_lost == 0 || !can_sweep(backup))
        return;
    call = run_call_afterwards(backup->base->run, SWEEP_MS);
    buf_printf(&below, "%s/", backup->claim.time_dir);
    if (find(backup->base, &call, buf_text(&below), &found, &err) < 0) {
        tell_not_found(backup, &err);
        return;
    }
    for (i = 0; i < found.count && abort_and_tell(backup, &call, &found.items[i]); i++)
        ;
}
