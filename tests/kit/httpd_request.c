/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a request, notes it for the test, and compares it with what the script expects.
 */
#include "tests/kit/httpd_priv.h"

#include "base/mem.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* ---- reading ---- */

static void consume(struct link *link, size_t bytes)
{
    memmove(link->in.data, link->in.data + bytes, link->in.length - bytes + 1);
    link->in.length -= bytes;
}

static void note_seen(struct link *link, struct httpd_seen *seen)
{
    struct httpd *server = link->server;

    pthread_mutex_lock(&server->locked.mutex);
    server->locked.seen =
        mem_resize(server->locked.seen, (server->locked.seen_count + 1) * sizeof(*server->locked.seen));
    server->locked.seen[server->locked.seen_count++] = seen;
    pthread_mutex_unlock(&server->locked.mutex);
}

static void parse_header(struct buf *headers, const char *line, size_t bytes)
{
    const char *colon = memchr(line, ':', bytes);
    const char *end = line + bytes, *at;

    if (colon == NULL)
        return;
    for (at = line; at < colon; at++)
        buf_add_byte(headers, (char)tolower((unsigned char)*at));
    buf_add_byte(headers, '\0');
    for (at = colon + 1; at < end && *at == ' '; at++)
        continue;
    buf_add(headers, at, (size_t)(end - at));
    buf_add_byte(headers, '\0');
}

static int parse_head(struct link *link, const char *head, size_t bytes)
{
    const char *end = memmem(head, bytes, "\r\n", 2);
    const char *space = memchr(head, ' ', (size_t)(end - head));
    const char *second = space != NULL ? memchr(space + 1, ' ', (size_t)(end - space - 1)) : NULL;
    struct httpd_seen *seen = mem_alloc(sizeof(*seen));
    struct buf headers = BUF_INIT;
    const char *length;

    if (second == NULL) {
        free(seen);
        return httpd_differs(link, "not a request: %.*s", (int)(end - head), head);
    }
    seen->connection = link->number;
    seen->method = mem_printf("%.*s", (int)(space - head), head);
    seen->target = mem_printf("%.*s", (int)(second - space - 1), space + 1);
    while (end + 2 < head + bytes) {
        const char *line = end + 2;

        end = memmem(line, bytes - (size_t)(line - head), "\r\n", 2);
        parse_header(&headers, line, (size_t)(end - line));
    }
    buf_add(&headers, "\0", 2);
    seen->headers = headers.data;
    length = httpd_seen_header(seen, "content-length");
    link->body_length = length != NULL ? strtoull(length, NULL, 10) : 0;
    link->is_head = strcmp(seen->method, "HEAD") == 0;
    link->seen = seen;
    buf_clear(&link->body);
    note_seen(link, seen);
    if (httpd_seen_header(seen, "transfer-encoding") != NULL)
        return httpd_differs(link, "a chunked request");
    return 0;
}

static int read_head(struct link *link)
{
    char *end;

    while ((end = link->in.length > 0 ? memmem(link->in.data, link->in.length, "\r\n\r\n", 4) : NULL) == NULL)
        if (link->in.length > HTTPD_HEAD_MAX || link_more(link) < 0)
            return -1;
    if (parse_head(link, link->in.data, (size_t)(end - link->in.data) + 2) < 0)
        return -1;
    consume(link, (size_t)(end - link->in.data) + 4);
    return 0;
}

/* Up to most further bytes of the body. */
static int read_body(struct link *link, uint64_t most)
{
    struct httpd_seen *seen = link->seen;

    while (most > 0 && seen->bytes < link->body_length) {
        uint64_t take = link->body_length - seen->bytes;
        size_t room = HTTPD_KEEP - link->body.length;

        if (link->in.length == 0 && link_more(link) < 0)
            return -1;
        take = take < most ? take : most;
        take = take < link->in.length ? take : link->in.length;
        buf_add(&link->body, link->in.data, take < room ? take : room);
        consume(link, take);
        seen->bytes += take;
        most -= take;
    }
    free(seen->body);
    seen->body = mem_alloc(link->body.length + 1);
    memcpy(seen->body, buf_text(&link->body), link->body.length);
    return 0;
}

