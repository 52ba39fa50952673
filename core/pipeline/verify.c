/* SPDX-License-Identifier: Apache-2.0
 *
 * The story of a verify: config > points > select > each source's manifest against the store's lists, or against every byte.
 */
#include "core/pipeline/pipeline.h"

#include "base/clock.h"
#include "base/err.h"
#include "core/check/verify.h"
#include "core/pipeline/report.h"
#include "core/pipeline/session.h"
#include "core/progress/log.h"
#include "core/progress/units.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

/* Findings listed in the JSON object; all of them are counted and logged. */
#define FINDINGS_SHOWN 1000

struct story {
    struct session session;
    struct points points;
    json_t *reports;  /* one a point */
    json_t *findings; /* of the current point; borrowed */
    bool any_damage;
};

static void story_cleanup(struct story *story)
{
    json_decref(story->reports);
    points_cleanup(&story->points);
    session_cleanup(&story->session);
}

static void take_finding(void *ctx, bool damage, const char *key, const char *text)
{
    struct story *story = ctx;
    json_t *finding;

    if (damage)
        log_error(story->session.log, "damaged: %s: %s", key, text);
    else
        log_warning(story->session.log, "surplus: %s: %s", key, text);
    if (json_array_size(story->findings) >= FINDINGS_SHOWN)
        return;
    finding = json_object();
    json_object_set_new(finding, "damage", json_boolean(damage));
    json_object_set_new(finding, "key", report_text(key));
    json_object_set_new(finding, "text", report_text(text));
    json_array_append_new(story->findings, finding);
}

static void add_report(struct story *story, const struct point *point, const struct verify_counts *counts)
{
    json_t *report = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "time_dir", point->time_dir, "run", point->run,
                               "status", counts->damaged == 0 ? "verified" : "damaged", "files",
                               (json_int_t)counts->files, "bytes", (json_int_t)counts->bytes, "damaged",
                               (json_int_t)counts->damaged, "surplus", (json_int_t)counts->surplus);

    json_object_set(report, "findings", story->findings);
    json_array_append_new(story->reports, report);
}

static int verify_point(struct story *story, const struct point *point, struct sf_error *err)
{
    struct session *session = &story->session;
    struct verify verify = {.base = &session->base,
                            .pool = session->pool,
                            .meter = &session->meter,
                            .temp_dir = session->state.temp_dir,
                            .deep = session->options->deep,
                            .ctx = story,
                            .found = take_finding};
    struct verify_counts counts = {0};
    char bytes[UNITS_TEXT];
    int result = 0;
    size_t i;

    story->findings = json_array();
    for (i = 0; i < point->source_count && result == 0; i++)
        result = verify_source(&verify, point, &point->sources[i], &counts, err);
    if (result == 0) {
        log_info(session->log, "point %s: %" PRIu64 " files, %s: %s%s", point->time_dir, counts.files,
                 units_bytes(counts.bytes, bytes),
                 session->options->deep ? "every byte read: " : "names, sizes and tags listed: ",
                 counts.damaged == 0 ? "whole" : "DAMAGED");
        story->any_damage |= counts.damaged != 0;
        add_report(story, point, &counts);
    }
    json_decref(story->findings);
    story->findings = NULL;
    return result;
}

/* A commit that cannot be read: named here, since no manifest can be found through it. */
static void note_damaged_commit(struct story *story, const struct point *point)
{
    struct verify_counts counts = {.damaged = 1};
    SF_AUTO(buf) key = BUF_INIT;

    key_point(&story->session.base, point->time_dir, ".commit", &key);
    story->findings = json_array();
    take_finding(story, true, buf_text(&key), point->problem != NULL ? point->problem : "cannot be read");
    add_report(story, point, &counts);
    json_decref(story->findings);
    story->findings = NULL;
    story->any_damage = true;
}

/* For the bar: what the commits say is to be read. */
static void expect(struct story *story, const struct point *point)
{
    struct meter *meter = &story->session.meter;
    size_t i;

    for (i = 0; i < point->source_count; i++) {
        meter->files_known += point->sources[i].manifest.counts.files;
        meter->bytes_known += point->sources[i].manifest.counts.bytes;
    }
}

static int verify_all(struct story *story, struct sf_error *err)
{
    size_t i;

    for (i = 0; i < story->points.count; i++)
        if (story->points.items[i].status == POINT_COMPLETE)
            expect(story, &story->points.items[i]);
    story->session.meter.total_known = story->session.options->deep;
    for (i = 0; i < story->points.count; i++) {
        const struct point *point = &story->points.items[i];

        if (point->status == POINT_DAMAGED)
            note_damaged_commit(story, point);
        else if (point->status == POINT_COMPLETE && verify_point(story, point, err) < 0)
            return -1;
    }
    return 0;
}

static int run(struct story *story, const struct options *options, struct log *log, struct sf_error *err)
{
    struct session *session = &story->session;
    const struct point *point;

    if (session_open(session, options, log, false, err) < 0 ||
        points_read(&story->points, &session->base, true, err) < 0)
        return -1;
    if (options->deep && session_open_pool(session, err) < 0)
        return -1;
    meter_start(&session->meter, options->progress, "verify", log);
    session->meter.stage = options->deep ? "read" : "list";
    if (options->all)
        return verify_all(story, err);
    if (points_select(&story->points, options->argument != NULL ? options->argument : "latest", NULL, 0, &point, err) <
        0) {
        session->code = err->cls == SF_CORRUPT ? EXIT_DAMAGE : EXIT_NO_POINT;
        return -1;
    }
    expect(story, point);
    session->meter.total_known = options->deep;
    return verify_point(story, point, err);
}

enum exit_code pipeline_verify(const struct options *options, struct log *log)
{
    SF_AUTO(story) story = {.reports = json_array()};
    struct failure failure = {.err = SF_ERROR_INIT};

    if (run(&story, options, log, &failure.err) < 0) {
        failure.set = true;
        failure.code =
            story.session.code != EXIT_FAILED ? story.session.code : report_code(&story.session, &failure.err);
    }
    meter_stop(&story.session.meter);
    report_failure(&story.session, &failure);
    if (options->json) {
        json_t *report = report_json(&story.session, &failure);

        if (!failure.set && story.any_damage)
            json_object_set_new(report, "status", json_string("damaged"));
        json_object_set(report, "points", story.reports);
        if (report_print(&story.session, report) < 0 && !failure.set)
            return EXIT_FAILED;
    }
    if (failure.set)
        return failure.code;
    return story.any_damage ? EXIT_DAMAGE : EXIT_DONE;
}
