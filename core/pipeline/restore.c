/* SPDX-License-Identifier: Apache-2.0
 *
 * The story of a restore: config > points > select > a step at a time, of all sources: open, fetch and verify, place, finish.
 */
#include "core/pipeline/pipeline.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/pipeline/report.h"
#include "core/pipeline/session.h"
#include "core/progress/log.h"
#include "core/progress/units.h"
#include "core/restore/restore.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

/* One source on its way back. */
struct part {
    const struct point_source *source;
    char *target;
    bool below_to; /* target is DIR/NAME of --to DIR */
    struct buf manifest_name;
    int manifest_fd;         /* -1: not fetched yet */
    struct restore *restore; /* NULL: not begun, or nothing in it is wanted */
    struct restore_counts counts;
};

struct story {
    struct session session;
    struct points points;
    const struct point *point;
    struct part *parts;
    size_t part_count;
};

static void story_cleanup(struct story *story)
{
    size_t i;

    meter_stop(&story->session.meter);
    pool_close(story->session.pool); /* before what its jobs use */
    story->session.pool = NULL;
    for (i = story->part_count; i > 0; i--) {
        struct part *part = &story->parts[i - 1];

        restore_free(part->restore);
        if (part->manifest_fd >= 0)
            close(part->manifest_fd);
        buf_cleanup(&part->manifest_name);
        free(part->target);
    }
    free(story->parts);
    points_cleanup(&story->points);
    session_cleanup(&story->session);
}

/* The sources asked for: --source, else the config's, else (for any that neither names) all in the point. To free. */
static const char **wanted_sources(const struct story *story, size_t *count)
{
    const struct options *options = story->session.options;
    const struct config *config = &story->session.config;
    const char **wanted;
    size_t i;

    *count = options->source_count != 0 ? options->source_count : config->source_count;
    wanted = mem_alloc((*count + 1) * sizeof(*wanted));
    for (i = 0; i < *count; i++)
        wanted[i] = options->source_count != 0 ? options->sources[i].name : config->sources[i].name;
    return wanted;
}

static int select_stage(struct story *story, struct sf_error *err)
{
    size_t count, i;
    AUTO_FREE const char **wanted = wanted_sources(story, &count);

    if (points_select(&story->points, story->session.options->argument, wanted, count, &story->point, err) < 0) {
        story->session.code = err->cls == SF_CORRUPT ? EXIT_DAMAGE : EXIT_NO_POINT;
        return -1;
    }
    story->part_count = count != 0 ? count : story->point->source_count;
    story->parts = mem_alloc(story->part_count * sizeof(*story->parts));
    for (i = 0; i < story->part_count; i++)
        story->parts[i].manifest_fd = -1;
    for (i = 0; i < story->part_count; i++) {
        story->parts[i].source = count != 0 ? point_find_source(story->point, wanted[i]) : &story->point->sources[i];
        if (story->parts[i].source != NULL)
            continue;
        story->session.code = EXIT_NO_POINT;
        return sf_fail(err, SF_NOT_FOUND, "point %s does not hold source %s", story->point->time_dir, wanted[i]);
    }
    return 0;
}

/* --source NAME=DIR, else --to (DIR/NAME for several sources), else the config's restore_to. To free; NULL if there is none. */
static char *choose_target(const struct story *story, struct part *part)
{
    const char *name = part->source->name;
    const struct options *options = story->session.options;
    const struct source *source = session_find_source(&story->session, name);
    size_t i;

    for (i = 0; i < options->source_count; i++)
        if (strcmp(options->sources[i].name, name) == 0 && options->sources[i].dir != NULL)
            return mem_text(options->sources[i].dir);
    part->below_to = options->to != NULL && story->part_count > 1;
    if (options->to != NULL)
        return part->below_to ? mem_printf("%s/%s", options->to, name) : mem_text(options->to);
    return source != NULL ? mem_text(source->restore_to) : NULL;
}