/* ---- comparing ---- */

const char *httpd_seen_header(const struct httpd_seen *seen, const char *name)
{
    const char *at;

    for (at = seen->headers; at[0] != '\0'; at += strlen(at) + 1) {
        const char *value = at + strlen(at) + 1;

        if (strcmp(at, name) == 0)
            return value;
        at = value;
    }
    return NULL;
}

static bool is_target(const char *wanted, const char *target)
{
    size_t length = strlen(wanted);

    if (length > 0 && wanted[length - 1] == '*')
        return strncmp(wanted, target, length - 1) == 0;
    return strcmp(wanted, target) == 0;
}

static int match_line(struct link *link, const char *wanted)
{
    const struct httpd_seen *seen = link->seen;
    size_t method;

    if (wanted == NULL)
        return 0;
    method = strcspn(wanted, " ");
    if (strlen(seen->method) == method && strncmp(wanted, seen->method, method) == 0 && wanted[method] == ' ' &&
        is_target(wanted + method + 1, seen->target))
        return 0;
    return httpd_differs(link, "expected '%s', got '%s %s'", wanted, seen->method, seen->target);
}

static int match_header(struct link *link, const char *wanted)
{
    char name[128];
    const char *value;
    bool is_absent = wanted[0] == '!';
    size_t length = strcspn(wanted += is_absent, ":");
    size_t i;

    for (i = 0; i < length && i < sizeof(name) - 1; i++)
        name[i] = (char)tolower((unsigned char)wanted[i]);
    name[i] = '\0';
    value = httpd_seen_header(link->seen, name);
    if (is_absent && value != NULL)
        return httpd_differs(link, "header '%s: %s' should not be there", name, value);
    if (!is_absent && value == NULL)
        return httpd_differs(link, "no header '%s'", name);
    if (wanted[length] == ':' && strcmp(value, wanted + length + 1 + strspn(wanted + length + 1, " ")) != 0)
        return httpd_differs(link, "expected header '%s', got '%s'", wanted, value);
    return 0;
}

static int match_body(struct link *link, const struct httpd_step *step)
{
    const struct httpd_seen *seen = link->seen;
    size_t bytes = step->bytes == 0 && step->body != NULL ? strlen(step->body) : step->bytes;

    if (step->body == NULL && bytes == 0)
        return 0;
    if (seen->bytes != bytes)
        return httpd_differs(link, "expected a body of %zu bytes, got %zu", bytes, seen->bytes);
    if (step->body != NULL && memcmp(step->body, seen->body, bytes < HTTPD_KEEP ? bytes : HTTPD_KEEP) != 0)
        return httpd_differs(link, "a body of the right length, but other bytes");
    return 0;
}

int request_body(struct link *link, const struct httpd_step *step)
{
    if (link->seen == NULL)
        return httpd_differs(link, "the script has BODY before any EXPECT");
    if (step->part != HTTPD_NONE && read_body(link, step->part != 0 ? step->part : UINT64_MAX) < 0)
        return httpd_differs(link, "the request ended after %zu of %llu bytes of its body", link->seen->bytes,
                             (unsigned long long)link->body_length);
    return step->part == 0 ? match_body(link, step) : 0;
}

int request_read(struct link *link, const struct httpd_step *step)
{
    size_t i;

    if (read_head(link) < 0)
        return httpd_differs(link, "no request came, expected '%s'", step->request != NULL ? step->request : "any");
    if (match_line(link, step->request) < 0)
        return -1;
    for (i = 0; i < HTTPD_HEADERS && step->headers[i] != NULL; i++)
        if (match_header(link, step->headers[i]) < 0)
            return -1;
    return request_body(link, step);
}
