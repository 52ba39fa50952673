/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes a manifest's lines. Members go out one by one, since building a JSON object for each of a million entries costs
 * several times what it saves; a string with anything special in it is spelled by jansson.
 */
#include "core/manifest/line.h"

#include "base/base64.h"
#include "base/clock.h"

#include <jansson.h>
#include <string.h>

static void add_unsigned(struct buf *out, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    buf_add(out, digits + at, sizeof(digits) - at);
}

static void add_signed(struct buf *out, int64_t number)
{
    if (number < 0)
        buf_add_byte(out, '-');
    add_unsigned(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

/* Nothing that JSON escapes, nothing that could be broken UTF-8. */
static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < 0x20 || *text > 0x7e || *text == '"' || *text == '\\')
            return false;
    }
    return true;
}

/* false, and nothing added: the text is not UTF-8. */
static bool add_string(struct buf *out, const char *text)
{
    json_t *string;
    size_t room, used;

    if (is_plain(text)) {
        buf_add_byte(out, '"');
        buf_add_text(out, text);
        buf_add_byte(out, '"');
        return true;
    }
    string = json_string(text);
    if (string == NULL)
        return false;
    room = strlen(text) * 6 + 2; /* all of it \u00XX */
    buf_reserve(out, room);
    used = json_dumpb(string, out->data + out->length, room, JSON_ENCODE_ANY);
    json_decref(string);
    out->length += used;
    out->data[out->length] = '\0';
    return true;
}

/* "name":"text", or "name_b64":"..." of what is not UTF-8. */
static void add_bytes_member(struct buf *out, const char *name, const char *text)
{
    size_t start = out->length;

    buf_add_byte(out, '"');
    buf_add_text(out, name);
    buf_add_text(out, "\":");
    if (add_string(out, text))
        return;
    out->length = start;
    buf_add_byte(out, '"');
    buf_add_text(out, name);
    buf_add_text(out, "_b64\":\"");
    base64_add(text, strlen(text), out);
    buf_add_byte(out, '"');
}

static void add_time_member(struct buf *out, const char *name, int64_t ms)
{
    char text[CLOCK_TEXT];

    buf_printf(out, ",\"%s\":\"%s\"", name, clock_text(ms, text));
}

void line_add_header(struct buf *out, const struct manifest_header *header)
{
    buf_printf(out,
               "{\"format\":\"snapferry-manifest\",\"version\":1,\"features\":[],\"source\":\"%s\",\"time_dir\":\"%s\","
               "\"run\":\"%s\"",
               header->source, header->time_dir, header->run);
    add_time_member(out, "started", header->started_ms);
    add_time_member(out, "walked", header->walked_ms);
    buf_add_text(out, ",\"tool\":\"snapferry " SF_VERSION "\"}\n");
}

static void add_mode(struct buf *out, uint32_t mode)
{
    int shift;

    buf_add_text(out, ",\"mode\":\"");
    for (shift = 9; shift >= 0; shift -= 3)
        buf_add_byte(out, (char)('0' + (mode >> shift & 7)));
    buf_add_byte(out, '"');
}

/* What is UTF-8 if the writer did its checks; if not, an empty string that the reader refuses. */
static void add_text_member(struct buf *out, const char *name, const char *text)
{
    buf_add_text(out, name);
    if (!add_string(out, text))
        buf_add_text(out, "\"\"");
}

static void add_object(struct buf *out, const struct entry *entry, const struct manifest_header *header)
{
    SF_AUTO(buf) key = BUF_INIT;
    char hex[SHA256_HEX + 1];
    size_t start;

    hex_encode(entry->sha256, SHA256_BYTES, hex);
    add_text_member(out, ",\"sha256\":", hex);
    add_text_member(out, ",\"tag\":", entry->tag);
    buf_add_text(&key, entry->time_dir);
    buf_add_byte(&key, '/');
    buf_add_text(&key, header->source);
    buf_add_byte(&key, '/');
    start = key.length;
    key_encode(entry->path, &key);
    if (strcmp(entry->time_dir, header->time_dir) != 0 || strcmp(key.data + start, entry->path) != 0)
        add_text_member(out, ",\"key\":", key.data);
}

void line_add_entry(struct buf *out, const struct entry *entry, const struct manifest_header *header)
{
    buf_add_byte(out, '{');
    add_bytes_member(out, "path", entry->path);
    switch (entry->type) {
    case ENTRY_FILE:
        buf_add_text(out, ",\"type\":\"file\",\"size\":");
        add_unsigned(out, entry->size);
        break;
    case ENTRY_DIR:
        buf_add_text(out, ",\"type\":\"dir\"");
        break;
    case ENTRY_LINK:
        buf_add_text(out, ",\"type\":\"link\"");
        break;
    case ENTRY_OTHER:
        break; /* the writer refuses it */
    }
    buf_add_text(out, ",\"mtime_ns\":");
    add_signed(out, entry->mtime_ns);
    add_mode(out, entry->mode);
    buf_add_text(out, ",\"uid\":");
    add_unsigned(out, entry->uid);
    buf_add_text(out, ",\"gid\":");
    add_unsigned(out, entry->gid);
    if (entry->type == ENTRY_FILE) {
        add_object(out, entry, header);
    } else if (entry->type == ENTRY_LINK) {
        buf_add_byte(out, ',');
        add_bytes_member(out, "target", entry->target);
    }
    buf_add_text(out, "}\n");
}

void line_add_trailer(struct buf *out, const struct line_trailer *trailer, int64_t finished_ms)
{
    char hex[SHA256_HEX + 1];

    buf_add_text(out, "{\"end\":true,\"entries\":");
    add_unsigned(out, trailer->counts.entries);
    buf_add_text(out, ",\"files\":");
    add_unsigned(out, trailer->counts.files);
    buf_add_text(out, ",\"bytes\":");
    add_unsigned(out, trailer->counts.bytes);
    add_time_member(out, "finished", finished_ms);
    hex_encode(trailer->sha256, SHA256_BYTES, hex);
    buf_printf(out, ",\"sha256\":\"%s\"}\n", hex);
}
