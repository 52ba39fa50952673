/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sink_s3_priv.h"

#include <expat.h>
#include <string.h>

#define XML_TEXT_MAX 4096

void s3_element(struct buf *out, const char *name, const char *text, bool url)
{
    buf_printf(out, "<%s>", name);
    if (url) {
        percent_add(out, text);
    } else {
        for (; *text != '\0'; text++) {
            unsigned char byte = (unsigned char)*text;

            if (byte < ' ' || strchr("<>&\"", *text) != NULL)
                buf_printf(out, "&#%u;", (unsigned)byte);
            else
                buf_add_byte(out, *text);
        }
    }
    buf_printf(out, "</%s>", name);
}

struct reader {
    XML_Parser parser;
    const char *element;
    const char *wanted[2]; /* children of element */
    s3_add_fn add;
    void *ctx;
    struct buf text; /* of the innermost element */
    struct buf texts[2];
    bool failed;
};

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *reader = ctx;

    (void)attributes;
    buf_clear(&reader->text);
    if (strcmp(name, reader->element) == 0) {
        buf_clear(&reader->texts[0]);
        buf_clear(&reader->texts[1]);
    }
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
    struct reader *reader = ctx;

    for (int i = 0; i < 2; i++) {
        if (reader->wanted[i] == NULL || strcmp(name, reader->wanted[i]) != 0)
            continue;
        buf_clear(&reader->texts[i]);
        buf_add(&reader->texts[i], reader->text.data, reader->text.length);
    }
    if (strcmp(name, reader->element) == 0 &&
        !reader->add(reader->ctx, buf_text(&reader->texts[0]), buf_text(&reader->texts[1]))) {
        reader->failed = true;
        XML_StopParser(reader->parser, XML_FALSE);
    }
    buf_clear(&reader->text);
}

static void XMLCALL on_text(void *ctx, const XML_Char *text, int length)
{
    struct reader *reader = ctx;

    if (reader->text.length + (size_t)length <= XML_TEXT_MAX)
        buf_add(&reader->text, text, (size_t)length);
}

bool s3_read_xml(const struct buf *body, const char *element, const char *first, const char *second, s3_add_fn add,
                 void *ctx)
{
    struct reader reader = {.element = element, .wanted = {first, second}, .add = add, .ctx = ctx};
    bool fine;

    reader.parser = XML_ParserCreate(NULL);
    if (reader.parser == NULL)
        return false;
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    fine = XML_Parse(reader.parser, buf_text(body), (int)body->length, 1) == XML_STATUS_OK && !reader.failed;
    XML_ParserFree(reader.parser);
    buf_cleanup(&reader.text);
    buf_cleanup(&reader.texts[0]);
    buf_cleanup(&reader.texts[1]);
    return fine;
}
