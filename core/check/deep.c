/* SPDX-License-Identifier: Apache-2.0 */
#include "core/check/deep.h"

#include "base/err.h"
#include "core/store/call.h"
#include "core/store/store.h"

#include <inttypes.h>
#include <string.h>

struct reading {
    struct sha256 sha;
    uint64_t bytes;
};

static void reading_cleanup(struct reading *reading)
{
    sha256_cleanup(&reading->sha);
}

static int take_bytes(void *ctx, uint64_t position, const void *bytes, size_t length, struct sf_error *err)
{
    struct reading *reading = ctx;

    if (position == 0) { /* a retry starts again */
        sha256_init(&reading->sha);
        reading->bytes = 0;
    }
    if (position != reading->bytes)
        return sf_fail(err, SF_PERMANENT, "the plugin skipped from byte %" PRIu64 " to %" PRIu64, reading->bytes,
                       position);
    sha256_update(&reading->sha, bytes, length);
    reading->bytes += length;
    return 0;
}

int check_object(struct worker *worker, const char *key, const struct entry *entry, struct sf_error *err)
{
    SF_AUTO(reading) reading = {0};
    struct sf_get get = {.size = sizeof(get), .key = key, .length = UINT64_MAX};
    struct sf_sink sink = {.size = sizeof(sink), .kind = SF_SINK_CALLBACK, .ctx = &reading, .write = take_bytes};
    struct sf_object object = {.size = sizeof(object)};
    uint8_t sha256[SHA256_BYTES];

    sha256_init(&reading.sha);
    if (worker->store->table->get(&worker->run->call, worker->conn, &get, &sink, &object, err) < 0)
        return -1;
    if (reading.bytes != entry->size)
        return sf_fail(err, SF_CORRUPT, "has %" PRIu64 " bytes, should have %" PRIu64, reading.bytes, entry->size);
    sha256_final(&reading.sha, sha256);
    if (memcmp(sha256, entry->sha256, sizeof(sha256)) != 0)
        return sf_fail(err, SF_CORRUPT, "content differs from what was stored (SHA-256)");
    return 0;
}
