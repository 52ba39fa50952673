/* SPDX-License-Identifier: Apache-2.0 */
#include "core/check/check.h"

#include "base/err.h"
#include "tests/kit/store.h"
#include "tests/kit/unit.h"

#include <string.h>

#define DAY "2026-11-22"
#define OLD "2026-11-21"

/* What a manifest says: objects of the one source, in key order. */
struct said {
    const char *path;
    const char *time_dir;
    const char *text; /* what was stored */
    const char *tag;  /* NULL: the store's; else what the manifest says */
    enum entry_type type;
};

struct bed {
    struct run_call run;
    struct store store;
    struct base base;
    const struct said *said;
    size_t count;
    char tags[8][SF_TAG_MAX + 1];
    size_t next;
    unsigned rewinds;
    struct buf findings; /* "missing KEY\n"... */
};

static void bed_open(struct bed *bed, const struct said *said, size_t count)
{
    struct sf_error err = SF_ERROR_INIT;
    size_t i;

    *bed = (struct bed){.said = said, .count = count};
    run_call_init(&bed->run, 0);
    kit_store_open(&bed->store, &bed->run, "check");
    bed->base = (struct base){.store = &bed->store, .run = &bed->run, .prefix = "p"};
    ck_assert_int_eq(bed->store.table->conn_open(&bed->run.call, bed->store.handle, &bed->base.conn, &err), 0);
    for (i = 0; i < count; i++) {
        SF_AUTO(buf) key = BUF_INIT;
        struct sf_object object = {.size = sizeof(object)};

        if (said[i].type != ENTRY_FILE || said[i].text == NULL)
            continue;
        key_object(&bed->base, said[i].time_dir, "s", said[i].path, &key);
        kit_store_put(&bed->store, &bed->run, buf_text(&key), said[i].text);
        ck_assert_int_eq(bed->store.table->stat(&bed->run.call, bed->base.conn, buf_text(&key), &object, &err), 0);
        memcpy(bed->tags[i], said[i].tag != NULL ? said[i].tag : object.tag,
               strlen(said[i].tag != NULL ? said[i].tag : object.tag));
    }
}

static void bed_close(struct bed *bed)
{
    bed->store.table->conn_close(bed->base.conn);
    store_cleanup(&bed->store);
    buf_cleanup(&bed->findings);
}

static int rewind_said(void *ctx, struct sf_error *err)
{
    struct bed *bed = ctx;

    (void)err;
    bed->next = 0;
    bed->rewinds++;
    return 0;
}

static int next_said(void *ctx, struct entry *entry, uint64_t *at, struct sf_error *err)
{
    struct bed *bed = ctx;
    const struct said *said = &bed->said[bed->next];

    (void)err;
    if (bed->next == bed->count)
        return 0;
    *at = bed->next++;
    entry_cleanup(entry);
    *entry = (struct entry){.path = strdup(said->path), .type = said->type};
    if (said->type != ENTRY_FILE)
        return 1;
    snprintf(entry->time_dir, sizeof(entry->time_dir), "%s", said->time_dir);
    entry->size = said->text != NULL ? strlen(said->text) : 4;
    memcpy(entry->tag, bed->tags[*at], sizeof(entry->tag));
    return 1;
}

static int take(void *ctx, enum check_finding finding, const char *key, const struct entry *entry, uint64_t at,
                const struct sf_object *object, struct sf_error *err)
{
    struct bed *bed = ctx;

    (void)err;
    ck_assert((entry == NULL) == (finding == CHECK_SURPLUS));
    ck_assert((object == NULL) == (finding == CHECK_MISSING));
    if (entry != NULL)
        ck_assert_str_eq(entry->path, bed->said[at].path);
    buf_printf(&bed->findings, "%s: %s\n", key, check_finding_text(finding));
    return 0;
}

