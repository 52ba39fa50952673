/* SPDX-License-Identifier: Apache-2.0
 *
 * The config file: read, parsed, and where in it a key stands, since jansson keeps no positions of values.
 */
#include "core/config/config_priv.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int read_text(struct config_text *in, struct sf_error *err)
{
    char shown[SHOWN_BYTES], chunk[16 * 1024];
    AUTO_FD fd = -1;

    err_printable(in->file, shown, sizeof(shown));
    fd = open(in->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return err_errno(err, errno, "open config file %s", shown);
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof(chunk));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, "read config file %s", shown);
        if (got == 0)
            return 0;
        buf_add(&in->text, chunk, (size_t)got);
        if (in->text.length > CONFIG_BYTES_MAX)
            return sf_fail(err, SF_INVALID, "%s: a config file of more than 1 MiB is not read", shown);
    }
}

int config_text_read(struct config_text *in, const char *file, struct sf_error *err)
{
    char shown[SHOWN_BYTES];
    json_error_t why;
    char *near;

    *in = (struct config_text){file, BUF_INIT, NULL};
    if (read_text(in, err) < 0)
        return -1;
    err_printable(file, shown, sizeof(shown));
    in->root = json_loadb(buf_text(&in->text), in->text.length, JSON_REJECT_DUPLICATES, &why);
    if (in->root == NULL) {
        /* What stands near the place of an error may be a secret; the name of a key is not. */
        near = strstr(why.text, " near '");
        if (near != NULL && json_error_code(&why) != json_error_duplicate_key)
            *near = '\0';
        return sf_fail(err, SF_INVALID, "%s:%d: not valid JSON: %s (column %d)", shown, why.line, why.text, why.column);
    }
    if (!json_is_object(in->root))
        return sf_fail(err, SF_INVALID, "%s:1: expected an object", shown);
    return 0;
}

void config_text_cleanup(struct config_text *in)
{
    buf_cleanup(&in->text);
    json_decref(in->root);
    in->root = NULL;
}

/* --- places --- */

/* A walk over text that jansson has accepted, so that its form need not be checked; path is that of the value at hand. */
struct scan {
    const char *at;
    const char *end;
    size_t line;
    size_t found; /* line */
    struct buf path;
    const char *wanted;
};

static void skip_space(struct scan *scan)
{
    for (; scan->at < scan->end && strchr(" \t\r\n", *scan->at) != NULL; scan->at++)
        if (*scan->at == '\n')
            scan->line++;
}

/* Steps over the string at hand, quotes included. */
static void skip_string(struct scan *scan)
{
    for (scan->at++; scan->at < scan->end && *scan->at != '"'; scan->at++)
        if (*scan->at == '\\')
            scan->at++;
    scan->at++;
}

/* Appends ".key" to the path, escapes undone by jansson. */
static void add_key(struct scan *scan, const char *quoted, size_t bytes)
{
    AUTO_JSON *key = json_loadb(quoted, bytes, JSON_DECODE_ANY, NULL);

    if (scan->path.length != 0)
        buf_add_byte(&scan->path, '.');
    if (key != NULL)
        buf_add_text(&scan->path, json_string_value(key));
}

static void cut_path(struct scan *scan, size_t length)
{
    scan->path.length = length;
    if (scan->path.data != NULL)
        scan->path.data[length] = '\0';
}

static void check_found(struct scan *scan)
{
    if (scan->found == 0 && strcmp(buf_text(&scan->path), scan->wanted) == 0)
        scan->found = scan->line;
}

/* jansson's own limit of depth bounds the recursion. */
static void scan_value(struct scan *scan)
{
    bool object = *scan->at == '{';
    size_t length = scan->path.length, index;

    if (*scan->at == '"') {
        skip_string(scan);
        return;
    }
    if (*scan->at != '{' && *scan->at != '[') {
        scan->at += strcspn(scan->at, ",]} \t\r\n");
        return;
    }
    scan->at++;
    skip_space(scan);
    for (index = 0; scan->at < scan->end && strchr("}]", *scan->at) == NULL && scan->found == 0; index++) {
        if (object) {
            const char *key = scan->at;

            skip_string(scan);
            add_key(scan, key, (size_t)(scan->at - key));
            check_found(scan);
            skip_space(scan);
            scan->at++; /* the colon */
            skip_space(scan);
        } else {
            buf_printf(&scan->path, "[%zu]", index);
            check_found(scan);
        }
        scan_value(scan);
        cut_path(scan, length);
        skip_space(scan);
        if (scan->at < scan->end && *scan->at == ',')
            scan->at++;
        skip_space(scan);
    }
    if (scan->found == 0)
        scan->at++;
}

size_t config_text_line(const struct config_text *in, const char *dotted)
{
    struct scan scan = {
        .at = buf_text(&in->text), .end = buf_text(&in->text) + in->text.length, .line = 1, .wanted = dotted};

    skip_space(&scan);
    if (scan.at < scan.end)
        scan_value(&scan);
    buf_cleanup(&scan.path);
    return scan.found;
}

int config_text_fail(const struct config_text *in, const char *dotted, struct sf_error *err, const char *fmt, ...)
{
    char shown[SHOWN_BYTES], text[SF_ERROR_TEXT];
    size_t line = config_text_line(in, dotted);
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    err_printable(in->file, shown, sizeof(shown));
    if (line == 0)
        return sf_fail(err, SF_INVALID, "%s: %s", shown, text);
    return sf_fail(err, SF_INVALID, "%s:%zu: %s", shown, line, text);
}

char *json_shown(const json_t *value, char out[SHOWN_BYTES])
{
    AUTO_FREE char *text = NULL;

    if (json_is_object(value)) {
        snprintf(out, SHOWN_BYTES, "an object");
        return out;
    }
    if (json_is_array(value)) {
        snprintf(out, SHOWN_BYTES, "a list");
        return out;
    }
    text = json_dumps(value, JSON_ENCODE_ANY);
    if (text == NULL || strlen(text) > 64)
        snprintf(out, SHOWN_BYTES, "a longer %s", json_is_string(value) ? "text" : "value");
    else
        err_printable(text, out, SHOWN_BYTES);
    return out;
}
