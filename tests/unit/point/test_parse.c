/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "core/point/point.h"
#include "tests/kit/unit.h"
#include "tests/unit/point/bed.h"

#include <string.h>

#define HEAD(features, version, time_dir, sources, refers)                                                             \
    "{\"format\":\"snapferry-point\",\"version\":" version ",\"features\":" features ",\"run\":\"" RUN_A               \
    "\",\"identity\":\"db-1\",\"time_dir\":\"" time_dir                                                                \
    "\",\"started\":\"2026-11-22T15:04:05Z\",\"finished\":\"2026-11-22T15:05:05Z\",\"sources\":" sources               \
    ",\"refers\":" refers ",\"tool\":\"x\"}\n"
#define GOOD(sources) HEAD("[]", "1", "2026-11-22", sources, "[]")
#define LINE(name, members)                                                                                            \
    "{\"source\":\"" name "\"," members ",\"manifest\":\"2026-11-22/.snapferry/" name ".manifest.jsonl.zst\"}\n"
#define COUNTS "\"files\":1,\"bytes\":2,\"entries\":3,\"size\":4"
#define REST COUNTS ",\"sha256\":\"" DIGEST "\",\"parent\":null"

static void expect_same(const struct point *got, const struct point *want)
{
    size_t i;

    ck_assert_str_eq(got->time_dir, want->time_dir);
    ck_assert_str_eq(got->run, want->run);
    ck_assert_str_eq(got->identity, want->identity);
    ck_assert(got->started_ms == want->started_ms && got->finished_ms == want->finished_ms);
    ck_assert_uint_eq(got->source_count, want->source_count);
    for (i = 0; i < got->source_count; i++) {
        const struct point_source *a = &got->sources[i], *b = &want->sources[i];

        ck_assert_str_eq(a->name, b->name);
        ck_assert(memcmp(&a->manifest.counts, &b->manifest.counts, sizeof(a->manifest.counts)) == 0);
        ck_assert_uint_eq(a->manifest.object_bytes, b->manifest.object_bytes);
        ck_assert_mem_eq(a->manifest.sha256, b->manifest.sha256, SHA256_BYTES);
        ck_assert_str_eq(a->parent, b->parent);
        ck_assert_str_eq(a->parent_sha256, b->parent_sha256);
    }
    ck_assert_uint_eq(got->refer_count, want->refer_count);
    for (i = 0; i < got->refer_count; i++)
        ck_assert_str_eq(got->refers[i], want->refers[i]);
}

static struct point make_point(void)
{
    struct point point = bed_point("2026-11-22", STARTED, 2, "stream", "measure");

    strcpy(point.sources[1].parent, "2026-11-21");
    strcpy(point.sources[1].parent_sha256, DIGEST);
    point.refers = mem_alloc(2 * sizeof(*point.refers));
    point.refers[0] = mem_text("2026-10-01T00-00-00Z");
    point.refers[1] = mem_text("2026-11-21");
    point.refer_count = 2;
    return point;
}

START_TEST(a_commit_comes_back)
{
    SF_AUTO(point) point = make_point();
    SF_AUTO(point) got = {0};
    SF_AUTO(buf) text = BUF_INIT;

    point_format_commit(&point, &text);
    point_parse_commit(&got, "2026-11-22", text.data, text.length);
    ck_assert_msg(got.status == POINT_COMPLETE, "%s", got.problem);
    ck_assert_ptr_null(got.problem);
    expect_same(&got, &point);
}
END_TEST

START_TEST(the_text_is_as_documented)
{
    SF_AUTO(point) point = make_point();
    SF_AUTO(buf) text = BUF_INIT;

    point_format_commit(&point, &text);
    ck_assert_str_eq(
        text.data,
        "{\"format\":\"snapferry-point\",\"version\":1,\"features\":[],\"run\":\"" RUN_A
        "\",\"identity\":\"db-1\",\"time_dir\":\"2026-11-22\",\"started\":\"2026-11-22T15:04:05.123Z\","
        "\"finished\":\"2026-11-22T15:04:10.123Z\",\"sources\":2,\"refers\":[\"2026-10-01T00-00-00Z\",\"2026-11-21\"],"
        "\"tool\":\"snapferry " SF_VERSION "\"}\n"
        "{\"source\":\"stream\",\"files\":5,\"bytes\":1000,\"entries\":10,"
        "\"manifest\":\"2026-11-22/.snapferry/stream.manifest.jsonl.zst\",\"size\":100,"
        "\"sha256\":\"1010101010101010101010101010101010101010101010101010101010101010\",\"parent\":null}\n"
        "{\"source\":\"measure\",\"files\":6,\"bytes\":1001,\"entries\":11,"
        "\"manifest\":\"2026-11-22/.snapferry/measure.manifest.jsonl.zst\",\"size\":101,"
        "\"sha256\":\"1111111111111111111111111111111111111111111111111111111111111111\","
        "\"parent\":{\"time_dir\":\"2026-11-21\",\"sha256\":\"" DIGEST "\"}}\n");
}
END_TEST

