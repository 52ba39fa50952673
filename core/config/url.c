/* SPDX-License-Identifier: Apache-2.0
 *
 * The URL of --dest, and the prefix of keys in a store.
 */
#include "core/config/config_priv.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#define PREFIX_MAX 512 /* bytes: half of what the strictest store allows for a key (S3: 1024) */

bool text_is_utf8(const char *text)
{
    json_t *string = json_string(text); /* refuses everything else */

    json_decref(string);
    return string != NULL;
}

/* C0, DEL, and in UTF-8 C1, U+FFFE and U+FFFF: what no key may hold raw (docs/format.md). */
static bool has_control(const char *text)
{
    const unsigned char *at;

    for (at = (const unsigned char *)text; *at != '\0'; at++)
        if (*at < 0x20 || *at == 0x7f || (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) ||
            (at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe))
            return true;
    return false;
}

/* Appends text without leading, trailing and doubled slashes; false on a "." or ".." between them. */
static bool add_normalised(struct buf *out, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "/");

        if ((length == 1 && text[0] == '.') || (length == 2 && text[0] == '.' && text[1] == '.'))
            return false;
        if (length != 0) {
            if (out->length != 0)
                buf_add_byte(out, '/');
            buf_add(out, text, length);
        }
        text += length;
        while (*text == '/')
            text++;
    }
    return true;
}

int prefix_normalise(char **prefix, const char *text, struct sf_error *err)
{
    SF_AUTO(buf) out = BUF_INIT;
    char shown[128];

    err_printable(text, shown, sizeof(shown));
    if (!text_is_utf8(text) || has_control(text))
        return sf_fail(err, SF_INVALID, "prefix '%s': control characters and what is not UTF-8 cannot be in a key",
                       shown);
    if (!add_normalised(&out, text))
        return sf_fail(err, SF_INVALID, "prefix '%s': '.' and '..' cannot be part of it", shown);
    if (out.length > PREFIX_MAX)
        return sf_fail(err, SF_INVALID, "prefix '%s': longer than %d bytes", shown, PREFIX_MAX);
    if (strncmp(buf_text(&out), ".snapferry", 10) == 0 || strstr(buf_text(&out), "/.snapferry") != NULL)
        return sf_fail(err, SF_INVALID, "prefix '%s': names that begin with '.snapferry' are Snapferry's own", shown);
    free(*prefix);
    *prefix = mem_text(buf_text(&out));
    return 0;
}

/* Lower-cases [a-z][a-z0-9+.-]* before "://" into *scheme; the rest after it, NULL if it is none. */
static const char *take_scheme(const char *text, char **scheme)
{
    const char *colon = strstr(text, "://");
    size_t i, length;

    if (colon == NULL || !isalpha((unsigned char)text[0]))
        return NULL;
    length = (size_t)(colon - text);
    for (i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && strchr("+.-", text[i]) == NULL)
            return NULL;
    *scheme = mem_printf("%.*s", (int)length, text);
    for (i = 0; i < length; i++)
        (*scheme)[i] = (char)tolower((unsigned char)text[i]);
    return colon + 3;
}

/* Appends text with %XX decoded; false if a '%' is none, or hides a NUL. */
static bool add_decoded(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        char digits[3] = {0};
        uint8_t byte;

        if (*text != '%') {
            buf_add_byte(out, *text);
            continue;
        }
        if (text[1] == '\0')
            return false;
        digits[0] = (char)tolower((unsigned char)text[1]);
        digits[1] = (char)tolower((unsigned char)text[2]);
        if (!hex_decode(digits, &byte, 1) || byte == 0)
            return false;
        buf_add_byte(out, (char)byte);
        text += 2;
    }
    return true;
}

int url_parse(struct url *url, const char *text, struct sf_error *err)
{
    SF_AUTO(buf) decoded = BUF_INIT;
    SF_AUTO(buf) path = BUF_INIT;
    char shown[SHOWN_BYTES];
    const char *rest;
    size_t host;

    *url = (struct url){NULL, NULL, NULL};
    rest = take_scheme(text, &url->scheme);
    host = rest != NULL ? strcspn(rest, "/") : 0;
    /* Not shown: what stands before the '@' may be a password. */
    if (rest != NULL && memchr(rest, '@', host) != NULL)
        return sf_fail(err, SF_INVALID,
                       "the URL holds a user or password before '@': secrets go into the config file, as "
                       "{\"env\": NAME} or {\"file\": PATH}");
    err_printable(text, shown, sizeof(shown));
    if (rest == NULL)
        return sf_fail(err, SF_INVALID, "'%s' is not a URL: expected SCHEME://..., such as file:///DIR", shown);
    if (strpbrk(rest, "?#") != NULL)
        return sf_fail(
            err, SF_INVALID,
            "URL '%s': no query or fragment here: settings go with -o KEY=VALUE, in a path write %%3F for '?' "
            "and %%23 for '#'",
            shown);
    if (strspn(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:[]") < host)
        return sf_fail(err, SF_INVALID, "URL '%s': the host has characters that none can have", shown);
    if (!add_decoded(&decoded, rest + host))
        return sf_fail(err, SF_INVALID, "URL '%s': after '%%' come two hex digits, for '%%' itself write %%25", shown);
    if (!text_is_utf8(buf_text(&decoded)) || has_control(buf_text(&decoded)))
        return sf_fail(err, SF_INVALID, "URL '%s': control characters and what is not UTF-8 cannot be part of it",
                       shown);
    if (!add_normalised(&path, buf_text(&decoded)))
        return sf_fail(err, SF_INVALID, "URL '%s': '.' and '..' cannot be part of it", shown);
    url->host = mem_printf("%.*s", (int)host, rest);
    url->path = mem_text(buf_text(&path));
    return 0;
}

void url_cleanup(struct url *url)
{
    free(url->scheme);
    free(url->host);
    free(url->path);
    *url = (struct url){NULL, NULL, NULL};
}
