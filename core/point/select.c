/* SPDX-License-Identifier: Apache-2.0
 *
 * Which point "latest", a time-dir or a run id means, and what to say when it means none that can be restored. Pure functions.
 */
#include "core/point/point.h"

#include "base/err.h"

#include <string.h>

#define RUN_PREFIX_MIN 8
#define NEAR_MAX 3

const struct point_source *point_find_source(const struct point *point, const char *name)
{
    size_t i;

    for (i = 0; i < point->source_count; i++) {
        if (strcmp(point->sources[i].name, name) == 0)
            return &point->sources[i];
    }
    return NULL;
}

static const char *missing_source(const struct point *point, const char *const *wanted, size_t wanted_count)
{
    size_t i;

    for (i = 0; i < wanted_count; i++) {
        if (point_find_source(point, wanted[i]) == NULL)
            return wanted[i];
    }
    return NULL;
}

static void add_sources(struct buf *out, const struct point *point)
{
    size_t i;

    for (i = 0; i < point->source_count; i++)
        buf_printf(out, "%s%s", i > 0 ? ", " : "", point->sources[i].name);
}

static size_t count_status(const struct points *points, enum point_status status)
{
    size_t i, count = 0;

    for (i = 0; i < points->count; i++)
        count += points->items[i].status == status;
    return count;
}

/* There is no complete point at all. */
static int fail_none(const struct points *points, struct sf_error *err)
{
    SF_AUTO(buf) others = BUF_INIT;
    const struct {
        enum point_status status;
        const char *word;
    } kinds[] = {{POINT_INCOMPLETE, "unfinished"},
                 {POINT_STUB, "pruned or never committed"},
                 {POINT_DAMAGED, "damaged"},
                 {POINT_UNVERIFIED, "made by another tool"}};
    size_t i;

    if (points->count == 0)
        return sf_fail(err, SF_NOT_FOUND, "there is no restore point yet");
    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t count = count_status(points, kinds[i].status);

        if (count > 0)
            buf_printf(&others, "%s%zu %s", others.length > 0 ? ", " : "", count, kinds[i].word);
    }
    return sf_fail(err, SF_NOT_FOUND, "there is no complete restore point (%s)", buf_text(&others));
}

static int fail_sources(const struct points *points, const char *const *wanted, size_t wanted_count,
                        struct sf_error *err)
{
    SF_AUTO(buf) names = BUF_INIT;
    size_t i, n;

    for (i = 0; i < wanted_count; i++) {
        bool held = false;

        for (n = 0; n < points->count && !held; n++)
            held = points->items[n].status == POINT_COMPLETE && point_find_source(&points->items[n], wanted[i]) != NULL;
        if (!held)
            return sf_fail(err, SF_NOT_FOUND, "source '%s' is in no complete restore point", wanted[i]);
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", wanted[i]);
    }
    return sf_fail(err, SF_NOT_FOUND, "no complete restore point holds all of these sources: %s", buf_text(&names));
}

static int select_latest(const struct points *points, const char *const *wanted, size_t wanted_count,
                         const struct point **point, struct sf_error *err)
{
    size_t i;

    for (i = points->count; i > 0; i--) {
        const struct point *candidate = &points->items[i - 1];

        if (candidate->status == POINT_COMPLETE && missing_source(candidate, wanted, wanted_count) == NULL) {
            *point = candidate;
            return 0;
        }
    }
    if (count_status(points, POINT_COMPLETE) == 0)
        return fail_none(points, err);
    return fail_sources(points, wanted, wanted_count, err);
}

static size_t common_bytes(const char *a, const char *b)
{
    size_t i = 0;

    while (a[i] != '\0' && a[i] == b[i])
        i++;
    return i;
}