START_TEST(cut_off_anywhere_it_is_damaged)
{
    SF_AUTO(point) point = make_point();
    SF_AUTO(buf) text = BUF_INIT;
    size_t length;

    point_format_commit(&point, &text);
    for (length = 0; length < text.length; length++) {
        SF_AUTO(point) got = {0};

        point_parse_commit(&got, "2026-11-22", text.data, length);
        if (got.status != POINT_DAMAGED || got.problem == NULL || got.source_count != 0 || got.run[0] != '\0')
            ck_abort_msg("cut off after %zu of %zu bytes: status %d", length, text.length, (int)got.status);
    }
}
END_TEST

static const struct {
    const char *text;
    enum point_status status;
    const char *problem;
} cases[] = {
    {GOOD("1") LINE("stream", REST), POINT_COMPLETE, NULL},
    {GOOD("1") LINE("stream", REST ",\"later\":[]"), POINT_COMPLETE, NULL},
    {"{\"stub\":\"never\"}\n", POINT_STUB, "never"},
    {"{\"stub\":\"pruned\",\"was\":\"{\\\"format\\\"\"}\n", POINT_STUB, "pruned"},
    {"{\"stub\":\"something new\\n\"}\n", POINT_STUB, "something new\\x0a"},
    {"{\"stub\":\"never\"}", POINT_DAMAGED, "line 1: ends in the middle of line 1"},
    {"{\"stub\":\"never\"}\n{}\n", POINT_DAMAGED, "neither a point nor a stub"},
    {"{\"stub\":1}\n", POINT_DAMAGED, "neither a point nor a stub"},
    {"", POINT_DAMAGED, "is empty"},
    {"\n", POINT_DAMAGED, "line 1: not JSON"},
    {"hello\n", POINT_DAMAGED, "line 1: not JSON"},
    {"[]\n", POINT_DAMAGED, "line 1: not a JSON object"},
    {"{}\n", POINT_DAMAGED, "line 1: 'format' is missing"},
    {"{\"format\":\"snapferry-open\",\"version\":1}\n", POINT_DAMAGED, "'format' is not snapferry-point"},
    {HEAD("[]", "2", "2026-11-22", "1", "[]") LINE("stream", REST), POINT_DAMAGED, "use a newer Snapferry"},
    {HEAD("[\"zones\"]", "1", "2026-11-22", "1", "[]") LINE("stream", REST), POINT_DAMAGED,
     "needs feature 'zones', which this version does not have: use the Snapferry that wrote it, or a newer one"},
    {HEAD("[]", "1", "2026-11-23", "1", "[]") LINE("stream", REST), POINT_DAMAGED, "'time_dir' is not 2026-11-22"},
    {GOOD("0"), POINT_DAMAGED, "'sources' is out of range"},
    {GOOD("1000000000000"), POINT_DAMAGED, "'sources' is out of range"},
    {GOOD("\"1\"") LINE("stream", REST), POINT_DAMAGED, "'sources' is not an integer"},
    {GOOD("2") LINE("stream", REST), POINT_DAMAGED, "ends after line 2"},
    {GOOD("1") LINE("stream", REST) LINE("b", REST), POINT_DAMAGED, "goes on after line 2"},
    {GOOD("1") LINE("stream", REST) "\n", POINT_DAMAGED, "goes on after line 2"},
    {GOOD("2") LINE("stream", REST) LINE("stream", REST), POINT_DAMAGED, "line 3: source 'stream' is there twice"},
    {GOOD("2") LINE("stream", REST) LINE("Stream", REST), POINT_DAMAGED, "line 3: source 'Stream' is there twice"},
    {GOOD("1") LINE("../up", REST), POINT_DAMAGED, "'source' is not a source's name"},
    {GOOD("1") "{\"source\":\"stream\"," REST ",\"manifest\":\"2026-11-21/.snapferry/stream.manifest.jsonl.zst\"}\n",
     POINT_DAMAGED, "'manifest' is not 2026-11-22/.snapferry/stream"},
    {GOOD("1") "{\"source\":\"stream\"," REST "}\n", POINT_DAMAGED, "'manifest' is missing"},
    {GOOD("1") LINE("stream", COUNTS ",\"sha256\":\"A5\",\"parent\":null"), POINT_DAMAGED, "'sha256' is not 64"},
    {GOOD("1") LINE("stream", COUNTS ",\"sha256\":\"" DIGEST "\""), POINT_DAMAGED, "'parent' is neither"},
    {GOOD("1") LINE("stream", COUNTS ",\"sha256\":\"" DIGEST "\",\"parent\":{}"), POINT_DAMAGED,
     "line 2: 'parent': 'time_dir' is missing"},
    {GOOD("1")
         LINE("stream", COUNTS ",\"sha256\":\"" DIGEST "\",\"parent\":{\"time_dir\":\"..\",\"sha256\":\"" DIGEST "\"}"),
     POINT_DAMAGED, "line 2: 'parent': 'time_dir' is not a time-dir's name"},
    {GOOD("1")
         LINE("stream", "\"files\":3,\"bytes\":2,\"entries\":3,\"size\":4,\"sha256\":\"" DIGEST "\",\"parent\":null"),
     POINT_DAMAGED, "no room for the root folder"},
    {GOOD("1")
         LINE("stream", "\"files\":-1,\"bytes\":2,\"entries\":3,\"size\":4,\"sha256\":\"" DIGEST "\",\"parent\":null"),
     POINT_DAMAGED, "'files' is out of range"},
    {HEAD("[]", "1", "2026-11-22", "1", "null") LINE("stream", REST), POINT_DAMAGED, "'refers' is not a list"},
    {HEAD("[]", "1", "2026-11-22", "1", "[\"2026-11-22\"]") LINE("stream", REST), POINT_DAMAGED, "'refers' is not an"},
    {HEAD("[]", "1", "2026-11-22", "1", "[\"x\"]") LINE("stream", REST), POINT_DAMAGED, "'refers' is not an"},
    {HEAD("[]", "1", "2026-11-22", "1", "[\"2026-11-21\",\"2026-11-20\"]") LINE("stream", REST), POINT_DAMAGED,
     "'refers' is not an ascending list"},
    {HEAD("[]", "1", "2026-11-22", "1", "[\"2026-11-21\",\"2026-11-21\"]") LINE("stream", REST), POINT_DAMAGED,
     "'refers' is not an ascending list"},
};

