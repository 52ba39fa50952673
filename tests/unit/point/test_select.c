/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "core/point/point.h"
#include "tests/kit/unit.h"
#include "tests/unit/point/bed.h"

#include <stdio.h>
#include <string.h>

/* By start, as points_read() sorts them. */
static struct points make_points(void)
{
    struct points points = {mem_alloc(8 * sizeof(struct point)), 8};
    struct point *items = points.items;
    size_t i;

    items[0] = (struct point){.status = POINT_UNVERIFIED};
    strcpy(items[0].time_dir, "2026-01-01");
    items[1] = (struct point){.status = POINT_STUB, .problem = mem_text("never")};
    strcpy(items[1].time_dir, "2026-11-01");
    items[2] = (struct point){.status = POINT_STUB, .problem = mem_text("pruned")};
    strcpy(items[2].time_dir, "2026-11-02");
    items[3] = (struct point){.status = POINT_DAMAGED, .problem = mem_text("line 1: not JSON")};
    strcpy(items[3].time_dir, "2026-11-03");
    items[4] = bed_point("2026-11-20", STARTED, 2, "stream", "measure");
    items[5] = bed_point("2026-11-21", STARTED + 1, 1, "stream");
    items[6] = bed_point("2026-11-19", STARTED + 2, 2, "stream", "property");
    items[7] = (struct point){.status = POINT_INCOMPLETE, .started_ms = STARTED + 3};
    strcpy(items[7].time_dir, "2026-11-22");
    strcpy(items[7].run, RUN_B);
    for (i = 4; i < 7; i++)
        items[i].run[0] = (char)('0' + i); /* 40112233..., 50112233..., 60112233... */
    return points;
}

static const struct {
    const char *which;
    const char *wanted[3];
    const char *time_dir; /* NULL: none */
    enum sf_class cls;
    const char *text;
} cases[] = {
    {"latest", {NULL}, "2026-11-19", SF_OK, NULL}, /* newest by start, not by name */
    {"latest", {"stream"}, "2026-11-19", SF_OK, NULL},
    {"latest", {"measure"}, "2026-11-20", SF_OK, NULL},
    {"latest", {"stream", "measure"}, "2026-11-20", SF_OK, NULL},
    {"latest",
     {"measure", "property"},
     NULL,
     SF_NOT_FOUND,
     "no complete restore point holds all of these sources: measure, property"},
    {"latest", {"stream", "wal"}, NULL, SF_NOT_FOUND, "source 'wal' is in no complete restore point"},
    {"latest", {"Stream"}, NULL, SF_NOT_FOUND, "source 'Stream' is in no complete restore point"},
    {"2026-11-20", {NULL}, "2026-11-20", SF_OK, NULL},
    {"2026-11-20", {"measure"}, "2026-11-20", SF_OK, NULL},
    {"2026-11-20",
     {"property"},
     NULL,
     SF_NOT_FOUND,
     "point 2026-11-20 does not hold source 'property', only: stream, measure"},
    {"50112233445566778899aabbccddeeff", {NULL}, "2026-11-21", SF_OK, NULL},
    {"50112233", {NULL}, "2026-11-21", SF_OK, NULL},
    {"5011223", {NULL}, NULL, SF_NOT_FOUND, "there is no restore point '5011223'; nearest: 2026-11-21, "},
    {"50112233445566778899aabbccddeeff0", {NULL}, NULL, SF_NOT_FOUND, "there is no restore point '5"},
    {"ffeeddcc",
     {NULL},
     NULL,
     SF_NOT_FOUND,
     "point 2026-11-22 is unfinished: its run " RUN_B " was killed or is still going"},
    {"2026-11-22", {NULL}, NULL, SF_NOT_FOUND, "point 2026-11-22 is unfinished"},
    {"2026-11-01", {NULL}, NULL, SF_NOT_FOUND, "point 2026-11-01 was never committed"},
    {"2026-11-02", {NULL}, NULL, SF_NOT_FOUND, "point 2026-11-02 was pruned"},
    {"2026-11-03", {NULL}, NULL, SF_CORRUPT, "point 2026-11-03: its commit object is damaged: line 1: not JSON"},
    {"2026-01-01", {NULL}, NULL, SF_NOT_FOUND, "time-dir 2026-01-01 was made by another tool"},
    {"2026-11-2", {NULL}, NULL, SF_NOT_FOUND, "nearest: 2026-11-21, 2026-11-20, 2026-11-19"},
    {"\x1b[2J", {NULL}, NULL, SF_NOT_FOUND, "there is no restore point '\\x1b[2J'"},
    {"", {NULL}, NULL, SF_NOT_FOUND, "there is no restore point ''; nearest: 2026-11-19, 2026-11-21, 2026-11-20"},
};

