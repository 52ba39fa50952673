/* SPDX-License-Identifier: Apache-2.0
 *
 * Brings a manifest object here, for backup (the parent's), verify and restore.
 */
#include "core/point/point.h"

#include "base/err.h"
#include "base/spill.h"

#include <inttypes.h>
#include <string.h>

static int fetch(const struct base *base, const char *key, const struct manifest_summary *want, int fd,
                 struct sf_error *err)
{
    uint8_t sha256[SHA256_BYTES];
    uint64_t bytes;

    if (store_get_file(base->store, &base->run->call, base->conn, key, fd, &bytes, sha256, err) < 0) {
        if (err->cls == SF_NOT_FOUND)
            return sf_fail(err, SF_CORRUPT, "manifest %s is missing", key);
        return err_prefix(err, "manifest %s", key);
    }
    if (bytes != want->object_bytes)
        return sf_fail(err, SF_CORRUPT, "manifest %s has %" PRIu64 " bytes, but its commit says %" PRIu64, key, bytes,
                       want->object_bytes);
    if (memcmp(sha256, want->sha256, SHA256_BYTES) != 0)
        return sf_fail(err, SF_CORRUPT, "manifest %s does not have the SHA-256 that its commit says", key);
    return 0;
}

int point_fetch_manifest(const struct base *base, const struct point *point, const struct point_source *source,
                         const char *temp_dir, int *fd, struct sf_error *err)
{
    SF_AUTO(buf) key = BUF_INIT;
    AUTO_FD file = spill_temp_file(temp_dir, err);

    if (file < 0)
        return -1;
    key_manifest(base, point->time_dir, source->name, &key);
    if (fetch(base, key.data, &source->manifest, file, err) < 0)
        return -1;
    *fd = fd_take(&file);
    return 0;
}

int point_check_header(const struct point *point, const char *source, const struct manifest_header *header,
                       const char *name, struct sf_error *err)
{
    if (strcmp(header->source, source) == 0 && strcmp(header->time_dir, point->time_dir) == 0 &&
        strcmp(header->run, point->run) == 0)
        return 0;
    return sf_fail(err, SF_CORRUPT, "%s: is the manifest of source %s of run %s in %s, not of %s of run %s in %s", name,
                   header->source, header->run, header->time_dir, source, point->run, point->time_dir);
}
