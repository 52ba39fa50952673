/* SPDX-License-Identifier: Apache-2.0
 *
 * Several connections at the same key or folder at once.
 */
#include "tests/unit/localfs/bed.h"

#include "base/auto.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 60, SUCCESSES = 25, PUTS = 300 };

struct shared {
    struct bed bed; /* every racer copies it and takes a connection of its own */
    pthread_barrier_t start;
    _Atomic int winners;
    _Atomic int losers;
    _Atomic int others; /* neither won nor lost */
    _Atomic int winner;
    _Atomic bool stop;
};

struct racer {
    struct shared *shared;
    int number;
    pthread_t thread;
};

static void run_racers(struct shared *shared, void *(*run)(void *))
{
    struct racer racers[THREADS];
    int i;

    ck_assert_int_eq(pthread_barrier_init(&shared->start, NULL, THREADS), 0);
    for (i = 0; i < THREADS; i++) {
        racers[i] = (struct racer){.shared = shared, .number = i};
        ck_assert_int_eq(pthread_create(&racers[i].thread, NULL, run, &racers[i]), 0);
    }
    for (i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(racers[i].thread, NULL), 0);
    pthread_barrier_destroy(&shared->start);
}

/* Bodies, error and result of its own; the counters of the copy are its own too. */
static struct bed *own_bed(struct shared *shared)
{
    struct bed *own = mem_alloc(sizeof(*own));

    memcpy(own, &shared->bed, sizeof(*own));
    own->call.ctx = own;
    own->conn = bed_connect(own);
    return own;
}

static void free_bed(struct bed *own)
{
    own->plugin->conn_close(own->conn);
    free(own);
}

static void *race_to_create(void *arg)
{
    struct racer *racer = arg;
    struct shared *shared = racer->shared;
    struct bed *bed = own_bed(shared);
    int round;

    for (round = 0; round < ROUNDS; round++) {
        char key[64], text[32];
        int result;

        snprintf(key, sizeof(key), "round-%d/made/by/all/key", round);
        snprintf(text, sizeof(text), "%d", racer->number);
        pthread_barrier_wait(&shared->start);
        result = bed_put(bed, key, text);
        if (result == SF_OK) {
            shared->winners++;
            shared->winner = racer->number;
        } else if (result == SF_EXISTS) {
            shared->losers++;
        } else {
            shared->others++;
        }
        pthread_barrier_wait(&shared->start);
        if (racer->number == 0) {
            SF_AUTO(buf) out = BUF_INIT;

            if (bed_get(bed, key, &out) != SF_OK || atoi(buf_text(&out)) != shared->winner)
                shared->others++;
        }
        pthread_barrier_wait(&shared->start);
    }
    free_bed(bed);
    return NULL;
}

START_TEST(test_one_creates)
{
    struct shared shared = {.winners = 0};

    bed_open(&shared.bed, "base", NULL);
    run_racers(&shared, race_to_create);
    ck_assert_int_eq(shared.winners, ROUNDS);
    ck_assert_int_eq(shared.losers, ROUNDS * (THREADS - 1));
    ck_assert_int_eq(shared.others, 0);
    ck_assert_int_eq(bed_count_temps("base"), 0);
    bed_close(&shared.bed);
}
END_TEST

/* A counter that everybody reads, adds one to, and writes back if it is still the same. */
static void *race_to_count(void *arg)
{
    struct racer *racer = arg;
    struct shared *shared = racer->shared;
    struct bed *bed = own_bed(shared);
    int done = 0;

    pthread_barrier_wait(&shared->start);
    while (done < SUCCESSES && shared->others == 0) {
        SF_AUTO(buf) out = BUF_INIT;
        char text[32], tag[SF_TAG_MAX + 4];
        int result;

        if (bed_get(bed, "d/counter", &out) != SF_OK) {
            shared->others++;
            break;
        }
        memcpy(tag, bed->object.tag, sizeof(tag));
        snprintf(text, sizeof(text), "%d", atoi(buf_text(&out)) + 1);
        result = bed_put_if(bed, "d/counter", text, tag);
        done += result == SF_OK;
        if (result != SF_OK && result != SF_PRECONDITION)
            shared->others++;
    }
    free_bed(bed);
    return NULL;
}

