/* SPDX-License-Identifier: Apache-2.0
 *
 * List: pages, encodings, and answers that are not quite as they should be.
 */
#include "tests/plugins/s3/talk.h"

#include "base/auto.h"

#define RESULT(text) XML "<ListBucketResult" S3_NS ">" text "</ListBucketResult>"
#define OBJECT(key, size, tag)                                                                                         \
    "<Contents><Key>" key "</Key><LastModified>2026-11-10T10:00:00.000Z</LastModified><ETag>&#34;" tag                 \
    "&#34;</ETag><Size>" size "</Size><StorageClass>STANDARD</StorageClass></Contents>"
#define FOLDED(prefix) "<CommonPrefixes><Prefix>" prefix "</Prefix></CommonPrefixes>"
#define URL_ENCODED "<EncodingType>url</EncodingType>"
#define MORE(token) "<IsTruncated>true</IsTruncated><NextContinuationToken>" token "</NextContinuationToken>"
#define LAST "<IsTruncated>false</IsTruncated>"

#define ALL "encoding-type=url&list-type=2&max-keys=1000"

static const struct sf_list_query everything = {.prefix = ""};

static void lists(const struct httpd_step *steps, size_t count, const struct sf_list_query *query, const char *wanted)
{
    struct talk talk;

    talk_start_as(&talk, steps, count, NULL);
    ck_assert_msg(talk_list(&talk, query) == 0, "%s", talk.err.text);
    ck_assert_str_eq(buf_text(&talk.got), wanted);
    talk_stop(&talk);
}
#define LISTS(steps, query, wanted) lists(steps, sizeof(steps) / sizeof((steps)[0]), query, wanted)

START_TEST(pages_by_token)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /bucket?" ALL "&prefix=p%2F&start-after=p%2Fa", .headers = {"x-amz-content-sha256: " EMPTY_SHA256}),
        REPLY(200, .body = RESULT(MORE("t+/=1 &amp;") OBJECT("p/b", "1", "e1"))),
        EXPECT("GET /bucket?continuation-token=t%2B%2F%3D1%20%26&" ALL "&prefix=p%2F"),
        REPLY(200, .body = RESULT(OBJECT("p/c", "20000000000", "e2-3") MORE("t2"))),
        EXPECT("GET /bucket?continuation-token=t2&" ALL "&prefix=p%2F"),
        REPLY(200, .body = RESULT(MORE("t3"))), /* empty, with more to come */
        EXPECT("GET /bucket?continuation-token=t3&" ALL "&prefix=p%2F"),
        REPLY(200, .body = RESULT(LAST OBJECT("p/d", "0", "e4"))),
    };

    LISTS(dialogue, &((struct sf_list_query){.prefix = "p/", .start_after = "p/a"}),
          "p/b 1 e1\np/c 20000000000 e2-3\np/d 0 e4\n");
}
END_TEST

START_TEST(the_page_may_be_small)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /bucket?encoding-type=url&list-type=2&max-keys=7"),
                                                 REPLY(200, .body = RESULT(LAST))};
    static const struct httpd_step most[] = {EXPECT("GET /bucket?" ALL), REPLY(200, .body = RESULT(LAST))};

    LISTS(dialogue, &((struct sf_list_query){.page_max = 7}), "");
    LISTS(most, &((struct sf_list_query){.page_max = 5000}), "");
}
END_TEST

START_TEST(folded_by_the_delimiter)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /bucket?delimiter=%2F&" ALL "&prefix=p%2F"),
        REPLY(200, .body = RESULT("<Prefix>p/</Prefix><Delimiter>/</Delimiter>" LAST OBJECT("p/a", "1", "e1")
                                      FOLDED("p/b/") FOLDED("p/c/")))};

    LISTS(dialogue, &((struct sf_list_query){.prefix = "p/", .delimiter = "/"}), "p/a 1 e1\np/b/\np/c/\n");
}
END_TEST

