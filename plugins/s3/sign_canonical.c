/* SPDX-License-Identifier: Apache-2.0
 *
 * The canonical request: what of a request is signed, in the one order and spelling that both sides agree on.
 */
#include "plugins/s3/sign.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* --- the query */

struct param {
    const char *name;
    size_t name_bytes;
    const char *value; /* "uploads" has an empty one */
    size_t value_bytes;
};

/* Reads the parameter at *at and moves on; false at the end. Empty ones ("a&&b") are none. */
static bool param_next(const char **at, struct param *param)
{
    const char *end, *equals;

    while (**at == '&')
        (*at)++;
    if (**at == '\0')
        return false;
    end = *at + strcspn(*at, "&");
    equals = memchr(*at, '=', (size_t)(end - *at));
    param->name = *at;
    param->name_bytes = (size_t)((equals != NULL ? equals : end) - *at);
    param->value = equals != NULL ? equals + 1 : end;
    param->value_bytes = (size_t)(end - param->value);
    *at = end;
    return true;
}

static int compare_bytes(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);

    return order != 0 ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

/* By name, then value, then place: no two are equal. */
static int param_compare(const struct param *a, const struct param *b)
{
    int order = compare_bytes(a->name, a->name_bytes, b->name, b->name_bytes);

    if (order == 0)
        order = compare_bytes(a->value, a->value_bytes, b->value, b->value_bytes);
    return order != 0 ? order : (a->name > b->name) - (a->name < b->name);
}

/* Takes the least that is greater than the last, again and again: there are few, and so no number of them is too large. */
static void add_query(const char *query, struct buf *out)
{
    struct param last = {NULL}, least, param;
    bool is_first = true;

    for (;;) {
        const char *at = query;
        bool found = false;

        while (param_next(&at, &param)) {
            if ((!is_first && param_compare(&param, &last) <= 0) || (found && param_compare(&param, &least) >= 0))
                continue;
            least = param;
            found = true;
        }
        if (!found)
            return;
        if (!is_first)
            buf_add_byte(out, '&');
        buf_add(out, least.name, least.name_bytes);
        buf_add_byte(out, '=');
        buf_add(out, least.value, least.value_bytes);
        last = least;
        is_first = false;
    }
}

/* --- the headers */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int name_compare(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return (unsigned char)lower(*a) - (unsigned char)lower(*b);
}

/* Equal names stay in the order they are sent in: that is the order in which their values are joined. */
static void sort_headers(const struct sign_request *request, const struct http_header *sorted[SIGN_HEADERS_MAX])
{
    size_t i, place;

    if (request->header_count > SIGN_HEADERS_MAX)
        abort(); /* a caller's bug, and in every build better than what would follow */
    for (i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];

        for (place = i; place > 0 && name_compare(sorted[place - 1]->name, header->name) > 0; place--)
            sorted[place] = sorted[place - 1];
        sorted[place] = header;
    }
}

static void add_name(const char *name, struct buf *out)
{
    size_t bytes = strlen(name), i;

    buf_add(out, name, bytes);
    for (i = out->length - bytes; i < out->length; i++)
        out->data[i] = lower(out->data[i]);
}

/* Without white space around it, and one space for each run of it inside. */
static void add_value(const char *value, struct buf *out)
{
    size_t bytes;

    value += strspn(value, " \t");
    for (;;) {
        bytes = strcspn(value, " \t");
        buf_add(out, value, bytes);
        value += bytes;
        value += strspn(value, " \t");
        if (*value == '\0')
            return;
        buf_add_byte(out, ' ');
    }
}

static void add_headers(const struct sign_request *request, struct buf *out, struct buf *signed_headers)
{
    const struct http_header *sorted[SIGN_HEADERS_MAX];
    size_t i;

    sort_headers(request, sorted);
    for (i = 0; i < request->header_count; i++) {
        if (i > 0 && name_compare(sorted[i]->name, sorted[i - 1]->name) == 0) {
            buf_add_byte(out, ',');
        } else {
            if (i > 0) {
                buf_add_byte(out, '\n');
                buf_add_byte(signed_headers, ';');
            }
            add_name(sorted[i]->name, signed_headers);
            add_name(sorted[i]->name, out);
            buf_add_byte(out, ':');
        }
        add_value(sorted[i]->value, out);
    }
    if (request->header_count > 0)
        buf_add_byte(out, '\n');
}

void sign_canonical_request(const struct sign_request *request, struct buf *out, struct buf *signed_headers)
{
    buf_clear(out);
    buf_clear(signed_headers);
    buf_add_text(out, http_method_name(request->method));
    buf_add_byte(out, '\n');
    buf_add_text(out, request->path);
    buf_add_byte(out, '\n');
    add_query(request->query, out);
    buf_add_byte(out, '\n');
    add_headers(request, out, signed_headers);
    buf_add_byte(out, '\n');
    buf_add(out, buf_text(signed_headers), signed_headers->length);
    buf_add_byte(out, '\n');
    buf_add_text(out, request->payload);
}
