/* SPDX-License-Identifier: Apache-2.0 */
#include "base/auto.h"
#include "plugins/common/xml.h"
#include "tests/kit/unit.h"

#include <stdint.h>
#include <string.h>

static const char page[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                           "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n"
                           "  <Name>b &amp; c</Name><Prefix/>\n"
                           "  <!-- two -->\n"
                           "  <Contents>\n    <Key>a/&#34;&#xe4;\xc3\xa4&quot;</Key>\n    <Size>12</Size>\n"
                           "    <Owner><ID>7</ID></Owner>\n  </Contents>\n"
                           "  <Contents><Key><![CDATA[<b>]]> </Key><Size> </Size></Contents>\n"
                           "</ListBucketResult>\n";

/* "<" path at a begin, path "=" text at an end, a line each. */
static const char page_events[] = "<ListBucketResult\n"
                                  "<ListBucketResult/Name\n"
                                  "ListBucketResult/Name=b & c\n"
                                  "<ListBucketResult/Prefix\n"
                                  "ListBucketResult/Prefix=\n"
                                  "<ListBucketResult/Contents\n"
                                  "<ListBucketResult/Contents/Key\n"
                                  "ListBucketResult/Contents/Key=a/\"\xc3\xa4\xc3\xa4\"\n"
                                  "<ListBucketResult/Contents/Size\n"
                                  "ListBucketResult/Contents/Size=12\n"
                                  "<ListBucketResult/Contents/Owner\n"
                                  "<ListBucketResult/Contents/Owner/ID\n"
                                  "ListBucketResult/Contents/Owner/ID=7\n"
                                  "ListBucketResult/Contents/Owner=\n"
                                  "ListBucketResult/Contents=\n"
                                  "<ListBucketResult/Contents\n"
                                  "<ListBucketResult/Contents/Key\n"
                                  "ListBucketResult/Contents/Key=<b> \n"
                                  "<ListBucketResult/Contents/Size\n"
                                  "ListBucketResult/Contents/Size= \n"
                                  "ListBucketResult/Contents=\n"
                                  "ListBucketResult=\n";

struct events {
    struct buf text;
    const char *stop_at; /* the end of this path fails; NULL: none */
};

static int note_begin(void *ctx, const char *path, const char *text, struct sf_error *err)
{
    struct events *events = ctx;

    (void)err;
    ck_assert_str_eq(text, "");
    buf_printf(&events->text, "<%s\n", path);
    return 0;
}

static int note_end(void *ctx, const char *path, const char *text, struct sf_error *err)
{
    struct events *events = ctx;

    if (events->stop_at != NULL && strcmp(path, events->stop_at) == 0)
        return sf_fail(err, SF_CORRUPT, "stopped at %s", path);
    buf_printf(&events->text, "%s=", path);
    buf_add_text(&events->text, text);
    buf_add_byte(&events->text, '\n');
    return 0;
}

/* Reads a document in pieces of step bytes. */
static int read_document(const char *document, size_t length, size_t step, struct events *events, struct sf_error *err)
{
    struct xml *xml = xml_new(note_begin, note_end, events, "bucket");
    int result = 0;
    size_t at;

    buf_clear(&events->text);
    for (at = 0; result == 0 && at < length; at += step)
        result = xml_feed(xml, document + at, length - at < step ? length - at : step, err);
    if (result == 0)
        result = xml_finish(xml, err);
    xml_free(xml);
    return result;
}

/* Reads it at once, by bytes, and in odd pieces; each must say the same. */
static void check_refused(const char *document, int cls, const char *text)
{
    static const size_t steps[] = {1 << 24, 1, 4099};
    struct events events = {.text = BUF_INIT};
    size_t i;

    for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct sf_error err = SF_ERROR_INIT;

        ck_assert_int_eq(read_document(document, strlen(document), steps[i], &events, &err), -1);
        ck_assert_msg(err.cls == cls, "class %d: %s", err.cls, err.text);
        ck_assert_msg(strstr(err.text, text) != NULL && strstr(err.text, "bucket: ") == err.text, "%s", err.text);
    }
    buf_cleanup(&events.text);
}

static void check_events(const char *document, const char *wanted)
{
    struct events events = {.text = BUF_INIT};
    struct sf_error err = SF_ERROR_INIT;
    size_t step;

    for (step = 1; step < 100; step += 7) {
        ck_assert_msg(read_document(document, strlen(document), step, &events, &err) == 0, "%s", err.text);
        ck_assert_str_eq(buf_text(&events.text), wanted);
    }
    buf_cleanup(&events.text);
}