/* Names the few complete points whose time-dirs or runs begin most like what was asked for, among equals the newest. */
static int fail_unknown(const struct points *points, const char *which, struct sf_error *err)
{
    const struct point *near[NEAR_MAX] = {NULL};
    size_t scores[NEAR_MAX] = {0}, count = 0, i, at;
    SF_AUTO(buf) names = BUF_INIT;
    char shown[80];

    for (i = points->count; i > 0; i--) {
        const struct point *point = &points->items[i - 1];
        size_t by_name = common_bytes(point->time_dir, which), by_run = common_bytes(point->run, which);
        size_t score = by_name > by_run ? by_name : by_run;

        if (point->status != POINT_COMPLETE)
            continue;
        for (at = count; at > 0 && scores[at - 1] < score; at--) {
            if (at < NEAR_MAX) {
                near[at] = near[at - 1];
                scores[at] = scores[at - 1];
            }
        }
        if (at < NEAR_MAX) {
            near[at] = point;
            scores[at] = score;
            count += count < NEAR_MAX;
        }
    }
    if (count == 0)
        return fail_none(points, err);
    for (i = 0; i < count; i++)
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", near[i]->time_dir);
    return sf_fail(err, SF_NOT_FOUND, "there is no restore point '%s'; nearest: %s",
                   err_printable(which, shown, sizeof(shown)), buf_text(&names));
}

static int fail_stub(const struct point *point, struct sf_error *err)
{
    if (strcmp(point->problem, "pruned") == 0)
        return sf_fail(err, SF_NOT_FOUND, "point %s was pruned: retention dropped it", point->time_dir);
    if (strcmp(point->problem, "never") == 0)
        return sf_fail(err, SF_NOT_FOUND, "point %s was never committed: its run was shut out by another one",
                       point->time_dir);
    return sf_fail(err, SF_NOT_FOUND, "point %s does not exist any more: %s", point->time_dir, point->problem);
}

/* One that was named: can it be used? */
static int check_named(const struct point *point, const char *const *wanted, size_t wanted_count, struct sf_error *err)
{
    const char *missing;

    switch (point->status) {
    case POINT_COMPLETE:
        break;
    case POINT_INCOMPLETE:
        return sf_fail(err, SF_NOT_FOUND, "point %s is unfinished: its run%s%s was killed or is still going",
                       point->time_dir, point->run[0] != '\0' ? " " : "", point->run);
    case POINT_STUB:
        return fail_stub(point, err);
    case POINT_DAMAGED:
        return sf_fail(err, SF_CORRUPT, "point %s: its commit object is damaged: %s", point->time_dir, point->problem);
    case POINT_UNVERIFIED:
        return sf_fail(
            err, SF_NOT_FOUND,
            "time-dir %s was made by another tool: Snapferry cannot verify it, and restoring such time-dirs is "
            "not supported yet",
            point->time_dir);
    }
    missing = missing_source(point, wanted, wanted_count);
    if (missing != NULL) {
        SF_AUTO(buf) names = BUF_INIT;

        add_sources(&names, point);
        return sf_fail(err, SF_NOT_FOUND, "point %s does not hold source '%s', only: %s", point->time_dir, missing,
                       buf_text(&names));
    }
    return 0;
}

static bool is_run_prefix(const char *text)
{
    size_t length = strspn(text, "0123456789abcdef");

    return text[length] == '\0' && length >= RUN_PREFIX_MIN && length <= RUN_ID_HEX;
}

static int find_named(const struct points *points, const char *which, const struct point **point, struct sf_error *err)
{
    bool by_run = is_run_prefix(which);
    size_t i;

    for (i = 0; i < points->count; i++) {
        const struct point *candidate = &points->items[i];

        if (strcmp(candidate->time_dir, which) != 0 && (!by_run || strncmp(candidate->run, which, strlen(which)) != 0))
            continue;
        if (*point != NULL)
            return sf_fail(err, SF_NOT_FOUND, "more than one run begins with '%s': %s and %s; give more digits", which,
                           (*point)->run, candidate->run);
        *point = candidate;
    }
    return *point != NULL ? 0 : fail_unknown(points, which, err);
}

int points_select(const struct points *points, const char *which, const char *const *wanted, size_t wanted_count,
                  const struct point **point, struct sf_error *err)
{
    const struct point *found = NULL;

    if (strcmp(which, "latest") == 0)
        return select_latest(points, wanted, wanted_count, point, err);
    if (find_named(points, which, &found, err) < 0 || check_named(found, wanted, wanted_count, err) < 0)
        return -1;
    *point = found;
    return 0;
}
