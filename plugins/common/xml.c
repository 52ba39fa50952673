/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/common/xml.h"

#include "base/mem.h"

#include <expat.h>
#include <stdbool.h>
#include <string.h>

struct xml {
    XML_Parser parser;
    xml_element_fn begin;
    xml_element_fn end;
    void *ctx;
    const char *what;
    struct buf path; /* names of the open elements, joined by '/' */
    struct buf root;
    size_t ends[XML_DEPTH_MAX]; /* of the path, an open element each */
    unsigned depth;
    struct buf text;      /* of the innermost element since it began */
    bool has_begun;       /* a byte that is no white space was there */
    struct sf_error *err; /* of the feed that runs */
    bool has_failed;      /* *err is filled */
};

static void fail(struct xml *xml, int result)
{
    if (result == 0 || xml->has_failed)
        return;
    xml->has_failed = true;
    XML_StopParser(xml->parser, XML_FALSE);
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    struct xml *xml = ctx;
    const char *colon = strrchr(name, ':');

    (void)attributes;
    if (xml->has_failed)
        return;
    if (xml->depth == XML_DEPTH_MAX) {
        fail(xml, sf_fail(xml->err, SF_PERMANENT, "%s: elements more than %d deep", xml->what, XML_DEPTH_MAX));
        return;
    }
    xml->ends[xml->depth++] = xml->path.length;
    if (xml->path.length != 0)
        buf_add_byte(&xml->path, '/');
    buf_add_text(&xml->path, colon != NULL ? colon + 1 : name);
    if (xml->depth == 1)
        buf_add_text(&xml->root, xml->path.data);
    buf_clear(&xml->text);
    if (xml->begin != NULL)
        fail(xml, xml->begin(xml->ctx, xml->path.data, "", xml->err));
}

static void on_end(void *ctx, const XML_Char *name)
{
    struct xml *xml = ctx;

    (void)name;
    if (xml->has_failed)
        return;
    fail(xml, xml->end(xml->ctx, xml->path.data, buf_text(&xml->text), xml->err));
    xml->depth--;
    xml->path.length = xml->ends[xml->depth];
    xml->path.data[xml->path.length] = '\0';
    buf_clear(&xml->text); /* what follows belongs to an element that has elements: white space */
}

static void on_text(void *ctx, const XML_Char *text, int length)
{
    struct xml *xml = ctx;

    if (xml->has_failed)
        return;
    if (xml->text.length + (size_t)length > XML_TEXT_MAX)
        fail(xml, sf_fail(xml->err, SF_PERMANENT, "%s: an element with more than %d bytes of text", xml->what,
                          XML_TEXT_MAX));
    else
        buf_add(&xml->text, text, (size_t)length);
}

/* No answer of a store has one, and what it can define makes little text expand to much. */
static void on_doctype(void *ctx, const XML_Char *name, const XML_Char *system, const XML_Char *public,
                       int has_internal)
{
    struct xml *xml = ctx;

    (void)name;
    (void)system;
    (void)public;
    (void)has_internal;
    fail(xml, sf_fail(xml->err, SF_PERMANENT, "%s: a document type declaration", xml->what));
}

struct xml *xml_new(xml_element_fn begin, xml_element_fn end, void *ctx, const char *what)
{
    struct xml *xml = mem_alloc(sizeof(*xml));

    xml->parser = XML_ParserCreate(NULL);
    if (xml->parser == NULL)
        (void)mem_alloc(SIZE_MAX); /* says so and ends, as for every other lack of memory */
    xml->begin = begin;
    xml->end = end;
    xml->ctx = ctx;
    xml->what = what;
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
    buf_cleanup(&xml->path);
    buf_cleanup(&xml->root);
    buf_cleanup(&xml->text);
    free(xml);
}

const char *xml_root(const struct xml *xml)
{
    return buf_text(&xml->root);
}

static int parse(struct xml *xml, const void *bytes, size_t length, bool last, struct sf_error *err)
{
    enum XML_Status status;

    xml->err = err;
    status = XML_Parse(xml->parser, bytes, (int)length, last);
    xml->err = NULL;
    if (xml->has_failed)
        return -1;
    if (status != XML_STATUS_OK)
        return sf_fail(err, SF_TRANSIENT, "%s: no whole XML document: %s", xml->what,
                       XML_ErrorString(XML_GetErrorCode(xml->parser)));
    return 0;
}

int xml_feed(struct xml *xml, const void *bytes, size_t length, struct sf_error *err)
{
    const char *at = bytes;

    /* A store that is busy for long keeps the connection alive by white space before the declaration, where XML allows none. */
    while (!xml->has_begun && length > 0 && strchr(" \t\r\n", *at) != NULL && *at != '\0') {
        at++;
        length--;
    }
    if (length == 0)
        return 0;
    xml->has_begun = true;
    return parse(xml, at, length, false, err);
}

int xml_finish(struct xml *xml, struct sf_error *err)
{
    return parse(xml, "", 0, true, err);
}

void xml_add_escaped(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '&' || byte == '<' || byte == '>' || byte == '"' || byte < 0x20)
            buf_printf(out, "&#%u;", byte);
        else
            buf_add_byte(out, *text);
    }
}
