/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/point/bed.h"

#include "base/mem.h"
#include "tests/kit/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct bed the_bed;

static bool is_meant(const char *key)
{
    size_t length = strlen(key), tail = the_bed.on != NULL ? strlen(the_bed.on) : 0;

    return tail > 0 && length >= tail && strcmp(key + length - tail, the_bed.on) == 0;
}

static void note(const struct sf_put *put)
{
    uint32_t i;

    the_bed.puts++;
    the_bed.flags = put->flags;
    the_bed.precondition = put->precondition;
    the_bed.meta[0] = '\0';
    for (i = 0; i < put->meta_count; i++) {
        size_t used = strlen(the_bed.meta);

        snprintf(the_bed.meta + used, sizeof(the_bed.meta) - used, "%s=%s,", put->meta[i].key, put->meta[i].value);
    }
}

static int lose(struct sf_error *err)
{
    sf_fail(err, SF_TRANSIENT, "the line went dead");
    err->maybe_applied = 1;
    return -1;
}

static int put_through(const struct sf_call *call, struct sf_conn *conn, const struct sf_put *put,
                       struct sf_object *object, struct sf_error *err)
{
    struct sf_object ignored = {.size = sizeof(ignored)};
    int result;

    if (is_meant(put->key)) {
        note(put);
        switch (the_bed.fault) {
        case BED_NONE:
            break;
        case BED_LOST_ANSWER:
            the_bed.bare.table->put(call, conn, put, &ignored, err);
            return lose(err);
        case BED_LOST_REQUEST:
            return lose(err);
        case BED_RIVAL:
            kit_store_put(&the_bed.bare, &the_bed.run, put->key, the_bed.rival);
            break;
        case BED_DENIED:
            return sf_fail(err, SF_DENIED, "you may not");
        }
    }
    result = the_bed.bare.table->put(call, conn, put, object, err);
    if (result == 0 && the_bed.server_time_ms != 0)
        object->server_time_ms = the_bed.server_time_ms;
    return result;
}

static int get_through(const struct sf_call *call, struct sf_conn *conn, const struct sf_get *get,
                       const struct sf_sink *sink, struct sf_object *object, struct sf_error *err)
{
    if (the_bed.get_class != SF_OK && is_meant(get->key))
        return sf_fail(err, the_bed.get_class, "the get was made to fail");
    return the_bed.bare.table->get(call, conn, get, sink, object, err);
}

struct bed *bed_open(const char *prefix)
{
    struct bed *bed = &the_bed;
    struct sf_error err = SF_ERROR_INIT;

    memset(bed, 0, sizeof(*bed));
    run_call_init(&bed->run, 0);
    kit_store_open(&bed->bare, &bed->run, "bed");
    bed->table = *bed->bare.table;
    bed->table.put = put_through;
    bed->table.get = get_through;
    bed->store = bed->bare;
    bed->store.table = &bed->table;
    bed->base = (struct base){.store = &bed->store, .run = &bed->run, .prefix = prefix};
    ck_assert_int_eq(bed->bare.table->conn_open(&bed->run.call, bed->bare.handle, &bed->base.conn, &err), 0);
    return bed;
}

void bed_close(struct bed *bed)
{
    bed->bare.table->conn_close(bed->base.conn);
    store_cleanup(&bed->bare);
}

static char *whole_key(const struct bed *bed, const char *key)
{
    return mem_printf("%s%s%s", bed->base.prefix, bed->base.prefix[0] != '\0' ? "/" : "", key);
}

void bed_put(struct bed *bed, const char *key, const char *text)
{
    AUTO_FREE char *whole = whole_key(bed, key);

    kit_store_put(&bed->bare, &bed->run, whole, text);
}

char *bed_get(struct bed *bed, const char *key)
{
    AUTO_FREE char *whole = whole_key(bed, key);

    return kit_store_get(&bed->bare, &bed->run, whole);
}

struct point bed_point(const char *time_dir, int64_t started_ms, size_t sources, ...)
{
    struct point point = {.status = POINT_COMPLETE, .started_ms = started_ms, .finished_ms = started_ms + 5000};
    va_list args;
    size_t i;

    snprintf(point.time_dir, sizeof(point.time_dir), "%s", time_dir);
    snprintf(point.run, sizeof(point.run), "%s", RUN_A);
    snprintf(point.identity, sizeof(point.identity), "db-1");
    point.sources = mem_alloc(sources * sizeof(*point.sources));
    point.source_count = sources;
    va_start(args, sources);
    for (i = 0; i < sources; i++) {
        struct point_source *source = &point.sources[i];

        snprintf(source->name, sizeof(source->name), "%s", va_arg(args, const char *));
        source->manifest.counts = (struct manifest_counts){10 + i, 5 + i, 1000 + i};
        source->manifest.object_bytes = 100 + i;
        memset(source->manifest.sha256, (int)(0x10 + i), SHA256_BYTES);
    }
    va_end(args);
    return point;
}

void bed_commit(struct bed *bed, const struct point *point)
{
    AUTO_FREE char *key = mem_printf(".snapferry/points/%s.commit", point->time_dir);
    SF_AUTO(buf) text = BUF_INIT;

    point_format_commit(point, &text);
    bed_put(bed, key, buf_text(&text));
}
