/* SPDX-License-Identifier: Apache-2.0 */
#include "core/point/put.h"

#include "base/err.h"

#include <string.h>

int point_put(const struct base *base, const struct point_put *put, struct sf_object *object, struct sf_error *err)
{
    char hex[SHA256_HEX + 1];
    const struct sf_meta meta[] = {{.size = sizeof(meta[0]), .key = SF_META_SHA256, .value = hex},
                                   {.size = sizeof(meta[0]), .key = "run", .value = put->run}};
    struct sf_digests digests = {
        .size = sizeof(digests), .have = SF_DIGEST_SHA256 | SF_DIGEST_CRC32C, .crc32c = put->crc32c};
    const struct sf_put request = {.size = sizeof(request),
                                   .flags = put->flags,
                                   .key = put->key,
                                   .body = &put->body,
                                   .digests = &digests,
                                   .meta = meta,
                                   .meta_count = sizeof(meta) / sizeof(meta[0]),
                                   .meta_element_size = sizeof(meta[0]),
                                   .precondition = SF_IF_ABSENT};

    memcpy(digests.sha256, put->sha256, SHA256_BYTES);
    hex_encode(put->sha256, SHA256_BYTES, hex);
    return base->store->table->put(&base->run->call, base->conn, &request, object, err);
}

int point_put_text(const struct base *base, struct point_put *put, const struct buf *text, struct sf_object *object,
                   struct sf_error *err)
{
    put->body = (struct sf_body){
        .size = sizeof(put->body), .kind = SF_BODY_MEMORY, .length = text->length, .data = text->data, .fd = -1};
    sha256_of(text->data, text->length, put->sha256);
    put->crc32c = crc32c_update(0, text->data, text->length);
    return point_put(base, put, object, err);
}

bool point_put_is_open(const struct sf_error *err)
{
    return err->cls == SF_EXISTS || err->maybe_applied != 0;
}

int point_compare_text(const struct base *base, const char *key, const struct buf *text, struct buf *found,
                       struct sf_object *object, enum point_found *result, struct sf_error *err)
{
    if (store_get_memory(base->store, &base->run->call, base->conn, key, POINT_OBJECT_MAX, found, object, err) < 0) {
        if (err->cls != SF_NOT_FOUND && err->cls != SF_TOO_LARGE)
            return -1;
        *result = err->cls == SF_NOT_FOUND ? POINT_FOUND_NOTHING : POINT_FOUND_OTHER;
        return 0;
    }
    *result = found->length == text->length && memcmp(buf_text(found), buf_text(text), text->length) == 0
                  ? POINT_FOUND_OURS
                  : POINT_FOUND_OTHER;
    return 0;
}
