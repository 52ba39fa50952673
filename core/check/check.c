/* SPDX-License-Identifier: Apache-2.0
 *
 * The join of one list with one stream of entries. Runs on the pipeline's thread, the list on the pipeline's connection.
 */
#include "core/check/check.h"

#include "base/err.h"

#include <string.h>

/* One time-dir of one source while its list goes by. */
struct join {
    const struct check_stream *stream;
    const struct check_report *report;
    const char *time_dir;
    bool own;
    struct buf prefix;    /* whole key prefix of the source's objects */
    struct entry entry;   /* next of the stream that lies in time_dir */
    struct buf entry_key; /* its whole key */
    uint64_t at;
    bool at_end;
};

static void join_cleanup(struct join *join)
{
    buf_cleanup(&join->prefix);
    entry_cleanup(&join->entry);
    buf_cleanup(&join->entry_key);
}

/* Moves to the stream's next file that lies in the time-dir. */
static int advance(struct join *join, struct sf_error *err)
{
    for (;;) {
        int result = join->stream->next(join->stream->ctx, &join->entry, &join->at, err);

        if (result < 0)
            return -1;
        if (result == 0) {
            join->at_end = true;
            return 0;
        }
        if (join->entry.type == ENTRY_FILE && strcmp(join->entry.time_dir, join->time_dir) == 0)
            break;
    }
    buf_clear(&join->entry_key);
    buf_add(&join->entry_key, join->prefix.data, join->prefix.length);
    key_encode(join->entry.path, &join->entry_key);
    return 0;
}

static int report_missing(struct join *join, struct sf_error *err)
{
    return join->report->found(join->report->ctx, CHECK_MISSING, buf_text(&join->entry_key), &join->entry, join->at,
                               NULL, err);
}

static int compare(struct join *join, const struct sf_object *object, struct sf_error *err)
{
    enum check_finding finding;

    if (object->bytes != join->entry.size)
        finding = CHECK_SIZE;
    else if (strcmp(object->tag, join->entry.tag) != 0)
        finding = CHECK_TAG;
    else
        return 0;
    return join->report->found(join->report->ctx, finding, object->key, &join->entry, join->at, object, err);
}

static int take_object(void *ctx, const struct sf_object *object, struct sf_error *err)
{
    struct join *join = ctx;
    int order = 1;

    while (!join->at_end && (order = strcmp(buf_text(&join->entry_key), object->key)) < 0)
        if (report_missing(join, err) < 0 || advance(join, err) < 0)
            return -1;
    if (join->at_end || order > 0) {
        if (!join->own)
            return 0;
        return join->report->found(join->report->ctx, CHECK_SURPLUS, object->key, NULL, 0, object, err);
    }
    if (compare(join, object, err) < 0)
        return -1;
    return advance(join, err);
}

int check_time_dir(const struct base *base, const char *time_dir, const char *source, bool own,
                   const struct check_stream *stream, const struct check_report *report, struct sf_error *err)
{
    SF_AUTO(join) join = {.stream = stream, .report = report, .time_dir = time_dir, .own = own, .entry = ENTRY_INIT};
    struct sf_list_query query = {.size = sizeof(query)};

    key_source(base, time_dir, source, &join.prefix);
    query.prefix = buf_text(&join.prefix);
    if (stream->rewind(stream->ctx, err) < 0 || advance(&join, err) < 0)
        return -1;
    if (store_list(base->store, &base->run->call, base->conn, &query, take_object, NULL, &join, err) < 0)
        return err_prefix(err, "check of %s", query.prefix);
    while (!join.at_end)
        if (report_missing(&join, err) < 0 || advance(&join, err) < 0)
            return -1;
    return 0;
}

const char *check_finding_text(enum check_finding finding)
{
    switch (finding) {
    case CHECK_MISSING:
        return "missing";
    case CHECK_SIZE:
        return "size differs";
    case CHECK_TAG:
        return "changed since it was stored (tag differs)";
    case CHECK_SURPLUS:
        return "not part of the point";
    }
    return "unknown finding";
}