START_TEST(another_delimiter_is_not_supported)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /bucket?*"), REPLY(200, .body = RESULT(LAST))};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_list(&talk, &(struct sf_list_query){.delimiter = "-"}), -1);
    talk_failed(&talk, SF_UNSUPPORTED, 0, NULL);
    ck_assert_int_eq(talk_list(&talk, &everything), 0);
    talk_stop(&talk);
}
END_TEST

START_TEST(encoded_only_where_the_answer_says_so)
{
    static const struct httpd_step before[] = {
        EXPECT("GET /bucket?" ALL),
        REPLY(200, .body = RESULT(URL_ENCODED OBJECT("a%20b%2B%25%0A", "1", "e") FOLDED("c%2Fd/") LAST))};
    static const struct httpd_step after[] = {
        EXPECT("GET /bucket?" ALL), REPLY(200, .body = RESULT(OBJECT("a+b%C3%A9", "1", "e") LAST URL_ENCODED))};
    static const struct httpd_step never[] = {
        EXPECT("GET /bucket?" ALL),
        REPLY(200, .body = RESULT(OBJECT("100%25+ &amp;&lt;&#x1F422;&#39;", "1", "e") LAST))};

    LISTS(before, &everything, "a b+%\n 1 e\nc/d/\n");
    LISTS(after, &everything, "a b\xc3\xa9 1 e\n"); /* a plus stands for a space: so AWS encodes */
    LISTS(never, &everything, "100%25+ &<\xf0\x9f\x90\xa2' 1 e\n");
}
END_TEST

START_TEST(keys_that_are_not_encoded_as_they_should_be)
{
    static const struct httpd_step dialogue[] = {EXPECT("GET /bucket?" ALL),
                                                 REPLY(200, .body = RESULT(URL_ENCODED OBJECT("100%", "1", "e") LAST))};
    struct talk talk;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_list(&talk, &everything), -1);
    talk_failed(&talk, SF_PERMANENT, talk.err.status, "bucket bucket", "100%", NULL);
    talk_stop(&talk);
}
END_TEST

START_TEST(without_namespace_tag_or_size)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /bucket?" ALL),
        REPLY(200, .body = "<ListBucketResult><Contents><Key>a</Key></Contents><Contents><Key>b</Key><ETag>raw</ETag>"
                           "<Size>3</Size><Owner><ID>x</ID></Owner></Contents></ListBucketResult>")};

    LISTS(dialogue, &everything, "a 0 \nb 3 raw\n");
}
END_TEST

START_TEST(truncated_without_a_token_goes_on_after_the_last_key)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /bucket?" ALL),
        REPLY(200, .body = RESULT("<IsTruncated>true</IsTruncated>" OBJECT("a", "1", "e") OBJECT("b c", "1", "e"))),
        EXPECT("GET /bucket?" ALL "&start-after=b%20c"),
        REPLY(200, .body = RESULT(OBJECT("d", "1", "e") LAST)),
    };

    LISTS(dialogue, &everything, "a 1 e\nb c 1 e\nd 1 e\n");
}
END_TEST

/* After "a/" would come all that is folded into it, again and again. */
START_TEST(truncated_without_a_token_behind_a_folded_prefix)
{
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /bucket?delimiter=%2F&" ALL),
        REPLY(200, .body = RESULT("<IsTruncated>true</IsTruncated>" FOLDED("a/"))),
        EXPECT("GET /bucket?delimiter=%2F&" ALL "&start-after=a%2F%F4%8F%BF%BF"),
        REPLY(200, .body = RESULT(FOLDED("b/") LAST)),
    };

    LISTS(dialogue, &((struct sf_list_query){.delimiter = "/"}), "a/\nb/\n");
}
END_TEST

