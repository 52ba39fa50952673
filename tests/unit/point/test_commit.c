/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/spill.h"
#include "core/point/point.h"
#include "tests/kit/unit.h"
#include "tests/unit/point/bed.h"

#include <string.h>

#define COMMIT ".snapferry/points/2026-11-22.commit"
#define MANIFEST "2026-11-22/.snapferry/measure.manifest.jsonl.zst"

struct run {
    struct bed *bed;
    struct point point;
    int manifests[2];
};

static struct run start(void)
{
    static const char *const texts[] = {"first manifest", "second"};
    struct run run = {bed_open("prod"), bed_point("2026-11-22", STARTED, 2, "stream", "measure"), {-1, -1}};
    struct sf_error err = SF_ERROR_INIT;
    int i;

    for (i = 0; i < 2; i++) {
        struct manifest_summary *summary = &run.point.sources[i].manifest;

        run.manifests[i] = spill_temp_file(unit_temp_dir(), &err);
        summary->object_bytes = strlen(texts[i]);
        sha256_of(texts[i], strlen(texts[i]), summary->sha256);
        ck_assert_int_eq(write(run.manifests[i], texts[i], strlen(texts[i])), (int)strlen(texts[i]));
    }
    return run;
}

static void end(struct run *run)
{
    close(run->manifests[0]);
    close(run->manifests[1]);
    point_cleanup(&run->point);
    bed_close(run->bed);
}

static int commit(struct run *run, struct sf_error *err)
{
    *err = (struct sf_error)SF_ERROR_INIT;
    return point_commit(&run->point, run->manifests, &run->bed->base, err);
}

static bool exists(struct run *run, const char *key)
{
    AUTO_FREE char *text = bed_get(run->bed, key);

    return text != NULL;
}

static void expect_committed(struct run *run)
{
    struct points points = {NULL, 0};
    struct sf_error err = SF_ERROR_INIT;
    const struct point *point = NULL;
    int fd = -1, i;

    ck_assert_int_eq(points_read(&points, &run->bed->base, true, &err), 0);
    ck_assert_uint_eq(points.count, 1);
    ck_assert_msg(points_select(&points, "latest", NULL, 0, &point, &err) == 0, "%s", err.text);
    ck_assert_str_eq(point->run, RUN_A);
    for (i = 0; i < 2; i++) {
        ck_assert_int_eq(point_fetch_manifest(&run->bed->base, point, &point->sources[i], unit_temp_dir(), &fd, &err),
                         0);
        close(fd);
    }
    points_cleanup(&points);
}

