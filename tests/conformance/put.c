/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/conformance.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/spill.h"

/* Sizes round the steps in which bytes tend to be moved. */
static const size_t sizes[] = {0, 1, 4096, 65536, 65537, 262144, 1048576 + 3};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static bool same(const struct buf *buf, const void *data, size_t bytes)
{
    return buf->length == bytes && (bytes == 0 || memcmp(buf->data, data, bytes) == 0);
}

static void memory_bodies(struct conformance *suite)
{
    size_t i;

    for (i = 0; i < SIZES; i++) {
        AUTO_FREE unsigned char *noise = conformance_noise(sizes[i], (unsigned)i);
        struct sf_object put = {.size = sizeof(put)}, got = {.size = sizeof(got)};
        struct sf_error err = SF_ERROR_INIT;
        SF_AUTO(buf) key = BUF_INIT, back = BUF_INIT;

        conformance_key(suite, "body", &key);
        REQUIRE(suite, conformance_put(suite, key.data, noise, sizes[i], &put, &err) == 0, "put: %s", err.text);
        REQUIRE(suite, conformance_get(suite, key.data, &back, &got, &err) == 0, "get: %s", err.text);
        REQUIRE(suite, same(&back, noise, sizes[i]), "%zu bytes came back as %zu other ones", sizes[i], back.length);
        REQUIRE(suite, put.bytes == sizes[i] && got.bytes == sizes[i], "bytes: put answered %llu, get %llu, not %zu",
                (unsigned long long)put.bytes, (unsigned long long)got.bytes, sizes[i]);
        REQUIRE(suite, strcmp(put.tag, got.tag) == 0 && put.tag[0] != '\0', "tag: put answered '%s', get '%s'", put.tag,
                got.tag);
    }
}

static int temp_file(struct conformance *suite, const void *data, size_t bytes)
{
    struct sf_error err = SF_ERROR_INIT;
    AUTO_FD fd = spill_temp_file("/tmp", &err);

    if (fd < 0 || pwrite(fd, data, bytes, 0) != (ssize_t)bytes) {
        conformance_fail(suite, __FILE__, __LINE__, "temporary file in /tmp: %s", err.text);
        return -1;
    }
    return fd_take(&fd);
}

static void descriptor_bodies(struct conformance *suite)
{
    const size_t skip = 13, all = 1048576 + 29;
    AUTO_FREE unsigned char *noise = conformance_noise(all, 7);
    AUTO_FD fd = temp_file(suite, noise, all);
    size_t i;

    for (i = 0; i < SIZES && fd >= 0; i++) {
        struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_FD, .length = sizes[i], .fd = fd, .offset = skip};
        struct sf_digests digests;
        SF_AUTO(buf) key = BUF_INIT, back = BUF_INIT;
        struct sf_put put = {
            .size = sizeof(put), .body = &body, .digests = &digests, .meta_element_size = sizeof(struct sf_meta)};
        struct sf_object object = {.size = sizeof(object)};
        struct sf_error err = SF_ERROR_INIT;

        conformance_key(suite, "fd", &key);
        put.key = key.data;
        conformance_digests(suite, noise + skip, sizes[i], &digests);
        if (suite->info.capabilities & SF_CAP_DIGEST_ON_PUT)
            put.digests = NULL;
        REQUIRE(suite, suite->table->put(&suite->call, suite->conn, &put, &object, &err) == 0, "put: %s", err.text);
        REQUIRE(suite, conformance_get(suite, key.data, &back, NULL, &err) == 0, "get: %s", err.text);
        REQUIRE(suite, same(&back, noise + skip, sizes[i]), "%zu bytes from offset 13 did not come back", sizes[i]);
        if ((suite->info.capabilities & SF_CAP_DIGEST_ON_PUT) == 0)
            continue;
        REQUIRE(suite,
                (object.digests.have & SF_DIGEST_SHA256) && memcmp(object.digests.sha256, digests.sha256, 32) == 0,
                "SF_CAP_DIGEST_ON_PUT, but put did not answer the body's SHA-256");
    }
}

struct callback_body {
    const unsigned char *data;
    size_t bytes;
    size_t fail_at; /* SIZE_MAX: never */
};

static int64_t read_body(void *ctx, uint64_t position, void *buffer, size_t bytes, struct sf_error *err)
{
    const struct callback_body *body = ctx;

    if (position >= body->fail_at)
        return sf_fail(err, SF_NO_SPACE, "the source says so");
    if (position >= body->bytes)
        return 0;
    if (bytes > 1000) /* short answers are allowed */
        bytes = 1000;
    if (bytes > body->bytes - position)
        bytes = body->bytes - (size_t)position;
    memcpy(buffer, body->data + position, bytes);
    return (int64_t)bytes;
}