START_TEST(a_list_that_does_not_move_on_ends)
{
    static const struct httpd_step nothing[] = {EXPECT("GET /bucket?" ALL),
                                                REPLY(200, .body = RESULT("<IsTruncated>true</IsTruncated>"))};
    static const struct httpd_step same[] = {
        EXPECT("GET /bucket?" ALL), REPLY(200, .body = RESULT("<IsTruncated>true</IsTruncated>" OBJECT("a", "1", "e"))),
        EXPECT("GET /bucket?" ALL "&start-after=a"),
        REPLY(200, .body = RESULT("<IsTruncated>true</IsTruncated>" OBJECT("a", "1", "e")))};
    static const struct httpd_step token[] = {EXPECT("GET /bucket?" ALL), REPLY(200, .body = RESULT(MORE("t"))),
                                              EXPECT("GET /bucket?continuation-token=t&" ALL),
                                              REPLY(200, .body = RESULT(MORE("t")))};
    static const struct {
        const struct httpd_step *steps;
        size_t count;
    } rows[] = {{nothing, 2}, {same, 4}, {token, 4}};
    size_t i;

    for (i = 0; i < 3; i++) {
        struct talk talk;

        talk_start_as(&talk, rows[i].steps, rows[i].count, NULL);
        ck_assert_int_eq(talk_list(&talk, &everything), -1);
        talk_failed(&talk, SF_PERMANENT, talk.err.status, "bucket bucket", NULL);
        talk_stop(&talk);
    }
}
END_TEST

START_TEST(a_page_that_failed_is_asked_for_again)
{
    static const char page[] = RESULT(OBJECT("b", "1", "e2") OBJECT("c", "1", "e3") LAST);
    static const struct httpd_step dialogue[] = {
        EXPECT("GET /bucket?" ALL),
        REPLY(200, .body = RESULT(OBJECT("a", "1", "e1") MORE("t1"))),
        EXPECT("GET /bucket?continuation-token=t1&" ALL),
        REPLY(200, .body = page, .part = 250),
        CUT(),
        ACCEPT(),
        EXPECT("GET /bucket?continuation-token=t1&" ALL),
        REPLY(503, .body = REFUSAL("SlowDown")),
        EXPECT("GET /bucket?continuation-token=t1&" ALL),
        REPLY(200, .body = page),
    };
    struct sf_list *list;
    struct talk talk;
    int more = 7;

    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk.s3->list_open(&talk.call, talk.conn,
                                        &(struct sf_list_query){.size = sizeof(struct sf_list_query), .prefix = ""},
                                        &list, &talk.err),
                     0);
    ck_assert_int_eq(talk_page(&talk, list, &more), 0);
    ck_assert_int_eq(more, 1);
    ck_assert_int_eq(talk_page(&talk, list, &more), -1);
    talk_failed(&talk, SF_TRANSIENT, talk.err.status, "bucket", NULL);
    ck_assert_int_eq(talk_page(&talk, list, &more), -1);
    talk_failed(&talk, SF_THROTTLED, 503, "bucket bucket", NULL);
    buf_clear(&talk.got);
    ck_assert_int_eq(talk_page(&talk, list, &more), 0);
    ck_assert_int_eq(more, 0);
    ck_assert_str_eq(buf_text(&talk.got), "b 1 e2\nc 1 e3\n");
    talk.s3->list_close(list);
    talk_stop(&talk);
}
END_TEST

START_TEST(odd_prefixes)
{
    static const struct {
        const char *prefix, *query;
    } rows[] = {
        {"a b", "a%20b"},           {"a+b&c=d", "a%2Bb%26c%3Dd"},     {"100%", "100%25"},
        {"\xc3\xa9/", "%C3%A9%2F"}, {"a/../b//", "a%2F..%2Fb%2F%2F"}, {"?#'*~", "%3F%23%27%2A~"},
    };
    static const struct httpd_step dialogue[] = {EXPECT("GET /bucket?*"), REPLY(200, .body = RESULT(LAST)), AGAIN()};
    struct talk talk;
    size_t i;

    talk_start(&talk, dialogue, NULL);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char target[256];

        ck_assert_int_eq(talk_list(&talk, &(struct sf_list_query){.prefix = rows[i].prefix}), 0);
        snprintf(target, sizeof(target), "/bucket?" ALL "&prefix=%s", rows[i].query);
        ck_assert_str_eq(httpd_seen(talk.server, i)->target, target);
    }
    talk_stop(&talk);
}
END_TEST

