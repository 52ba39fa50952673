/* SPDX-License-Identifier: Apache-2.0
 *
 * A page of a list has 1,000 objects of some seven elements, so an element costs no allocation: path and text grow in two buffers,
 * and each open element remembers where its own part begins.
 */
#include "plugins/common/xml.h"

#include "base/mem.h"

#include <expat.h>
#include <stdbool.h>
#include <string.h>

#define SPACE " \t\r\n"
#define PIECE_MAX (1 << 20) /* expat counts in int */

/* Where an open element's part of path and text begins. */
struct level {
    size_t path;
    size_t text;
    bool has_children;
};

struct xml {
    XML_Parser parser;
    xml_element_fn begin;
    xml_element_fn end;
    void *ctx;
    char *what;
    struct buf root;
    struct buf path;
    struct buf text;
    struct level levels[XML_DEPTH_MAX];
    size_t depth;
    uint64_t fed;         /* bytes that expat was given */
    struct sf_error *err; /* of the xml_feed() that runs */
    bool stopped;         /* by us: *err is filled */
};

static void truncate_buf(struct buf *buf, size_t length)
{
    buf->length = length;
    buf->data[length] = '\0';
}

/* Expat may call a few handlers more once it was stopped; they do nothing then. */
static void stop(struct xml *xml)
{
    xml->stopped = true;
    (void)XML_StopParser(xml->parser, XML_FALSE);
}

static void stop_limit(struct xml *xml, const char *limit)
{
    sf_fail(xml->err, SF_PERMANENT, "%s: the answer's XML has %s", xml->what, limit);
    stop(xml);
}

static bool is_blank(const char *text)
{
    return text[strspn(text, SPACE)] == '\0';
}

/* White space of the element that is open, which has a child. */
static void drop_blank(struct xml *xml)
{
    size_t start = xml->levels[xml->depth - 1].text;

    if (xml->text.length > start && is_blank(xml->text.data + start))
        truncate_buf(&xml->text, start);
}

static void XMLCALL on_start(void *user, const char *name, const char **attributes)
{
    struct xml *xml = user;
    const char *colon = strchr(name, ':');

    (void)attributes;
    if (xml->stopped)
        return;
    if (xml->depth == XML_DEPTH_MAX) {
        stop_limit(xml, "elements nested deeper than any store's");
        return;
    }
    if (xml->depth > 0) {
        drop_blank(xml);
        xml->levels[xml->depth - 1].has_children = true;
    }
    xml->levels[xml->depth] = (struct level){.path = xml->path.length, .text = xml->text.length};
    if (xml->depth++ > 0)
        buf_add_byte(&xml->path, '/');
    buf_add_text(&xml->path, colon != NULL ? colon + 1 : name);
    if (xml->depth == 1)
        buf_add(&xml->root, xml->path.data, xml->path.length);
    if (xml->begin != NULL && xml->begin(xml->ctx, xml->path.data, "", xml->err) < 0)
        stop(xml);
}

static void XMLCALL on_text(void *user, const char *text, int length)
{
    struct xml *xml = user;

    if (xml->stopped)
        return;
    if (xml->text.length - xml->levels[xml->depth - 1].text + (size_t)length > XML_TEXT_MAX)
        stop_limit(xml, "an element with more text than any store's");
    else
        buf_add(&xml->text, text, (size_t)length);
}

static void XMLCALL on_end(void *user, const char *name)
{
    struct xml *xml = user;
    const struct level *level;

    (void)name;
    if (xml->stopped)
        return;
    level = &xml->levels[xml->depth - 1];
    if (level->has_children)
        drop_blank(xml);
    if (xml->end != NULL && xml->end(xml->ctx, xml->path.data, xml->text.data + level->text, xml->err) < 0) {
        stop(xml);
        return;
    }
    truncate_buf(&xml->path, level->path);
    truncate_buf(&xml->text, level->text);
    xml->depth--;
}

/* No entity can be declared without a document type, and none is known then but the five of XML. */
static void XMLCALL on_doctype(void *user, const char *name, const char *system, const char *public, int internal)
{
    struct xml *xml = user;

    (void)system;
    (void)public;
    (void)internal;
    sf_fail(xml->err, SF_TRANSIENT, "%s: the answer is a document of type '%.32s' and not a store's XML", xml->what,
            name);
    stop(xml);
}

