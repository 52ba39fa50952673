/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "core/point/point.h"
#include "tests/kit/unit.h"
#include "tests/unit/point/bed.h"

#include <string.h>

#define OPEN(run, started)                                                                                             \
    "{\"format\":\"snapferry-open\",\"version\":1,\"run\":\"" run "\",\"identity\":\"db-1\",\"state_id\":\"\","        \
    "\"started\":\"" started "\",\"sources\":[\"stream\"]}\n"

static void commit(struct bed *bed, const char *time_dir, int64_t started_ms)
{
    SF_AUTO(point) point = bed_point(time_dir, started_ms, 1, "stream");

    bed_commit(bed, &point);
}

static struct points read_points(struct bed *bed, bool foreign)
{
    struct points points = {NULL, 0};
    struct sf_error err = SF_ERROR_INIT;

    if (points_read(&points, &bed->base, foreign, &err) != 0)
        ck_abort_msg("%s", err.text);
    return points;
}

static void expect_point(const struct point *point, enum point_status status, const char *time_dir)
{
    ck_assert_str_eq(point->time_dir, time_dir);
    ck_assert_msg(point->status == status, "%s: status %d, %s", time_dir, (int)point->status,
                  point->problem != NULL ? point->problem : "no problem");
}

static void fill(struct bed *bed)
{
    commit(bed, "2026-11-22", STARTED);
    bed_put(bed, ".snapferry/points/2026-11-22.open", OPEN(RUN_B, "2026-11-22T00:00:00Z"));
    commit(bed, "2026-11-23", STARTED - 1000); /* a later name, but the older point */
    bed_put(bed, ".snapferry/points/2026-11-22-07.open", OPEN(RUN_B, "2026-11-22T07:00:00Z"));
    bed_put(bed, ".snapferry/points/2026-11-21.open", "garbage");
    bed_put(bed, ".snapferry/points/2026-11-20.open", OPEN(RUN_B, "2026-11-20T00:00:00Z"));
    bed_put(bed, ".snapferry/points/2026-11-20.commit", "{\"stub\":\"pruned\"}\n");
    bed_put(bed, ".snapferry/points/2026-11-19.commit", "{\"stub\":\"never\"}\n");
    bed_put(bed, ".snapferry/points/2026-11-18.commit", "half a poi");
    bed_put(bed, ".snapferry/points/2026-11-18.open", OPEN(RUN_B, "2026-11-18T00:00:00Z"));
    /* not ours to read */
    bed_put(bed, ".snapferry/points/readme.txt", "x");
    bed_put(bed, ".snapferry/points/2026-13-01.commit", "x");
    bed_put(bed, ".snapferry/points/2026-11-17.commit/x", "x");
    bed_put(bed, ".snapferry/points/.open", "x");
    bed_put(bed, ".snapferry/lease/0000000000000001", "x");
    bed_put(bed, "2026-11-22/stream/a", "x");
    bed_put(bed, "2026-11-22-07/stream/a", "x"); /* as keys its marks come before those of 2026-11-22 */
    bed_put(bed, "2026-10-01/stream/a", "x");
    bed_put(bed, "2026-10-01-05/a", "x");
    bed_put(bed, "2026-09-09", "a file, no time-dir");
    bed_put(bed, "other/a", "x");
}