static int put_callback(struct conformance *suite, const char *key, struct callback_body *source, uint64_t length,
                        struct sf_error *err)
{
    struct sf_body body = {
        .size = sizeof(body), .kind = SF_BODY_CALLBACK, .length = length, .ctx = source, .read = read_body};
    struct sf_digests digests;
    struct sf_put put = {.size = sizeof(put),
                         .key = key,
                         .body = &body,
                         .digests = &digests,
                         .meta_element_size = sizeof(struct sf_meta)};
    struct sf_object object = {.size = sizeof(object)};

    conformance_digests(suite, source->data, source->bytes, &digests);
    if (length != source->bytes)
        put.digests = NULL;
    return suite->table->put(&suite->call, suite->conn, &put, &object, err);
}

static void callback_bodies(struct conformance *suite)
{
    size_t i;

    for (i = 0; i < SIZES; i++) {
        AUTO_FREE unsigned char *noise = conformance_noise(sizes[i], 3);
        struct callback_body source = {noise, sizes[i], SIZE_MAX};
        struct sf_error err = SF_ERROR_INIT;
        SF_AUTO(buf) key = BUF_INIT, back = BUF_INIT;

        conformance_key(suite, "callback", &key);
        REQUIRE(suite, put_callback(suite, key.data, &source, sizes[i], &err) == 0, "put: %s", err.text);
        REQUIRE(suite, conformance_get(suite, key.data, &back, NULL, &err) == 0, "get: %s", err.text);
        REQUIRE(suite, same(&back, noise, sizes[i]), "%zu bytes did not come back", sizes[i]);
    }
}

static void failing_body(struct conformance *suite)
{
    AUTO_FREE unsigned char *noise = conformance_noise(300000, 4);
    struct callback_body source = {noise, 300000, 200000};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT;

    conformance_key(suite, "failing", &key);
    REQUIRE(suite, put_callback(suite, key.data, &source, 300000, &err) < 0, "a put whose body failed succeeded");
    REQUIRE(suite, err.cls == SF_NO_SPACE, "the body's own error class (no_space) became %d: %s", err.cls, err.text);
    REQUIRE(suite, conformance_exists(suite, key.data, &err) == 0, "half an object is visible");
}

static void short_body(struct conformance *suite)
{
    AUTO_FREE unsigned char *noise = conformance_noise(300000, 5);
    struct callback_body source = {noise, 200000, SIZE_MAX};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT;

    conformance_key(suite, "short", &key);
    REQUIRE(suite, put_callback(suite, key.data, &source, 300000, &err) < 0,
            "a body of 200,000 of 300,000 bytes was accepted");
    REQUIRE(suite, err.cls == SF_CORRUPT, "a source that yields too little is corrupt, not class %d: %s", err.cls,
            err.text);
    REQUIRE(suite, conformance_exists(suite, key.data, &err) == 0, "half an object is visible");
}

static void wrong_digest(struct conformance *suite)
{
    static const uint32_t kinds[] = {SF_DIGEST_SHA256, SF_DIGEST_CRC32C, SF_DIGEST_MD5};
    uint32_t checked = suite->info.wanted_digests;
    bool any = false;
    size_t i;

    if (suite->info.capabilities & SF_CAP_DIGEST_ON_PUT)
        checked |= SF_DIGEST_SHA256;
    for (i = 0; i < 3; i++) {
        struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_MEMORY, .length = 9, .data = "123456789"};
        struct sf_digests digests;
        SF_AUTO(buf) key = BUF_INIT;
        struct sf_put put = {
            .size = sizeof(put), .body = &body, .digests = &digests, .meta_element_size = sizeof(struct sf_meta)};
        struct sf_object object = {.size = sizeof(object)};
        struct sf_error err = SF_ERROR_INIT;

        if ((checked & kinds[i]) == 0)
            continue;
        any = true;
        conformance_key(suite, "flipped", &key);
        put.key = key.data;
        conformance_digests(suite, "123456780", 9, &digests);
        digests.have &= kinds[i];
        REQUIRE(suite, suite->table->put(&suite->call, suite->conn, &put, &object, &err) < 0,
                "a body that has not the given digest (kind %u) was stored", kinds[i]);
        REQUIRE(suite, err.cls == SF_CORRUPT, "class %d instead of corrupt: %s", err.cls, err.text);
        REQUIRE(suite, conformance_exists(suite, key.data, &err) == 0, "the refused object is visible");
    }
    SKIP_UNLESS(suite, any, "the store wants no digests");
}

