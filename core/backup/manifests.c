/* SPDX-License-Identifier: Apache-2.0
 *
 * Drafts become manifests, and manifests a point.
 */
#include "core/backup/backup.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/spill.h"

#include <stdlib.h>
#include <string.h>

static int copy_entries(struct backup_source *source, struct manifest_writer *writer, struct sf_error *err)
{
    struct draft_cursor *cursor = NULL;
    SF_AUTO(entry) entry = ENTRY_INIT;
    enum draft_state state;
    uint64_t at;
    int result;

    if (draft_cursor_open(&cursor, source->draft, err) < 0)
        return -1;
    while ((result = draft_cursor_next(cursor, &entry, &state, &at, err)) > 0) {
        if (state != DRAFT_DONE)
            result = sf_fail(err, SF_PERMANENT, "%s/%s was planned but never stored", source->source->path, entry.path);
        else
            result = manifest_writer_add(writer, &entry, err);
        if (result < 0)
            break;
    }
    draft_cursor_close(cursor);
    return result;
}

static int write_manifest(struct backup *backup, struct backup_source *source, int64_t finished_ms,
                          struct sf_error *err)
{
    struct manifest_header header = {.started_ms = backup->claim.started_ms, .walked_ms = source->walked_ms};
    struct manifest_writer *writer = NULL;
    int result;

    memcpy(header.source, source->source->name, sizeof(header.source));
    memcpy(header.time_dir, backup->claim.time_dir, sizeof(header.time_dir));
    memcpy(header.run, backup->claim.run, sizeof(header.run));
    source->manifest_fd = spill_temp_file(backup->temp_dir, err);
    if (source->manifest_fd < 0 || manifest_writer_open(&writer, source->manifest_fd, &header, err) < 0)
        return -1;
    result = copy_entries(source, writer, err);
    if (result == 0)
        result = manifest_writer_finish(writer, finished_ms, &source->manifest, err);
    manifest_writer_free(writer);
    return result;
}

int backup_write_manifests(struct backup *backup, int64_t finished_ms, struct sf_error *err)
{
    size_t i;

    for (i = 0; i < backup->source_count; i++)
        if (write_manifest(backup, &backup->sources[i], finished_ms, err) < 0)
            return err_prefix(err, "manifest of source %s", backup->sources[i].source->name);
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;

    return strcmp(*left, *right);
}

void backup_describe_point(const struct backup *backup, int64_t finished_ms, struct point *point)
{
    size_t i;

    point->status = POINT_COMPLETE;
    memcpy(point->time_dir, backup->claim.time_dir, sizeof(point->time_dir));
    memcpy(point->run, backup->claim.run, sizeof(point->run));
    memcpy(point->identity, backup->claim.identity, sizeof(point->identity));
    point->started_ms = backup->claim.started_ms;
    point->finished_ms = finished_ms;
    point->sources = mem_alloc(backup->source_count * sizeof(*point->sources));
    point->source_count = backup->source_count;
    for (i = 0; i < backup->source_count; i++) {
        const struct backup_source *from = &backup->sources[i];
        struct point_source *to = &point->sources[i];

        memcpy(to->name, from->source->name, sizeof(to->name));
        to->manifest = from->manifest;
        memcpy(to->parent, from->parent, sizeof(to->parent));
        memcpy(to->parent_sha256, from->parent_sha256, sizeof(to->parent_sha256));
    }
    point->refers = mem_alloc((backup->time_dirs.count + 1) * sizeof(*point->refers));
    for (i = 0; i < backup->time_dirs.count; i++)
        if (strcmp(backup->time_dirs.items[i], backup->claim.time_dir) != 0)
            point->refers[point->refer_count++] = mem_text(backup->time_dirs.items[i]);
    if (point->refer_count > 1)
        qsort(point->refers, point->refer_count, sizeof(*point->refers), compare_names);
}
