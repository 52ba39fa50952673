/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of random trees against a sorted array of the keys, and what a list must hide or survive.
 */
#include "tests/unit/localfs/bed.h"

#include "base/auto.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TREES = 6, KEYS = 120, QUERIES = 60, KEY_BYTES = 64, DEPTH = 40 };

struct keys {
    char key[KEYS][KEY_BYTES];
    size_t count;
};

static unsigned next_random(unsigned *state)
{
    *state = *state * 1103515245u + 12345u;
    return *state >> 16;
}

static void random_key(unsigned *state, char *out)
{
    static const char *const parts[] = {"a", "b", "-", ".x", "0", "\xc3\xa9", "%", "ab", "a-", "a b", "A", "~"};
    unsigned depth = next_random(state) % 4 + 1, i;

    out[0] = '\0';
    for (i = 0; i < depth; i++) {
        strcat(out, i > 0 ? "/" : "");
        strcat(out, parts[next_random(state) % (sizeof(parts) / sizeof(parts[0]))]);
        if (next_random(state) % 2)
            strcat(out, parts[next_random(state) % (sizeof(parts) / sizeof(parts[0]))]);
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Puts as many keys as the folder takes: "x" and "x/y" do not go together. */
static void make_tree(struct bed *bed, unsigned *state, struct keys *keys)
{
    int i;

    keys->count = 0;
    for (i = 0; i < KEYS; i++) {
        char *key = keys->key[keys->count];
        int result;

        random_key(state, key);
        result = bed_put(bed, key, "x");
        ck_assert_msg(result == SF_OK || result == SF_EXISTS || result == SF_INVALID, "%s", bed->err.text);
        keys->count += result == SF_OK;
    }
    ck_assert_uint_gt(keys->count, KEYS / 4);
    qsort(keys->key, keys->count, KEY_BYTES, compare);
}

static void expect(const struct keys *keys, const char *prefix, const char *start_after, bool folds, struct buf *out)
{
    char last[KEY_BYTES + 1] = "";
    size_t i;

    buf_clear(out);
    for (i = 0; i < keys->count; i++) {
        const char *key = keys->key[i];
        const char *slash;

        if (strncmp(key, prefix, strlen(prefix)) != 0 || (start_after != NULL && strcmp(key, start_after) <= 0))
            continue;
        slash = folds ? strchr(key + strlen(prefix), '/') : NULL;
        if (slash == NULL) {
            buf_printf(out, "%s\n", key);
        } else if (strncmp(last, key, (size_t)(slash + 1 - key)) != 0 || last[slash + 1 - key] != '\0') {
            snprintf(last, sizeof(last), "%.*s", (int)(slash + 1 - key), key);
            buf_printf(out, "%s\n", last);
        }
    }
}

/* A key, cut anywhere, perhaps with something behind it. */
static const char *random_text(const struct keys *keys, unsigned *state, char *out)
{
    static const char *const tails[] = {"", "", "", "/", "!", "~~", "/a"};
    const char *key = keys->key[next_random(state) % keys->count];
    size_t length = next_random(state) % (strlen(key) + 1);

    if (next_random(state) % 3 == 0)
        length = strlen(key);
    snprintf(out, KEY_BYTES * 2, "%.*s%s", (int)length, key, tails[next_random(state) % 7]);
    return out;
}

START_TEST(test_random_trees)
{
    SF_AUTO(buf) expected = BUF_INIT;
    SF_AUTO(buf) got = BUF_INIT;
    unsigned state = 20261122, tree, query;

    for (tree = 0; tree < TREES; tree++) {
        struct keys keys;
        struct bed bed;
        char name[16];

        snprintf(name, sizeof(name), "base%u", tree);
        bed_open(&bed, name, NULL);
        make_tree(&bed, &state, &keys);
        for (query = 0; query < QUERIES * 2; query++) {
            char prefix[KEY_BYTES * 2] = "", start_after[KEY_BYTES * 2] = "";
            bool folds = query % 2;
            uint32_t page = query % 8; /* 0: the plugin's own */

            if (next_random(&state) % 2)
                random_text(&keys, &state, prefix);
            if (next_random(&state) % 2)
                random_text(&keys, &state, start_after);
            expect(&keys, prefix, start_after, folds, &expected);
            ck_assert_msg(bed_list(&bed, prefix, start_after[0] ? start_after : NULL, folds, page, &got) == SF_OK, "%s",
                          bed.err.text);
            ck_assert_msg(strcmp(buf_text(&got), buf_text(&expected)) == 0,
                          "prefix \"%s\" after \"%s\" folds %d page %u:\n%.1500s--- expected:\n%.1500s", prefix,
                          start_after, folds, page, buf_text(&got), buf_text(&expected));
        }
        bed_close(&bed);
    }
}
END_TEST

/* Deeper than the list keeps descriptors, with something before and behind each folder. */
START_TEST(test_deep_tree)
{
    SF_AUTO(buf) path = BUF_INIT;
    SF_AUTO(buf) expected = BUF_INIT;
    SF_AUTO(buf) behind = BUF_INIT;
    SF_AUTO(buf) got = BUF_INIT;
    struct bed bed;
    int depth;

    bed_open(&bed, "base", NULL);
    for (depth = 0; depth < DEPTH; depth++) {
        AUTO_FREE char *before = mem_printf("%sa", buf_text(&path));
        AUTO_FREE char *after = mem_printf("%sz", buf_text(&path));
        AUTO_FREE char *rest = mem_text(buf_text(&behind));

        ck_assert_int_eq(bed_put(&bed, before, "x"), SF_OK);
        ck_assert_int_eq(bed_put(&bed, after, "x"), SF_OK);
        buf_printf(&expected, "%s\n", before);
        buf_clear(&behind);
        buf_printf(&behind, "%s\n%s", after, rest);
        buf_add_text(&path, "folder/");
    }
    buf_add_text(&expected, buf_text(&behind));
    for (depth = 0; depth < 4; depth++) {
        ck_assert_msg(bed_list(&bed, "", NULL, false, (uint32_t)depth, &got) == SF_OK, "%s", bed.err.text);
        ck_assert_str_eq(buf_text(&got), buf_text(&expected));
    }
    bed_close(&bed);
}
END_TEST

/* A page that fails can be asked for again, and nothing is lost or told twice. */
START_TEST(test_failed_pages)
{
    SF_AUTO(buf) expected = BUF_INIT;
    SF_AUTO(buf) got = BUF_INIT;
    struct bed bed;
    int i;

    bed_open(&bed, "base", NULL);
    for (i = 0; i < 700; i++) {
        AUTO_FREE char *path = mem_printf("base/d%d/f%03d", i / 100, i);
        AUTO_FREE char *key = mem_printf("d%d/f%03d\n", i / 100, i);

        unit_write(path, "x", -1);
        buf_add_text(&expected, key);
    }
    for (i = 4; i < 9; i++) {
        bed.asked = 0;
        bed.if_cancelled = (uint64_t)i;
        bed.reports = 0;
        ck_assert_int_eq(bed_list(&bed, "", NULL, false, 50, &got), SF_OK);
        ck_assert_str_eq(buf_text(&got), buf_text(&expected));
        ck_assert_msg(bed.reports > 14, "no page failed");
        bed.asked = 0;
        ck_assert_int_eq(bed_list(&bed, "d3/", NULL, true, 9, &got), SF_OK);
        ck_assert_int_eq(strncmp(buf_text(&got), "d3/f300\nd3/f301\n", 16), 0);
        ck_assert_uint_eq(got.length, 100 * 8);
    }
    bed_close(&bed);
}
END_TEST

START_TEST(test_hidden)
{
    SF_AUTO(buf) got = BUF_INIT;
    struct bed bed;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_replace(&bed, "a", "x"), SF_OK); /* takes the lock */
    ck_assert(bed_exists("base/.snapferry/lock"));
    unit_write("base/.snapferry/tmp/1-2", "x", -1);
    ck_assert_int_eq(mkdir(bed_path("base/empty"), 0700), 0);
    ck_assert_int_eq(symlink("a", bed_path("base/link")), 0);
    ck_assert_int_eq(symlink("empty", bed_path("base/folderlink")), 0);
    ck_assert_int_eq(mkfifo(bed_path("base/fifo"), 0600), 0);
    ck_assert_int_eq(bed_list(&bed, "", NULL, false, 0, &got), SF_OK);
    ck_assert_str_eq(buf_text(&got), "a\n");
    ck_assert_int_eq(bed_list(&bed, "", NULL, true, 0, &got), SF_OK);
    ck_assert_str_eq(buf_text(&got), "a\n");
    ck_assert_int_eq(bed_list(&bed, ".snapferry", NULL, true, 0, &got), SF_OK);
    ck_assert_uint_eq(got.length, 0);
    ck_assert_int_eq(bed_list(&bed, ".snapferry/", NULL, true, 0, &got), SF_OK);
    ck_assert_uint_eq(got.length, 0);
    ck_assert_int_eq(bed_list(&bed, ".snapferry/tmp", NULL, false, 0, &got), SF_OK);
    ck_assert_uint_eq(got.length, 0);
    ck_assert_int_eq(bed_list(&bed, ".snapferry/tmp/", NULL, false, 0, &got), SF_OK);
    ck_assert_uint_eq(got.length, 0);
    ck_assert_int_eq(bed_put(&bed, ".snapferry/points/p.open", "x"), SF_OK);
    ck_assert_int_eq(bed_list(&bed, "", NULL, true, 0, &got), SF_OK);
    ck_assert_str_eq(buf_text(&got), ".snapferry/\na\n");
    ck_assert_int_eq(bed_list(&bed, ".snapferry/", NULL, true, 0, &got), SF_OK);
    ck_assert_str_eq(buf_text(&got), ".snapferry/points/\n");
    bed_close(&bed);
}
END_TEST

START_TEST(test_odd_prefixes)
{
    static const char *const prefixes[] = {"/", "//", "a//", "../", "a/../", "./", "b/", "a/b", "a/b/c/d/", "x\xff/"};
    SF_AUTO(buf) got = BUF_INIT;
    char large[400];
    struct bed bed;
    size_t i;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put(&bed, "a", "x"), SF_OK);
    for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        ck_assert_msg(bed_list(&bed, prefixes[i], NULL, i % 2, 0, &got) == SF_OK, "%s", bed.err.text);
        ck_assert_uint_eq(got.length, 0);
    }
    memset(large, 'p', sizeof(large));
    large[398] = '/';
    large[399] = '\0';
    ck_assert_int_eq(bed_list(&bed, large, NULL, false, 0, &got), SF_OK);
    ck_assert_uint_eq(got.length, 0);
    bed_close(&bed);
}
END_TEST