START_TEST(points_are_found_or_the_reason_is_named)
{
    struct points points = make_points();
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sf_error err = SF_ERROR_INIT;
        const struct point *point = NULL;
        size_t wanted = 0;
        int result;

        while (wanted < 3 && cases[i].wanted[wanted] != NULL)
            wanted++;
        result = points_select(&points, cases[i].which, cases[i].wanted, wanted, &point, &err);
        if (cases[i].time_dir != NULL) {
            ck_assert_msg(result == 0, "case %zu: %s", i, err.text);
            ck_assert_str_eq(point->time_dir, cases[i].time_dir);
        } else {
            ck_assert_msg(result == -1 && point == NULL, "case %zu", i);
            ck_assert_msg(err.cls == (int)cases[i].cls && strstr(err.text, cases[i].text) != NULL, "case %zu: %d %s", i,
                          err.cls, err.text);
        }
    }
    points_cleanup(&points);
}
END_TEST

START_TEST(a_run_prefix_must_be_unique)
{
    struct points points = make_points();
    const struct point *point = NULL;
    struct sf_error err = SF_ERROR_INIT;

    strcpy(points.items[4].run, "abcdef0123456789abcdef0123456789");
    strcpy(points.items[5].run, "abcdef0123456789abcdef0123456780");
    ck_assert_int_eq(points_select(&points, "abcdef01", NULL, 0, &point, &err), -1);
    ck_assert_msg(strstr(err.text, "more than one run begins with 'abcdef01'") == err.text, "%s", err.text);
    ck_assert_int_eq(points_select(&points, "abcdef0123456789abcdef0123456780", NULL, 0, &point, &err), 0);
    ck_assert_str_eq(point->time_dir, "2026-11-21");
    points_cleanup(&points);
}
END_TEST

START_TEST(without_points_it_says_what_there_is)
{
    struct points points = make_points();
    const struct point *point = NULL;
    const struct points none = {NULL, 0};
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_int_eq(points_select(&none, "latest", NULL, 0, &point, &err), -1);
    ck_assert_int_eq(err.cls, SF_NOT_FOUND);
    ck_assert_str_eq(err.text, "there is no restore point yet");
    ck_assert_int_eq(points_select(&none, "2026-11-22", NULL, 0, &point, &err), -1);
    ck_assert_str_eq(err.text, "there is no restore point yet");
    points.items[4].status = POINT_INCOMPLETE;
    points.items[5].status = POINT_INCOMPLETE;
    points.items[6].status = POINT_INCOMPLETE;
    ck_assert_int_eq(points_select(&points, "latest", NULL, 0, &point, &err), -1);
    ck_assert_str_eq(err.text,
                     "there is no complete restore point (4 unfinished, 2 pruned or never committed, 1 damaged, "
                     "1 made by another tool)");
    points_cleanup(&points);
}
END_TEST

UNIT_MAIN("point/select", &points_are_found_or_the_reason_is_named, &a_run_prefix_must_be_unique,
          &without_points_it_says_what_there_is)
