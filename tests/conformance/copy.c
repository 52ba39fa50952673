/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/conformance.h"

#include "base/auto.h"

/* Who claims it without the slot is told so by the case of the limits. */
static bool can_copy(const struct conformance *suite)
{
    return (suite->info.capabilities & SF_CAP_COPY) != 0 && suite->table->copy != NULL;
}

static int copy_to(struct conformance *suite, const struct buf *from, const char *from_tag, const struct buf *to,
                   struct sf_object *object, struct sf_error *err)
{
    const struct sf_meta meta = {sizeof(meta), 0, "run", "copied"};
    struct sf_copy copy = {.size = sizeof(copy),
                           .precondition =
                               (suite->info.capabilities & SF_CAP_CREATE_ONLY_COPY) ? SF_IF_ABSENT : SF_IF_ANY,
                           .from = from->data,
                           .from_tag = from_tag,
                           .to = to->data,
                           .bytes = 4,
                           .meta = &meta,
                           .meta_count = 1,
                           .meta_element_size = sizeof(meta)};

    return suite->table->copy(&suite->call, suite->conn, &copy, object, err);
}

static void copies(struct conformance *suite)
{
    struct sf_object put = {.size = sizeof(put)}, object = {.size = sizeof(object)}, stat = {.size = sizeof(stat)};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) from = BUF_INIT, to = BUF_INIT, back = BUF_INIT;
    const char *run;

    SKIP_UNLESS(suite, can_copy(suite), "no SF_CAP_COPY");
    conformance_key(suite, "from", &from);
    conformance_key(suite, "folder/to", &to);
    REQUIRE(suite, conformance_put(suite, from.data, "body", 4, &put, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, copy_to(suite, &from, put.tag, &to, &object, &err) == 0, "copy: %s", err.text);
    REQUIRE(suite, conformance_get(suite, to.data, &back, NULL, &err) == 0 && strcmp(back.data, "body") == 0,
            "the copy differs");
    REQUIRE(suite, suite->table->stat(&suite->call, suite->conn, to.data, &stat, &err) == 0, "stat: %s", err.text);
    REQUIRE(suite, strcmp(stat.tag, object.tag) == 0, "tag: copy answered '%s', stat '%s'", object.tag, stat.tag);
    run = sf_object_meta(&stat, "run");
    if (suite->info.capabilities & SF_CAP_METADATA)
        REQUIRE(suite, run != NULL && strcmp(run, "copied") == 0, "the copy's metadata is '%s'",
                run != NULL ? run : "(nothing)");
}

static void refusals(struct conformance *suite)
{
    struct sf_object put = {.size = sizeof(put)}, object = {.size = sizeof(object)};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) from = BUF_INIT, to = BUF_INIT, back = BUF_INIT;

    SKIP_UNLESS(suite, can_copy(suite), "no SF_CAP_COPY");
    conformance_key(suite, "from", &from);
    conformance_key(suite, "to", &to);
    REQUIRE(suite, copy_to(suite, &from, NULL, &to, &object, &err) < 0 && err.cls == SF_NOT_FOUND,
            "missing source: class %d", err.cls);
    REQUIRE(suite, conformance_put(suite, from.data, "old!", 4, &put, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, conformance_put(suite, from.data, "body", 4, NULL, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, copy_to(suite, &from, put.tag, &to, &object, &err) < 0 && err.cls == SF_PRECONDITION,
            "a source with another tag: class %d instead of precondition: %s", err.cls, err.text);
    REQUIRE(suite, conformance_exists(suite, to.data, &err) == 0, "the refused copy is visible");
    if ((suite->info.capabilities & SF_CAP_CREATE_ONLY_COPY) == 0)
        return;
    REQUIRE(suite, conformance_put(suite, to.data, "mine", 4, NULL, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, copy_to(suite, &from, NULL, &to, &object, &err) < 0 && err.cls == SF_EXISTS,
            "create-only copy over an object: class %d instead of exists: %s", err.cls, err.text);
    REQUIRE(suite, conformance_get(suite, to.data, &back, NULL, &err) == 0 && strcmp(back.data, "mine") == 0,
            "it was replaced");
}

const struct conformance_case conformance_copy_cases[] = {
    {"copy: same bytes, new metadata", copies},
    {"copy: missing source, other tag and existing destination are refused", refusals},
    {NULL, NULL},
};