START_TEST(a_point_comes_to_exist)
{
    struct run run = start();
    struct sf_error err;

    run.bed->on = ".commit";
    ck_assert_msg(commit(&run, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(run.bed->puts, 1);
    ck_assert_int_eq(run.bed->precondition, SF_IF_ABSENT);
    ck_assert_int_eq(run.bed->flags, SF_PUT_BARRIER);
    ck_assert_msg(strstr(run.bed->meta, ",run=" RUN_A ",") != NULL, "%s", run.bed->meta);
    expect_committed(&run);
    end(&run);
}
END_TEST

START_TEST(manifests_are_created_with_their_digest)
{
    struct run run = start();
    struct sf_error err;
    char want[256], hex[SHA256_HEX + 1];

    run.bed->on = "measure.manifest.jsonl.zst";
    ck_assert_int_eq(commit(&run, &err), 0);
    hex_encode(run.point.sources[1].manifest.sha256, SHA256_BYTES, hex);
    snprintf(want, sizeof(want), "checksum_sha256=%s,run=" RUN_A ",", hex);
    ck_assert_str_eq(run.bed->meta, want);
    ck_assert_int_eq(run.bed->precondition, SF_IF_ABSENT);
    ck_assert_int_eq(run.bed->flags, 0);
    end(&run);
}
END_TEST

START_TEST(lost_answers_are_found_out)
{
    static const char *const keys[] = {".commit", "stream.manifest.jsonl.zst"};
    size_t i;

    for (i = 0; i < 2; i++) {
        struct run run = start();
        struct sf_error err;
        AUTO_FREE char *prefix = mem_printf("lost-%zu", i);

        run.bed->base.prefix = prefix;
        run.bed->on = keys[i];
        run.bed->fault = BED_LOST_ANSWER;
        ck_assert_msg(commit(&run, &err) == 0, "%s: %s", keys[i], err.text);
        ck_assert_uint_eq(run.bed->puts, 1);
        run.bed->puts = 0;
        expect_committed(&run);
        /* The whole commit once more: all of it is there, byte for byte, and counts as done. */
        run.bed->fault = BED_NONE;
        ck_assert_msg(commit(&run, &err) == 0, "%s", err.text);
        end(&run);
    }
}
END_TEST

START_TEST(a_lost_commit_may_exist)
{
    struct run run = start();
    struct sf_error err;

    run.bed->on = ".commit";
    run.bed->fault = BED_LOST_REQUEST;
    ck_assert_int_eq(commit(&run, &err), -1);
    ck_assert_int_eq(err.cls, SF_TRANSIENT);
    ck_assert_int_eq(err.maybe_applied, 1); /* it may still be on its way */
    ck_assert(!exists(&run, COMMIT));
    run.bed->fault = BED_LOST_ANSWER;
    run.bed->get_class = SF_DENIED;
    ck_assert_int_eq(commit(&run, &err), -1);
    ck_assert_int_eq(err.cls, SF_DENIED);
    ck_assert_int_eq(err.maybe_applied, 1);
    ck_assert_msg(strstr(err.text, "cannot be seen now") != NULL, "%s", err.text);
    end(&run);
}
END_TEST

static void expect_rival(const char *rival, enum sf_class cls, const char *reason)
{
    struct run run = start();
    struct sf_error err;
    AUTO_FREE char *text = NULL;

    run.bed->on = ".commit";
    run.bed->fault = BED_RIVAL;
    run.bed->rival = rival;
    ck_assert_int_eq(commit(&run, &err), -1);
    ck_assert_msg(err.cls == (int)cls && strstr(err.text, reason) != NULL, "%d %s", err.cls, err.text);
    ck_assert_int_eq(err.maybe_applied, 0);
    text = bed_get(run.bed, COMMIT);
    ck_assert_str_eq(text, rival);
    end(&run);
}

START_TEST(what_stands_at_the_key_counts)
{
    SF_AUTO(point) other = bed_point("2026-11-22", STARTED + 1, 1, "stream");
    SF_AUTO(buf) text = BUF_INIT;

    strcpy(other.run, RUN_B);
    point_format_commit(&other, &text);
    expect_rival("{\"stub\":\"never\"}\n", SF_PRECONDITION,
                 "this run was fenced: a stub ('never') stands at prod/" COMMIT);
    expect_rival(text.data, SF_EXISTS, "another commit stands at prod/" COMMIT ", of run " RUN_B);
    expect_rival("garbage", SF_EXISTS, "another commit stands at prod/" COMMIT);
}
END_TEST

START_TEST(another_manifest_ends_it)
{
    struct run run = start();
    struct sf_error err;

    bed_put(run.bed, MANIFEST, "seconD");
    ck_assert_int_eq(commit(&run, &err), -1);
    ck_assert_int_eq(err.cls, SF_EXISTS);
    ck_assert_msg(strstr(err.text, "cannot store manifest prod/" MANIFEST) == err.text, "%s", err.text);
    ck_assert(!exists(&run, COMMIT));
    end(&run);
}
END_TEST

START_TEST(a_failing_manifest_ends_it)
{
    struct run run = start();
    struct sf_error err;

    run.bed->on = "measure.manifest.jsonl.zst";
    run.bed->fault = BED_DENIED;
    ck_assert_int_eq(commit(&run, &err), -1);
    ck_assert_int_eq(err.cls, SF_DENIED);
    run.bed->fault = BED_LOST_REQUEST;
    ck_assert_int_eq(commit(&run, &err), -1);
    ck_assert_int_eq(err.cls, SF_TRANSIENT);
    ck_assert_int_eq(err.maybe_applied, 0);
    run.bed->fault = BED_LOST_ANSWER;
    run.bed->get_class = SF_AUTH;
    ck_assert_int_eq(commit(&run, &err), -1);
    ck_assert_int_eq(err.cls, SF_AUTH);
    ck_assert(!exists(&run, COMMIT));
    end(&run);
}
END_TEST

START_TEST(a_changed_spool_is_not_stored)
{
    struct run run = start();
    struct sf_error err;

    ck_assert_int_eq(pwrite(run.manifests[1], "X", 1, 2), 1);
    ck_assert_int_eq(commit(&run, &err), -1);
    ck_assert_int_eq(err.cls, SF_CORRUPT);
    ck_assert(!exists(&run, MANIFEST) && !exists(&run, COMMIT));
    end(&run);
}
END_TEST

/* Before anything is stored: a point that nobody could read. */
START_TEST(what_is_no_point_is_not_committed)
{
    struct run run = start();
    struct sf_error err;

    strcpy(run.point.sources[1].name, "STREAM");
    ck_assert_int_eq(commit(&run, &err), -1);
    ck_assert_int_eq(err.cls, SF_PERMANENT);
    ck_assert_msg(strstr(err.text, "there twice") != NULL, "%s", err.text);
    strcpy(run.point.sources[1].name, "measure");
    strcpy(run.point.identity, "\xff");
    ck_assert_int_eq(commit(&run, &err), -1);
    ck_assert_int_eq(err.cls, SF_PERMANENT);
    ck_assert(!exists(&run, MANIFEST) && !exists(&run, COMMIT));
    end(&run);
}
END_TEST

UNIT_MAIN("point/commit", &a_point_comes_to_exist, &manifests_are_created_with_their_digest,
          &lost_answers_are_found_out, &a_lost_commit_may_exist, &what_stands_at_the_key_counts,
          &another_manifest_ends_it, &a_failing_manifest_ends_it, &a_changed_spool_is_not_stored,
          &what_is_no_point_is_not_committed)
