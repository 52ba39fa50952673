/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the texts of .open and .commit objects, as hostile input. A commit object is all right, or a stub, or damaged; there is
 * nothing in between. Pure functions.
 */
#include "core/point/point.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/manifest/member.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES_MAX 1000

/* The lines of a text that must end with one. */
struct text_lines {
    const char *at;
    const char *end;
    unsigned number; /* of the line taken last */
};

static int next_line(struct text_lines *lines, const char **line, size_t *bytes, struct sf_error *err)
{
    const char *newline;

    if (lines->at == lines->end && lines->number == 0)
        return sf_fail(err, SF_CORRUPT, "is empty");
    if (lines->at == lines->end)
        return sf_fail(err, SF_CORRUPT, "ends after line %u, before all of its lines are there", lines->number);
    newline = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
    if (newline == NULL)
        return sf_fail(err, SF_CORRUPT, "ends in the middle of line %u", lines->number + 1);
    *line = lines->at;
    *bytes = (size_t)(newline - lines->at);
    lines->at = newline + 1;
    lines->number++;
    return 0;
}

static json_t *next_object(struct text_lines *lines, struct sf_error *err)
{
    const char *line = NULL;
    size_t bytes = 0;

    return next_line(lines, &line, &bytes, err) == 0 ? member_load(line, bytes, err) : NULL;
}

static int parse_identity(const json_t *json, char identity[33], struct sf_error *err)
{
    const char *text = member_text(json, "identity", err);

    if (text == NULL)
        return -1;
    if (strlen(text) > 32)
        return sf_fail(err, SF_CORRUPT, "'identity' is longer than 32 bytes");
    memcpy(identity, text, strlen(text) + 1);
    return 0;
}

static int parse_refers(struct point *point, const json_t *json, struct sf_error *err)
{
    const json_t *list = json_object_get(json, "refers"), *item;
    const char *last = "";
    size_t i;

    if (!json_is_array(list))
        return sf_fail(err, SF_CORRUPT, "'refers' is not a list");
    json_array_foreach(list, i, item)
    {
        const char *name = json_string_value(item);

        if (name == NULL || !time_dir_is_valid(name) || strcmp(name, point->time_dir) == 0 || strcmp(last, name) >= 0)
            return sf_fail(err, SF_CORRUPT, "'refers' is not an ascending list of other time-dirs");
        point->refers = mem_resize(point->refers, (point->refer_count + 1) * sizeof(*point->refers));
        point->refers[point->refer_count++] = mem_text(name);
        last = name;
    }
    return 0;
}

static int parse_parent(struct point_source *source, const json_t *json, struct sf_error *err)
{
    const json_t *parent = json_object_get(json, "parent");
    uint8_t sha256[SHA256_BYTES];
    const char *time_dir;

    if (json_is_null(parent))
        return 0;
    if (!json_is_object(parent))
        return sf_fail(err, SF_CORRUPT, "'parent' is neither null nor an object");
    time_dir = member_text(parent, "time_dir", err);
    if (time_dir == NULL || member_digest(parent, "sha256", sha256, err) < 0)
        return err_prefix(err, "'parent'");
    if (!time_dir_is_valid(time_dir))
        return sf_fail(err, SF_CORRUPT, "'parent': 'time_dir' is not a time-dir's name");
    memcpy(source->parent, time_dir, strlen(time_dir) + 1);
    hex_encode(sha256, SHA256_BYTES, source->parent_sha256);
    return 0;
}

/* Names are unique without regard to case: some backends' keys are. */
static int take_name(struct point *point, struct point_source *source, const char *name, struct sf_error *err)
{
    size_t i;

    if (!source_name_is_valid(name))
        return sf_fail(err, SF_CORRUPT, "'source' is not a source's name");
    for (i = 0; i < point->source_count; i++) {
        if (strcasecmp(point->sources[i].name, name) == 0)
            return sf_fail(err, SF_CORRUPT, "source '%s' is there twice", name);
    }
    memcpy(source->name, name, strlen(name) + 1);
    return 0;
}

static int parse_source(struct point *point, struct point_source *source, const json_t *json, struct sf_error *err)
{
    const struct base relative = {.prefix = ""};
    struct manifest_counts *counts = &source->manifest.counts;
    const char *name = member_text(json, "source", err), *manifest;
    SF_AUTO(buf) key = BUF_INIT;

    if (name == NULL || take_name(point, source, name, err) < 0 ||
        member_count(json, "files", &counts->files, err) < 0 || member_count(json, "bytes", &counts->bytes, err) < 0 ||
        member_count(json, "entries", &counts->entries, err) < 0 ||
        member_count(json, "size", &source->manifest.object_bytes, err) < 0 ||
        member_digest(json, "sha256", source->manifest.sha256, err) < 0 || parse_parent(source, json, err) < 0)
        return -1;
    if (counts->entries == 0 || counts->files >= counts->entries)
        return sf_fail(err, SF_CORRUPT, "'entries' leaves no room for the root folder");
    manifest = member_text(json, "manifest", err);
    if (manifest == NULL)
        return -1;
    key_manifest(&relative, point->time_dir, source->name, &key);
    if (strcmp(manifest, buf_text(&key)) != 0)
        return sf_fail(err, SF_CORRUPT, "'manifest' is not %s", buf_text(&key));
    return 0;
}