struct xml *xml_new(xml_element_fn begin, xml_element_fn end, void *ctx, const char *what)
{
    static const XML_Memory_Handling_Suite memory = {mem_alloc, mem_resize, free};
    struct xml *xml = mem_alloc(sizeof(*xml));

    xml->begin = begin;
    xml->end = end;
    xml->ctx = ctx;
    xml->what = mem_text(what);
    buf_reserve(&xml->root, 0); /* so that their data is there */
    buf_reserve(&xml->path, 0);
    buf_reserve(&xml->text, 0);
    xml->parser = XML_ParserCreate_MM(NULL, &memory, NULL); /* never NULL: memory does not fail */
    XML_SetUserData(xml->parser, xml);
    XML_SetElementHandler(xml->parser, on_start, on_end);
    XML_SetCharacterDataHandler(xml->parser, on_text);
    XML_SetStartDoctypeDeclHandler(xml->parser, on_doctype);
    return xml;
}

void xml_free(struct xml *xml)
{
    if (xml == NULL)
        return;
    XML_ParserFree(xml->parser);
    buf_cleanup(&xml->root);
    buf_cleanup(&xml->path);
    buf_cleanup(&xml->text);
    free(xml->what);
    free(xml);
}

static int parse(struct xml *xml, const char *bytes, size_t length, bool is_last, struct sf_error *err)
{
    enum XML_Status status;

    xml->err = err;
    status = XML_Parse(xml->parser, bytes, (int)length, is_last);
    xml->err = NULL;
    xml->fed += length;
    if (xml->stopped)
        return -1;
    if (status == XML_STATUS_OK)
        return 0;
    return sf_fail(err, SF_TRANSIENT, "%s: the answer is not the XML it should be: line %lu: %s", xml->what,
                   XML_GetCurrentLineNumber(xml->parser), XML_ErrorString(XML_GetErrorCode(xml->parser)));
}

/* What expat keeps of a tag without end grows with each piece. */
static int check_rest(struct xml *xml, struct sf_error *err)
{
    XML_Index at = XML_GetCurrentByteIndex(xml->parser);

    if (at < 0 || xml->fed - (uint64_t)at <= XML_MARKUP_MAX)
        return 0;
    return sf_fail(err, SF_PERMANENT, "%s: the answer's XML has a tag longer than any store's", xml->what);
}

int xml_feed(struct xml *xml, const void *bytes, size_t length, struct sf_error *err)
{
    const char *at = bytes, *end = at + length;

    /* Expat takes nothing before "<?xml", but a store that thinks for long sends white space until it knows. */
    while (xml->fed == 0 && at < end && strchr(SPACE, *at) != NULL && *at != '\0')
        at++;
    while (at < end) {
        size_t piece = end - at < PIECE_MAX ? (size_t)(end - at) : PIECE_MAX;

        if (parse(xml, at, piece, false, err) < 0 || check_rest(xml, err) < 0)
            return -1;
        at += piece;
    }
    return 0;
}

int xml_write(void *xml, const void *bytes, size_t length, struct sf_error *err)
{
    return xml_feed(xml, bytes, length, err);
}

int xml_finish(struct xml *xml, struct sf_error *err)
{
    return parse(xml, "", 0, true, err);
}

const char *xml_root(const struct xml *xml)
{
    return xml->root.data;
}

void xml_add_escaped(struct buf *out, const char *text)
{
    while (*text != '\0') {
        size_t plain = 0;

        while ((unsigned char)text[plain] >= ' ' && text[plain] != '\x7f' && strchr("&<>", text[plain]) == NULL)
            plain++;
        buf_add(out, text, plain);
        text += plain;
        if (*text == '&')
            buf_add_text(out, "&amp;");
        else if (*text == '<')
            buf_add_text(out, "&lt;");
        else if (*text == '>')
            buf_add_text(out, "&gt;");
        else if (*text != '\0')
            buf_printf(out, "&#x%X;", (unsigned char)*text);
        text += *text != '\0';
    }
}
