/* SPDX-License-Identifier: Apache-2.0 */
#include "core/manifest/draft.h"

#include "base/mem.h"
#include "tests/kit/unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define MUST(claim)                                                                                                    \
    do {                                                                                                               \
        if (!(claim))                                                                                                  \
            ck_abort_msg("%s", #claim);                                                                                \
    } while (0)

#define RACE_RECORDS 20000u
#define RACE_THREADS 4u

/* Everything of an entry follows from one number, so that a mixture of two shows. */
static void set_object(struct entry *entry, uint64_t number)
{
    entry->size = number;
    entry->mode = (uint32_t)(number & 07777);
    entry->uid = (uint32_t)number;
    entry->gid = (uint32_t)(number >> 1);
    entry->mtime_ns = -(int64_t)number;
    memset(entry->sha256, (int)(number & 0xff), sizeof(entry->sha256));
    snprintf(entry->tag, sizeof(entry->tag), "tag-%0124llu", (unsigned long long)number);
    snprintf(entry->time_dir, sizeof(entry->time_dir), "2026-11-%02u", (unsigned)(number % 28 + 1));
}

static void expect_object(const struct entry *entry, uint64_t number)
{
    struct entry want = ENTRY_INIT;

    set_object(&want, number);
    MUST(entry->size == want.size && entry->mode == want.mode && entry->uid == want.uid && entry->gid == want.gid);
    MUST(entry->mtime_ns == want.mtime_ns && memcmp(entry->sha256, want.sha256, sizeof(want.sha256)) == 0);
    MUST(strcmp(entry->tag, want.tag) == 0 && strcmp(entry->time_dir, want.time_dir) == 0);
}

static struct draft *open_draft(void)
{
    struct sf_error err = SF_ERROR_INIT;
    struct draft *draft = NULL;

    ck_assert_msg(draft_open(&draft, unit_temp_dir(), &err) == 0, "%s", err.text);
    return draft;
}

static uint64_t append(struct draft *draft, const char *path, enum entry_type type, const char *target, uint64_t number,
                       enum draft_state state)
{
    struct sf_error err = SF_ERROR_INIT;
    struct entry entry = ENTRY_INIT;
    uint64_t at = UINT64_MAX;

    entry.path = mem_text(path);
    entry.target = target != NULL ? mem_text(target) : NULL;
    entry.type = type;
    set_object(&entry, number);
    MUST(draft_append(draft, &entry, state, &at, &err) == 0);
    entry_cleanup(&entry);
    return at;
}

static int update(struct draft *draft, uint64_t at, uint64_t number, enum draft_state state)
{
    struct sf_error err = SF_ERROR_INIT;
    struct entry entry = ENTRY_INIT;

    set_object(&entry, number);
    return draft_update(draft, at, &entry, state, &err);
}

static struct draft_cursor *open_cursor(struct draft *draft)
{
    struct sf_error err = SF_ERROR_INIT;
    struct draft_cursor *cursor = NULL;

    MUST(draft_cursor_open(&cursor, draft, &err) == 0);
    return cursor;
}

static void expect(struct draft_cursor *cursor, const char *path, enum entry_type type, const char *target,
                   uint64_t number, enum draft_state state, uint64_t at)
{
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct sf_error err = SF_ERROR_INIT;
    enum draft_state got_state;
    uint64_t got_at;

    MUST(draft_cursor_next(cursor, &entry, &got_state, &got_at, &err) == 1);
    MUST(strcmp(entry.path, path) == 0 && entry.type == type && got_state == state && got_at == at);
    MUST((entry.target == NULL) == (target == NULL));
    MUST(target == NULL || strcmp(entry.target, target) == 0);
    expect_object(&entry, number);
}

static void expect_end(struct draft_cursor *cursor)
{
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct sf_error err = SF_ERROR_INIT;
    enum draft_state state;
    uint64_t at;

    MUST(draft_cursor_next(cursor, &entry, &state, &at, &err) == 0);
    MUST(draft_cursor_next(cursor, &entry, &state, &at, &err) == 0);
}

START_TEST(records_come_back)
{
    struct draft *draft = open_draft();
    struct draft_cursor *cursor, *other;
    char target[4096];
    uint64_t at[4];

    memset(target, 't', sizeof(target) - 1);
    target[sizeof(target) - 1] = '\0';
    at[0] = append(draft, "", ENTRY_DIR, NULL, 1, DRAFT_DONE);
    at[1] = append(draft, "a\nb\xff", ENTRY_FILE, NULL, 2, DRAFT_LARGE);
    at[2] = append(draft, "link", ENTRY_LINK, target, 3, DRAFT_DONE);
    at[3] = append(draft, "z", ENTRY_FILE, NULL, UINT64_C(1) << 62, DRAFT_SENDING);
    ck_assert_int_eq(update(draft, at[1], 77, DRAFT_DAMAGED), 0);
    cursor = open_cursor(draft);
    other = open_cursor(draft);
    expect(cursor, "", ENTRY_DIR, NULL, 1, DRAFT_DONE, at[0]);
    expect(cursor, "a\nb\xff", ENTRY_FILE, NULL, 77, DRAFT_DAMAGED, at[1]);
    expect(other, "", ENTRY_DIR, NULL, 1, DRAFT_DONE, at[0]);
    expect(cursor, "link", ENTRY_LINK, target, 3, DRAFT_DONE, at[2]);
    expect(cursor, "z", ENTRY_FILE, NULL, UINT64_C(1) << 62, DRAFT_SENDING, at[3]);
    expect_end(cursor);
    draft_cursor_close(cursor);
    draft_cursor_close(other);
    draft_cursor_close(NULL);
    ck_assert_int_eq(update(draft, at[3], 5, DRAFT_DONE), 0); /* now in the file, no more in memory */
    cursor = open_cursor(draft);
    expect(cursor, "", ENTRY_DIR, NULL, 1, DRAFT_DONE, at[0]);
    expect(cursor, "a\nb\xff", ENTRY_FILE, NULL, 77, DRAFT_DAMAGED, at[1]);
    expect(cursor, "link", ENTRY_LINK, target, 3, DRAFT_DONE, at[2]);
    expect(cursor, "z", ENTRY_FILE, NULL, 5, DRAFT_DONE, at[3]);
    expect_end(cursor);
    draft_cursor_close(cursor);
    draft_close(draft);
    draft_close(NULL);
}
END_TEST

START_TEST(an_empty_draft_ends_at_once)
{
    struct draft *draft = open_draft();
    struct draft_cursor *cursor = open_cursor(draft);

    expect_end(cursor);
    draft_cursor_close(cursor);
    draft_close(draft);
}
END_TEST

/* Records larger than the buffers on either side, and of every length around their edges. */
START_TEST(long_paths_cross_the_buffers)
{
    struct draft *draft = open_draft();
    char *path = mem_alloc(200 * 1024);
    struct draft_cursor *cursor;
    uint64_t at[400];
    size_t i;

    for (i = 0; i < 400; i++) {
        size_t length = i % 50 == 49 ? 150 * 1024 + i : 300 + 7 * i;

        memset(path, 'p', length);
        path[length] = '\0';
        at[i] = append(draft, path, ENTRY_FILE, NULL, i, DRAFT_SENDING);
    }
    for (i = 0; i < 400; i += 3)
        MUST(update(draft, at[i], i + 1000, DRAFT_DONE) == 0);
    cursor = open_cursor(draft);
    for (i = 0; i < 400; i++) {
        size_t length = i % 50 == 49 ? 150 * 1024 + i : 300 + 7 * i;

        memset(path, 'p', length);
        path[length] = '\0';
        expect(cursor, path, ENTRY_FILE, NULL, i % 3 == 0 ? i + 1000 : i, i % 3 == 0 ? DRAFT_DONE : DRAFT_SENDING,
               at[i]);
    }
    expect_end(cursor);
    draft_cursor_close(cursor);
    free(path);
    draft_close(draft);
}
END_TEST

struct race {
    struct draft *draft;
    uint64_t at[RACE_RECORDS];
    atomic_uint published;
    atomic_bool failed;
};

struct racer {
    struct race *race;
    unsigned first;
    uint64_t add;
};

static void *update_as_published(void *arg)
{
    struct racer *racer = arg;
    struct race *race = racer->race;
    unsigned i;

    for (i = racer->first; i < RACE_RECORDS; i += RACE_THREADS) {
        while (atomic_load(&race->published) <= i)
            sched_yield();
        if (update(race->draft, race->at[i], i + racer->add, DRAFT_DONE) != 0)
            atomic_store(&race->failed, true);
    }
    return NULL;
}

static void start_racers(struct race *race, pthread_t *threads, struct racer *racers, uint64_t add)
{
    unsigned i;

    for (i = 0; i < RACE_THREADS; i++) {
        racers[i] = (struct racer){race, i, add};
        MUST(pthread_create(&threads[i], NULL, update_as_published, &racers[i]) == 0);
    }
}

static void join_racers(struct race *race, const pthread_t *threads)
{
    unsigned i;

    for (i = 0; i < RACE_THREADS; i++)
        MUST(pthread_join(threads[i], NULL) == 0);
    MUST(!atomic_load(&race->failed));
}

/* Workers update what was appended a moment ago, in memory or just written, while more is appended. Then they update again
 * while a cursor passes: it must never see half of an update. */
START_TEST(updates_race_with_appends_and_cursors)
{
    struct race *race = mem_alloc(sizeof(*race));
    pthread_t threads[RACE_THREADS];
    struct racer racers[RACE_THREADS];
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct draft_cursor *cursor;
    enum draft_state state;
    uint64_t at;
    unsigned i;

    race->draft = open_draft();
    start_racers(race, threads, racers, 1000000);
    for (i = 0; i < RACE_RECORDS; i++) {
        char path[40];

        snprintf(path, sizeof(path), "folder/%0*u", (int)(5 + i % 20), i);
        race->at[i] = append(race->draft, path, ENTRY_FILE, NULL, i, DRAFT_SENDING);
        atomic_store(&race->published, i + 1);
    }
    join_racers(race, threads);
    cursor = open_cursor(race->draft);
    for (i = 0; i < RACE_RECORDS; i++) {
        MUST(draft_cursor_next(cursor, &entry, &state, &at, &err) == 1);
        MUST(state == DRAFT_DONE && at == race->at[i]);
        expect_object(&entry, i + 1000000);
    }
    expect_end(cursor);
    draft_cursor_close(cursor);

    start_racers(race, threads, racers, 2000000);
    cursor = open_cursor(race->draft);
    for (i = 0; i < RACE_RECORDS; i++) {
        MUST(draft_cursor_next(cursor, &entry, &state, &at, &err) == 1);
        MUST(entry.size == i + 1000000 || entry.size == i + 2000000);
        expect_object(&entry, entry.size);
    }
    draft_cursor_close(cursor);
    join_racers(race, threads);
    draft_close(race->draft);
    free(race);
}
END_TEST

START_TEST(a_full_disk_is_named)
{
    struct rlimit limit = {100 * 1024, RLIM_INFINITY};
    struct draft *draft = open_draft();
    struct sf_error err = SF_ERROR_INIT;
    struct entry entry = ENTRY_INIT;
    uint64_t at;
    int i, result = 0;

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    entry.path = mem_text("some/file");
    for (i = 0; i < 1000 && result == 0; i++)
        result = draft_append(draft, &entry, DRAFT_DONE, &at, &err);
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(err.cls, SF_TOO_LARGE);
    ck_assert_msg(strstr(err.text, "temporary folder") != NULL, "%s", err.text);
    entry_cleanup(&entry);
    draft_close(draft);
}
END_TEST

START_TEST(a_missing_folder_is_named)
{
    struct sf_error err = SF_ERROR_INIT;
    struct draft *draft = NULL;

    ck_assert_int_eq(draft_open(&draft, "/nowhere/at/all", &err), -1);
    ck_assert_int_eq(err.cls, SF_NOT_FOUND);
    ck_assert_msg(strstr(err.text, "/nowhere/at/all") != NULL, "%s", err.text);
}
END_TEST

UNIT_MAIN("manifest/draft", &records_come_back, &an_empty_draft_ends_at_once, &long_paths_cross_the_buffers,
          &updates_race_with_appends_and_cursors, &a_full_disk_is_named, &a_missing_folder_is_named)
