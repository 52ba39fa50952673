/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sink_stats.h"

#include <inttypes.h>
#include <string.h>

static const char *kind_name(enum sink_kind kind)
{
    switch (kind) {
    case SINK_PUT:
        return "put";
    case SINK_GET:
        return "get";
    case SINK_STAT:
        return "stat";
    case SINK_LIST:
        return "list";
    case SINK_REMOVE:
        return "remove";
    case SINK_COPY:
        return "copy";
    case SINK_UPLOAD_BEGIN:
        return "upload_begin";
    case SINK_UPLOAD_PART:
        return "upload_part";
    case SINK_UPLOAD_COMMIT:
        return "upload_commit";
    case SINK_UPLOAD_ABORT:
        return "upload_abort";
    case SINK_UPLOAD_LIST:
        return "upload_list";
    case SINK_OTHER:
    case SINK_KINDS:
        break;
    }
    return "other";
}

static void write_stats(const struct sink *sink, struct buf *out)
{
    const struct sink_counts *counts = &sink->counts;
    unsigned uploads = 0;

    for (const struct upload *upload = sink->uploads; upload != NULL; upload = upload->next)
        uploads++;
    buf_printf(out, "{\"connections\": %" PRIu64 ", \"requests\": {", counts->connections);
    for (unsigned kind = 0; kind < SINK_KINDS; kind++)
        buf_printf(out, "%s\"%s\": %" PRIu64, kind > 0 ? ", " : "", kind_name((enum sink_kind)kind),
                   counts->requests[kind]);
    buf_printf(out,
               "}, \"unavailable\": %" PRIu64 ", \"received\": %" PRIu64 ", \"puts_max\": %" PRIu64
               ", \"objects\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"uploads\": %u}\n",
               counts->unavailable, counts->received, counts->puts_max, sink->store.objects, sink->store.bytes,
               uploads);
}

static void reset(struct sink *sink)
{
    memset(&sink->counts, 0, sizeof(sink->counts));
    for (struct object *object = sink->store.first[0]; object != NULL; object = object->next[0])
        object->puts = 0;
}

static void clear(struct sink *sink)
{
    reset(sink);
    store_clear(&sink->store);
    while (sink->uploads != NULL)
        upload_end(&sink->uploads, sink->uploads);
}

void stats_answer(struct sink *sink, struct exchange *exchange)
{
    const char *what = exchange->request.path + strlen(STATS_PATH);
    bool is_post = strcmp(exchange->request.method, "POST") == 0;

    exchange->status = 200;
    if (strcmp(exchange->request.method, "GET") == 0 && strcmp(what, "stats") == 0) {
        buf_add_text(&exchange->headers, "Content-Type: application/json\r\n");
        write_stats(sink, &exchange->answer);
    } else if (is_post && strcmp(what, "reset") == 0) {
        reset(sink);
    } else if (is_post && strcmp(what, "clear") == 0) {
        clear(sink);
    } else {
        exchange->status = 404;
    }
}