START_TEST(every_kind_is_told_apart)
{
    static const char *const prefixes[] = {"", "prod/db-1"};
    size_t i;

    for (i = 0; i < 2; i++) {
        struct bed *bed = bed_open(prefixes[i]);
        struct points points;

        fill(bed);
        points = read_points(bed, true);
        ck_assert_uint_eq(points.count, 9);
        expect_point(&points.items[0], POINT_UNVERIFIED, "2026-10-01");
        expect_point(&points.items[1], POINT_UNVERIFIED, "2026-10-01-05");
        expect_point(&points.items[2], POINT_STUB, "2026-11-19");
        ck_assert_str_eq(points.items[2].problem, "never");
        expect_point(&points.items[3], POINT_INCOMPLETE, "2026-11-21"); /* no start is known */
        expect_point(&points.items[4], POINT_DAMAGED, "2026-11-18");
        ck_assert_ptr_nonnull(strstr(points.items[4].problem, "middle of line 1"));
        ck_assert_str_eq(points.items[4].run, RUN_B);
        expect_point(&points.items[5], POINT_STUB, "2026-11-20");
        ck_assert_str_eq(points.items[5].problem, "pruned");
        ck_assert_str_eq(points.items[5].run, RUN_B);
        ck_assert_ptr_nonnull(point_find_source(&points.items[5], "stream"));
        expect_point(&points.items[6], POINT_INCOMPLETE, "2026-11-22-07");
        expect_point(&points.items[7], POINT_COMPLETE, "2026-11-23");
        expect_point(&points.items[8], POINT_COMPLETE, "2026-11-22");
        ck_assert_str_eq(points.items[8].run, RUN_A);
        ck_assert(points.items[8].tag[0] != '\0');
        points_cleanup(&points);
        points = read_points(bed, false);
        ck_assert_uint_eq(points.count, 7);
        points_cleanup(&points);
        bed_close(bed);
    }
}
END_TEST

START_TEST(an_empty_base_has_no_points)
{
    struct bed *bed = bed_open("nothing/here");
    struct points points = read_points(bed, true);

    ck_assert_uint_eq(points.count, 0);
    points_cleanup(&points);
    bed_close(bed);
}
END_TEST

START_TEST(many_points)
{
    struct bed *bed = bed_open("");
    struct points points;
    char name[TIME_DIR_MAX + 1];
    int i;

    for (i = 0; i < 500; i++) {
        time_dir_name(TIME_STYLE_HOURLY, STARTED - i * INT64_C(3600000), name);
        commit(bed, name, STARTED - i * INT64_C(3600000));
    }
    points = read_points(bed, true);
    ck_assert_uint_eq(points.count, 500);
    expect_point(&points.items[499], POINT_COMPLETE, "2026-11-22-15");
    points_cleanup(&points);
    bed_close(bed);
}
END_TEST

/* Pruned to the end between the list and the get. */
START_TEST(what_vanishes_meanwhile_is_not_there)
{
    struct bed *bed = bed_open("");
    struct points points;

    commit(bed, "2026-11-22", STARTED);
    commit(bed, "2026-11-23", STARTED + 1);
    bed_put(bed, ".snapferry/points/2026-11-23.open", OPEN(RUN_B, "2026-11-23T00:00:00Z"));
    bed->on = "2026-11-22.commit";
    bed->get_class = SF_NOT_FOUND;
    points = read_points(bed, false);
    ck_assert_uint_eq(points.count, 1);
    expect_point(&points.items[0], POINT_COMPLETE, "2026-11-23");
    points_cleanup(&points);
    bed->on = "2026-11-23.commit";
    points = read_points(bed, false);
    ck_assert_uint_eq(points.count, 2);
    expect_point(&points.items[1], POINT_INCOMPLETE, "2026-11-23");
    points_cleanup(&points);
    bed_close(bed);
}
END_TEST

