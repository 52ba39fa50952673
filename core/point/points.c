/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads all points of a base: one list of points/, a get a commit, and of the .open where there is no whole commit. Called at
 * the start of every pipeline. Memory grows with the number of points, which retention bounds, not with files.
 */
#include "core/point/point.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* What the list of points/ says of one time-dir. */
struct mark {
    char time_dir[TIME_DIR_MAX + 1];
    bool open;
    bool commit;
};

struct marks {
    struct mark *items;
    size_t count;
    size_t prefix_bytes; /* of the keys that are listed */
};

static void marks_cleanup(struct marks *marks)
{
    free(marks->items);
}

/* The mark of a time-dir, made if it is new. Lists come in order, so it is the last one or new. */
static struct mark *take_mark(struct marks *marks, const char *time_dir)
{
    struct mark *mark = marks->count > 0 ? &marks->items[marks->count - 1] : NULL;

    if (mark != NULL && strcmp(mark->time_dir, time_dir) == 0)
        return mark;
    if ((marks->count & (marks->count + 1)) == 0) /* 0, 1, 3, 7, ...: room for twice as many and one */
        marks->items = mem_resize(marks->items, (2 * marks->count + 1) * sizeof(*marks->items));
    mark = &marks->items[marks->count++];
    *mark = (struct mark){{0}, false, false};
    memcpy(mark->time_dir, time_dir, strlen(time_dir) + 1);
    return mark;
}

/* Copies the part before the suffix if that is a time-dir's name. */
static bool split_name(const char *name, const char *suffix, char time_dir[TIME_DIR_MAX + 1])
{
    size_t length = strlen(name), tail = strlen(suffix);

    if (length <= tail || length - tail > TIME_DIR_MAX || strcmp(name + length - tail, suffix) != 0)
        return false;
    memcpy(time_dir, name, length - tail);
    time_dir[length - tail] = '\0';
    return time_dir_is_valid(time_dir);
}

static int take_point_key(void *ctx, const struct sf_object *object, struct sf_error *err)
{
    struct marks *marks = ctx;
    const char *name = object->key + marks->prefix_bytes;
    char time_dir[TIME_DIR_MAX + 1];

    (void)err;
    if (split_name(name, ".commit", time_dir))
        take_mark(marks, time_dir)->commit = true;
    else if (split_name(name, ".open", time_dir))
        take_mark(marks, time_dir)->open = true;
    return 0;
}

static int compare_marks(const void *a, const void *b)
{
    return strcmp(((const struct mark *)a)->time_dir, ((const struct mark *)b)->time_dir);
}

static int list_marks(struct marks *marks, const struct base *base, struct sf_error *err)
{
    SF_AUTO(buf) prefix = BUF_INIT;
    struct sf_list_query query = {.size = sizeof(query)};

    key_points(base, &prefix);
    query.prefix = prefix.data;
    marks->prefix_bytes = prefix.length;
    if (store_list(base->store, &base->run->call, base->conn, &query, take_point_key, NULL, marks, err) < 0)
        return err_prefix(err, "cannot list the restore points");
    /* as keys, "2026-11-22-15.open" stood before "2026-11-22.open" */
    if (marks->count > 0)
        qsort(marks->items, marks->count, sizeof(*marks->items), compare_marks);
    return 0;
}

/* 1: *text holds the object; 0: there is none any more; -1: failed. What a point object can never be (too large, digest wrong) comes
 * back as an empty text with the reason in *problem. */
static int get_text(const struct base *base, const char *time_dir, const char *suffix, struct buf *text,
                    struct sf_object *object, char **problem, struct sf_error *err)
{
    SF_AUTO(buf) key = BUF_INIT;

    key_point(base, time_dir, suffix, &key);
    if (store_get_memory(base->store, &base->run->call, base->conn, key.data, POINT_OBJECT_MAX, text, object, err) == 0)
        return 1;
    if (err->cls == SF_NOT_FOUND)
        return 0;
    if (err->cls != SF_TOO_LARGE && err->cls != SF_CORRUPT)
        return err_prefix(err, "cannot read restore point %s", time_dir);
    *problem = mem_text(err->text);
    buf_clear(text);
    return 1;
}

static int read_commit(struct point *point, const struct base *base, const char *time_dir, struct sf_error *err)
{
    SF_AUTO(buf) text = BUF_INIT;
    struct sf_object object = {.size = sizeof(object)};
    char *problem = NULL;
    int got = get_text(base, time_dir, ".commit", &text, &object, &problem, err);

    if (got <= 0)
        return got;
    point_parse_commit(point, time_dir, buf_text(&text), text.length);
    if (problem != NULL) {
        free(point->problem);
        point->problem = problem;
    }
    memcpy(point->tag, object.tag, strnlen(object.tag, SF_TAG_MAX));
    return 1;
}