START_TEST(test_no_update_is_lost)
{
    SF_AUTO(buf) out = BUF_INIT;
    struct shared shared = {.winners = 0};

    bed_open(&shared.bed, "base", NULL);
    ck_assert_int_eq(bed_put(&shared.bed, "d/counter", "0"), SF_OK);
    run_racers(&shared, race_to_count);
    ck_assert_int_eq(shared.others, 0);
    ck_assert_int_eq(bed_get(&shared.bed, "d/counter", &out), SF_OK);
    ck_assert_int_eq(atoi(buf_text(&out)), THREADS * SUCCESSES);
    bed_close(&shared.bed);
}
END_TEST

/* Each puts and removes a key of its own in the same folder, so the folder comes and goes all the time. */
static void *race_with_remove(void *arg)
{
    struct racer *racer = arg;
    struct shared *shared = racer->shared;
    struct bed *bed = own_bed(shared);
    char key[64];
    int i;

    snprintf(key, sizeof(key), "a/b/c/%d", racer->number);
    pthread_barrier_wait(&shared->start);
    for (i = 0; i < PUTS; i++) {
        if (bed_put(bed, key, "x") != SF_OK || bed_stat(bed, key) != SF_OK || bed_remove(bed, key, NULL) != SF_OK ||
            bed_stat(bed, key) != SF_NOT_FOUND) {
            fprintf(stderr, "# %s\n", bed->err.text);
            shared->others++;
            break;
        }
    }
    free_bed(bed);
    return NULL;
}

START_TEST(test_put_survives_cleared_folders)
{
    struct shared shared = {.winners = 0};

    bed_open(&shared.bed, "base", NULL);
    run_racers(&shared, race_with_remove);
    ck_assert_int_eq(shared.others, 0);
    ck_assert_msg(!bed_exists("base/a"), "an empty folder was left");
    ck_assert_int_eq(bed_count_temps("base"), 0);
    bed_close(&shared.bed);
}
END_TEST

/* A list beside puts and removes: what stays is always listed, a temporary never, and nothing fails. */
static void *race_with_list(void *arg)
{
    struct racer *racer = arg;
    struct shared *shared = racer->shared;
    struct bed *bed = own_bed(shared);
    SF_AUTO(buf) out = BUF_INIT;
    char key[64];
    int i;

    snprintf(key, sizeof(key), "m/%d/x", racer->number);
    pthread_barrier_wait(&shared->start);
    for (i = 0; i < PUTS / 3 && shared->others == 0; i++) {
        bool wrong;

        if (racer->number > 1) {
            wrong = bed_put(bed, key, "x") != SF_OK || bed_remove(bed, key, NULL) != SF_OK;
        } else {
            wrong = bed_list(bed, "", NULL, false, 2, &out) != SF_OK || strncmp(buf_text(&out), "a\n", 2) != 0 ||
                    strstr(buf_text(&out), "\nz\n") == NULL || strstr(buf_text(&out), "tmp") != NULL;
        }
        if (wrong) {
            fprintf(stderr, "# %s %s\n", bed->err.text, buf_text(&out));
            shared->others++;
        }
    }
    free_bed(bed);
    return NULL;
}

START_TEST(test_list_beside_changes)
{
    struct shared shared = {.winners = 0};

    bed_open(&shared.bed, "base", NULL);
    ck_assert_int_eq(bed_put(&shared.bed, "a", "x"), SF_OK);
    ck_assert_int_eq(bed_put(&shared.bed, "z", "x"), SF_OK);
    run_racers(&shared, race_with_list);
    ck_assert_int_eq(shared.others, 0);
    bed_close(&shared.bed);
}
END_TEST

UNIT_MAIN("localfs/race", &test_one_creates, &test_no_update_is_lost, &test_put_survives_cleared_folders,
          &test_list_beside_changes)
