/* SPDX-License-Identifier: Apache-2.0
 *
 * What a backup starts from: the sources' folders, and for each the newest point that holds it.
 */
#include "core/backup/backup.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/progress/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static int open_source(struct backup_source *opened, const struct source *source, struct sf_error *err)
{
    opened->source = source;
    opened->rootfd = open(source->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened->rootfd < 0 && errno == ENOENT)
        return sf_fail(err, SF_NOT_FOUND,
                       "source %s: %s does not exist; nothing was backed up, since a source that is "
                       "missing may be a disk that is not mounted",
                       source->name, source->path);
    if (opened->rootfd < 0)
        return err_errno(err, errno, "source %s: %s", source->name, source->path);
    return 0;
}

int backup_open_sources(struct backup *backup, const struct source *sources, size_t count, struct sf_error *err)
{
    size_t i;

    if (count == 0)
        return sf_fail(err, SF_INVALID,
                       "no source: name one with --source NAME=DIR, or under \"sources\" in a config file");
    backup->sources = mem_alloc(count * sizeof(*backup->sources));
    for (i = 0; i < count; i++)
        backup->sources[i] = (struct backup_source){.rootfd = -1, .parent_fd = -1, .manifest_fd = -1};
    backup->source_count = count;
    for (i = 0; i < count; i++)
        if (open_source(&backup->sources[i], &sources[i], err) < 0)
            return -1;
    return 0;
}

/* 1: this point can be the source's parent; 0: it is damaged, try an older one; -1: failed. */
static int try_parent(struct backup *backup, struct backup_source *source, const struct point *point,
                      const struct point_source *held, struct sf_error *err)
{
    struct manifest_reader *reader = NULL;
    SF_AUTO(buf) name = BUF_INIT;
    AUTO_FD fd = -1;
    int opened;

    key_manifest(backup->base, point->time_dir, source->source->name, &name);
    opened = point_fetch_manifest(backup->base, point, held, backup->temp_dir, &fd, err);
    if (opened == 0)
        opened = manifest_reader_open(&reader, fd, buf_text(&name), err);
    if (opened == 0)
        opened = point_check_header(point, source->source->name, manifest_reader_header(reader), buf_text(&name), err);
    manifest_reader_free(reader);
    if (opened < 0 && err->cls != SF_CORRUPT && err->cls != SF_UNSUPPORTED)
        return -1;
    if (opened < 0) {
        log_warning(backup->log, "point %s cannot be built upon: %s", point->time_dir, err->text);
        return 0;
    }
    source->parent_fd = fd_take(&fd);
    source->parent_name = ptr_take(&name.data);
    source->parent_is_ours = strcmp(point->identity, backup->claim.identity) == 0;
    memcpy(source->parent, point->time_dir, sizeof(source->parent));
    hex_encode(held->manifest.sha256, SHA256_BYTES, source->parent_sha256);
    return 1;
}

int backup_choose_parents(struct backup *backup, const struct points *points, struct sf_error *err)
{
    size_t i, n;

    if (backup->config->incremental == INCREMENTAL_OFF)
        return 0;
    for (i = 0; i < backup->source_count; i++) {
        struct backup_source *source = &backup->sources[i];
        int found = 0;

        for (n = points->count; n > 0 && found == 0; n--) {
            const struct point *point = &points->items[n - 1];
            const struct point_source *held;

            if (point->status != POINT_COMPLETE || (held = point_find_source(point, source->source->name)) == NULL)
                continue;
            found = try_parent(backup, source, point, held, err);
        }
        if (found < 0)
            return -1;
    }
    return 0;
}

static void source_cleanup(struct backup_source *source)
{
    auto_close(&source->rootfd);
    auto_close(&source->parent_fd);
    auto_close(&source->manifest_fd);
    free(source->parent_name);
    draft_close(source->draft);
}

void backup_cleanup(struct backup *backup)
{
    size_t i;

    for (i = 0; i < backup->source_count; i++)
        source_cleanup(&backup->sources[i]);
    free(backup->sources);
    free(backup->time_dirs.items);
    free(backup->locked.failed_path);
}
