/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/conformance.h"

#include "base/auto.h"
#include "base/spill.h"

static const char digits[] = "0123456789";

static void ranges(struct conformance *suite)
{
    static const struct {
        uint64_t offset, length;
        const char *expected;
    } rows[] = {{0, UINT64_MAX, "0123456789"}, {0, 1, "0"}, {3, 4, "3456"}, {9, 1, "9"}, {9, 100, "9"},
                {5, UINT64_MAX, "56789"},      {10, 5, ""}, {50, 5, ""}};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT;
    size_t i;

    conformance_key(suite, "digits", &key);
    REQUIRE(suite, conformance_put(suite, key.data, digits, 10, NULL, &err) == 0, "put: %s", err.text);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char memory[16] = {0};
        struct sf_get get = {.size = sizeof(get), .key = key.data, .offset = rows[i].offset, .length = rows[i].length};
        struct sf_sink sink = {.size = sizeof(sink), .kind = SF_SINK_MEMORY, .data = memory, .capacity = 10};
        struct sf_object object = {.size = sizeof(object)};

        REQUIRE(suite, suite->table->get(&suite->call, suite->conn, &get, &sink, &object, &err) == 0, "get: %s",
                err.text);
        REQUIRE(suite, strcmp(memory, rows[i].expected) == 0, "range %zu yielded '%s' instead of '%s'", i, memory,
                rows[i].expected);
        REQUIRE(suite, object.bytes == 10, "the object's size became %llu with a range",
                (unsigned long long)object.bytes);
    }
}

static void descriptor_sink(struct conformance *suite)
{
    struct sf_error err = SF_ERROR_INIT;
    AUTO_FD fd = spill_temp_file("/tmp", &err);
    struct sf_sink sink = {.size = sizeof(sink), .kind = SF_SINK_FD, .fd = fd, .offset = 5};
    struct sf_get get = {.size = sizeof(get), .offset = 2, .length = 6};
    struct sf_object object = {.size = sizeof(object)};
    SF_AUTO(buf) key = BUF_INIT;
    char back[32] = {0};

    REQUIRE(suite, fd >= 0, "%s", err.text);
    conformance_key(suite, "digits", &key);
    get.key = key.data;
    REQUIRE(suite, conformance_put(suite, key.data, digits, 10, NULL, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, suite->table->get(&suite->call, suite->conn, &get, &sink, &object, &err) == 0, "get: %s", err.text);
    REQUIRE(suite, pread(fd, back, sizeof(back) - 1, 5) == 6 && strcmp(back, "234567") == 0, "the file holds '%s' at 5",
            back);
}

static void small_sink(struct conformance *suite)
{
    struct sf_error err = SF_ERROR_INIT;
    char memory[10] = {0};
    struct sf_sink sink = {.size = sizeof(sink), .kind = SF_SINK_MEMORY, .data = memory, .capacity = 9};
    struct sf_get get = {.size = sizeof(get), .length = UINT64_MAX};
    struct sf_object object = {.size = sizeof(object)};
    SF_AUTO(buf) key = BUF_INIT;

    conformance_key(suite, "digits", &key);
    get.key = key.data;
    REQUIRE(suite, conformance_put(suite, key.data, digits, 10, NULL, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, suite->table->get(&suite->call, suite->conn, &get, &sink, &object, &err) < 0,
            "10 bytes went into 9");
    REQUIRE(suite, err.cls == SF_TOO_LARGE, "class %d instead of too_large: %s", err.cls, err.text);
    REQUIRE(suite, memory[9] == '\0', "the sink was overrun");
}

static int failing_write(void *ctx, uint64_t position, const void *bytes, size_t length, struct sf_error *err)
{
    (void)ctx;
    (void)position;
    (void)bytes;
    (void)length;
    return sf_fail(err, SF_NO_SPACE, "the sink says so");
}

static void failing_sink(struct conformance *suite)
{
    struct sf_error err = SF_ERROR_INIT;
    struct sf_sink sink = {.size = sizeof(sink), .kind = SF_SINK_CALLBACK, .write = failing_write};
    struct sf_get get = {.size = sizeof(get), .length = UINT64_MAX};
    struct sf_object object = {.size = sizeof(object)};
    SF_AUTO(buf) key = BUF_INIT;

    conformance_key(suite, "digits", &key);
    get.key = key.data;
    REQUIRE(suite, conformance_put(suite, key.data, digits, 10, NULL, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, suite->table->get(&suite->call, suite->conn, &get, &sink, &object, &err) < 0,
            "the sink's failure was lost");
    REQUIRE(suite, err.cls == SF_NO_SPACE, "the sink's own error class (no_space) became %d: %s", err.cls, err.text);
}

static void missing(struct conformance *suite)
{
    static const char *const names[] = {"nothing", "folder/nothing", "object/below"};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT, back = BUF_INIT;
    size_t i;

    conformance_key(suite, "object", &key);
    REQUIRE(suite, conformance_put(suite, key.data, "x", 1, NULL, &err) == 0, "put: %s", err.text);
    for (i = 0; i < 3; i++) {
        conformance_key(suite, names[i], &key);
        REQUIRE(suite, conformance_exists(suite, key.data, &err) == 0, "stat of '%s': class %d: %s", names[i], err.cls,
                err.text);
        REQUIRE(suite, conformance_get(suite, key.data, &back, NULL, &err) < 0 && err.cls == SF_NOT_FOUND,
                "get of '%s': class %d instead of not_found: %s", names[i], err.cls, err.text);
        REQUIRE(suite, back.length == 0, "a missing object yielded bytes");
    }
}

/* A folder of a file system is no object. */
static void folder_is_no_object(struct conformance *suite)
{
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT;

    conformance_key(suite, "folder/object", &key);
    REQUIRE(suite, conformance_put(suite, key.data, "x", 1, NULL, &err) == 0, "put: %s", err.text);
    conformance_key(suite, "folder", &key);
    REQUIRE(suite, conformance_exists(suite, key.data, &err) == 0,
            "stat of a mere prefix succeeded or failed oddly: %s", err.text);
}

const struct conformance_case conformance_get_cases[] = {
    {"get: ranges yield what there is", ranges},
    {"get: a descriptor sink is written at its offset", descriptor_sink},
    {"get: a memory sink is not overrun", small_sink},
    {"get: a failing sink ends it with its own error class", failing_sink},
    {"get, stat: what is not there is not_found", missing},
    {"stat: a prefix of keys is no object", folder_is_no_object},
    {NULL, NULL},
};
