/* SPDX-License-Identifier: Apache-2.0
 *
 * What was asked and what came, for the debug log: a line a request, with everything in it that could be used by another taken out.
 */
#include "plugins/common/http_priv.h"

#include "base/clock.h"

#include <string.h>

#define HIDDEN "<hidden>"

/* Parts of names, in lower case. */
static const char *const secret_headers[] = {"authorization", "token", "secret",   "password",
                                             "cookie",        "-key",  "signature"};
static const char *const secret_parameters[] = {"signature", "credential", "security-token", "access_token",
                                                "upload_id"};

static bool has_part(const char *name, size_t bytes, const char *const *parts, size_t count)
{
    char text[128];
    size_t i;

    if (bytes >= sizeof(text))
        return true; /* not a name that we know: rather too little said */
    memcpy(text, name, bytes);
    text[bytes] = '\0';
    for (i = 0; i < count; i++)
        if (strcasestr(text, parts[i]) != NULL)
            return true;
    return bytes == 3 && strcasecmp(text, "sig") == 0;
}

/* The URL without its signature: a presigned one is a key to the object. */
static void add_url(struct buf *line, const char *url)
{
    const char *at = strchr(url, '?');

    if (at == NULL) {
        buf_add_text(line, url);
        return;
    }
    buf_add(line, url, (size_t)(at - url));
    while (*at != '\0') {
        size_t whole = 1 + strcspn(at + 1, "&");
        size_t name = strcspn(at + 1, "=&");

        if (1 + name < whole &&
            has_part(at + 1, name, secret_parameters, sizeof(secret_parameters) / sizeof(secret_parameters[0]))) {
            buf_add(line, at, 1 + name);
            buf_add_text(line, "=" HIDDEN);
        } else {
            buf_add(line, at, whole);
        }
        at += whole;
    }
}

static void add_headers(struct buf *line, const struct http_request *request)
{
    size_t i;

    for (i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        bool is_secret = has_part(header->name, strlen(header->name), secret_headers,
                                  sizeof(secret_headers) / sizeof(secret_headers[0]));

        buf_printf(line, "%s%s: %s", i > 0 ? ", " : " [", header->name, is_secret ? HIDDEN : header->value);
    }
    if (request->header_count > 0)
        buf_add_byte(line, ']');
}

void http_log(const struct http_conn *conn, const struct sf_error *err)
{
    const struct sf_host *host = conn->http->host;
    const struct exchange *x = &conn->exchange;
    SF_AUTO(buf) line = BUF_INIT;

    if (host == NULL || !SF_HAS(host, struct sf_host, log_level) || host->log_level < SF_LOG_DEBUG)
        return;
    buf_printf(&line, "%s ", http_method_name(x->request->method));
    add_url(&line, x->request->url);
    add_headers(&line, x->request);
    if (err == NULL)
        buf_printf(&line, " -> HTTP %d", x->response->status);
    else
        buf_printf(&line, " -> %s", err->text);
    buf_printf(&line, ", %lld ms, %llu bytes sent, %llu received%s", (long long)(clock_mono_ms() - x->started_ms),
               (unsigned long long)x->sent, (unsigned long long)x->received, x->tries > 1 ? ", sent again" : "");
    host->log(host, SF_LOG_DEBUG, buf_text(&line));
}
