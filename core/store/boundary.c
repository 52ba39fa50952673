/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/boundary.h"

#include "base/err.h"

#include <stdbool.h>

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

int boundary_info(const struct sf_plugin *table, struct sf_store_info *info, struct sf_error *err)
{
    info->description[sizeof(info->description) - 1] = '\0';
    if (info->remove_batch_max < 1)
        return sf_fail(err, SF_INVALID, "plugin %s: store_open left remove_batch_max at 0, it must be at least 1",
                       table->name);
    if (info->object_max_bytes != 0 && info->single_put_max_bytes > info->object_max_bytes)
        return sf_fail(err, SF_INVALID, "plugin %s: store_open says that one put may be larger than an object",
                       table->name);
    if (info->part_max_bytes != 0 && info->part_min_bytes > info->part_max_bytes)
        return sf_fail(err, SF_INVALID, "plugin %s: store_open says that part_min_bytes is above part_max_bytes",
                       table->name);
    if ((info->capabilities & SF_CAP_COPY) != 0 && table->copy == NULL)
        return sf_fail(err, SF_INVALID, "plugin %s: store_open claims copy, but the plugin has no such slot",
                       table->name);
    info->wanted_digests &= SF_DIGEST_SHA256 | SF_DIGEST_CRC32C | SF_DIGEST_MD5;
    /* No stage sends parts yet, and the wrappers do not hand the slots up. */
    info->capabilities &= ~(SF_CAP_UPLOAD | SF_CAP_PARALLEL_PARTS | SF_CAP_UPLOAD_RESUME | SF_CAP_CREATE_ONLY_COMMIT);
    return 0;
}
