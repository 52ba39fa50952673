/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/conformance.h"

#include "base/auto.h"
#include "base/err.h"

/* In ascending byte order. A '/' sorts after '-' and '.', before digits; what a file system calls a folder sorts as "name/". */
static const char *const names[] = {
    "A",       "a",          "a b",    "a!",    "a#",     "a%2F",   "a%zz",    "a&b=c",  "a+b",       "a,b",
    "a-b",     "a.b",        "a0",     "a:b",   "a;b",    "a?b",    "a@b",     "a_b",    "ab",        "ad-x",
    "ad.x",    "ad/b",       "ad/b.c", "ad/b0", "ad/bx-", "ad/bx.", "ad/bx/c", "ad/bx0", "ad0",       "a~",
    "b/c/d/e", "b/c/d/e-/f", "b/c0",   "c\"d",  "c'd",    "c*d",    "c\\d",    "c|d",    "e\xcc\x81", "\xc3\xa9",
};
#define NAMES (sizeof(names) / sizeof(names[0]))

static bool put_names(struct conformance *suite)
{
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT;
    size_t i;

    /* backwards, so that the order of arrival is not the right one */
    for (i = NAMES; i > 0; i--) {
        conformance_key(suite, names[i - 1], &key);
        if (conformance_put(suite, key.data, names[i - 1], strlen(names[i - 1]), NULL, &err) < 0) {
            conformance_fail(suite, __FILE__, __LINE__, "put of %s: %s", key.data, err.text);
            return false;
        }
    }
    return true;
}

static void expect(const struct conformance *suite, const char *prefix, const char *after, struct buf *expected)
{
    size_t i;

    buf_clear(expected);
    for (i = 0; i < NAMES; i++)
        if (strncmp(names[i], prefix, strlen(prefix)) == 0 && (after == NULL || strcmp(names[i], after) > 0))
            buf_printf(expected, "%s%s\n", suite->prefix, names[i]);
}

static void order(struct conformance *suite)
{
    static const uint32_t pages[] = {0, 1, 2, 3, 7, 1000};
    static const char *const prefixes[] = {"", "a", "ad", "ad/", "ad/b", "ad/bx", "ad/bx/", "b/c/d/e", "nothing", "a%"};
    SF_AUTO(buf) prefix = BUF_INIT, listed = BUF_INIT, expected = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;
    size_t p, i;

    if (!put_names(suite))
        return;
    for (p = 0; p < sizeof(prefixes) / sizeof(prefixes[0]); p++)
        for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
            struct sf_list_query query = {.size = sizeof(query), .page_max = pages[i]};

            conformance_key(suite, prefixes[p], &prefix);
            query.prefix = prefix.data;
            expect(suite, prefixes[p], NULL, &expected);
            REQUIRE(suite, conformance_list(suite, &query, &listed, &err) == 0, "list: %s", err.text);
            REQUIRE(suite, strcmp(buf_text(&listed), buf_text(&expected)) == 0,
                    "prefix '%s', pages of %u: got\n%s\ninstead of\n%s", prefixes[p], pages[i], buf_text(&listed),
                    buf_text(&expected));
        }
}

static void start_after(struct conformance *suite)
{
    static const char *const starts[] = {"A",     "a.b",     "ad",     "ad/",   "ad/b",
                                         "ad/bx", "ad/bx/c", "ad/bzz", "b/c/d", "\xc3\xa9"};
    SF_AUTO(buf) start = BUF_INIT, listed = BUF_INIT, expected = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;
    size_t i;

    if (!put_names(suite))
        return;
    for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        struct sf_list_query query = {.size = sizeof(query), .page_max = 2, .prefix = suite->prefix};

        conformance_key(suite, starts[i], &start);
        query.start_after = start.data;
        expect(suite, "", starts[i], &expected);
        REQUIRE(suite, conformance_list(suite, &query, &listed, &err) == 0, "list: %s", err.text);
        REQUIRE(suite, strcmp(buf_text(&listed), buf_text(&expected)) == 0, "after '%s': got\n%s\ninstead of\n%s",
                starts[i], buf_text(&listed), buf_text(&expected));
    }
}

