/* SPDX-License-Identifier: Apache-2.0
 *
 * A time-dir of its own for a run: creating .open claims it, since only one can. Called by backup before it writes anything
 * else. Pipeline's thread.
 */
#include "core/point/point.h"

#include "base/clock.h"
#include "base/err.h"
#include "core/point/put.h"

#include <string.h>

#define CLAIM_TRIES 3600 /* names, the last an hour ahead; those known to be taken cost no request */

/* Stops a list at its first key. */
static int see_object(void *ctx, const struct sf_object *object, struct sf_error *err)
{
    (void)object;
    *(bool *)ctx = true;
    return sf_fail(err, SF_EXISTS, "not empty");
}

/* 1: the name has a mark, or something lies under it (another tool's, or what is left of a run). */
static int is_taken(const struct base *base, const struct points *before, const char *time_dir, struct sf_error *err)
{
    SF_AUTO(buf) prefix = BUF_INIT;
    struct sf_list_query query = {.size = sizeof(query), .page_max = 1};
    bool seen = false;
    size_t i;

    for (i = 0; i < before->count; i++) {
        if (strcmp(before->items[i].time_dir, time_dir) == 0)
            return 1;
    }
    if (base->prefix[0] != '\0')
        buf_printf(&prefix, "%s/", base->prefix);
    buf_printf(&prefix, "%s/", time_dir);
    query.prefix = prefix.data;
    if (store_list(base->store, &base->run->call, base->conn, &query, see_object, NULL, &seen, err) < 0 && !seen)
        return err_prefix(err, "cannot list %s", prefix.data);
    return seen;
}

/* 1: the time-dir is ours, *server_ms is the store's clock; 0: another run was faster. */
static int create_open(struct point_open *open, const struct base *base, int64_t *server_ms, struct sf_error *err)
{
    SF_AUTO(buf) key = BUF_INIT;
    SF_AUTO(buf) text = BUF_INIT;
    SF_AUTO(buf) found = BUF_INIT;
    struct sf_object object = {.size = sizeof(object)};
    struct sf_error failure = SF_ERROR_INIT;
    struct point_put put = {.run = open->run};
    enum point_found result = POINT_FOUND_NOTHING;

    key_point(base, open->time_dir, ".open", &key);
    put.key = key.data;
    point_format_open(open, &text);
    if (text.length == 0)
        return sf_fail(err, SF_INVALID, "the run's identity or a source's name is not UTF-8");
    if (point_put_text(base, &put, &text, &object, &failure) < 0) {
        if (point_put_is_open(&failure) && point_compare_text(base, key.data, &text, &found, &object, &result, err) < 0)
            return err_prefix(err, "cannot claim %s", key.data);
        if (result == POINT_FOUND_NOTHING) {
            *err = failure;
            return err_prefix(err, "cannot claim %s", key.data);
        }
        if (result == POINT_FOUND_OTHER)
            return 0;
    }
    *server_ms = object.server_time_ms;
    return 1;
}

/* The point's start: the store's clock, so that runs of all machines compare, but later than what is committed, whatever
 * that clock does. */
static void set_start(struct point_open *open, int64_t local_ms, int64_t server_ms, const struct points *before)
{
    size_t i;

    open->server_offset_ms = server_ms != 0 ? server_ms - local_ms : 0;
    open->started_ms = server_ms != 0 ? server_ms : local_ms;
    for (i = 0; i < before->count; i++) {
        const struct point *point = &before->items[i];

        if (point->status == POINT_COMPLETE && open->started_ms <= point->started_ms)
            open->started_ms = point->started_ms + 1;
    }
}

static int claim(struct point_open *open, const struct base *base, enum time_style style, const struct points *before,
                 struct sf_error *err)
{
    int64_t name_ms = clock_wall_ms(), server_ms = 0;
    int tries, taken, ours;

    for (tries = 0; tries < CLAIM_TRIES; tries++) {
        if (run_call_cancelled(base->run))
            return run_call_cancel_error(base->run, err);
        open->started_ms = clock_wall_ms();
        time_dir_name(style, name_ms, open->time_dir);
        taken = is_taken(base, before, open->time_dir, err);
        if (taken < 0)
            return -1;
        ours = taken ? 0 : create_open(open, base, &server_ms, err);
        if (ours < 0)
            return -1;
        if (ours > 0) {
            set_start(open, clock_wall_ms(), server_ms, before);
            return 0;
        }
        if (style == TIME_STYLE_RUN)
            name_ms += 1000; /* a name is only a name: what is newest is said by `started` */
        style = TIME_STYLE_RUN;
    }
    return sf_fail(err, SF_EXISTS, "no free time-dir: %d names in a row were taken, last %s; is another run busy here?",
                   CLAIM_TRIES, open->time_dir);
}

int point_claim(struct point_open *open, const struct base *base, enum time_style style, const struct points *before,
                struct sf_error *err)
{
    if (claim(open, base, style, before, err) == 0)
        return 0;
    open->time_dir[0] = '\0';
    return -1;
}
