/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads an XML answer as it arrives, on expat: elements by path, text collected. Entities of the document's own are refused
 * (no expansion attacks), depth and text are bounded. Private to plugins; single-threaded.
 */
#ifndef PLUGINS_COMMON_XML_H
#define PLUGINS_COMMON_XML_H

#include "base/auto.h"
#include "base/buf.h"
#include "snapferry/plugin.h"

#define XML_DEPTH_MAX 16
#define XML_TEXT_MAX 8192    /* bytes of one element's text; a key of 1,024 bytes URL-encoded has 3,072 */
#define XML_MARKUP_MAX 65536 /* bytes of one tag or comment that comes in several pieces */

/* Called at the end of each element. path: names without namespace from the root, "ListBucketResult/Contents/Key"; text: its own
 * character data, decoded, "" if none; white space between child elements is none. Both are valid during the call. -1 with *err
 * filled stops, and xml_feed() answers that error. */
typedef int (*xml_element_fn)(void *ctx, const char *path, const char *text, struct sf_error *err);

struct xml;
/* begin: NULL, or called at the start of each element (text is then ""). what: for messages. */
struct xml *xml_new(xml_element_fn begin, xml_element_fn end, void *ctx, const char *what);
/* A piece of the document; white space before the first byte of it is fine. Malformed XML is SF_TRANSIENT (an answer that was cut or
 * mangled on the way), and so is a DTD (no store sends one, but a proxy's HTML page has it); beyond a limit is SF_PERMANENT. After a
 * failure xml_free() is all that may follow. */
MUST_CHECK int xml_feed(struct xml *xml, const void *bytes, size_t length, struct sf_error *err);
/* The same as an http_write_fn, for the body of an answer: xml is a struct xml. */
int xml_write(void *xml, const void *bytes, size_t length, struct sf_error *err);
/* The document has to be whole. A document of white space alone is malformed. */
MUST_CHECK int xml_finish(struct xml *xml, struct sf_error *err);
void xml_free(struct xml *xml); /* NULL is fine */

/* The name of the root element as soon as it was read, else "". Valid until xml_free(). */
const char *xml_root(const struct xml *xml);

/* Appends text as character data of an element: & < > and control characters escaped. */
void xml_add_escaped(struct buf *out, const char *text);

#endif
