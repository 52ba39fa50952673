/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plan/plan.h"
#include "tests/kit/unit.h"

#define SECOND INT64_C(1000000000)
#define WALKED_MS INT64_C(1700000000000)

static struct plan_rules rules;
static struct entry walked, parent;

/* A small file, as it stands in a parent of ours, written an hour before. */
static void same_file(void)
{
    rules = (struct plan_rules){COMPARE_STAT, INCREMENTAL_REFERENCE, 5000, WALKED_MS, true};
    walked = (struct entry){.type = ENTRY_FILE, .size = 100, .mtime_ns = (WALKED_MS / 1000 - 3600) * SECOND};
    parent = walked;
}

static void expect(enum plan_action action)
{
    ck_assert_int_eq((int)plan_decide(&rules, &walked, &parent), (int)action);
}

/* The rules, row by row. */

START_TEST(gone_is_forgotten)
{
    same_file();
    ck_assert_int_eq((int)plan_decide(&rules, NULL, &parent), PLAN_FORGET);
    rules.incremental = INCREMENTAL_OFF;
    ck_assert_int_eq((int)plan_decide(&rules, NULL, &parent), PLAN_FORGET);
}
END_TEST

START_TEST(folder_or_link_is_recorded)
{
    same_file();
    walked.type = parent.type = ENTRY_DIR;
    expect(PLAN_RECORD);
    ck_assert_int_eq((int)plan_decide(&rules, &walked, NULL), PLAN_RECORD);
    walked.type = ENTRY_LINK;
    parent.type = ENTRY_FILE;
    expect(PLAN_RECORD);
    rules.small_file_threshold = 0;
    expect(PLAN_RECORD);
}
END_TEST

START_TEST(new_small_file_is_sent)
{
    same_file();
    ck_assert_int_eq((int)plan_decide(&rules, &walked, NULL), PLAN_UPLOAD);
    parent.type = ENTRY_LINK;
    expect(PLAN_UPLOAD);
    parent.type = ENTRY_FILE;
    rules.incremental = INCREMENTAL_OFF;
    expect(PLAN_UPLOAD);
}
END_TEST

START_TEST(new_large_file_is_sent)
{
    same_file();
    walked.size = parent.size = 5000;
    ck_assert_int_eq((int)plan_decide(&rules, &walked, NULL), PLAN_UPLOAD_LARGE);
    parent.type = ENTRY_LINK;
    expect(PLAN_UPLOAD_LARGE);
    parent.type = ENTRY_FILE;
    rules.incremental = INCREMENTAL_OFF;
    expect(PLAN_UPLOAD_LARGE);
}
END_TEST

START_TEST(other_size_small_is_sent)
{
    same_file();
    parent.size = 5000; /* the size now is what counts */
    expect(PLAN_UPLOAD);
    parent.size = 101;
    rules.compare = COMPARE_HASH;
    expect(PLAN_UPLOAD);
    rules.parent_is_ours = false;
    expect(PLAN_UPLOAD);
}
END_TEST

START_TEST(other_size_large_is_sent)
{
    same_file();
    walked.size = 6000;
    expect(PLAN_UPLOAD_LARGE);
    rules.compare = COMPARE_HASH;
    expect(PLAN_UPLOAD_LARGE);
    rules.parent_is_ours = false;
    expect(PLAN_UPLOAD_LARGE);
}
END_TEST

START_TEST(same_size_and_time_is_referred_to)
{
    same_file();
    expect(PLAN_REFER);
    walked.size = parent.size = 6000;
    expect(PLAN_REFER);
    walked.mode = 0600; /* no part of the object */
    parent.uid = 7;
    expect(PLAN_REFER);
}
END_TEST

START_TEST(same_size_in_doubt_is_hashed)
{
    same_file();
    walked.mtime_ns++;
    expect(PLAN_HASH);
    same_file();
    walked.mtime_ns -= SECOND;
    expect(PLAN_HASH);
    same_file();
    rules.compare = COMPARE_HASH;
    expect(PLAN_HASH);
    same_file();
    rules.parent_is_ours = false;
    expect(PLAN_HASH);
    walked.size = parent.size = 6000;
    expect(PLAN_HASH);
}
END_TEST

/* And their edges. */

START_TEST(time_must_be_settled)
{
    same_file();
    walked.mtime_ns = parent.mtime_ns = (WALKED_MS - PLAN_RACY_MS) * 1000000;
    expect(PLAN_HASH);
    walked.mtime_ns = --parent.mtime_ns;
    expect(PLAN_REFER);
    walked.mtime_ns = parent.mtime_ns = WALKED_MS * 1000000;
    expect(PLAN_HASH);
    walked.mtime_ns = parent.mtime_ns = INT64_MAX; /* the future, or beyond what an entry holds */
    expect(PLAN_HASH);
}
END_TEST

START_TEST(time_before_1970)
{
    same_file();
    walked.mtime_ns = parent.mtime_ns = -1;
    expect(PLAN_REFER);
    walked.mtime_ns = parent.mtime_ns = INT64_MIN + 1;
    expect(PLAN_REFER);
    walked.mtime_ns = parent.mtime_ns = INT64_MIN; /* may stand for two times */
    expect(PLAN_HASH);
    rules.parent_walked_ms = 0; /* rounding is downwards on both sides of 1970 */
    walked.mtime_ns = parent.mtime_ns = -PLAN_RACY_MS * INT64_C(1000000);
    expect(PLAN_HASH);
    walked.mtime_ns = --parent.mtime_ns;
    expect(PLAN_REFER);
}
END_TEST

START_TEST(walk_times_out_of_range)
{
    same_file();
    rules.parent_walked_ms = INT64_MIN;
    expect(PLAN_HASH);
    rules.parent_walked_ms = INT64_MAX;
    expect(PLAN_REFER);
}
END_TEST

START_TEST(sizes_at_the_edges)
{
    same_file();
    walked.size = 4999;
    expect(PLAN_UPLOAD);
    walked.size = 5000;
    expect(PLAN_UPLOAD_LARGE);
    walked.size = parent.size = 0; /* an empty file is like any other */
    expect(PLAN_REFER);
    walked.mtime_ns++;
    expect(PLAN_HASH);
    ck_assert_int_eq((int)plan_decide(&rules, &walked, NULL), PLAN_UPLOAD);
    parent.size = 1;
    expect(PLAN_UPLOAD);
    rules.small_file_threshold = UINT64_MAX;
    walked.size = UINT64_MAX - 1;
    expect(PLAN_UPLOAD);
}
END_TEST

UNIT_MAIN("plan", &gone_is_forgotten, &folder_or_link_is_recorded, &new_small_file_is_sent, &new_large_file_is_sent,
          &other_size_small_is_sent, &other_size_large_is_sent, &same_size_and_time_is_referred_to,
          &same_size_in_doubt_is_hashed, &time_must_be_settled, &time_before_1970, &walk_times_out_of_range,
          &sizes_at_the_edges)
