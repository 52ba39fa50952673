/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/boundary.h"

#include "base/err.h"

#include <inttypes.h>
#include <stdbool.h>

#define CAP_ANY_UPLOAD (SF_CAP_UPLOAD | SF_CAP_PARALLEL_PARTS | SF_CAP_UPLOAD_RESUME | SF_CAP_CREATE_ONLY_COMMIT)

int boundary_error(const struct sf_plugin *table, const char *slot, struct sf_error *err)
{
    err->text[sizeof(err->text) - 1] = '\0';
    if (err->cls <= SF_OK || err->cls > SF_PERMANENT)
        err->cls = SF_PERMANENT;
    err->maybe_applied = err->maybe_applied != 0;
    if (err->retry_after_ms < 0)
        err->retry_after_ms = 0;
    if (err->text[0] == '\0')
        snprintf(err->text, sizeof(err->text), "plugin %s: %s failed without saying why (%s)", table->name, slot,
                 err_class_name(err->cls));
    return -1;
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < 0x20 || *text > 0x7e)
            return false;
    return true;
}

/* Whole pairs of ended strings, so that sf_object_meta() stays inside. */
static bool is_meta(const struct sf_object *object)
{
    uint32_t i, ends = 0;

    if (object->meta_bytes > sizeof(object->meta))
        return false;
    for (i = 0; i < object->meta_bytes; i++)
        ends += object->meta[i] == '\0';
    return object->meta_bytes == 0 || (object->meta[object->meta_bytes - 1] == '\0' && ends % 2 == 0);
}

int boundary_object(const struct sf_plugin *table, const char *slot, struct sf_object *object, struct sf_error *err)
{
    if (memchr(object->tag, '\0', SF_TAG_MAX + 1) == NULL)
        return sf_fail(err, SF_PERMANENT, "plugin %s: %s answered with a tag longer than %d bytes", table->name, slot,
                       SF_TAG_MAX);
    if (!is_printable(object->tag))
        return sf_fail(err, SF_PERMANENT, "plugin %s: %s answered with a tag that is not printable ASCII", table->name,
                       slot);
    if (!is_meta(object))
        return sf_fail(err, SF_PERMANENT, "plugin %s: %s answered with malformed metadata", table->name, slot);
    return 0;
}

int boundary_token(const struct sf_plugin *table, const char *slot, const struct sf_upload_token *token,
                   struct sf_error *err)
{
    if (token->bytes <= sizeof(token->token))
        return 0;
    return sf_fail(err, SF_PERMANENT, "plugin %s: %s answered with a token of %u bytes, %d are the limit", table->name,
                   slot, token->bytes, SF_UPLOAD_TOKEN_MAX);
}

int boundary_resumed(const struct sf_plugin *table, const struct sf_upload_args *args, uint64_t persisted,
                     struct sf_error *err)
{
    if (args->bytes == 0 || persisted <= args->bytes)
        return 0;
    return sf_fail(err, SF_PERMANENT,
                   "plugin %s: upload_resume says that %" PRIu64 " bytes of the %" PRIu64 " of %s are kept",
                   table->name, persisted, args->bytes, args->key);
}

int boundary_part(const struct sf_plugin *table, const char *key, const struct sf_part *part,
                  const struct sf_part_result *result, struct sf_error *err)
{
    if (result->opaque_bytes > sizeof(result->opaque))
        return sf_fail(err, SF_PERMANENT,
                       "plugin %s: upload_part answered with %u opaque bytes for part %u of %s, %d are the limit",
                       table->name, result->opaque_bytes, part->number, key, SF_PART_OPAQUE_MAX);
    if (result->persisted > part->body->length)
        return sf_fail(err, SF_PERMANENT,
                       "plugin %s: upload_part says that %" PRIu64 " bytes of part %u of %s are kept, %" PRIu64
                       " were sent",
                       table->name, result->persisted, part->number, key, part->body->length);
    return 0;
}

/* The first slot that a capability needs and the plugin has not, or NULL. */
static const char *missing_slot(const struct sf_plugin *table, uint64_t capabilities)
{
    if ((capabilities & SF_CAP_COPY) != 0 && table->copy == NULL)
        return "copy";
    if ((capabilities & SF_CAP_UPLOAD_RESUME) != 0 && table->upload_resume == NULL)
        return "upload_resume";
    if ((capabilities & SF_CAP_UPLOAD) == 0)
        return NULL;
    if (table->upload_begin == NULL)
        return "upload_begin";
    if (table->upload_part == NULL)
        return "upload_part";
    if (table->upload_commit == NULL)
        return "upload_commit";
    if (table->upload_abort == NULL)
        return "upload_abort";
    return table->upload_close == NULL ? "upload_close" : NULL;
}

static int check_parts(const struct sf_plugin *table, const struct sf_store_info *info, struct sf_error *err)
{
    if (info->part_max_bytes != 0 && info->part_min_bytes > info->part_max_bytes)
        return sf_fail(err, SF_INVALID, "plugin %s: store_open says that part_min_bytes is above part_max_bytes",
                       table->name);
    if (info->part_max_bytes != 0 && info->part_align_bytes > info->part_max_bytes)
        return sf_fail(err, SF_INVALID, "plugin %s: store_open says that part_align_bytes is above part_max_bytes",
                       table->name);
    if ((info->capabilities & CAP_ANY_UPLOAD) != 0 && (info->capabilities & SF_CAP_UPLOAD) == 0)
        return sf_fail(err, SF_INVALID, "plugin %s: store_open claims properties of uploads, but not that it takes any",
                       table->name);
    return 0;
}

int boundary_info(const struct sf_plugin *table, struct sf_store_info *info, struct sf_error *err)
{
    const char *missing = missing_slot(table, info->capabilities);

    info->description[sizeof(info->description) - 1] = '\0';
    if (info->remove_batch_max < 1)
        return sf_fail(err, SF_INVALID, "plugin %s: store_open left remove_batch_max at 0, it must be at least 1",
                       table->name);
    if (info->object_max_bytes != 0 && info->single_put_max_bytes > info->object_max_bytes)
        return sf_fail(err, SF_INVALID, "plugin %s: store_open says that one put may be larger than an object",
                       table->name);
    if (missing != NULL)
        return sf_fail(err, SF_INVALID, "plugin %s: store_open claims what needs the slot %s, but the plugin has none",
                       table->name, missing);
    info->wanted_digests &= SF_DIGEST_SHA256 | SF_DIGEST_CRC32C | SF_DIGEST_MD5;
    return check_parts(table, info, err);
}
