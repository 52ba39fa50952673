/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/spill.h"
#include "base/spill_priv.h"
#include "tests/kit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* For loops: Check writes a line to its pipe for every ck_assert that is passed. */
#define MUST(claim)                                                                                                    \
    do {                                                                                                               \
        if (!(claim))                                                                                                  \
            ck_abort_msg("%s", #claim);                                                                                \
    } while (0)

/* A small generator, so that a failing run can be repeated. */
static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

static void add(struct spill *spill, const char *key, const char *value)
{
    struct sf_error err = SF_ERROR_INIT;

    MUST(spill_add(spill, key, strlen(key), value, strlen(value), &err) == 0);
}

static void expect(struct spill *spill, const char *key, const char *value)
{
    struct sf_error err = SF_ERROR_INIT;
    const char *got_key, *got_value;
    size_t key_bytes, value_bytes;

    MUST(spill_next(spill, &got_key, &key_bytes, &got_value, &value_bytes, &err) == 1);
    MUST(strcmp(got_key, key) == 0);
    MUST(key_bytes == strlen(key));
    MUST(strcmp(got_value, value) == 0);
    MUST(value_bytes == strlen(value));
}

static void expect_end(struct spill *spill)
{
    struct sf_error err = SF_ERROR_INIT;
    const char *key, *value;
    size_t key_bytes, value_bytes;
    int i;

    for (i = 0; i < 2; i++) /* the end stays the end */
        ck_assert_int_eq(spill_next(spill, &key, &key_bytes, &value, &value_bytes, &err), 0);
}

START_TEST(few_stay_in_memory)
{
    struct sf_error err = SF_ERROR_INIT;
    struct spill *spill = spill_new("/nowhere/at/all"); /* no file is made, or this would fail */

    add(spill, "b", "1");
    add(spill, "", "empty");
    add(spill, "ab", "2");
    add(spill, "a", "3");
    add(spill, "\xff", "4");
    add(spill, "a", "5");
    add(spill, "a", "");
    ck_assert_int_eq(spill_sort(spill, &err), 0);
    expect(spill, "", "empty");
    expect(spill, "a", "3");
    expect(spill, "a", "5");
    expect(spill, "a", "");
    expect(spill, "ab", "2");
    expect(spill, "b", "1");
    expect(spill, "\xff", "4");
    expect_end(spill);
    spill_free(spill);
}
END_TEST

START_TEST(nothing_at_all)
{
    struct sf_error err = SF_ERROR_INIT;
    struct spill *spill = spill_new(unit_temp_dir());

    ck_assert_int_eq(spill_sort(spill, &err), 0);
    expect_end(spill);
    spill_free(spill);
    spill_free(NULL);
}
END_TEST

/* A key of 0 to 6 of the bytes 00 to 03, so that many are equal and prefixes of others, and NULs are in them. The value is the
 * number of the record, and filling. */
static size_t make_record(uint64_t *state, char key[8], uint32_t number, char *value, size_t value_max)
{
    size_t bytes = next_random(state) % 7, i, fill;

    for (i = 0; i < bytes; i++)
        key[i] = (char)(next_random(state) % 4);
    memcpy(value, &number, sizeof(number));
    fill = next_random(state) % (value_max - sizeof(number));
    memset(value + sizeof(number), (int)(number & 0xff), fill);
    key[7] = (char)bytes;
    return sizeof(number) + fill;
}

static int compare(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);

    return order != 0 ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

/* What malloc has given out, beyond what it had before. 0 under a sanitizer, whose malloc does not count. */
static size_t memory_since(size_t before)
{
    struct mallinfo2 info = mallinfo2();
    size_t now = info.uordblks + info.hblkhd;

    return now > before ? now - before : 0;
}

static void sort_many(uint32_t count, size_t value_max)
{
    struct sf_error err = SF_ERROR_INIT;
    struct spill *spill;
    char *value_in = mem_alloc(value_max), *seen = mem_alloc(count);
    char key_in[8], last_key[8] = {0};
    const char *key, *value;
    size_t key_bytes, value_bytes, last_bytes = 0, before = memory_since(0);
    uint64_t state = count;
    uint32_t i, last_number = 0;

    spill = spill_new(unit_temp_dir());
    for (i = 0; i < count; i++) {
        size_t bytes = make_record(&state, key_in, i, value_in, value_max);

        MUST(spill_add(spill, key_in, (size_t)key_in[7], value_in, bytes, &err) == 0);
        MUST(i % 64 != 0 || memory_since(before) <= SPILL_MEMORY);
    }
    ck_assert_msg(spill_sort(spill, &err) == 0, "%s", err.text);
    for (i = 0; i < count; i++) {
        uint32_t number;
        size_t at;

        MUST(spill_next(spill, &key, &key_bytes, &value, &value_bytes, &err) == 1);
        MUST(i % 64 != 0 || memory_since(before) <= SPILL_MEMORY);
        memcpy(&number, value, sizeof(number));
        MUST(number < count);
        MUST(!seen[number]);
        seen[number] = 1;
        for (at = sizeof(number); at < value_bytes; at++)
            MUST((unsigned char)value[at] == (number & 0xff));
        MUST(key[key_bytes] == '\0' && value[value_bytes] == '\0');
        if (i > 0) {
            int order = compare(last_key, last_bytes, key, key_bytes);

            MUST(order < 0 || (order == 0 && last_number < number));
        }
        memcpy(last_key, key, key_bytes);
        last_bytes = key_bytes;
        last_number = number;
    }
    expect_end(spill);
    spill_free(spill);
    free(value_in);
    free(seen);
}

START_TEST(just_beyond_memory)
{
    sort_many(5000, 100);
}
END_TEST

START_TEST(more_runs_than_one_merge_takes)
{
    sort_many(400000, 100); /* 30 MiB: about 130 runs, more than two fan-ins */
}
END_TEST

START_TEST(large_records)
{
    sort_many(4000, 16384); /* about 30 in memory, a fan-in of 14 */
}
END_TEST

START_TEST(records_that_grow)
{
    struct sf_error err = SF_ERROR_INIT;
    struct spill *spill = spill_new(unit_temp_dir());
    size_t huge_bytes = 110 * 1024;
    char *huge = mem_alloc(huge_bytes);
    const char *key, *value;
    size_t key_bytes, value_bytes;
    char name[16];
    int i;

    for (i = 0; i < 100000; i++) { /* leaves many runs, then the fan-in falls to two */
        snprintf(name, sizeof(name), "%06d", 99999 - i);
        add(spill, name, "a value of some length, so that there are runs");
    }
    for (i = 0; i < 5; i++) {
        snprintf(name, sizeof(name), "%06d+", i);
        memset(huge, 'a' + i, huge_bytes);
        ck_assert_int_eq(spill_add(spill, name, strlen(name), huge, huge_bytes, &err), 0);
    }
    ck_assert_int_eq(spill_add(spill, "x", 1, huge, SPILL_MEMORY, &err), -1);
    ck_assert_int_eq(err.cls, SF_TOO_LARGE);
    ck_assert_msg(spill_sort(spill, &err) == 0, "%s", err.text);
    for (i = 0; i < 100000; i++) {
        snprintf(name, sizeof(name), "%06d", i);
        expect(spill, name, "a value of some length, so that there are runs");
        if (i < 5) {
            ck_assert_int_eq(spill_next(spill, &key, &key_bytes, &value, &value_bytes, &err), 1);
            ck_assert_uint_eq(value_bytes, huge_bytes);
            memset(huge, 'a' + i, huge_bytes);
            ck_assert_mem_eq(value, huge, huge_bytes);
        }
    }
    expect_end(spill);
    spill_free(spill);
    free(huge);
}
END_TEST

/* The table of runs is the one thing that could grow with the number of records. */
START_TEST(many_runs_few_in_the_table)
{
    SF_AUTO(spill_merge) merge = {0};
    SF_AUTO(spill_runs) runs = {.temp_dir = unit_temp_dir(), .fd = -1};
    struct sf_error err = SF_ERROR_INIT;
    struct spill_record *record = mem_alloc(sizeof(*record) + 16);
    struct spill_view view;
    int i, count = 64 * 64 * 2 + 5;

    record->key_bytes = 6;
    for (i = 0; i < count; i++) {
        snprintf(record->data, 16, "%06d", count - 1 - i); /* no value: its NUL is the next byte */
        MUST(spill_runs_add(&runs, record, &err) == 0);
        MUST(spill_runs_compact(&runs, &err) == 0);
        MUST(runs.count <= 3 * (SPILL_FAN_IN - 1));
    }
    ck_assert_int_eq(spill_runs_reduce(&runs, &err), 0);
    ck_assert_uint_le(runs.count, spill_runs_fan_in(&runs));
    ck_assert_int_eq(spill_merge_open(&merge, &runs, 0, runs.count, &err), 0);
    for (i = 0; i < count; i++) {
        snprintf(record->data, 16, "%06d", i);
        MUST(spill_merge_next(&merge, &view, &err) == 1);
        MUST(strcmp(view.key, record->data) == 0 && view.value_bytes == 0);
    }
    ck_assert_int_eq(spill_merge_next(&merge, &view, &err), 0);
    free(record);
}
END_TEST

static int count_names(const char *path)
{
    DIR *dir = opendir(path);
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count - 2;
}

static int add_until_it_fails(struct spill *spill, struct sf_error *err)
{
    char key[64];
    int i, result = 0;

    for (i = 0; i < 200000 && result == 0; i++) {
        int bytes = snprintf(key, sizeof(key), "some name that is not so short %d", i * 7919 % 200000);

        result = spill_add(spill, key, (size_t)bytes, "f", 1, err);
    }
    return result;
}

START_TEST(file_has_no_name)
{
    struct sf_error err = SF_ERROR_INIT;
    struct spill *spill = spill_new(unit_temp_dir());

    ck_assert_msg(add_until_it_fails(spill, &err) == 0, "%s", err.text);
    ck_assert_int_eq(count_names(unit_temp_dir()), 0);
    spill_free(spill); /* without sorting: what is abandoned is cleaned up */
}
END_TEST

START_TEST(no_folder_for_the_file)
{
    struct sf_error err = SF_ERROR_INIT;
    struct spill *spill = spill_new("/nowhere/at\nall");

    ck_assert_int_eq(add_until_it_fails(spill, &err), -1);
    ck_assert_int_eq(err.cls, SF_NOT_FOUND);
    ck_assert_str_eq(err.text, "make a temporary file in /nowhere/at\\x0aall: No such file or directory");
    spill_free(spill);
}
END_TEST

START_TEST(file_cannot_grow)
{
    struct sf_error err = SF_ERROR_INIT;
    struct rlimit limit, old;
    struct spill *spill = spill_new(unit_temp_dir());

    ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 1000 * 1000; /* in the middle of a write */
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(add_until_it_fails(spill, &err), -1);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert_int_eq(err.status, EFBIG);
    ck_assert_ptr_nonnull(strstr(err.text, "write a temporary file in"));
    spill_free(spill);
}
END_TEST

START_TEST(temp_file)
{
    struct sf_error err = SF_ERROR_INIT;
    struct stat st;
    int fd = spill_temp_file(unit_temp_dir(), &err);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_uint_eq(st.st_nlink, 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(write(fd, "x", 1), 1);
    close(fd);
    ck_assert_int_eq(spill_temp_file("/proc/self", &err), -1);
}
END_TEST

UNIT_MAIN("spill", &few_stay_in_memory, &nothing_at_all, &just_beyond_memory, &more_runs_than_one_merge_takes,
          &large_records, &records_that_grow, &many_runs_few_in_the_table, &file_has_no_name, &no_folder_for_the_file,
          &file_cannot_grow, &temp_file)