START_TEST(a_size_that_is_none)
{
    static const char *const sizes[] = {RESULT(OBJECT("a", "-1", "e")), RESULT(OBJECT("a", "many", "e")),
                                        RESULT(OBJECT("a", "99999999999999999999", "e"))};
    size_t i;

    for (i = 0; i < 3; i++) {
        const struct httpd_step dialogue[] = {EXPECT("GET /bucket?" ALL), REPLY(200, .body = sizes[i])};
        struct talk talk;

        talk_start(&talk, dialogue, NULL);
        ck_assert_int_eq(talk_list(&talk, &everything), -1);
        talk_failed(&talk, SF_PERMANENT, talk.err.status, "bucket bucket", "size", NULL);
        talk_stop(&talk);
    }
}
END_TEST

/* Keys of 1,024 bytes, each of them encoded into three: some 3 MiB. */
START_TEST(the_largest_page)
{
    SF_AUTO(buf) page = BUF_INIT;
    struct httpd_step dialogue[] = {EXPECT("GET /bucket?" ALL), REPLY(200, .chunked = true)};
    struct talk talk;
    int i, j;

    buf_add_text(&page, XML "<ListBucketResult" S3_NS ">" URL_ENCODED LAST);
    for (i = 0; i < 1000; i++) {
        buf_printf(&page, "<Contents><Key>%04d", i);
        for (j = 0; j < 1020; j++)
            buf_add_text(&page, "%C3");
        buf_add_text(&page, "</Key><Size>5</Size><ETag>e</ETag></Contents>");
    }
    buf_add_text(&page, "</ListBucketResult>");
    dialogue[1].body = page.data;
    talk_start(&talk, dialogue, NULL);
    ck_assert_msg(talk_list(&talk, &everything) == 0, "%s", talk.err.text);
    ck_assert_uint_eq(talk.got.length, 1000 * (1024 + 5));
    talk_stop(&talk);
}
END_TEST

/* The answer is not even over yet. */
START_TEST(a_page_without_end)
{
    SF_AUTO(buf) page = BUF_INIT;
    struct httpd_step dialogue[] = {EXPECT("GET /bucket?" ALL), REPLY(200, .length = SIZE_MAX / 2), STALL()};
    struct talk talk;
    int i;

    buf_add_text(&page, XML "<ListBucketResult" S3_NS ">");
    for (i = 0; i < 6000; i++)
        buf_printf(&page, OBJECT("%03000d", "5", "e"), i);
    dialogue[1].body = page.data;
    dialogue[1].part = page.length;
    talk_start(&talk, dialogue, NULL);
    ck_assert_int_eq(talk_list(&talk, &everything), -1);
    talk_failed(&talk, SF_PERMANENT, talk.err.status, "bucket bucket", "no end", NULL);
    talk_stop(&talk);
}
END_TEST

UNIT_MAIN("s3/list", &pages_by_token, &the_page_may_be_small, &folded_by_the_delimiter,
          &another_delimiter_is_not_supported, &encoded_only_where_the_answer_says_so,
          &keys_that_are_not_encoded_as_they_should_be, &without_namespace_tag_or_size,
          &truncated_without_a_token_goes_on_after_the_last_key, &truncated_without_a_token_behind_a_folded_prefix,
          &a_list_that_does_not_move_on_ends, &a_page_that_failed_is_asked_for_again, &odd_prefixes,
          &a_size_that_is_none, &the_largest_page, &a_page_without_end)