static int parse_head(struct point *point, const json_t *json, int64_t *sources, struct sf_error *err)
{
    const char *time_dir;

    if (member_format(json, "snapferry-point", err) < 0 || member_features(json, err) < 0)
        return -1;
    time_dir = member_text(json, "time_dir", err);
    if (time_dir == NULL)
        return -1;
    if (strcmp(time_dir, point->time_dir) != 0)
        return sf_fail(err, SF_CORRUPT, "'time_dir' is not %s", point->time_dir);
    if (member_run(json, point->run, err) < 0 || parse_identity(json, point->identity, err) < 0 ||
        member_time(json, "started", &point->started_ms, err) < 0 ||
        member_time(json, "finished", &point->finished_ms, err) < 0 || parse_refers(point, json, err) < 0)
        return -1;
    return member_integer(json, "sources", 1, SOURCES_MAX, sources, err);
}

static int parse_point(struct point *point, const json_t *first, struct text_lines *lines, struct sf_error *err)
{
    int64_t sources;

    if (parse_head(point, first, &sources, err) < 0)
        return err_prefix(err, "line 1");
    point->sources = mem_alloc((size_t)sources * sizeof(*point->sources));
    for (; sources > 0; sources--) {
        AUTO_JSON *json = next_object(lines, err);

        if (json == NULL || parse_source(point, &point->sources[point->source_count], json, err) < 0)
            return err_prefix(err, "line %u", lines->number);
        point->source_count++;
    }
    return lines->at == lines->end ? 0 : sf_fail(err, SF_CORRUPT, "goes on after line %u, its last", lines->number);
}

/* A stub is one line; what else it says besides its reason is for people. */
static int parse_stub(struct point *point, const json_t *stub, const struct text_lines *lines, struct sf_error *err)
{
    char shown[80];

    if (!json_is_string(stub) || lines->at != lines->end)
        return sf_fail(err, SF_CORRUPT, "neither a point nor a stub");
    point->status = POINT_STUB;
    point->problem = mem_text(err_printable(json_string_value(stub), shown, sizeof(shown)));
    return 0;
}

static int parse_commit(struct point *point, struct text_lines *lines, struct sf_error *err)
{
    AUTO_JSON *first = next_object(lines, err);
    const json_t *stub;

    if (first == NULL)
        return err_prefix(err, "line 1");
    stub = json_object_get(first, "stub");
    return stub != NULL ? parse_stub(point, stub, lines, err) : parse_point(point, first, lines, err);
}

static void start(struct point *point, enum point_status status, const char *time_dir)
{
    *point = (struct point){.status = status};
    snprintf(point->time_dir, sizeof(point->time_dir), "%s", time_dir);
}

void point_parse_commit(struct point *point, const char *time_dir, const char *text, size_t bytes)
{
    struct text_lines lines = {text, text + bytes, 0};
    struct sf_error err = SF_ERROR_INIT;

    start(point, POINT_COMPLETE, time_dir);
    if (parse_commit(point, &lines, &err) == 0)
        return;
    /* Nothing that stood before the damage is to be believed. */
    point_cleanup(point);
    start(point, POINT_DAMAGED, time_dir);
    point->problem = mem_text(err.text);
}

static int parse_open(struct point *point, const json_t *json, struct sf_error *err)
{
    const json_t *list = json_object_get(json, "sources"), *item;
    size_t i;

    if (member_format(json, "snapferry-open", err) < 0 || member_run(json, point->run, err) < 0 ||
        parse_identity(json, point->identity, err) < 0 || member_time(json, "started", &point->started_ms, err) < 0)
        return -1;
    if (!json_is_array(list) || json_array_size(list) > SOURCES_MAX)
        return sf_fail(err, SF_CORRUPT, "'sources' is not a list of names");
    point->sources = mem_alloc((json_array_size(list) + 1) * sizeof(*point->sources));
    json_array_foreach(list, i, item)
    {
        const char *name = json_string_value(item);

        if (name == NULL)
            return sf_fail(err, SF_CORRUPT, "'sources' is not a list of names");
        if (take_name(point, &point->sources[point->source_count], name, err) < 0)
            return -1;
        point->source_count++;
    }
    return 0;
}

bool point_parse_open(struct point *point, const char *time_dir, const char *text, size_t bytes)
{
    struct text_lines lines = {text, text + bytes, 0};
    struct sf_error err = SF_ERROR_INIT;
    AUTO_JSON *json = next_object(&lines, &err);

    start(point, POINT_INCOMPLETE, time_dir);
    if (json != NULL && lines.at == lines.end && parse_open(point, json, &err) == 0)
        return true;
    point_cleanup(point);
    start(point, POINT_INCOMPLETE, time_dir);
    return false;
}

bool point_parse_state_id(const char *text, size_t bytes, char state_id[33])
{
    struct text_lines lines = {text, text + bytes, 0};
    struct sf_error err = SF_ERROR_INIT;
    AUTO_JSON *json = next_object(&lines, &err);
    const char *id = json != NULL ? member_text(json, "state_id", &err) : NULL;

    state_id[0] = '\0';
    if (id == NULL || strlen(id) > 32 || lines.at != lines.end)
        return false;
    memcpy(state_id, id, strlen(id) + 1);
    return true;
}

void point_cleanup(struct point *point)
{
    size_t i;

    for (i = 0; i < point->refer_count; i++)
        free(point->refers[i]);
    free(point->refers);
    free(point->sources);
    free(point->problem);
    *point = (struct point){0};
}
