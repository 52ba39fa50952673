/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/conformance.h"

#include "base/auto.h"

#define BATCH 8

struct results {
    int calls[BATCH];
    int32_t cls[BATCH];
};

static void take(void *ctx, uint32_t index, int32_t cls, const char *text)
{
    struct results *results = ctx;

    (void)text;
    if (index >= BATCH)
        return;
    results->calls[index]++;
    results->cls[index] = cls;
}

static int remove_all(struct conformance *suite, const struct sf_remove *items, uint32_t count, struct results *results,
                      struct sf_error *err)
{
    struct sf_remove_sink sink = {.size = sizeof(sink), .ctx = results, .result = take};

    return suite->table->remove(&suite->call, suite->conn, items, count, sizeof(items[0]), &sink, err);
}

static void batch(struct conformance *suite)
{
    static const char *const names[] = {"a", "b/c", "missing", "b/d", "e/f/g"};
    struct sf_list_query query = {.size = sizeof(query), .prefix = suite->prefix};
    struct results results = {{0}, {0}};
    struct sf_remove items[5];
    struct buf keys[5] = {BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT};
    SF_AUTO(buf) listed = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;
    uint32_t i, step = suite->info.remove_batch_max < 5 ? suite->info.remove_batch_max : 5;
    int failed = 0;

    for (i = 0; i < 5; i++) {
        conformance_key(suite, names[i], &keys[i]);
        items[i] = (struct sf_remove){.size = sizeof(items[i]), .key = keys[i].data};
        if (strcmp(names[i], "missing") != 0)
            failed |= conformance_put(suite, keys[i].data, names[i], 1, NULL, &err);
    }
    if (step == 5)
        failed |= remove_all(suite, items, 5, &results, &err);
    for (i = 0; i < 5 && step != 5; i++) {
        struct results one = {{0}, {0}};

        failed |= remove_all(suite, &items[i], 1, &one, &err);
        results.calls[i] = one.calls[0];
        results.cls[i] = one.cls[0];
    }
    if (failed == 0)
        failed = conformance_list(suite, &query, &listed, &err);
    for (i = 0; i < 5; i++)
        buf_cleanup(&keys[i]);
    REQUIRE(suite, failed == 0, "%s", err.text);
    for (i = 0; i < 5; i++) {
        REQUIRE(suite, results.calls[i] == 1, "'%s' had %d results", names[i], results.calls[i]);
        REQUIRE(suite, results.cls[i] == SF_OK, "'%s' had class %d", names[i], results.cls[i]);
    }
    REQUIRE(suite, listed.length == 0, "still there:\n%s", buf_text(&listed));
}

static void by_tag(struct conformance *suite)
{
    struct sf_object first = {.size = sizeof(first)}, second = {.size = sizeof(second)};
    struct results results = {{0}, {0}};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT;
    struct sf_remove item = {.size = sizeof(item)};

    SKIP_UNLESS(suite, suite->info.capabilities & SF_CAP_IF_TAG_REMOVE, "no SF_CAP_IF_TAG_REMOVE");
    conformance_key(suite, "tagged", &key);
    REQUIRE(suite, conformance_put(suite, key.data, "first", 5, &first, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, conformance_put(suite, key.data, "other", 5, &second, &err) == 0, "put: %s", err.text);
    item.key = key.data;
    item.if_tag = first.tag;
    REQUIRE(suite, remove_all(suite, &item, 1, &results, &err) == 0, "remove: %s", err.text);
    REQUIRE(suite, results.calls[0] == 1 && results.cls[0] == SF_PRECONDITION, "class %d instead of precondition",
            results.cls[0]);
    REQUIRE(suite, conformance_exists(suite, key.data, &err) == 1, "the object is gone all the same");
    item.if_tag = second.tag;
    REQUIRE(suite, remove_all(suite, &item, 1, &results, &err) == 0, "remove: %s", err.text);
    REQUIRE(suite, results.cls[0] == SF_OK && conformance_exists(suite, key.data, &err) == 0,
            "the right tag did not remove it");
}

static void again(struct conformance *suite)
{
    struct results results = {{0}, {0}};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT, back = BUF_INIT;
    struct sf_remove item = {.size = sizeof(item)};
    int round;

    conformance_key(suite, "deep/er/object", &key);
    item.key = key.data;
    for (round = 0; round < 3; round++) {
        REQUIRE(suite, conformance_put(suite, key.data, "again", 5, NULL, &err) == 0, "put: %s", err.text);
        REQUIRE(suite, conformance_get(suite, key.data, &back, NULL, &err) == 0, "get: %s", err.text);
        REQUIRE(suite, remove_all(suite, &item, 1, &results, &err) == 0 && results.cls[0] == SF_OK, "remove: %s",
                err.text);
    }
}

const struct conformance_case conformance_remove_cases[] = {
    {"remove: a batch, with a result a key; what is not there is removed", batch},
    {"remove: by tag takes the right tag only", by_tag},
    {"remove: a removed key can be stored again", again},
    {NULL, NULL},
};
