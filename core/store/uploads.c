/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/uploads.h"

#include "base/err.h"

#define KEY_TEXT 160 /* of a key in a message */

/* A record: this head, the key with its NUL, the token. */
struct head {
    uint32_t key_bytes; /* with NUL */
    uint32_t token_bytes;
    int64_t started_ms;
};

void uploads_init(struct uploads *uploads, const struct sf_plugin *table, const char *prefix)
{
    *uploads = (struct uploads){.table = table, .prefix = prefix != NULL ? prefix : "", .error = SF_ERROR_INIT};
}

void uploads_cleanup(struct uploads *uploads)
{
    buf_cleanup(&uploads->records);
    *uploads = (struct uploads){0};
}

static int check_info(const struct uploads *uploads, const struct sf_upload_info *info, struct sf_error *err)
{
    char key[KEY_TEXT];

    if (info->key == NULL || strncmp(info->key, uploads->prefix, strlen(uploads->prefix)) != 0)
        return sf_fail(err, SF_PERMANENT, "plugin %s: uploads_list yields '%s', which is not under '%s'",
                       uploads->table->name, err_printable(info->key != NULL ? info->key : "", key, sizeof(key)),
                       uploads->prefix);
    if (info->token == NULL || info->token_bytes == 0 || info->token_bytes > SF_UPLOAD_TOKEN_MAX)
        return sf_fail(err, SF_PERMANENT, "plugin %s: uploads_list yields '%s' with a token of %u bytes, of 1 to %d",
                       uploads->table->name, err_printable(info->key, key, sizeof(key)),
                       info->token == NULL ? 0 : info->token_bytes, SF_UPLOAD_TOKEN_MAX);
    return 0;
}

static void keep_upload(void *ctx, const struct sf_upload_info *theirs)
{
    struct uploads *uploads = ctx;
    struct sf_upload_info info;
    struct head head;

    sf_take(&info, sizeof(info), theirs);
    if (uploads->error.cls != SF_OK || check_info(uploads, &info, &uploads->error) != 0)
        return;
    head = (struct head){(uint32_t)strlen(info.key) + 1, info.token_bytes, info.started_ms};
    buf_add(&uploads->records, &head, sizeof(head));
    buf_add(&uploads->records, info.key, head.key_bytes);
    buf_add(&uploads->records, info.token, head.token_bytes);
}

struct sf_uploads_sink uploads_begin(struct uploads *uploads)
{
    buf_clear(&uploads->records);
    uploads->error = (struct sf_error)SF_ERROR_INIT;
    return (struct sf_uploads_sink){.size = sizeof(struct sf_uploads_sink), .ctx = uploads, .upload = keep_upload};
}

int uploads_deliver(const struct uploads *uploads, const struct sf_uploads_sink *sink, struct sf_error *err)
{
    const char *at = buf_text(&uploads->records);
    const char *end = at + uploads->records.length;

    if (uploads->error.cls != SF_OK) {
        *err = uploads->error;
        return -1;
    }
    while (at < end) {
        struct sf_upload_info info = {.size = sizeof(info)};
        struct head head;

        memcpy(&head, at, sizeof(head));
        info.key = at + sizeof(head);
        info.token = info.key + head.key_bytes;
        info.token_bytes = head.token_bytes;
        info.started_ms = head.started_ms;
        sink->upload(sink->ctx, &info);
        at = info.token + info.token_bytes;
    }
    return 0;
}