static int targets_stage(struct story *story, struct sf_error *err)
{
    size_t i, n;

    for (i = 0; i < story->part_count; i++) {
        struct part *part = &story->parts[i];

        part->target = choose_target(story, part);
        story->session.code = EXIT_USAGE;
        if (part->target == NULL)
            return sf_fail(err, SF_INVALID,
                           "no folder to restore source %s to: name one with --to DIR or --source %s=DIR",
                           part->source->name, part->source->name);
        if (session_check_target(&story->session, part->target, err) < 0)
            return -1;
        for (n = 0; n < i; n++)
            if (session_targets_clash(story->parts[n].target, part->target))
                return sf_fail(err, SF_INVALID,
                               "source %s to %s and source %s to %s: one folder is or holds the other, so the second "
                               "restore would remove the first; name folders apart with --source NAME=DIR",
                               story->parts[n].source->name, story->parts[n].target, part->source->name, part->target);
    }
    story->session.code = EXIT_FAILED;
    return 0;
}

static enum exit_code code_of_fault(enum restore_fault fault)
{
    switch (fault) {
    case RESTORE_FAULT_NO_MATCH:
    case RESTORE_FAULT_USAGE:
        return EXIT_USAGE;
    case RESTORE_FAULT_GUARD:
        return EXIT_GUARD;
    case RESTORE_FAULT_DAMAGE:
        return EXIT_DAMAGE;
    case RESTORE_FAULT_NONE:
    case RESTORE_FAULT_OTHER:
        break;
    }
    return EXIT_FAILED;
}

/* What a step of a part answered. */
static int part_ended(struct story *story, struct part *part, int result, struct sf_error *err)
{
    part->counts = restore_counts(part->restore);
    if (result == 0)
        return 0;
    story->session.code = code_of_fault(restore_fault(part->restore));
    return err_prefix(err, "source %s", part->source->name);
}

static int open_part(struct story *story, struct part *part, struct sf_error *err)
{
    struct session *session = &story->session;
    struct restore_plan plan = {.base = &session->base,
                                .pool = session->pool,
                                .log = session->log,
                                .meter = &session->meter,
                                .temp_dir = session->state.temp_dir,
                                .source = part->source->name,
                                .run = session->id,
                                .point = story->point,
                                .target = part->target,
                                .make_parent = part->below_to,
                                .only = &session->options->only,
                                .replace = session->options->replace,
                                .dry_run = session->options->dry_run};

    key_manifest(&session->base, story->point->time_dir, part->source->name, &part->manifest_name);
    if (point_fetch_manifest(&session->base, story->point, part->source, session->state.temp_dir, &part->manifest_fd,
                             err) < 0) {
        if (err->cls == SF_CORRUPT)
            session->code = EXIT_DAMAGE;
        return -1;
    }
    plan.manifest_fd = part->manifest_fd;
    plan.manifest_name = buf_text(&part->manifest_name);
    part->restore = restore_new(&plan);
    return part_ended(story, part, restore_open(part->restore, err), err);
}

/* What --only names may be in some of the sources, but must be in one. */
static int open_parts(struct story *story, struct sf_error *err)
{
    size_t unmatched = 0, i;

    for (i = 0; i < story->part_count; i++) {
        struct part *part = &story->parts[i];

        if (open_part(story, part, err) == 0)
            continue;
        if (part->restore == NULL || restore_fault(part->restore) != RESTORE_FAULT_NO_MATCH ||
            ++unmatched == story->part_count)
            return -1;
        restore_free(part->restore);
        part->restore = NULL;
        *err = (struct sf_error)SF_ERROR_INIT;
        story->session.code = EXIT_FAILED;
    }
    return 0;
}

/* A point is all of its sources together: no target changes before the files of all are there, and all stay marked as incomplete
 * until the last one is in place. */
