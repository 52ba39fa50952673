/* SPDX-License-Identifier: Apache-2.0
 *
 * What the cases are made of.
 */
#include "tests/conformance/conformance.h"

#include "base/auto.h"
#include "base/digest.h"
#include "base/mem.h"

#include <openssl/evp.h>

void conformance_fail(struct conformance *suite, const char *file, int line, const char *fmt, ...)
{
    const char *name = strrchr(file, '/');
    va_list args;
    int used;

    suite->verdict = CONFORMANCE_FAILED;
    used = snprintf(suite->text, sizeof(suite->text), "%s:%d: ", name != NULL ? name + 1 : file, line);
    va_start(args, fmt);
    vsnprintf(suite->text + used, sizeof(suite->text) - (size_t)used, fmt, args);
    va_end(args);
}

void conformance_key(const struct conformance *suite, const char *name, struct buf *key)
{
    buf_clear(key);
    buf_add_text(key, suite->prefix);
    buf_add_text(key, name);
}

void conformance_digests(const struct conformance *suite, const void *data, size_t bytes, struct sf_digests *digests)
{
    memset(digests, 0, sizeof(*digests));
    digests->size = sizeof(*digests);
    digests->have = SF_DIGEST_SHA256;
    sha256_of(data, bytes, digests->sha256);
    if (suite->info.wanted_digests & SF_DIGEST_CRC32C) {
        digests->have |= SF_DIGEST_CRC32C;
        digests->crc32c = crc32c_update(0, data, bytes);
    }
    if ((suite->info.wanted_digests & SF_DIGEST_MD5) &&
        EVP_Digest(data, bytes, digests->md5, NULL, EVP_md5(), NULL) == 1)
        digests->have |= SF_DIGEST_MD5;
}

int conformance_put_if(struct conformance *suite, const char *key, const void *data, size_t bytes,
                       enum sf_precondition precondition, const char *tag, struct sf_object *object,
                       struct sf_error *err)
{
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_MEMORY, .length = bytes, .data = data};
    struct sf_digests digests;
    struct sf_put put = {.size = sizeof(put),
                         .key = key,
                         .body = &body,
                         .digests = &digests,
                         .meta_element_size = sizeof(struct sf_meta),
                         .precondition = precondition,
                         .if_tag = tag};
    struct sf_object unused = {.size = sizeof(unused)};

    conformance_digests(suite, data, bytes, &digests);
    return suite->table->put(&suite->call, suite->conn, &put, object != NULL ? object : &unused, err);
}

int conformance_put(struct conformance *suite, const char *key, const void *data, size_t bytes,
                    struct sf_object *object, struct sf_error *err)
{
    return conformance_put_if(suite, key, data, bytes, SF_IF_ANY, NULL, object, err);
}

static int take_bytes(void *ctx, uint64_t position, const void *bytes, size_t length, struct sf_error *err)
{
    struct buf *out = ctx;

    if (position != out->length)
        return sf_fail(err, SF_PERMANENT, "the sink was called with position %llu after %zu bytes",
                       (unsigned long long)position, out->length);
    buf_add(out, bytes, length);
    return 0;
}

int conformance_get(struct conformance *suite, const char *key, struct buf *out, struct sf_object *object,
                    struct sf_error *err)
{
    struct sf_get get = {.size = sizeof(get), .key = key, .length = UINT64_MAX};
    struct sf_sink sink = {.size = sizeof(sink), .kind = SF_SINK_CALLBACK, .ctx = out, .write = take_bytes};
    struct sf_object unused = {.size = sizeof(unused)};

    buf_clear(out);
    return suite->table->get(&suite->call, suite->conn, &get, &sink, object != NULL ? object : &unused, err);
}

int conformance_exists(struct conformance *suite, const char *key, struct sf_error *err)
{
    struct sf_object object = {.size = sizeof(object)};

    if (suite->table->stat(&suite->call, suite->conn, key, &object, err) == 0)
        return 1;
    return err->cls == SF_NOT_FOUND ? 0 : -1;
}

static void list_object(void *ctx, const struct sf_object *object)
{
    buf_printf(ctx, "%s\n", object->key);
}

static void list_prefix(void *ctx, const char *prefix)
{
    buf_printf(ctx, ">%s\n", prefix);
}

int conformance_list(struct conformance *suite, const struct sf_list_query *query, struct buf *out,
                     struct sf_error *err)
{
    struct sf_list_sink sink = {.size = sizeof(sink), .ctx = out, .object = list_object, .prefix = list_prefix};
    struct sf_conn *conn = NULL;
    struct sf_list *list = NULL;
    int more = 1, result;

    buf_clear(out);
    if (suite->table->conn_open(&suite->call, suite->store, &conn, err) < 0)
        return -1;
    result = suite->table->list_open(&suite->call, conn, query, &list, err);
    while (result == 0 && more)
        result = suite->table->list_next(&suite->call, list, &sink, &more, err);
    if (list != NULL)
        suite->table->list_close(list);
    suite->table->conn_close(conn);
    return result;
}

unsigned char *conformance_noise(size_t bytes, unsigned seed)
{
    unsigned char *noise = mem_alloc(bytes);
    uint32_t state = seed * 2654435761u + 1;
    size_t i;

    for (i = 0; i < bytes; i++) {
        state = state * 1664525u + 1013904223u;
        noise[i] = (unsigned char)(state >> 24);
    }
    return noise;
}
