/* SPDX-License-Identifier: Apache-2.0
 *
 * The story of a backup: config > guard > sources > open > walk, merge, plan, lanes > check > manifests > commit.
 */
#include "core/pipeline/pipeline.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/backup/backup.h"
#include "core/guard/guard.h"
#include "core/pipeline/report.h"
#include "core/pipeline/session.h"
#include "core/pipeline/summary.h"

#include <string.h>

struct story {
    struct session session;
    struct guard guard;
    struct backup backup;
    struct points points;
    int64_t finished_ms; /* store's clock */
    struct point point;
};

static void story_cleanup(struct story *story)
{
    meter_stop(&story->session.meter);
    pool_close(story->session.pool); /* before what its jobs use */
    story->session.pool = NULL;
    point_cleanup(&story->point);
    points_cleanup(&story->points);
    backup_cleanup(&story->backup);
    guard_cleanup(&story->guard);
    session_cleanup(&story->session);
}

static int config_stage(struct story *story, const struct options *options, struct log *log, struct sf_error *err)
{
    struct session *session = &story->session;
    struct backup *backup = &story->backup;

    if (session_open(session, options, log, true, err) < 0 ||
        (!options->dry_run && session_choose_workers(session, err) < 0))
        return -1;
    *backup = (struct backup){.config = &session->config,
                              .base = &session->base,
                              .log = log,
                              .meter = &session->meter,
                              .temp_dir = session->state.temp_dir,
                              .dry_run = options->dry_run,
                              .dry_run_out = options->json ? NULL : stdout,
                              .locked = {.mutex = PTHREAD_MUTEX_INITIALIZER}};
    memcpy(backup->claim.run, session->id, sizeof(backup->claim.run));
    memcpy(backup->claim.state_id, session->state.id, sizeof(backup->claim.state_id));
    state_identity(&session->state, backup->claim.identity);
    backup->claim.timeout_ms = session->config.timeout_ms;
    backup->claim.grace_ms = session->config.grace_ms;
    backup->claim.sources = session->config.sources;
    backup->claim.source_count = session->config.source_count;
    return 0;
}

static int guard_stage(struct story *story, struct sf_error *err)
{
    struct session *session = &story->session;
    struct guard_holder holder;
    bool held = false;

    if (story->backup.dry_run || guard_take(&story->guard, session->state.folder, session->base_name, session->id,
                                            "backup", &held, &holder, err) == 0)
        return 0;
    if (held)
        session->code = EXIT_GUARD;
    return -1;
}

static int sources_stage(struct story *story, struct sf_error *err)
{
    struct session *session = &story->session;

    if (backup_open_sources(&story->backup, session->config.sources, session->config.source_count, err) == 0)
        return session_check_sources(session, err);
    if (err->cls == SF_INVALID)
        session->code = EXIT_USAGE;
    return -1;
}

/* Claims a time-dir, and only then reads the points a parent is chosen from: nothing newer can be missed. */
static int claim_and_read(struct story *story, struct sf_error *err)
{
    struct backup *backup = &story->backup;

    if (points_read(&story->points, backup->base, false, err) < 0)
        return -1;
    if (backup->dry_run)
        return 0;
    if (point_claim(&backup->claim, backup->base, backup->config->time_style, &story->points, err) < 0)
        return -1;
    points_cleanup(&story->points);
    return points_read(&story->points, backup->base, false, err);
}

/* What is wrong with the destination as a whole mostly shows here: so it is named. */
static int open_stage(struct story *story, struct sf_error *err)
{
    struct backup *backup = &story->backup;

    if (claim_and_read(story, err) < 0)
        return err_prefix(err, "destination %s", story->session.base_name);
    return backup_choose_parents(backup, &story->points, err);
}

static int lanes_stage(struct story *story, struct sf_error *err)
{
    struct session *session = &story->session;
    struct backup *backup = &story->backup;
    size_t i;

    if (!backup->dry_run) {
        backup_sweep_uploads(backup);
        if (session_open_pool(session, err) < 0)
            return -1;
        backup->pool = session->pool;
    }
    session->meter.stage = "send";
    meter_start(&session->meter, session->options->progress, "backup", session->log);
    for (i = 0; i < backup->source_count; i++)
        if (backup_gather(backup, &backup->sources[i], err) < 0)
            return -1;
    session->meter.total_known = true;
    return backup->dry_run ? 0 : backup_finish_lanes(backup, err);
}

static int check_stage(struct story *story, struct sf_error *err)
{
    story->session.meter.stage = "check";
    return backup_check(&story->backup, err);
}

static int manifests_stage(struct story *story, struct sf_error *err)
{
    const struct point_open *claim = &story->backup.claim;
    int64_t now_ms = clock_wall_ms() + claim->server_offset_ms;

    story->session.meter.stage = "commit";
    story->finished_ms = now_ms < claim->started_ms ? claim->started_ms : now_ms;
    return backup_write_manifests(&story->backup, story->finished_ms, err);
}

static int commit_stage(struct story *story, struct sf_error *err)
{
    struct backup *backup = &story->backup;
    AUTO_FREE int *manifests = mem_alloc(backup->source_count * sizeof(*manifests));
    size_t i;

    for (i = 0; i < backup->source_count; i++)
        manifests[i] = backup->sources[i].manifest_fd;
    if (run_call_cancelled(backup->base->run))
        return run_call_cancel_error(backup->base->run, err);
    backup_describe_point(backup, story->finished_ms, &story->point);
    return point_commit(&story->point, manifests, backup->base, err);
}

static int run(struct story *story, const struct options *options, struct log *log, struct sf_error *err)
{
    if (config_stage(story, options, log, err) < 0 || guard_stage(story, err) < 0 || sources_stage(story, err) < 0 ||
        open_stage(story, err) < 0 || lanes_stage(story, err) < 0)
        return -1;
    if (options->dry_run)
        return 0;
    if (check_stage(story, err) < 0 || manifests_stage(story, err) < 0 || commit_stage(story, err) < 0)
        return -1;
    return 0;
}

/* Nothing of this run is on its way any more. */
static void sweep(struct story *story)
{
    struct session *session = &story->session;

    if (session->pool == NULL)
        return;
    pool_close(session->pool);
    session->pool = NULL;
    backup_sweep_own_uploads(&story->backup);
}

/* Ends what is still on its way. If a file's failure came first, that is what the run ends with. */
static void stop_lanes(struct story *story, struct sf_error *err)
{
    struct session *session = &story->session;
    struct sf_error first = SF_ERROR_INIT;

    if (session->pool == NULL)
        return;
    run_call_fail(&session->run, err);
    if (pool_wait(session->pool, &first) < 0 && first.cls != SF_CANCELLED)
        *err = first;
}

enum exit_code pipeline_backup(const struct options *options, struct log *log)
{
    SF_AUTO(story) story = {.guard = GUARD_INIT};
    struct failure failure = {.err = SF_ERROR_INIT};
    int printed;

    if (run(&story, options, log, &failure.err) < 0) {
        stop_lanes(&story, &failure.err);
        failure.set = true;
        failure.path = story.backup.locked.failed_path;
        failure.code =
            story.session.code != EXIT_FAILED ? story.session.code : report_code(&story.session, &failure.err);
    }
    sweep(&story);
    meter_stop(&story.session.meter);
    report_failure(&story.session, &failure);
    if (!failure.set)
        summary_log(&story.session, &story.backup);
    printed = options->json ? summary_print_json(&story.session, &story.backup, &failure) : report_flush(log);
    if (printed < 0 && !failure.set)
        return EXIT_FAILED;
    return failure.set ? failure.code : EXIT_DONE;
}
