/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a manifest's lines, as hostile input: every member has its type and range checked before it is used. Members that
 * are not known are ignored, since what must be understood is named in the header's features.
 */
#include "core/manifest/line.h"

#include "base/base64.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/manifest/member.h"

#include <jansson.h>
#include <string.h>

/* A copy to free of member `name`, or of what `name`_b64 spells; NULL with *err filled. */
static char *need_bytes(const json_t *object, const char *name, const char *name_b64, struct sf_error *err)
{
    const json_t *encoded = json_object_get(object, name_b64);
    struct buf raw = BUF_INIT;

    if (encoded == NULL) {
        const char *text = member_text(object, name, err);

        return text != NULL ? mem_text(text) : NULL;
    }
    if (json_object_get(object, name) != NULL) {
        sf_fail(err, SF_CORRUPT, "both '%s' and '%s' are given", name, name_b64);
        return NULL;
    }
    if (!json_is_string(encoded) || !base64_decode(json_string_value(encoded), &raw)) {
        sf_fail(err, SF_CORRUPT, "'%s' is not base64", name_b64);
    } else if (strlen(buf_text(&raw)) != raw.length) {
        sf_fail(err, SF_CORRUPT, "'%s' holds a NUL byte", name_b64);
    } else {
        buf_reserve(&raw, 0);
        return raw.data;
    }
    buf_cleanup(&raw);
    return NULL;
}

int line_parse_header(struct manifest_header *header, const char *line, size_t bytes, struct sf_error *err)
{
    AUTO_JSON *json = member_load(line, bytes, err);
    const char *source, *time_dir;

    if (json == NULL || member_format(json, "snapferry-manifest", err) < 0 || member_features(json, err) < 0)
        return -1;
    source = member_text(json, "source", err);
    time_dir = source == NULL ? NULL : member_text(json, "time_dir", err);
    if (time_dir == NULL)
        return -1;
    if (!source_name_is_valid(source))
        return sf_fail(err, SF_CORRUPT, "'source' is not a source's name");
    if (!time_dir_is_valid(time_dir))
        return sf_fail(err, SF_CORRUPT, "'time_dir' is not a time-dir's name");
    *header = (struct manifest_header){{0}, {0}, {0}, 0, 0};
    memcpy(header->source, source, strlen(source));
    memcpy(header->time_dir, time_dir, strlen(time_dir));
    if (member_run(json, header->run, err) < 0 || member_time(json, "started", &header->started_ms, err) < 0 ||
        member_time(json, "walked", &header->walked_ms, err) < 0)
        return -1;
    return 0;
}

static int parse_type(const json_t *json, enum entry_type *type, struct sf_error *err)
{
    const char *text = member_text(json, "type", err);
    char shown[40];

    if (text == NULL)
        return -1;
    if (strcmp(text, "file") == 0)
        *type = ENTRY_FILE;
    else if (strcmp(text, "dir") == 0)
        *type = ENTRY_DIR;
    else if (strcmp(text, "link") == 0)
        *type = ENTRY_LINK;
    else
        return sf_fail(err, SF_CORRUPT, "'type' is '%s', not file, dir or link",
                       err_printable(text, shown, sizeof(shown)));
    return 0;
}

static int parse_mode(const json_t *json, uint32_t *mode, struct sf_error *err)
{
    const char *text = member_text(json, "mode", err);
    size_t i;

    if (text == NULL)
        return -1;
    *mode = 0;
    for (i = 0; i < 4 && text[i] >= '0' && text[i] <= '7'; i++)
        *mode = *mode << 3 | (uint32_t)(text[i] - '0');
    if (i != 4 || text[4] != '\0')
        return sf_fail(err, SF_CORRUPT, "'mode' is not 4 octal digits");
    return 0;
}

static int parse_tag(const json_t *json, struct entry *entry, struct sf_error *err)
{
    const char *tag = member_text(json, "tag", err);
    size_t i;

    if (tag == NULL)
        return -1;
    for (i = 0; tag[i] != '\0'; i++) {
        if (i == SF_TAG_MAX || tag[i] < 0x20 || tag[i] > 0x7e)
            return sf_fail(err, SF_CORRUPT, "'tag' is longer than %d bytes or not printable", SF_TAG_MAX);
        entry->tag[i] = tag[i];
    }
    return 0;
}