START_TEST(what_cannot_be_read_is_damaged_or_an_error)
{
    struct bed *bed = bed_open("");
    struct points points = {NULL, 0};
    struct sf_error err = SF_ERROR_INIT;
    char *huge = mem_alloc(POINT_OBJECT_MAX + 2);

    bed_put(bed, ".snapferry/points/2026-11-21.commit", "{\"stub\":\"never\"}\n");
    bed_put(bed, ".snapferry/points/2026-11-21.open", OPEN(RUN_B, "2026-11-21T00:00:00Z"));
    commit(bed, "2026-11-22", STARTED);
    bed->on = "2026-11-22.commit";
    bed->get_class = SF_CORRUPT;
    points = read_points(bed, false);
    expect_point(&points.items[0], POINT_DAMAGED, "2026-11-22");
    ck_assert_str_eq(points.items[0].problem, "the get was made to fail");
    points_cleanup(&points);

    bed->get_class = SF_DENIED;
    ck_assert_int_eq(points_read(&points, &bed->base, false, &err), -1);
    ck_assert_int_eq(err.cls, SF_DENIED);
    ck_assert_msg(strstr(err.text, "cannot read restore point 2026-11-22: ") == err.text, "%s", err.text);
    ck_assert(points.items == NULL && points.count == 0);
    bed->on = "2026-11-21.open"; /* after its stub was read */
    ck_assert_int_eq(points_read(&points, &bed->base, false, &err), -1);
    bed->get_class = SF_OK;

    memset(huge, ' ', POINT_OBJECT_MAX + 1);
    bed_put(bed, ".snapferry/points/2026-11-22.commit", huge);
    points = read_points(bed, false);
    expect_point(&points.items[0], POINT_DAMAGED, "2026-11-22");
    ck_assert_msg(strstr(points.items[0].problem, "larger than") != NULL, "%s", points.items[0].problem);
    points_cleanup(&points);
    free(huge);
    bed_close(bed);
}
END_TEST

static int fetch(struct bed *bed, const struct point *point, struct sf_error *err)
{
    int fd = -1, result = point_fetch_manifest(&bed->base, point, &point->sources[0], unit_temp_dir(), &fd, err);
    char text[64] = {0};

    if (result == 0) {
        ck_assert_int_eq(pread(fd, text, sizeof(text) - 1, 0), 12);
        ck_assert_str_eq(text, "the manifest");
    }
    if (fd >= 0)
        close(fd);
    return result;
}

START_TEST(manifests_are_compared_with_the_commit)
{
    struct bed *bed = bed_open("prod");
    SF_AUTO(point) point = bed_point("2026-11-22", STARTED, 1, "stream");
    struct sf_error err = SF_ERROR_INIT;

    point.sources[0].manifest.object_bytes = 12;
    sha256_of("the manifest", 12, point.sources[0].manifest.sha256);
    ck_assert_int_eq(fetch(bed, &point, &err), -1);
    ck_assert_int_eq(err.cls, SF_CORRUPT);
    ck_assert_str_eq(err.text, "manifest prod/2026-11-22/.snapferry/stream.manifest.jsonl.zst is missing");
    bed_put(bed, "2026-11-22/.snapferry/stream.manifest.jsonl.zst", "the manifest");
    ck_assert_msg(fetch(bed, &point, &err) == 0, "%s", err.text);
    bed_put(bed, "2026-11-22/.snapferry/stream.manifest.jsonl.zst", "the manifesT");
    ck_assert_int_eq(fetch(bed, &point, &err), -1);
    ck_assert_int_eq(err.cls, SF_CORRUPT);
    ck_assert_msg(strstr(err.text, "SHA-256") != NULL, "%s", err.text);
    bed_put(bed, "2026-11-22/.snapferry/stream.manifest.jsonl.zst", "the manifes");
    ck_assert_int_eq(fetch(bed, &point, &err), -1);
    ck_assert_int_eq(err.cls, SF_CORRUPT);
    ck_assert_msg(strstr(err.text, "has 11 bytes, but its commit says 12") != NULL, "%s", err.text);
    bed->on = ".zst";
    bed->get_class = SF_AUTH;
    ck_assert_int_eq(fetch(bed, &point, &err), -1);
    ck_assert_int_eq(err.cls, SF_AUTH);
    bed_close(bed);
}
END_TEST

UNIT_MAIN("point/points", &every_kind_is_told_apart, &an_empty_base_has_no_points, &many_points,
          &what_vanishes_meanwhile_is_not_there, &what_cannot_be_read_is_damaged_or_an_error,
          &manifests_are_compared_with_the_commit)
