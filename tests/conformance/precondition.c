/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/conformance.h"

#include "base/auto.h"

static void create_only(struct conformance *suite)
{
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT, back = BUF_INIT;

    SKIP_UNLESS(suite, suite->info.capabilities & SF_CAP_CREATE_ONLY_PUT,
                "no SF_CAP_CREATE_ONLY_PUT: the guard is advisory here");
    conformance_key(suite, "once", &key);
    REQUIRE(suite, conformance_put_if(suite, key.data, "first", 5, SF_IF_ABSENT, NULL, NULL, &err) == 0, "put: %s",
            err.text);
    REQUIRE(suite, conformance_put_if(suite, key.data, "second", 6, SF_IF_ABSENT, NULL, NULL, &err) < 0,
            "the second was accepted");
    REQUIRE(suite, err.cls == SF_EXISTS, "class %d instead of exists: %s", err.cls, err.text);
    REQUIRE(suite, conformance_get(suite, key.data, &back, NULL, &err) == 0 && strcmp(back.data, "first") == 0,
            "the refused put changed the object");
}

static void replace_any(struct conformance *suite)
{
    struct sf_object first = {.size = sizeof(first)}, second = {.size = sizeof(second)};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT, back = BUF_INIT;

    conformance_key(suite, "replaced", &key);
    REQUIRE(suite, conformance_put(suite, key.data, "first", 5, &first, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, conformance_put(suite, key.data, "other", 5, &second, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, conformance_get(suite, key.data, &back, NULL, &err) == 0 && strcmp(back.data, "other") == 0,
            "not replaced");
    REQUIRE(suite, strcmp(first.tag, second.tag) != 0, "other bytes of the same size have the same tag '%s'",
            first.tag);
}

static void replace_by_tag(struct conformance *suite)
{
    struct sf_object first = {.size = sizeof(first)}, second = {.size = sizeof(second)};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT, back = BUF_INIT;

    SKIP_UNLESS(suite, suite->info.capabilities & SF_CAP_IF_TAG_PUT, "no SF_CAP_IF_TAG_PUT");
    conformance_key(suite, "by-tag", &key);
    REQUIRE(suite, conformance_put(suite, key.data, "first", 5, &first, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, conformance_put_if(suite, key.data, "other", 5, SF_IF_TAG, first.tag, &second, &err) == 0, "put: %s",
            err.text);
    REQUIRE(suite, conformance_put_if(suite, key.data, "third", 5, SF_IF_TAG, first.tag, NULL, &err) < 0,
            "an old tag was accepted");
    REQUIRE(suite, err.cls == SF_PRECONDITION, "class %d instead of precondition: %s", err.cls, err.text);
    REQUIRE(suite, conformance_get(suite, key.data, &back, NULL, &err) == 0 && strcmp(back.data, "other") == 0,
            "the refused put changed the object");
}

static void replace_missing_by_tag(struct conformance *suite)
{
    struct sf_object first = {.size = sizeof(first)};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT, other = BUF_INIT;

    SKIP_UNLESS(suite, suite->info.capabilities & SF_CAP_IF_TAG_PUT, "no SF_CAP_IF_TAG_PUT");
    conformance_key(suite, "here", &key);
    conformance_key(suite, "gone", &other);
    REQUIRE(suite, conformance_put(suite, key.data, "first", 5, &first, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, conformance_put_if(suite, other.data, "other", 5, SF_IF_TAG, first.tag, NULL, &err) < 0,
            "it was accepted");
    REQUIRE(suite, err.cls == SF_PRECONDITION, "class %d instead of precondition: %s", err.cls, err.text);
    REQUIRE(suite, conformance_exists(suite, other.data, &err) == 0, "the refused put made an object");
}

static void get_by_tag(struct conformance *suite)
{
    struct sf_object object = {.size = sizeof(object)};
    struct sf_error err = SF_ERROR_INIT;
    char memory[16];
    struct sf_sink sink = {.size = sizeof(sink), .kind = SF_SINK_MEMORY, .data = memory, .capacity = sizeof(memory)};
    struct sf_get get = {.size = sizeof(get), .length = UINT64_MAX};
    SF_AUTO(buf) key = BUF_INIT;

    conformance_key(suite, "tagged", &key);
    REQUIRE(suite, conformance_put(suite, key.data, "first", 5, &object, &err) == 0, "put: %s", err.text);
    get.key = key.data;
    get.if_tag = object.tag;
    REQUIRE(suite, suite->table->get(&suite->call, suite->conn, &get, &sink, &object, &err) == 0, "get: %s", err.text);
    REQUIRE(suite, conformance_put(suite, key.data, "other", 5, NULL, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, suite->table->get(&suite->call, suite->conn, &get, &sink, &object, &err) < 0,
            "another tag was served");
    REQUIRE(suite, err.cls == SF_PRECONDITION, "class %d instead of precondition: %s", err.cls, err.text);
}

const struct conformance_case conformance_precondition_cases[] = {
    {"precondition: create-only refuses a second put", create_only},
    {"precondition: none replaces, and the tag changes", replace_any},
    {"precondition: replace by tag takes the right tag only", replace_by_tag},
    {"precondition: replace by tag does not create", replace_missing_by_tag},
    {"precondition: get by tag serves that tag only", get_by_tag},
    {NULL, NULL},
};