/* <time-dir>/<source>/<key of the path>: the object that holds the file is under the same path, at most elsewhere in time. */
static int parse_key(const json_t *json, const struct manifest_header *header, struct entry *entry,
                     struct sf_error *err)
{
    SF_AUTO(buf) want = BUF_INIT;
    const char *key, *slash;

    if (json_object_get(json, "key") == NULL) {
        memcpy(entry->time_dir, header->time_dir, sizeof(entry->time_dir));
        return 0;
    }
    key = member_text(json, "key", err);
    if (key == NULL)
        return -1;
    slash = strchr(key, '/');
    if (slash == NULL || slash - key > TIME_DIR_MAX)
        return sf_fail(err, SF_CORRUPT, "'key' does not begin with a time-dir");
    memcpy(entry->time_dir, key, (size_t)(slash - key));
    if (!time_dir_is_valid(entry->time_dir))
        return sf_fail(err, SF_CORRUPT, "'key' does not begin with a time-dir");
    buf_printf(&want, "/%s/", header->source);
    key_encode(entry->path, &want);
    if (strcmp(slash, buf_text(&want)) != 0)
        return sf_fail(err, SF_CORRUPT, "'key' is not that of this source and path");
    return 0;
}

static int parse_entry(const json_t *json, const struct manifest_header *header, struct entry *entry,
                       struct sf_error *err)
{
    int64_t uid, gid;

    entry->path = need_bytes(json, "path", "path_b64", err);
    if (entry->path == NULL || parse_type(json, &entry->type, err) < 0 ||
        member_integer(json, "mtime_ns", INT64_MIN, INT64_MAX, &entry->mtime_ns, err) < 0 ||
        parse_mode(json, &entry->mode, err) < 0 || member_integer(json, "uid", 0, UINT32_MAX, &uid, err) < 0 ||
        member_integer(json, "gid", 0, UINT32_MAX, &gid, err) < 0)
        return -1;
    entry->uid = (uint32_t)uid;
    entry->gid = (uint32_t)gid;
    if (entry->type == ENTRY_FILE &&
        (member_count(json, "size", &entry->size, err) < 0 || member_digest(json, "sha256", entry->sha256, err) < 0 ||
         parse_tag(json, entry, err) < 0 || parse_key(json, header, entry, err) < 0))
        return -1;
    if (entry->type == ENTRY_LINK) {
        entry->target = need_bytes(json, "target", "target_b64", err);
        if (entry->target == NULL)
            return -1;
        if (entry->target[0] == '\0')
            return sf_fail(err, SF_CORRUPT, "'target' is empty");
    }
    return 0;
}

static int parse_trailer(const json_t *json, struct line_trailer *trailer, struct sf_error *err)
{
    int64_t finished_ms;

    if (!json_is_true(json_object_get(json, "end")))
        return sf_fail(err, SF_CORRUPT, "'end' is not true");
    if (member_count(json, "entries", &trailer->counts.entries, err) < 0 ||
        member_count(json, "files", &trailer->counts.files, err) < 0 ||
        member_count(json, "bytes", &trailer->counts.bytes, err) < 0 ||
        member_time(json, "finished", &finished_ms, err) < 0 || member_digest(json, "sha256", trailer->sha256, err) < 0)
        return -1;
    return 0;
}

int line_parse(const struct manifest_header *header, const char *line, size_t bytes, enum line_kind *kind,
               struct entry *entry, struct line_trailer *trailer, struct sf_error *err)
{
    AUTO_JSON *json = member_load(line, bytes, err);

    if (json == NULL)
        return -1;
    entry_cleanup(entry);
    if (json_object_get(json, "end") != NULL) {
        *kind = LINE_TRAILER;
        return parse_trailer(json, trailer, err);
    }
    *kind = LINE_ENTRY;
    if (parse_entry(json, header, entry, err) == 0)
        return 0;
    entry_cleanup(entry);
    return -1;
}
