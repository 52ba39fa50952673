/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of the boundary itself: sizes, limits, reports.
 */
#include "tests/conformance/conformance.h"

#include "base/auto.h"
#include "base/mem.h"

static void limits(struct conformance *suite)
{
    const struct sf_store_info *info = &suite->info;

    REQUIRE(suite, info->remove_batch_max >= 1, "remove_batch_max is 0");
    REQUIRE(suite, info->key_max_bytes == 0 || info->key_max_bytes >= 256, "key_max_bytes %u is too small for any path",
            info->key_max_bytes);
    REQUIRE(suite, memchr(info->description, '\0', sizeof(info->description)) != NULL, "description is not terminated");
    REQUIRE(suite, info->description[0] != '\0', "description is empty: say where this store is");
    REQUIRE(suite, (info->capabilities & SF_CAP_COPY) == 0 || suite->table->copy != NULL,
            "SF_CAP_COPY without the slot copy");
    REQUIRE(suite,
            (info->capabilities & SF_CAP_UPLOAD) == 0 ||
                (suite->table->upload_begin != NULL && suite->table->upload_part != NULL &&
                 suite->table->upload_commit != NULL && suite->table->upload_abort != NULL &&
                 suite->table->upload_close != NULL),
            "SF_CAP_UPLOAD without all of upload_begin, _part, _commit, _abort, _close");
    REQUIRE(suite, (info->capabilities & SF_CAP_LIST_METADATA) == 0 || (info->capabilities & SF_CAP_METADATA) != 0,
            "SF_CAP_LIST_METADATA without SF_CAP_METADATA");
}

/* An object struct as a host of an older 1.x has it: it ends behind the tag. Nothing may be written beyond. */
static void older_host(struct conformance *suite)
{
    struct {
        struct sf_object object;
        unsigned char fence[64];
    } old;
    uint32_t old_size = (uint32_t)offsetof(struct sf_object, digests), i;
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT;

    conformance_key(suite, "older", &key);
    memset(&old, 0xa5, sizeof(old));
    old.object.size = old_size;
    REQUIRE(suite, conformance_put(suite, key.data, "x", 1, &old.object, &err) == 0, "put: %s", err.text);
    for (i = old_size; i < sizeof(old); i++)
        REQUIRE(suite, ((unsigned char *)&old)[i] == 0xa5, "put wrote byte %u of an object of %u bytes", i, old_size);
    REQUIRE(suite, old.object.bytes == 1 && old.object.size == old_size, "put did not fill what there is room for");
    REQUIRE(suite, suite->table->stat(&suite->call, suite->conn, key.data, &old.object, &err) == 0, "stat: %s",
            err.text);
    for (i = old_size; i < sizeof(old); i++)
        REQUIRE(suite, ((unsigned char *)&old)[i] == 0xa5, "stat wrote byte %u of an object of %u bytes", i, old_size);
}

/* Arguments as a host of a newer 1.x passes them: longer, with members nobody here knows. */
static void newer_host(struct conformance *suite)
{
    struct {
        struct sf_put put;
        unsigned char more[64];
    } argument = {.put = {.size = sizeof(argument)}};
    struct {
        struct sf_body body;
        unsigned char more[64];
    } body = {.body = {.size = sizeof(body), .kind = SF_BODY_MEMORY, .length = 3, .data = "abc"}};
    struct {
        struct sf_object object;
        unsigned char more[64];
    } answer = {.object = {.size = sizeof(answer)}};
    struct sf_digests digests;
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT, back = BUF_INIT;

    memset(argument.more, 0xff, sizeof(argument.more));
    memset(body.more, 0xff, sizeof(body.more));
    conformance_digests(suite, "abc", 3, &digests);
    conformance_key(suite, "newer", &key);
    argument.put.key = key.data;
    argument.put.body = &body.body;
    argument.put.digests = &digests;
    argument.put.meta_element_size = sizeof(struct sf_meta);
    REQUIRE(suite, suite->table->put(&suite->call, suite->conn, &argument.put, &answer.object, &err) == 0, "put: %s",
            err.text);
    REQUIRE(suite, conformance_get(suite, key.data, &back, NULL, &err) == 0 && strcmp(back.data, "abc") == 0,
            "it did not come back");
}

/* Arrays are stepped through by the element size that came with them. */
static void wider_elements(struct conformance *suite)
{
    struct {
        struct sf_meta meta;
        unsigned char more[32];
    } meta[2] = {{.meta = {sizeof(meta[0]), 0, "run", "first"}}, {.meta = {sizeof(meta[0]), 0, "second", "2"}}};
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_MEMORY, .length = 1, .data = "x"};
    struct sf_digests digests;
    SF_AUTO(buf) key = BUF_INIT;
    struct sf_put put = {.size = sizeof(put),
                         .body = &body,
                         .digests = &digests,
                         .meta = &meta[0].meta,
                         .meta_count = 2,
                         .meta_element_size = sizeof(meta[0])};
    struct sf_object object = {.size = sizeof(object)};
    struct sf_error err = SF_ERROR_INIT;
    const char *second;

    conformance_digests(suite, "x", 1, &digests);
    conformance_key(suite, "wider", &key);
    put.key = key.data;
    REQUIRE(suite, suite->table->put(&suite->call, suite->conn, &put, &object, &err) == 0, "put: %s", err.text);
    if ((suite->info.capabilities & SF_CAP_METADATA) == 0)
        return;
    REQUIRE(suite, suite->table->stat(&suite->call, suite->conn, key.data, &object, &err) == 0, "stat: %s", err.text);
    second = sf_object_meta(&object, "second");
    REQUIRE(suite, second != NULL && strcmp(second, "2") == 0, "the second metadata pair was not found");
}

