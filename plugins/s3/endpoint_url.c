/* SPDX-License-Identifier: Apache-2.0
 *
 * The URL of an endpoint. Strict: what is not understood here would be signed one way and sent another.
 */
#include "plugins/s3/endpoint_priv.h"

#include "base/err.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define PORT_DIGITS_MAX 5
#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

static int url_fail(struct sf_error *err, const char *text, const char *reason)
{
    char printable[256];

    return sf_fail(err, SF_INVALID, "'%s' %s; wanted: https://HOST or https://HOST:PORT",
                   err_printable(text, printable, sizeof(printable)), reason);
}

/* The bytes of a host at the start of text; 0 if there is none. An IPv6 address counts with its brackets. */
static size_t host_bytes(const char *text)
{
    const char *end;
    char address[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    size_t bytes;

    if (text[0] != '[')
        return strspn(text, HOST_CHARACTERS);
    end = strchr(text, ']');
    bytes = end != NULL ? (size_t)(end - text - 1) : 0;
    if (bytes == 0 || bytes >= sizeof(address))
        return 0;
    memcpy(address, text + 1, bytes);
    address[bytes] = '\0';
    return inet_pton(AF_INET6, address, &parsed) == 1 ? bytes + 2 : 0;
}

static bool is_literal(const char *host)
{
    struct in_addr parsed;

    return host[0] == '[' || strcmp(host, "localhost") == 0 || inet_pton(AF_INET, host, &parsed) == 1;
}

/* ":9000" at text; *port is 0 where there is none. The bytes taken, or -1. */
static int take_port(const char *text, unsigned *port)
{
    int digits = 0;

    *port = 0;
    if (text[0] != ':')
        return 0;
    while (digits < PORT_DIGITS_MAX && text[1 + digits] >= '0' && text[1 + digits] <= '9')
        *port = *port * 10 + (unsigned)(text[1 + digits++] - '0');
    return *port >= 1 && *port <= 65535 ? 1 + digits : -1;
}

static const char *what_follows(const char *rest)
{
    if (strchr(rest, '?') != NULL)
        return "has a query in it";
    if (strchr(rest, '#') != NULL)
        return "has a fragment in it";
    if (rest[0] == '/')
        return "has a path in it";
    return "has a host in it that is none";
}

int endpoint_url_parse(struct endpoint_url *url, const char *text, struct sf_error *err)
{
    bool is_tls = strncasecmp(text, "https://", 8) == 0;
    const char *host = text + (is_tls ? 8 : 7), *rest;
    size_t bytes, i;
    unsigned port;
    int taken;

    if (strchr(text, '@') != NULL) /* a password may stand before it: nothing of the URL is told */
        return sf_fail(err, SF_INVALID, "the URL has a user in it: credentials have settings of their own");
    if (!is_tls && strncasecmp(text, "http://", 7) != 0)
        return url_fail(err, text, "is no URL that begins with https:// or http://");
    bytes = host_bytes(host);
    rest = host + bytes;
    taken = take_port(rest, &port);
    if (taken < 0)
        return url_fail(err, text, "has a port that is none");
    rest += taken;
    if (bytes == 0 || host[0] == '.' || (rest[0] != '\0' && strcmp(rest, "/") != 0))
        return url_fail(err, text, what_follows(rest));
    url->is_tls = is_tls;
    url->host = mem_printf("%.*s", (int)bytes, host);
    for (i = 0; i < bytes; i++)
        if (url->host[i] >= 'A' && url->host[i] <= 'Z')
            url->host[i] = (char)(url->host[i] - 'A' + 'a');
    url->is_literal = is_literal(url->host);
    if (port == 0 || port == (is_tls ? 443 : 80))
        url->authority = mem_text(url->host);
    else
        url->authority = mem_printf("%s:%u", url->host, port);
    return 0;
}

void endpoint_url_cleanup(struct endpoint_url *url)
{
    free(url->host);
    free(url->authority);
    *url = (struct endpoint_url){NULL};
}
