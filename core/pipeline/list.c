/* SPDX-License-Identifier: Apache-2.0
 *
 * The story of a list: config > points > table.
 */
#include "core/pipeline/pipeline.h"

#include "base/clock.h"
#include "core/pipeline/report.h"
#include "core/pipeline/session.h"
#include "core/progress/log.h"
#include "core/progress/units.h"

#include <inttypes.h>
#include <jansson.h>

struct story {
    struct session session;
    struct points points;
};

static void story_cleanup(struct story *story)
{
    points_cleanup(&story->points);
    session_cleanup(&story->session);
}

/* NULL: a stub is no point and is not shown. */
static const char *status_word(enum point_status status)
{
    switch (status) {
    case POINT_COMPLETE:
        return "complete";
    case POINT_INCOMPLETE:
        return "incomplete";
    case POINT_UNVERIFIED:
        return "unverified";
    case POINT_DAMAGED:
        return "damaged";
    case POINT_STUB:
        break;
    }
    return NULL;
}

static json_t *time_json(int64_t ms)
{
    char text[CLOCK_TEXT];

    return ms != 0 ? json_string(clock_text(ms, text)) : json_null();
}

static json_t *point_json(const struct point *point)
{
    json_t *sources = json_array(), *value = json_object();
    size_t i;

    for (i = 0; i < point->source_count; i++)
        json_array_append_new(sources, json_pack("{s:s, s:I, s:I}", "name", point->sources[i].name, "files",
                                                 (json_int_t)point->sources[i].manifest.counts.files, "bytes",
                                                 (json_int_t)point->sources[i].manifest.counts.bytes));
    json_object_set_new(value, "time_dir", json_string(point->time_dir));
    json_object_set_new(value, "run", point->run[0] != '\0' ? json_string(point->run) : json_null());
    json_object_set_new(value, "status", json_string(status_word(point->status)));
    json_object_set_new(value, "started", time_json(point->started_ms));
    json_object_set_new(value, "finished", time_json(point->finished_ms));
    json_object_set_new(value, "sources", sources);
    return value;
}

static int print_json(struct story *story)
{
    json_t *list = json_array();
    size_t i;

    for (i = 0; i < story->points.count; i++)
        if (status_word(story->points.items[i].status) != NULL)
            json_array_append_new(list, point_json(&story->points.items[i]));
    return report_print(&story->session, list);
}

static void print_point(const struct point *point)
{
    char started[CLOCK_TEXT] = "-", bytes[UNITS_TEXT];
    uint64_t files = 0, sum = 0;
    size_t i;

    for (i = 0; i < point->source_count; i++) {
        files += point->sources[i].manifest.counts.files;
        sum += point->sources[i].manifest.counts.bytes;
    }
    if (point->started_ms != 0)
        clock_text(point->started_ms, started);
    printf("%-20s  %-10s  %-24s", point->time_dir, status_word(point->status), started);
    if (point->status == POINT_COMPLETE)
        printf("  %10" PRIu64 "  %10s ", files, units_bytes(sum, bytes));
    else
        printf("  %10s  %10s ", "-", "-");
    for (i = 0; i < point->source_count; i++)
        printf(" %s", point->sources[i].name);
    if (point->status == POINT_DAMAGED && point->problem != NULL)
        printf(" %s", point->problem);
    putchar('\n');
}

static int print_table(const struct story *story)
{
    size_t i, shown = 0;

    for (i = 0; i < story->points.count; i++) {
        if (status_word(story->points.items[i].status) == NULL)
            continue;
        if (shown++ == 0)
            printf("%-20s  %-10s  %-24s  %10s  %10s  %s\n", "TIME-DIR", "STATUS", "STARTED", "FILES", "SIZE",
                   "SOURCES");
        print_point(&story->points.items[i]);
    }
    if (shown == 0)
        log_info(story->session.log, "no restore points in %s", story->session.base_name);
    return report_flush(story->session.log);
}

enum exit_code pipeline_list(const struct options *options, struct log *log)
{
    SF_AUTO(story) story = {0};
    struct failure failure = {.err = SF_ERROR_INIT};
    int printed;

    if (session_open(&story.session, options, log, false, &failure.err) < 0 ||
        points_read(&story.points, &story.session.base, true, &failure.err) < 0) {
        failure.set = true;
        failure.code =
            story.session.code != EXIT_FAILED ? story.session.code : report_code(&story.session, &failure.err);
        report_failure(&story.session, &failure);
        if (options->json)
            report_print(&story.session, report_json(&story.session, &failure));
        return failure.code;
    }
    printed = options->json ? print_json(&story) : print_table(&story);
    return printed < 0 ? EXIT_FAILED : EXIT_DONE;
}
