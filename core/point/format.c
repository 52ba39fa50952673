/* SPDX-License-Identifier: Apache-2.0
 *
 * The texts of .open and .commit objects (docs/format.md). Pure functions; claim.c and commit.c read what they made back
 * with parse.c before they store it.
 */
#include "core/point/point.h"

#include "base/clock.h"
#include "core/manifest/member.h"

#include <jansson.h>

#define TOOL "snapferry " SF_VERSION

/* Takes line over. Nothing is added if it could not be made (a string that is no UTF-8): the text then does not parse. */
static void add_line(struct buf *out, json_t *line)
{
    size_t bytes = line != NULL ? json_dumpb(line, NULL, 0, JSON_COMPACT) : 0;

    if (bytes != 0) {
        buf_reserve(out, bytes);
        out->length += json_dumpb(line, out->data + out->length, bytes, JSON_COMPACT);
        buf_add_byte(out, '\n');
    }
    json_decref(line);
}

void point_format_open(const struct point_open *open, struct buf *out)
{
    char started[CLOCK_TEXT];
    json_t *sources = json_array();
    size_t i;

    for (i = 0; i < open->source_count; i++)
        json_array_append_new(sources, json_string(open->sources[i].name));
    add_line(out,
             json_pack("{s:s, s:i, s:s, s:s, s:s, s:i, s:I, s:I, s:o, s:s, s:s}", "format", "snapferry-open", "version",
                       1, "run", open->run, "identity", open->identity, "state_id", open->state_id, "lease", 0,
                       "timeout_ms", (json_int_t)open->timeout_ms, "grace_ms", (json_int_t)open->grace_ms, "sources",
                       sources, "started", clock_text(open->started_ms, started), "tool", TOOL));
}

static json_t *refers_list(const struct point *point)
{
    json_t *refers = json_array();
    size_t i;

    for (i = 0; i < point->refer_count; i++)
        json_array_append_new(refers, json_string(point->refers[i]));
    return refers;
}

static json_t *source_line(const struct point *point, const struct point_source *source)
{
    const struct manifest_summary *manifest = &source->manifest;
    const struct base relative = {.prefix = ""};
    SF_AUTO(buf) key = BUF_INIT;
    char hex[SHA256_HEX + 1];
    json_t *parent = json_null();

    if (source->parent[0] != '\0')
        parent = json_pack("{s:s, s:s}", "time_dir", source->parent, "sha256", source->parent_sha256);
    key_manifest(&relative, point->time_dir, source->name, &key);
    hex_encode(manifest->sha256, SHA256_BYTES, hex);
    return json_pack("{s:s, s:I, s:I, s:I, s:s, s:I, s:s, s:o}", "source", source->name, "files",
                     (json_int_t)manifest->counts.files, "bytes", (json_int_t)manifest->counts.bytes, "entries",
                     (json_int_t)manifest->counts.entries, "manifest", buf_text(&key), "size",
                     (json_int_t)manifest->object_bytes, "sha256", hex, "parent", parent);
}

void point_format_commit(const struct point *point, struct buf *out)
{
    char started[CLOCK_TEXT], finished[CLOCK_TEXT];
    size_t i;

    add_line(out, json_pack("{s:s, s:i, s:[], s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:s}", "format", "snapferry-point",
                            "version", 1, "features", "run", point->run, "identity", point->identity, "time_dir",
                            point->time_dir, "started", clock_text(point->started_ms, started), "finished",
                            clock_text(point->finished_ms, finished), "sources", (json_int_t)point->source_count,
                            "refers", refers_list(point), "tool", TOOL));
    for (i = 0; i < point->source_count; i++)
        add_line(out, source_line(point, &point->sources[i]));
}
