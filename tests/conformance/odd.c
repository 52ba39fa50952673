/* SPDX-License-Identifier: Apache-2.0
 *
 * Names that a careless encoding of URLs, XML, signatures or paths would change. Each is a key's last segment.
 */
#include "tests/conformance/conformance.h"

#include "base/auto.h"
#include "base/mem.h"

static const char *const names[] = {
    /* URLs */
    "two words",
    " leads",
    "trails ",
    "a+b",
    "100%",
    "%41",
    "%2F",
    "%25",
    "%zz",
    "%C3%A9",
    "a?b=c",
    "a#b",
    "a&b=c",
    "a=b",
    "a;b",
    "a:b",
    "a@b",
    "a,b",
    "$HOME",
    "!",
    "~user",
    "tilde~",
    /* XML */
    "<tag>",
    "&amp;",
    "&#10;",
    "]]>",
    "<!-- -->",
    "\"double\"",
    "'single'",
    "`back`",
    /* shells, globs, paths */
    "*",
    "[a-z]",
    "{a,b}",
    "(a)",
    "a|b",
    "a^b",
    "back\\slash",
    "...",
    "..a",
    "a..",
    ".hidden",
    "-",
    "--flag",
    "CON",
    "nul.txt",
    /* beyond ASCII: composed, decomposed, other scripts, beyond the BMP, without width, right to left */
    "\xc3\xa9",
    "e\xcc\x81",
    "\xc3\xbf",
    "\xe6\x97\xa5\xe6\x9c\xac",
    "\xf0\x9f\x9a\xa2",
    "\xe2\x80\x8b.",
    "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d",
    "\xc2\xa0nbsp",
    "\xef\xbb\xbfmark",
};

#define NAMES (sizeof(names) / sizeof(names[0]))

/* The key of a name below folder, in the case's own prefix. */
static void odd_key(const struct conformance *suite, const char *folder, size_t index, struct buf *key)
{
    conformance_key(suite, folder, key);
    buf_add_text(key, names[index]);
}

/* The object below folder has the name as its body. */
static bool comes_back(struct conformance *suite, const char *folder, size_t index)
{
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT, back = BUF_INIT;

    odd_key(suite, folder, index, &key);
    if (conformance_get(suite, key.data, &back, NULL, &err) == 0 && strcmp(buf_text(&back), names[index]) == 0)
        return true;
    conformance_fail(suite, __FILE__, __LINE__, "'%s' did not come back: %s", key.data, err.text);
    return false;
}

static bool is_listed(struct conformance *suite, const char *folder, const struct buf *listed, size_t index)
{
    SF_AUTO(buf) line = BUF_INIT, lines = BUF_INIT;

    buf_printf(&lines, "\n%s", buf_text(listed)); /* so that a line begins with a newline, the first one too */
    buf_add_byte(&line, '\n');
    buf_add_text(&line, suite->prefix);
    buf_printf(&line, "%s%s\n", folder, names[index]);
    return strstr(lines.data, line.data) != NULL;
}

static void put_list_get(struct conformance *suite)
{
    struct sf_list_query query = {.size = sizeof(query), .prefix = suite->prefix};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT, listed = BUF_INIT;
    size_t i;

    for (i = 0; i < NAMES; i++) {
        odd_key(suite, "odd/", i, &key);
        REQUIRE(suite, conformance_put(suite, key.data, names[i], strlen(names[i]), NULL, &err) == 0, "put '%s': %s",
                key.data, err.text);
    }
    REQUIRE(suite, conformance_list(suite, &query, &listed, &err) == 0, "list: %s", err.text);
    for (i = 0; i < NAMES; i++) {
        REQUIRE(suite, is_listed(suite, "odd/", &listed, i), "'%s' is not in the list as it was put", names[i]);
        if (!comes_back(suite, "odd/", i))
            return;
    }
}

static void copy(struct conformance *suite)
{
    struct sf_copy args = {.size = sizeof(args), .meta_element_size = sizeof(struct sf_meta)};
    struct sf_object object = {.size = sizeof(object)};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) from = BUF_INIT, to = BUF_INIT;
    size_t i;

    SKIP_UNLESS(suite, (suite->info.capabilities & SF_CAP_COPY) != 0 && suite->table->copy != NULL, "no SF_CAP_COPY");
    for (i = 0; i < NAMES; i++) {
        odd_key(suite, "odd/", i, &from);
        odd_key(suite, "copied/", i, &to);
        args.from = from.data;
        args.to = to.data;
        args.bytes = strlen(names[i]);
        REQUIRE(suite, conformance_put(suite, from.data, names[i], strlen(names[i]), NULL, &err) == 0, "put '%s': %s",
                from.data, err.text);
        REQUIRE(suite, suite->table->copy(&suite->call, suite->conn, &args, &object, &err) == 0, "copy '%s': %s",
                from.data, err.text);
        if (!comes_back(suite, "copied/", i))
            return;
    }
}

static void note_result(void *ctx, uint32_t index, int32_t cls, const char *text)
{
    (void)index; /* of the batch */
    if (cls != SF_OK)
        conformance_fail(ctx, __FILE__, __LINE__, "a key was not removed: class %d: %s", cls, text != NULL ? text : "");
}

static void remove_all(struct conformance *suite)
{
    struct sf_list_query query = {.size = sizeof(query), .prefix = suite->prefix};
    struct sf_remove_sink sink = {.size = sizeof(sink), .ctx = suite, .result = note_result};
    AUTO_FREE struct sf_remove *items = mem_alloc(NAMES * sizeof(*items));
    struct buf keys[NAMES] = {0};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) listed = BUF_INIT;
    size_t i;
    int result = 0;

    for (i = 0; i < NAMES && result == 0; i++) {
        odd_key(suite, "odd/", i, &keys[i]);
        items[i] = (struct sf_remove){.size = sizeof(items[i]), .key = keys[i].data};
        result = conformance_put(suite, keys[i].data, "x", 1, NULL, &err);
    }
    for (i = 0; i < NAMES && result == 0; i += suite->info.remove_batch_max)
        result = suite->table->remove(
            &suite->call, suite->conn, items + i,
            (uint32_t)(NAMES - i < suite->info.remove_batch_max ? NAMES - i : suite->info.remove_batch_max),
            sizeof(items[0]), &sink, &err);
    for (i = 0; i < NAMES; i++)
        buf_cleanup(&keys[i]);
    REQUIRE(suite, result == 0, "%s", err.text);
    REQUIRE(suite, conformance_list(suite, &query, &listed, &err) == 0, "list: %s", err.text);
    REQUIRE(suite, listed.length == 0, "left: %s", listed.data);
}

const struct conformance_case conformance_odd_cases[] = {
    {"list: odd keys are listed and read as they were put", put_list_get},
    {"copy: odd keys, from and to", copy},
    {"remove: odd keys in a batch", remove_all},
    {NULL, NULL},
};