START_TEST(elements)
{
    check_events(page, page_events);
    check_events("<a/>", "<a\na=\n");
    check_events("<s3:a xmlns:s3=\"u\" x=\"1\"><s3:b>t</s3:b></s3:a>", "<a\n<a/b\na/b=t\na=\n");
    check_events("<a>x<b>y</b>z<c/></a>", "<a\n<a/b\na/b=y\n<a/c\na/c=\na=xz\n"); /* own text alone */
    check_events("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe4</a>", "<a\na=\xc3\xa4\n");
    check_events("\xef\xbb\xbf<a>1</a>", "<a\na=1\n");
}
END_TEST

START_TEST(space_comes_first)
{
    check_events(" \n\r\t <?xml version=\"1.0\"?>\n<a>1</a>", "<a\na=1\n");
    check_refused("", SF_TRANSIENT, "no element found");
    check_refused(" \n ", SF_TRANSIENT, "no element found");
    check_refused("x <a/>", SF_TRANSIENT, "line 1");
}
END_TEST

START_TEST(root_is_told)
{
    struct events events = {.text = BUF_INIT};
    struct sf_error err = SF_ERROR_INIT;
    struct xml *xml = xml_new(NULL, NULL, &events, "bucket");

    ck_assert_str_eq(xml_root(xml), "");
    ck_assert_int_eq(xml_feed(xml, "<e:Error><Code", 14, &err), 0);
    ck_assert_str_eq(xml_root(xml), "Error");
    ck_assert_int_eq(xml_feed(xml, ">1</Code></e:Error>", 19, &err), 0);
    ck_assert_int_eq(xml_finish(xml, &err), 0);
    ck_assert_str_eq(xml_root(xml), "Error");
    xml_free(xml);
    xml_free(NULL);
}
END_TEST

START_TEST(malformed)
{
    check_refused("<a><b></a>", SF_TRANSIENT, "mismatched tag");
    check_refused("<a>&nbsp;</a>", SF_TRANSIENT, "undefined entity");
    check_refused("<a>&#0;</a>", SF_TRANSIENT, "line 1");
    check_refused("<a>\xff</a>", SF_TRANSIENT, "line 1");
    check_refused("<a/><b/>", SF_TRANSIENT, "junk after");
    check_refused("{\"json\":1}", SF_TRANSIENT, "line 1");
    check_refused("<a>\n", SF_TRANSIENT, "no element found");
}
END_TEST

START_TEST(dtd_is_refused)
{
    check_refused("<!DOCTYPE html><html><body>Bad gateway</body></html>", SF_TRANSIENT, "document of type 'html'");
    check_refused("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", SF_TRANSIENT, "document of type 'a'");
    check_refused("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", SF_TRANSIENT, "document of type 'a'");
}
END_TEST

static void add_times(struct buf *out, const char *text, int times)
{
    while (times-- > 0)
        buf_add_text(out, text);
}

START_TEST(bounds)
{
    SF_AUTO(buf) document = BUF_INIT;
    struct events events = {.text = BUF_INIT};
    struct sf_error err = SF_ERROR_INIT;

    add_times(&document, "<a>", XML_DEPTH_MAX);
    add_times(&document, "</a>", XML_DEPTH_MAX);
    ck_assert_int_eq(read_document(document.data, document.length, 1, &events, &err), 0);
    buf_clear(&document);
    add_times(&document, "<a>", XML_DEPTH_MAX + 1);
    check_refused(document.data, SF_PERMANENT, "nested deeper");

    buf_clear(&document);
    buf_add_text(&document, "<a><b>");
    add_times(&document, "x", XML_TEXT_MAX);
    buf_add_text(&document, "</b>");
    add_times(&document, "x", XML_TEXT_MAX);
    buf_add_text(&document, "</a>");
    ck_assert_int_eq(read_document(document.data, document.length, 100, &events, &err), 0);
    document.length -= 4;
    buf_add_text(&document, "x</a>");
    check_refused(document.data, SF_PERMANENT, "more text");
    buf_cleanup(&events.text);
}
END_TEST