START_TEST(commits_are_whole_stubs_or_damaged)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        SF_AUTO(point) got = {0};

        point_parse_commit(&got, "2026-11-22", cases[i].text, strlen(cases[i].text));
        ck_assert_str_eq(got.time_dir, "2026-11-22");
        ck_assert_msg(got.status == cases[i].status, "case %zu: status %d, %s", i, (int)got.status, got.problem);
        ck_assert_msg(cases[i].problem == NULL ? got.problem == NULL : strstr(got.problem, cases[i].problem) != NULL,
                      "case %zu: %s", i, got.problem);
    }
}
END_TEST

START_TEST(a_nul_does_not_hide_what_follows)
{
    static const char text[] = "{\"stub\":\"never\"}\0\n";
    SF_AUTO(point) got = {0};

    point_parse_commit(&got, "2026-11-22", text, sizeof(text) - 1);
    ck_assert_int_eq(got.status, POINT_DAMAGED);
}
END_TEST

START_TEST(an_open_comes_back)
{
    struct source sources[] = {{.name = "stream"}, {.name = "measure"}};
    struct point_open open = {.run = RUN_A,
                              .identity = "db-1",
                              .state_id = "s",
                              .started_ms = STARTED,
                              .timeout_ms = 86400000,
                              .grace_ms = 30000,
                              .sources = sources,
                              .source_count = 2};
    SF_AUTO(point) got = {0};
    SF_AUTO(buf) text = BUF_INIT;

    point_format_open(&open, &text);
    ck_assert_str_eq(text.data, "{\"format\":\"snapferry-open\",\"version\":1,\"run\":\"" RUN_A
                                "\",\"identity\":\"db-1\",\"state_id\":\"s\",\"lease\":0,\"timeout_ms\":86400000,"
                                "\"grace_ms\":30000,\"sources\":[\"stream\",\"measure\"],"
                                "\"started\":\"2026-11-22T15:04:05.123Z\",\"tool\":\"snapferry " SF_VERSION "\"}\n");
    ck_assert(point_parse_open(&got, "2026-11-22", text.data, text.length));
    ck_assert_int_eq(got.status, POINT_INCOMPLETE);
    ck_assert_str_eq(got.time_dir, "2026-11-22");
    ck_assert_str_eq(got.run, RUN_A);
    ck_assert(got.started_ms == STARTED);
    ck_assert_uint_eq(got.source_count, 2);
    ck_assert_str_eq(got.sources[1].name, "measure");
}
END_TEST

START_TEST(a_broken_open_is_still_one)
{
    static const char *const texts[] = {
        "",
        "{}\n",
        "hello",
        "{\"format\":\"snapferry-open\",\"version\":1}\n",
        "{\"format\":\"snapferry-open\",\"version\":1,\"run\":\"" RUN_A
        "\",\"identity\":\"db-1\",\"started\":\"2026-11-22T15:04:05Z\",\"sources\":[\"..\"]}\n",
        "{\"format\":\"snapferry-open\",\"version\":1,\"run\":\"" RUN_A
        "\",\"identity\":\"db-1\",\"started\":\"2026-11-22T15:04:05Z\",\"sources\":[7]}\n"};
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        SF_AUTO(point) got = {0};

        ck_assert(!point_parse_open(&got, "2026-11-22", texts[i], strlen(texts[i])));
        ck_assert_int_eq(got.status, POINT_INCOMPLETE);
        ck_assert_str_eq(got.time_dir, "2026-11-22");
        ck_assert(got.run[0] == '\0' && got.started_ms == 0 && got.source_count == 0 && got.sources == NULL);
    }
}
END_TEST

UNIT_MAIN("point/parse", &a_commit_comes_back, &the_text_is_as_documented, &cut_off_anywhere_it_is_damaged,
          &commits_are_whole_stubs_or_damaged, &a_nul_does_not_hide_what_follows, &an_open_comes_back,
          &a_broken_open_is_still_one)