static int restore_parts(struct story *story, struct sf_error *err)
{
    static int (*const steps[])(struct restore *, struct sf_error *) = {restore_fetch, restore_place, restore_finish};
    size_t step_count = story->session.options->dry_run ? 1 : sizeof(steps) / sizeof(steps[0]);
    size_t step, i;

    if (open_parts(story, err) < 0)
        return -1;
    for (step = 0; step < step_count; step++)
        for (i = 0; i < story->part_count; i++) {
            struct part *part = &story->parts[i];

            if (part->restore == NULL)
                continue;
            if (part_ended(story, part, steps[step](part->restore, err), err) < 0)
                return -1;
        }
    return 0;
}

static int run(struct story *story, const struct options *options, struct log *log, struct sf_error *err)
{
    struct session *session = &story->session;

    if (session_open(session, options, log, false, err) < 0 ||
        points_read(&story->points, &session->base, true, err) < 0 || select_stage(story, err) < 0 ||
        targets_stage(story, err) < 0 || session_open_pool(session, err) < 0)
        return -1;
    meter_start(&session->meter, options->progress, "restore", log);
    return restore_parts(story, err);
}

static json_t *part_json(const struct part *part)
{
    const struct restore_counts *counts = &part->counts;
    json_t *value = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "name", part->source->name, "files",
                              (json_int_t)counts->files, "bytes", (json_int_t)counts->bytes, "fetched_files",
                              (json_int_t)counts->fetched_files, "fetched_bytes", (json_int_t)counts->fetched_bytes,
                              "kept_files", (json_int_t)counts->kept_files, "removed", (json_int_t)counts->removed);

    json_object_set_new(value, "target", part->target != NULL ? report_text(part->target) : json_null());
    return value;
}

static int print_json(struct story *story, const struct failure *failure)
{
    json_t *report = report_json(&story->session, failure), *sources = json_array();
    size_t i;

    for (i = 0; i < story->part_count; i++)
        if (story->parts[i].source != NULL)
            json_array_append_new(sources, part_json(&story->parts[i]));
    json_object_set_new(report, "dry_run", json_boolean(story->session.options->dry_run));
    json_object_set_new(report, "time_dir", story->point != NULL ? json_string(story->point->time_dir) : json_null());
    json_object_set_new(report, "run", story->point != NULL ? json_string(story->point->run) : json_null());
    json_object_set_new(report, "sources", sources);
    return report_print(&story->session, report);
}

static void log_summary(const struct story *story)
{
    char bytes[UNITS_TEXT], time[UNITS_TEXT];
    size_t i;

    for (i = 0; i < story->part_count; i++) {
        const struct part *part = &story->parts[i];

        log_info(story->session.log,
                 "%s %s %s: %" PRIu64 " files: %" PRIu64 " fetched (%s), %" PRIu64 " already there, %" PRIu64
                 " removed",
                 part->source->name, story->session.options->dry_run ? "would be restored to" : "restored to",
                 part->target, part->counts.files, part->counts.fetched_files,
                 units_bytes(part->counts.fetched_bytes, bytes), part->counts.kept_files, part->counts.removed);
    }
    if (!story->session.options->dry_run)
        log_info(story->session.log, "point %s is restored and verified (%s)", story->point->time_dir,
                 units_duration(clock_mono_ms() - story->session.began_ms, time));
}

enum exit_code pipeline_restore(const struct options *options, struct log *log)
{
    SF_AUTO(story) story = {0};
    struct failure failure = {.err = SF_ERROR_INIT};

    if (run(&story, options, log, &failure.err) < 0) {
        failure.set = true;
        failure.code =
            story.session.code != EXIT_FAILED ? story.session.code : report_code(&story.session, &failure.err);
    }
    meter_stop(&story.session.meter);
    report_failure(&story.session, &failure);
    if (!failure.set)
        log_summary(&story);
    if (options->json && print_json(&story, &failure) < 0 && !failure.set)
        return EXIT_FAILED;
    return failure.set ? failure.code : EXIT_DONE;
}
