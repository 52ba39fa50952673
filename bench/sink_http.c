/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sink_http.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

size_t request_head_bytes(const char *data, size_t length)
{
    const char *end = memmem(data, length, "\r\n\r\n", 4);

    return end != NULL ? (size_t)(end - data) + 4 : 0;
}

static const char *pair_find(const struct pair *pairs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(pairs[i].name, name) == 0)
            return pairs[i].value;
    return NULL;
}

const char *request_header(const struct request *request, const char *name)
{
    return pair_find(request->headers, request->header_count, name);
}

const char *request_param(const struct request *request, const char *name)
{
    return pair_find(request->params, request->param_count, name);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool percent_decode(char *text, bool plus)
{
    char *out = text;

    for (const char *in = text; *in != '\0'; in++) {
        if (*in == '%') {
            int high = hex_digit(in[1]);
            int low = high >= 0 ? hex_digit(in[2]) : -1;

            if (low < 0 || high + low == 0)
                return false;
            *out++ = (char)(high << 4 | low);
            in += 2;
        } else {
            *out++ = *in == '+' && plus ? ' ' : *in;
        }
    }
    *out = '\0';
    return true;
}

void percent_add(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (isalnum((unsigned char)*text) || strchr("-_.~/", *text) != NULL)
            buf_add_byte(out, *text);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

bool number_parse(const char *text, uint64_t *number)
{
    char *end;

    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static bool parse_params(struct request *request, char *query)
{
    char *rest = query;
    char *word;

    while ((word = strsep(&rest, "&")) != NULL) {
        char *value = strchr(word, '=');

        if (word[0] == '\0')
            continue;
        if (request->param_count == REQUEST_PARAMS)
            return false;
        if (value != NULL)
            *value++ = '\0';
        else
            value = word + strlen(word);
        if (!percent_decode(word, true) || !percent_decode(value, true))
            return false;
        request->params[request->param_count++] = (struct pair){word, value};
    }
    return true;
}

/* METHOD SP TARGET SP VERSION. A target with a scheme and a host (as a proxy gets it) is not taken. */
static bool parse_line(struct request *request, char *line)
{
    char *target = strchr(line, ' ');
    char *version = target != NULL ? strchr(target + 1, ' ') : NULL;
    char *query;

    if (version == NULL || target[1] != '/')
        return false;
    *target++ = '\0';
    *version++ = '\0';
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
        return false;
    request->method = line;
    request->path = target + 1;
    request->keep_alive = version[7] == '1';
    query = strchr(target, '?');
    if (query != NULL)
        *query++ = '\0';
    return percent_decode(target + 1, false) && (query == NULL || parse_params(request, query));
}

static bool parse_header(struct request *request, char *line)
{
    char *value = strchr(line, ':');
    char *end;

    if (value == NULL || request->header_count == REQUEST_HEADERS)
        return false;
    *value++ = '\0';
    value += strspn(value, " \t");
    for (end = value + strlen(value); end > value && (end[-1] == ' ' || end[-1] == '\t'); end--)
        end[-1] = '\0';
    for (char *c = line; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    request->headers[request->header_count++] = (struct pair){line, value};
    return true;
}

bool request_parse(struct request *request, char *head, size_t length)
{
    char *line = head;
    const char *connection;

    memset(request, 0, sizeof(*request));
    if (memchr(head, '\0', length) != NULL)
        return false;
    head[length - 2] = '\0'; /* of the empty line; the loop stops there */
    for (bool first = true; *line != '\0'; first = false) {
        char *end = strstr(line, "\r\n");

        if (end == NULL)
            return false;
        *end = '\0';
        if (first ? !parse_line(request, line) : !parse_header(request, line))
            return false;
        line = end + 2;
    }
    connection = request_header(request, "connection");
    if (connection != NULL)
        request->keep_alive = strcasecmp(connection, "close") != 0;
    return request->method != NULL;
}