/* Fills what a point without a whole commit does not know of itself. */
static int read_open(struct point *point, const struct base *base, const char *time_dir, struct sf_error *err)
{
    SF_AUTO(buf) text = BUF_INIT;
    SF_AUTO(point) open = {0};
    struct sf_object object = {.size = sizeof(object)};
    AUTO_FREE char *problem = NULL;
    int got = get_text(base, time_dir, ".open", &text, &object, &problem, err);

    if (got <= 0)
        return got;
    point_parse_open(&open, time_dir, buf_text(&text), text.length);
    memcpy(point->run, open.run, sizeof(point->run));
    memcpy(point->identity, open.identity, sizeof(point->identity));
    point->started_ms = open.started_ms;
    point->sources = ptr_take(&open.sources);
    point->source_count = open.source_count;
    open.source_count = 0;
    return 1;
}

/* 1: *point is filled; 0: its objects went away since they were listed. */
static int read_point(struct point *point, const struct base *base, const struct mark *mark, struct sf_error *err)
{
    int commit = mark->commit ? read_commit(point, base, mark->time_dir, err) : 0, open;

    if (commit < 0 || (commit > 0 && point->status == POINT_COMPLETE))
        return commit;
    if (commit == 0) {
        *point = (struct point){.status = POINT_INCOMPLETE};
        memcpy(point->time_dir, mark->time_dir, sizeof(point->time_dir));
    }
    open = mark->open ? read_open(point, base, mark->time_dir, err) : 0;
    return open < 0 ? -1 : commit > 0 || open > 0;
}

int point_read_state_id(const struct base *base, const char *time_dir, char state_id[33], struct sf_error *err)
{
    SF_AUTO(buf) text = BUF_INIT;
    struct sf_object object = {.size = sizeof(object)};
    AUTO_FREE char *problem = NULL;
    int got = get_text(base, time_dir, ".open", &text, &object, &problem, err);

    state_id[0] = '\0';
    if (got > 0)
        point_parse_state_id(buf_text(&text), text.length, state_id);
    return got < 0 ? -1 : 0;
}

static int take_prefix(void *ctx, const char *prefix, struct sf_error *err)
{
    struct marks *marks = ctx;
    char time_dir[TIME_DIR_MAX + 1];

    (void)err;
    if (split_name(prefix + marks->prefix_bytes, "/", time_dir))
        take_mark(marks, time_dir);
    return 0;
}

/* All time-dirs with something in them. */
static int list_time_dirs(struct marks *found, const struct base *base, struct sf_error *err)
{
    SF_AUTO(buf) prefix = BUF_INIT;
    struct sf_list_query query = {.size = sizeof(query), .delimiter = "/"};

    if (base->prefix[0] != '\0')
        buf_printf(&prefix, "%s/", base->prefix);
    query.prefix = buf_text(&prefix);
    found->prefix_bytes = prefix.length;
    if (store_list(base->store, &base->run->call, base->conn, &query, NULL, take_prefix, found, err) < 0)
        return err_prefix(err, "cannot list the time-dirs");
    return 0;
}

/* Adds the time-dirs that have no mark of ours. */
static void add_foreign(struct points *points, const struct marks *found, const struct marks *marked)
{
    size_t i;

    points->items = mem_resize(points->items, (points->count + found->count + 1) * sizeof(*points->items));
    for (i = 0; i < found->count; i++) {
        struct point *point = &points->items[points->count];

        if (marked->count > 0 &&
            bsearch(&found->items[i], marked->items, marked->count, sizeof(found->items[i]), compare_marks) != NULL)
            continue;
        *point = (struct point){.status = POINT_UNVERIFIED};
        memcpy(point->time_dir, found->items[i].time_dir, sizeof(point->time_dir));
        points->count++;
    }
}

/* Those without a start (0) first. */
static int compare_points(const void *left, const void *right)
{
    const struct point *a = left, *b = right;

    if (a->started_ms != b->started_ms)
        return a->started_ms < b->started_ms ? -1 : 1;
    return strcmp(a->time_dir, b->time_dir);
}

static int read_all(struct points *points, const struct base *base, const struct marks *marks, struct sf_error *err)
{
    size_t i;

    points->items = mem_alloc((marks->count + 1) * sizeof(*points->items));
    for (i = 0; i < marks->count; i++) {
        int got = read_point(&points->items[points->count], base, &marks->items[i], err);

        if (got <= 0)
            point_cleanup(&points->items[points->count]);
        if (got < 0)
            return -1;
        points->count += (size_t)got;
    }
    return 0;
}

int points_read(struct points *points, const struct base *base, bool foreign, struct sf_error *err)
{
    __attribute__((cleanup(marks_cleanup))) struct marks found = {NULL, 0, 0}, marks = {NULL, 0, 0};

    *points = (struct points){NULL, 0};
    /* In this order: a run marks its time-dir before it fills it, so none of ours is taken for a foreign one. */
    if ((foreign && list_time_dirs(&found, base, err) < 0) || list_marks(&marks, base, err) < 0)
        return -1;
    if (read_all(points, base, &marks, err) < 0) {
        points_cleanup(points);
        return -1;
    }
    if (foreign)
        add_foreign(points, &found, &marks);
    if (points->count > 0)
        qsort(points->items, points->count, sizeof(*points->items), compare_points);
    return 0;
}

void points_cleanup(struct points *points)
{
    size_t i;

    for (i = 0; i < points->count; i++)
        point_cleanup(&points->items[i]);
    free(points->items);
    *points = (struct points){NULL, 0};
}