static void check_entry(void *ctx, const struct sf_object *object)
{
    struct bed *bed = ctx;

    ck_assert_str_eq(object->key, "d/a");
    ck_assert_str_eq(object->tag, bed->object.tag);
    ck_assert_uint_eq(object->bytes, 4);
    ck_assert_int_eq(object->modified_ms, bed->object.modified_ms);
    ck_assert_uint_eq(object->digests.have, 0); /* that would be more than one system call an object */
    ck_assert_uint_eq(object->meta_bytes, 0);
    ck_assert_uint_eq(bed->info.capabilities & SF_CAP_LIST_METADATA, 0);
}

START_TEST(test_entry_says_what_stat_says)
{
    const struct sf_list_query query = {sizeof(query), 0, "d", NULL, NULL};
    struct bed bed;
    const struct sf_list_sink sink = {sizeof(sink), 0, &bed, check_entry, NULL};
    struct sf_list *list;
    int more = 1;

    bed_open(&bed, "base", NULL);
    ck_assert_int_eq(bed_put(&bed, "d/a", "text"), SF_OK);
    ck_assert_int_eq(bed_stat(&bed, "d/a"), SF_OK);
    ck_assert_int_eq(bed.plugin->list_open(&bed.call, bed.conn, &query, &list, &bed.err), 0);
    ck_assert_int_eq(bed.plugin->list_next(&bed.call, list, &sink, &more, &bed.err), 0);
    ck_assert_int_eq(more, 0);
    bed.plugin->list_close(list);
    bed_close(&bed);
}
END_TEST

UNIT_MAIN("localfs/list", &test_random_trees, &test_deep_tree, &test_failed_pages, &test_hidden, &test_odd_prefixes,
          &test_entry_says_what_stat_says)
