/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "core/point/point.h"
#include "tests/kit/unit.h"
#include "tests/unit/point/bed.h"

#include <stdio.h>
#include <string.h>

static struct source sources[] = {{.name = "stream"}};

static struct point_open make_open(void)
{
    return (struct point_open){
        .run = RUN_A, .identity = "db-1", .state_id = "s", .timeout_ms = 1000, .sources = sources, .source_count = 1};
}

/* What a new claim reads first. */
static struct points read_points(struct bed *bed)
{
    struct points points = {NULL, 0};
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_int_eq(points_read(&points, &bed->base, false, &err), 0);
    return points;
}

static void claim_with(struct bed *bed, struct point_open *open, enum time_style style, const struct points *before)
{
    struct sf_error err = SF_ERROR_INIT;
    AUTO_FREE char *key = NULL;
    AUTO_FREE char *text = NULL;
    struct point got;

    if (point_claim(open, &bed->base, style, before, &err) != 0)
        ck_abort_msg("%s", err.text);
    ck_assert(time_dir_is_valid(open->time_dir));
    key = mem_printf(".snapferry/points/%s.open", open->time_dir);
    text = bed_get(bed, key);
    ck_assert_ptr_nonnull(text);
    ck_assert(point_parse_open(&got, open->time_dir, text, strlen(text)));
    ck_assert_str_eq(got.run, RUN_A);
    point_cleanup(&got);
}

static void claim(struct bed *bed, struct point_open *open, enum time_style style)
{
    struct points points = read_points(bed);

    claim_with(bed, open, style, &points);
    points_cleanup(&points);
}

/* Not within a few seconds of the next hour, so that names can be foretold. */
static void await_quiet_hour(void)
{
    int64_t left = 3600000 - clock_wall_ms() % 3600000;

    if (left < 8000)
        clock_sleep_ms(left + 10);
}

static void today(enum time_style style, char name[TIME_DIR_MAX + 1])
{
    time_dir_name(style, clock_wall_ms(), name);
}

START_TEST(a_free_name_is_taken)
{
    struct bed *bed = bed_open("prod");
    struct point_open open = make_open();
    char name[TIME_DIR_MAX + 1];
    int64_t before_ms = clock_wall_ms();

    await_quiet_hour();
    bed->on = ".open";
    today(TIME_STYLE_DAILY, name);
    claim(bed, &open, TIME_STYLE_DAILY);
    ck_assert_str_eq(open.time_dir, name);
    ck_assert_int_eq(bed->precondition, SF_IF_ABSENT);
    ck_assert_msg(strstr(bed->meta, ",run=" RUN_A ",") != NULL && strstr(bed->meta, "checksum_sha256=") == bed->meta,
                  "%s", bed->meta);
    ck_assert(open.started_ms >= before_ms && open.started_ms <= clock_wall_ms());
    ck_assert(open.server_offset_ms > -2000 && open.server_offset_ms < 2000);
    today(TIME_STYLE_HOURLY, name);
    claim(bed, &open, TIME_STYLE_HOURLY);
    ck_assert_str_eq(open.time_dir, name);
    claim(bed, &open, TIME_STYLE_RUN);
    ck_assert_uint_eq(strlen(open.time_dir), 20);
    bed_close(bed);
}
END_TEST

START_TEST(a_taken_name_is_not)
{
    static const char *const taken[] = {".snapferry/points/%s.open", ".snapferry/points/%s.commit", "%s/stream/file",
                                        "%s/.snapferry/stream.manifest.jsonl.zst"};
    char name[TIME_DIR_MAX + 1];
    size_t i;

    await_quiet_hour();
    today(TIME_STYLE_DAILY, name);
    for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        AUTO_FREE char *prefix = mem_printf("try-%zu", i);
        struct bed *bed = bed_open(prefix);
        struct point_open open = make_open();
        char key[128], *mark = strstr(taken[i], "%s") + 2;

        snprintf(key, sizeof(key), "%.*s%s%s", (int)(mark - 2 - taken[i]), taken[i], name, mark);
        bed_put(bed, key, "{\"stub\":\"never\"}\n");
        claim(bed, &open, TIME_STYLE_DAILY);
        ck_assert_msg(strlen(open.time_dir) == 20, "%s: %s", taken[i], open.time_dir);
        bed_close(bed);
    }
}
END_TEST

/* A file named like the day, and a time-dir whose name begins with it, are not in the way. */
START_TEST(neighbours_do_not_matter)
{
    struct bed *bed = bed_open("prod");
    struct point_open open = make_open();
    char name[TIME_DIR_MAX + 1], key[64];

    await_quiet_hour();
    today(TIME_STYLE_DAILY, name);
    bed_put(bed, name, "x");
    snprintf(key, sizeof(key), "%s-07/stream/x", name);
    bed_put(bed, key, "x");
    claim(bed, &open, TIME_STYLE_DAILY);
    ck_assert_str_eq(open.time_dir, name);
    bed_close(bed);
}
END_TEST