static const char *check(struct bed *bed, const char *time_dir, bool own)
{
    struct check_stream stream = {.ctx = bed, .rewind = rewind_said, .next = next_said};
    struct check_report report = {.ctx = bed, .found = take};
    struct sf_error err = SF_ERROR_INIT;

    buf_clear(&bed->findings);
    ck_assert_msg(check_time_dir(&bed->base, time_dir, "s", own, &stream, &report, &err) == 0, "%s", err.text);
    return buf_text(&bed->findings);
}

START_TEST(whole_is_silent)
{
    static const struct said said[] = {{"", NULL, NULL, NULL, ENTRY_DIR},
                                       {"a", DAY, "1234", NULL, ENTRY_FILE},
                                       {"b", OLD, "12", NULL, ENTRY_FILE},
                                       {"c", NULL, NULL, NULL, ENTRY_LINK},
                                       {"d%\n", DAY, "", NULL, ENTRY_FILE}};
    struct bed bed;

    bed_open(&bed, said, 5);
    ck_assert_str_eq(check(&bed, DAY, true), "");
    ck_assert_str_eq(check(&bed, OLD, false), "");
    ck_assert_uint_eq(bed.rewinds, 2);
    bed_close(&bed);
}
END_TEST

START_TEST(missing_at_either_end_and_between)
{
    static const struct said said[] = {{"a", DAY, NULL, NULL, ENTRY_FILE},
                                       {"b", DAY, "1234", NULL, ENTRY_FILE},
                                       {"c", DAY, NULL, NULL, ENTRY_FILE},
                                       {"d", DAY, "1234", NULL, ENTRY_FILE},
                                       {"e", DAY, NULL, NULL, ENTRY_FILE}};
    struct bed bed;

    bed_open(&bed, said, 5);
    ck_assert_str_eq(check(&bed, DAY, true),
                     "p/" DAY "/s/a: missing\np/" DAY "/s/c: missing\np/" DAY "/s/e: missing\n");
    bed_close(&bed);
}
END_TEST

START_TEST(all_of_an_empty_time_dir_is_missing)
{
    static const struct said said[] = {{"a", OLD, NULL, NULL, ENTRY_FILE}, {"b", OLD, NULL, NULL, ENTRY_FILE}};
    struct bed bed;

    bed_open(&bed, said, 2);
    ck_assert_str_eq(check(&bed, OLD, false), "p/" OLD "/s/a: missing\np/" OLD "/s/b: missing\n");
    bed_close(&bed);
}
END_TEST

START_TEST(size_and_tag)
{
    static const struct said said[] = {{"a", DAY, "1234", NULL, ENTRY_FILE}, {"b", DAY, "1234", "other", ENTRY_FILE}};
    struct bed bed;

    bed_open(&bed, said, 2);
    kit_store_put(&bed.store, &bed.run, "p/" DAY "/s/a", "12345");
    ck_assert_str_eq(check(&bed, DAY, true), "p/" DAY "/s/a: size differs\n"
                                             "p/" DAY "/s/b: changed since it was stored (tag differs)\n");
    bed_close(&bed);
}
END_TEST

START_TEST(surplus_only_in_the_own_time_dir)
{
    static const struct said said[] = {{"b", DAY, "1234", NULL, ENTRY_FILE}};
    struct bed bed;

    bed_open(&bed, said, 1);
    kit_store_put(&bed.store, &bed.run, "p/" DAY "/s/a", "x");
    kit_store_put(&bed.store, &bed.run, "p/" DAY "/s/c", "x");
    kit_store_put(&bed.store, &bed.run, "p/" DAY "/s2/c", "x"); /* another source */
    kit_store_put(&bed.store, &bed.run, "p/" DAY "x/s/c", "x"); /* another time-dir */
    ck_assert_str_eq(check(&bed, DAY, true),
                     "p/" DAY "/s/a: not part of the point\np/" DAY "/s/c: not part of the point\n");
    ck_assert_str_eq(check(&bed, DAY, false), "");
    bed_close(&bed);
}
END_TEST

UNIT_MAIN("check", &whole_is_silent, &missing_at_either_end_and_between, &all_of_an_empty_time_dir_is_missing,
          &size_and_tag, &surplus_only_in_the_own_time_dir)