static int count_line(const struct buf *listed, const char *mark, const char *prefix, const char *name)
{
    SF_AUTO(buf) line = BUF_INIT;
    const char *at = buf_text(listed);
    int count = 0;

    buf_printf(&line, "%s%s%s\n", mark, prefix, name);
    for (; (at = strstr(at, line.data)) != NULL; at++)
        count += at == listed->data || at[-1] == '\n';
    return count;
}

static void delimiter(struct conformance *suite)
{
    struct sf_list_query query = {.size = sizeof(query), .page_max = 3, .prefix = suite->prefix, .delimiter = "/"};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) listed = BUF_INIT;
    size_t i;

    if (!put_names(suite))
        return;
    REQUIRE(suite, conformance_list(suite, &query, &listed, &err) == 0, "list: %s", err.text);
    REQUIRE(suite, count_line(&listed, ">", suite->prefix, "ad/") == 1, "prefix ad/ is not there once:\n%s",
            buf_text(&listed));
    REQUIRE(suite, count_line(&listed, ">", suite->prefix, "b/") == 1, "prefix b/ is not there once:\n%s",
            buf_text(&listed));
    for (i = 0; i < NAMES; i++)
        REQUIRE(suite, count_line(&listed, "", suite->prefix, names[i]) == (strchr(names[i], '/') == NULL),
                "'%s' is listed or missing wrongly:\n%s", names[i], buf_text(&listed));
}

struct described {
    unsigned count;
    struct sf_object last;
};

static void describe(void *ctx, const struct sf_object *object)
{
    struct described *described = ctx;

    described->count++;
    sf_take(&described->last, sizeof(described->last), object);
}

static void described_as_stat_does(struct conformance *suite)
{
    struct described described = {0};
    struct sf_list_query query = {.size = sizeof(query), .prefix = suite->prefix};
    struct sf_list_sink sink = {.size = sizeof(sink), .ctx = &described, .object = describe};
    struct sf_object put = {.size = sizeof(put)}, stat = {.size = sizeof(stat)};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) key = BUF_INIT;
    struct sf_list *list = NULL;
    int more;

    conformance_key(suite, "one", &key);
    REQUIRE(suite, conformance_put(suite, key.data, "12345", 5, &put, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, suite->table->stat(&suite->call, suite->conn, key.data, &stat, &err) == 0, "stat: %s", err.text);
    REQUIRE(suite, suite->table->list_open(&suite->call, suite->conn, &query, &list, &err) == 0, "list_open: %s",
            err.text);
    if (suite->table->list_next(&suite->call, list, &sink, &more, &err) < 0)
        conformance_fail(suite, __FILE__, __LINE__, "list_next: %s", err.text);
    suite->table->list_close(list);
    REQUIRE(suite, described.count == 1, "%u objects listed instead of 1", described.count);
    REQUIRE(suite, described.last.bytes == 5 && stat.bytes == 5, "size: list says %llu, stat %llu",
            (unsigned long long)described.last.bytes, (unsigned long long)stat.bytes);
    REQUIRE(suite, strcmp(described.last.tag, put.tag) == 0 && strcmp(stat.tag, put.tag) == 0,
            "tag: put '%s', list '%s', stat '%s'", put.tag, described.last.tag, stat.tag);
}

/* More than any store's page. */
#define MANY 2500

static void many(struct conformance *suite)
{
    struct sf_list_query query = {.size = sizeof(query), .prefix = suite->prefix};
    SF_AUTO(buf) key = BUF_INIT, listed = BUF_INIT, expected = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;
    char name[32];
    int i;

    for (i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "%02d/%04d", i / 100, i);
        conformance_key(suite, name, &key);
        buf_printf(&expected, "%s\n", key.data);
        REQUIRE(suite, conformance_put(suite, key.data, name, 4, NULL, &err) == 0, "put: %s", err.text);
    }
    REQUIRE(suite, conformance_list(suite, &query, &listed, &err) == 0, "list: %s", err.text);
    REQUIRE(suite, strcmp(buf_text(&listed), buf_text(&expected)) == 0,
            "%d objects were not listed each once and in order", MANY);
}

const struct conformance_case conformance_list_cases[] = {
    {"list: strict byte order for awkward names, any prefix, any page", order},
    {"list: start_after", start_after},
    {"list: a delimiter folds", delimiter},
    {"list: size and tag are those of put and stat", described_as_stat_does},
    {"list: 2,500 objects, each once", many},
    {NULL, NULL},
};