static void metadata(struct conformance *suite)
{
    const struct sf_meta meta[] = {{sizeof(struct sf_meta), 0, "checksum_sha256", "00ff"},
                                   {sizeof(struct sf_meta), 0, "run", "a value, with = and ~ signs"}};
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_MEMORY, .length = 4, .data = "text"};
    SF_AUTO(buf) key = BUF_INIT, back = BUF_INIT;
    struct sf_put put = {
        .size = sizeof(put), .body = &body, .meta = meta, .meta_count = 2, .meta_element_size = sizeof(meta[0])};
    struct sf_object object = {.size = sizeof(object)}, stat = {.size = sizeof(stat)}, got = {.size = sizeof(got)};
    struct sf_digests digests;
    struct sf_error err = SF_ERROR_INIT;
    const char *value;

    SKIP_UNLESS(suite, suite->info.capabilities & SF_CAP_METADATA, "the store keeps no metadata");
    conformance_key(suite, "with-metadata", &key);
    put.key = key.data;
    conformance_digests(suite, "text", 4, &digests);
    put.digests = &digests;
    REQUIRE(suite, suite->table->put(&suite->call, suite->conn, &put, &object, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, suite->table->stat(&suite->call, suite->conn, key.data, &stat, &err) == 0, "stat: %s", err.text);
    value = sf_object_meta(&stat, "run");
    REQUIRE(suite, value != NULL && strcmp(value, meta[1].value) == 0, "stat answers '%s' for run",
            value != NULL ? value : "(nothing)");
    value = sf_object_meta(&stat, "checksum_sha256");
    REQUIRE(suite, value != NULL && strcmp(value, "00ff") == 0, "stat answers '%s' for checksum_sha256",
            value != NULL ? value : "(nothing)");
    REQUIRE(suite, conformance_get(suite, key.data, &back, &got, &err) == 0, "get: %s", err.text);
    value = sf_object_meta(&got, "run");
    REQUIRE(suite, value != NULL && strcmp(value, meta[1].value) == 0, "get answers '%s' for run",
            value != NULL ? value : "(nothing)");
}

static void times(struct conformance *suite)
{
    struct sf_object put = {.size = sizeof(put)}, stat = {.size = sizeof(stat)};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT;
    int64_t difference;

    conformance_key(suite, "times", &key);
    REQUIRE(suite, conformance_put(suite, key.data, "x", 1, &put, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, suite->table->stat(&suite->call, suite->conn, key.data, &stat, &err) == 0, "stat: %s", err.text);
    SKIP_UNLESS(suite, put.server_time_ms != 0, "the store does not tell its time");
    difference = put.server_time_ms - stat.modified_ms;
    REQUIRE(suite, difference > -5000 && difference < 60000,
            "modified and server time of a fresh object are %lld ms apart", (long long)difference);
}

static void barrier(struct conformance *suite)
{
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_MEMORY, .length = 6, .data = "commit"};
    SF_AUTO(buf) key = BUF_INIT;
    struct sf_put put = {.size = sizeof(put),
                         .flags = SF_PUT_BARRIER,
                         .body = &body,
                         .meta_element_size = sizeof(struct sf_meta),
                         .precondition =
                             (suite->info.capabilities & SF_CAP_CREATE_ONLY_PUT) ? SF_IF_ABSENT : SF_IF_ANY};
    struct sf_object object = {.size = sizeof(object)};
    struct sf_digests digests;
    struct sf_error err = SF_ERROR_INIT;

    conformance_key(suite, "barrier", &key);
    put.key = key.data;
    conformance_digests(suite, "commit", 6, &digests);
    put.digests = &digests;
    REQUIRE(suite, suite->table->put(&suite->call, suite->conn, &put, &object, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, conformance_exists(suite, key.data, &err) == 1, "the object is not there");
}

const struct conformance_case conformance_put_cases[] = {
    {"put: bodies in memory come back, from nothing to over 1 MiB", memory_bodies},
    {"put: a descriptor's range comes back", descriptor_bodies},
    {"put: a callback's bytes come back", callback_bodies},
    {"put: a body that fails leaves nothing and keeps its error class", failing_body},
    {"put: a body that ends early is corrupt and leaves nothing", short_body},
    {"put: bytes without the given digest are refused", wrong_digest},
    {"put: metadata travels with the object", metadata},
    {"put: the store's clock is one clock", times},
    {"put: a barrier put works", barrier},
    {NULL, NULL},
};