START_TEST(long_documents)
{
    SF_AUTO(buf) document = BUF_INIT;
    struct events events = {.text = BUF_INIT};
    struct sf_error err = SF_ERROR_INIT;

    /* Space between the children of one element, more than the text of an element may have; over a piece for expat. */
    buf_add_text(&document, "<a>");
    add_times(&document, "\n          <b>a text</b> \n", 50000);
    buf_add_text(&document, "</a>");
    ck_assert_int_eq(read_document(document.data, document.length, document.length, &events, &err), 0);
    ck_assert_int_eq(read_document(document.data, document.length, 16384, &events, &err), 0);
    ck_assert_ptr_nonnull(strstr(events.text.data, "a/b=a text\na=\n"));
    buf_clear(&document);
    buf_add_text(&document, "<a b='");
    add_times(&document, "x", 3 * XML_MARKUP_MAX);
    ck_assert_int_eq(read_document(document.data, document.length, 1000, &events, &err), -1);
    ck_assert_int_eq(err.cls, SF_PERMANENT);
    ck_assert_str_eq(err.text, "bucket: the answer's XML has a tag longer than any store's");
    buf_cleanup(&events.text);
}
END_TEST

START_TEST(callback_stops)
{
    struct events events = {.text = BUF_INIT, .stop_at = "ListBucketResult/Prefix"};
    size_t step;

    for (step = 1; step <= sizeof(page); step += 50) {
        struct sf_error err = SF_ERROR_INIT;

        ck_assert_int_eq(read_document(page, sizeof(page) - 1, step, &events, &err), -1);
        ck_assert_int_eq(err.cls, SF_CORRUPT);
        ck_assert_str_eq(err.text, "stopped at ListBucketResult/Prefix");
        ck_assert_ptr_null(strstr(events.text.data, "Contents"));
    }
    buf_cleanup(&events.text);
}
END_TEST

START_TEST(every_prefix_is_refused)
{
    struct events events = {.text = BUF_INIT};
    size_t length;

    for (length = 0; length < sizeof(page) - 2; length++) { /* the last byte is a line's end: not missed */
        struct sf_error err = SF_ERROR_INIT;

        ck_assert_int_eq(read_document(page, length, length + 1, &events, &err), -1);
        ck_assert_msg(err.cls == SF_TRANSIENT, "of %zu bytes: %s", length, err.text);
        ck_assert_int_eq(read_document(page, length, 1, &events, &err), -1);
    }
    buf_cleanup(&events.text);
}
END_TEST

/* Whatever comes: an answer or an error, in whatever pieces, and the same in each. */
START_TEST(random_flips)
{
    struct events whole = {.text = BUF_INIT}, pieces = {.text = BUF_INIT};
    uint32_t random = 12345;
    int round;

    for (round = 0; round < 20000; round++) {
        char document[sizeof(page)];
        struct sf_error err = SF_ERROR_INIT;
        int flips, result;

        memcpy(document, page, sizeof(page));
        for (flips = 1 + round % 4; flips > 0; flips--) {
            random = random * 1664525 + 1013904223;
            document[random / 65536 % (sizeof(page) - 1)] = (char)(random >> 8);
        }
        result = read_document(document, sizeof(page) - 1, sizeof(page), &whole, &err);
        ck_assert_int_eq(read_document(document, sizeof(page) - 1, 1 + (size_t)round % 13, &pieces, &err), result);
        ck_assert(result < 0 || strcmp(buf_text(&whole.text), buf_text(&pieces.text)) == 0);
    }
    buf_cleanup(&whole.text);
    buf_cleanup(&pieces.text);
}
END_TEST

START_TEST(escaped)
{
    SF_AUTO(buf) out = BUF_INIT;
    struct events events = {.text = BUF_INIT};
    struct sf_error err = SF_ERROR_INIT;

    buf_add_text(&out, "<a>");
    xml_add_escaped(&out, "");
    xml_add_escaped(&out, "a&b<c>]]>\r\n\t\x7f\"'\xc3\xa4");
    ck_assert_str_eq(out.data, "<a>a&amp;b&lt;c&gt;]]&gt;&#xD;&#xA;&#x9;&#x7F;\"'\xc3\xa4");
    buf_add_text(&out, "</a>");
    ck_assert_int_eq(read_document(out.data, out.length, 3, &events, &err), 0);
    ck_assert_str_eq(events.text.data, "<a\na=a&b<c>]]>\r\n\t\x7f\"'\xc3\xa4\n");
    buf_cleanup(&events.text);
}
END_TEST

UNIT_MAIN("xml", &elements, &space_comes_first, &root_is_told, &malformed, &dtd_is_refused, &bounds, &long_documents,
          &callback_stops, &every_prefix_is_refused, &random_flips, &escaped)