START_TEST(a_rival_is_not_overwritten)
{
    struct bed *bed = bed_open("");
    struct point_open open = make_open();
    const struct points none = {NULL, 0};
    char name[TIME_DIR_MAX + 1], key[64];
    AUTO_FREE char *text = NULL;

    await_quiet_hour();
    today(TIME_STYLE_DAILY, name);
    snprintf(key, sizeof(key), ".snapferry/points/%s.open", name);
    bed_put(bed, key, "another run's"); /* after the points were read */
    claim_with(bed, &open, TIME_STYLE_DAILY, &none);
    ck_assert_uint_eq(strlen(open.time_dir), 20);
    text = bed_get(bed, key);
    ck_assert_str_eq(text, "another run's");
    bed_close(bed);
}
END_TEST

START_TEST(a_clash_takes_the_next_second)
{
    struct bed *bed = bed_open("");
    struct point_open open = make_open();
    const struct points none = {NULL, 0};
    char names[3][TIME_DIR_MAX + 1], key[256];
    int64_t now = clock_wall_ms();
    int i;

    for (i = 0; i < 3; i++) {
        time_dir_name(TIME_STYLE_RUN, now + i * 1000, names[i]);
        snprintf(key, sizeof(key), ".snapferry/points/%s.open", names[i]);
        bed_put(bed, key, "another run's");
    }
    claim_with(bed, &open, TIME_STYLE_RUN, &none);
    time_dir_name(TIME_STYLE_RUN, now + 3000, names[0]);
    ck_assert_str_eq(open.time_dir, names[0]); /* without waiting for it */
    ck_assert(open.started_ms < now + 3000);
    bed_close(bed);
}
END_TEST

START_TEST(a_lost_answer_is_found_out)
{
    struct bed *bed = bed_open("");
    struct point_open open = make_open();
    struct sf_error err = SF_ERROR_INIT;
    const struct points none = {NULL, 0};
    char name[TIME_DIR_MAX + 1];

    await_quiet_hour();
    today(TIME_STYLE_DAILY, name);
    bed->on = ".open";
    bed->fault = BED_LOST_REQUEST;
    ck_assert_int_eq(point_claim(&open, &bed->base, TIME_STYLE_DAILY, &none, &err), -1);
    ck_assert_int_eq(err.cls, SF_TRANSIENT);
    ck_assert_msg(strstr(err.text, "cannot claim .snapferry/points/") == err.text, "%s", err.text);
    ck_assert_str_eq(open.time_dir, "");
    bed->fault = BED_LOST_ANSWER;
    bed->get_class = SF_DENIED;
    ck_assert_int_eq(point_claim(&open, &bed->base, TIME_STYLE_HOURLY, &none, &err), -1);
    ck_assert_int_eq(err.cls, SF_DENIED);
    bed->get_class = SF_OK;
    bed->puts = 0;
    claim(bed, &open, TIME_STYLE_DAILY);
    ck_assert_str_eq(open.time_dir, name);
    ck_assert_uint_eq(bed->puts, 1);
    ck_assert(open.started_ms != 0);
    bed_close(bed);
}
END_TEST

START_TEST(a_failure_is_handed_up)
{
    struct bed *bed = bed_open("");
    struct point_open open = make_open();
    struct sf_error err = SF_ERROR_INIT;
    const struct points none = {NULL, 0};

    bed->on = ".open";
    bed->fault = BED_DENIED;
    ck_assert_int_eq(point_claim(&open, &bed->base, TIME_STYLE_DAILY, &none, &err), -1);
    ck_assert_int_eq(err.cls, SF_DENIED);
    ck_assert_str_eq(open.time_dir, "");
    bed->fault = BED_NONE;
    atomic_store(&bed->run.cancel_signal, 15);
    ck_assert_int_eq(point_claim(&open, &bed->base, TIME_STYLE_DAILY, &none, &err), -1);
    ck_assert_int_eq(err.cls, SF_CANCELLED);
    ck_assert_str_eq(open.time_dir, "");
    bed_close(bed);
}
END_TEST

START_TEST(the_start_is_the_stores_and_after_all_commits)
{
    struct bed *bed = bed_open("");
    struct point_open open = make_open();
    SF_AUTO(point) newest = bed_point("2026-11-22", STARTED, 1, "stream");
    SF_AUTO(point) older = bed_point("2026-11-23", STARTED - 5000, 1, "stream");
    int64_t offset;

    bed_commit(bed, &newest);
    bed_commit(bed, &older);
    bed->on = ".open";
    bed->server_time_ms = STARTED + 7777;
    claim(bed, &open, TIME_STYLE_DAILY);
    ck_assert(open.started_ms == STARTED + 7777);
    offset = STARTED + 7777 - clock_wall_ms();
    ck_assert(open.server_offset_ms >= offset - 100 && open.server_offset_ms <= offset + 5000);
    bed->server_time_ms = STARTED - 1000; /* the store's clock was set back */
    claim(bed, &open, TIME_STYLE_HOURLY);
    ck_assert(open.started_ms == STARTED + 1);
    bed_close(bed);
}
END_TEST

UNIT_MAIN("point/claim", &a_free_name_is_taken, &a_taken_name_is_not, &neighbours_do_not_matter,
          &a_rival_is_not_overwritten, &a_clash_takes_the_next_second, &a_lost_answer_is_found_out,
          &a_failure_is_handed_up, &the_start_is_the_stores_and_after_all_commits)