static void keys_at_the_limits(struct conformance *suite)
{
    uint32_t segment = suite->info.segment_max_bytes != 0 ? suite->info.segment_max_bytes : 255,
             key_max = suite->info.key_max_bytes;
    AUTO_FREE char *name = NULL;
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT, back = BUF_INIT;

    SKIP_UNLESS(suite, key_max != 0, "the store states no limit of a key");
    if (segment > key_max - (uint32_t)strlen(suite->prefix))
        segment = key_max - (uint32_t)strlen(suite->prefix);
    name = mem_alloc(segment + 1);
    memset(name, 'n', segment);
    conformance_key(suite, name, &key);
    REQUIRE(suite, conformance_put(suite, key.data, "x", 1, NULL, &err) == 0, "a segment of %u bytes: %s", segment,
            err.text);
    REQUIRE(suite, conformance_get(suite, key.data, &back, NULL, &err) == 0, "a segment of %u bytes: %s", segment,
            err.text);
    conformance_key(suite, "long", &key);
    while (key.length < key_max)
        buf_add_byte(&key, key.length % 100 == 0 && key.length + 1 < key_max ? '/' : 'k');
    REQUIRE(suite, conformance_put(suite, key.data, "x", 1, NULL, &err) == 0, "a key of %u bytes: %s", key_max,
            err.text);
    buf_add_byte(&key, 'k');
    REQUIRE(suite, conformance_put(suite, key.data, "x", 1, NULL, &err) < 0, "a key of %zu bytes was accepted",
            key.length);
    REQUIRE(suite, err.cls == SF_TOO_LARGE || err.cls == SF_INVALID, "class %d instead of too_large: %s", err.cls,
            err.text);
}

static void reports_requests(struct conformance *suite)
{
    struct sf_list_query query = {.size = sizeof(query), .prefix = suite->prefix};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT, back = BUF_INIT;

    conformance_key(suite, "reported", &key);
    memset(suite->requests, 0, sizeof(suite->requests));
    REQUIRE(suite, conformance_put(suite, key.data, "x", 1, NULL, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, suite->requests[SF_REQUEST_PUT] == 1, "one small put reported %u puts",
            suite->requests[SF_REQUEST_PUT]);
    REQUIRE(suite, conformance_get(suite, key.data, &back, NULL, &err) == 0, "get: %s", err.text);
    REQUIRE(suite, suite->requests[SF_REQUEST_GET] == 1, "one get reported %u", suite->requests[SF_REQUEST_GET]);
    REQUIRE(suite, conformance_exists(suite, key.data, &err) == 1, "stat: %s", err.text);
    REQUIRE(suite, suite->requests[SF_REQUEST_STAT] == 1, "one stat reported %u", suite->requests[SF_REQUEST_STAT]);
    REQUIRE(suite, conformance_list(suite, &query, &back, &err) == 0, "list: %s", err.text);
    REQUIRE(suite, suite->requests[SF_REQUEST_LIST] >= 1, "a list reported no request");
}

static void opened_again(struct conformance *suite)
{
    struct sf_store_info info = {.size = sizeof(info)};
    struct sf_object object = {.size = sizeof(object)};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_store *second = NULL;
    struct sf_conn *conn = NULL;
    SF_AUTO(buf) key = BUF_INIT;
    int result;

    conformance_key(suite, "kept", &key);
    REQUIRE(suite, conformance_put(suite, key.data, "x", 1, NULL, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, suite->table->store_open(&suite->call, suite->settings, &info, &second, &err) == 0, "store_open: %s",
            err.text);
    result = suite->table->conn_open(&suite->call, second, &conn, &err);
    if (result == 0) {
        result = suite->table->stat(&suite->call, conn, key.data, &object, &err);
        suite->table->conn_close(conn);
    }
    suite->table->store_close(second);
    REQUIRE(suite, result == 0, "an object is not seen through a second store_open: %s", err.text);
}

const struct conformance_case conformance_abi_cases[] = {
    {"abi: capabilities and limits make sense", limits},
    {"abi: an older host's smaller structs are not overrun", older_host},
    {"abi: a newer host's larger structs are understood", newer_host},
    {"abi: arrays are stepped through by their element size", wider_elements},
    {"abi: keys at the stated limits work, beyond them they are refused", keys_at_the_limits},
    {"abi: every request is reported", reports_requests},
    {"abi: a store that is opened again sees the same objects", opened_again},
    {NULL, NULL},
};
