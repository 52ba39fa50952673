/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "core/backup/backup.h"
#include "core/progress/log.h"
#include "core/store/call.h"
#include "tests/kit/store.h"
#include "tests/kit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDERS 500

/* A source of folders alone: nothing of it goes to the lanes, so only the walk itself can notice that they have failed. */
static int open_tree(void)
{
    int root = open(unit_temp_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), i;

    ck_assert_int_ge(root, 0);
    for (i = 0; i < FOLDERS; i++) {
        AUTO_FREE char *name = mem_printf("%d", i);

        ck_assert_int_eq(mkdirat(root, name, 0700), 0);
    }
    return root;
}

static int fail_job(struct worker *worker, void *job, struct sf_error *err)
{
    (void)worker;
    (void)job;
    return sf_fail(err, SF_DENIED, "the first failure");
}

static void drop_job(void *job)
{
    (void)job;
}

struct rig {
    struct run_call run;
    struct store store;
    struct base base;
    struct config config;
    struct source source;
    struct meter meter;
    struct log log;
    struct backup backup;
    struct backup_source *gathered; /* the only one */
    struct pool *pool;
};

static void open_rig(struct rig *rig)
{
    struct sf_error err = SF_ERROR_INIT;

    memset(rig, 0, sizeof(*rig));
    rig->log = (struct log)LOG_INIT;
    run_call_init(&rig->run, 0);
    kit_store_open(&rig->store, &rig->run, "gather");
    ck_assert_int_eq(pool_open(&rig->pool, &rig->store, &rig->run, 2, 1, &err), 0);
    rig->base = (struct base){.store = &rig->store, .run = &rig->run, .prefix = ""};
    rig->source = (struct source){.path = mem_text(unit_temp_dir())};
    rig->backup = (struct backup){.config = &rig->config,
                                  .base = &rig->base,
                                  .pool = rig->pool,
                                  .log = &rig->log,
                                  .meter = &rig->meter,
                                  .temp_dir = "/tmp",
                                  .source_count = 1,
                                  .locked = {.mutex = PTHREAD_MUTEX_INITIALIZER}};
    rig->gathered = rig->backup.sources = mem_alloc(sizeof(*rig->gathered));
    *rig->gathered =
        (struct backup_source){.source = &rig->source, .rootfd = open_tree(), .parent_fd = -1, .manifest_fd = -1};
}

static void close_rig(struct rig *rig)
{
    pool_close(rig->pool);
    backup_cleanup(&rig->backup);
    store_cleanup(&rig->store);
    free(rig->source.path);
}

START_TEST(whole_walk)
{
    struct sf_error err = SF_ERROR_INIT;
    struct rig rig;

    open_rig(&rig);
    ck_assert_msg(backup_gather(&rig.backup, rig.gathered, &err) == 0, "%s", err.text);
    close_rig(&rig);
}
END_TEST

START_TEST(a_failure_in_the_lanes_stops_the_walk)
{
    struct sf_error err = SF_ERROR_INIT;
    struct rig rig;

    open_rig(&rig);
    ck_assert_int_eq(pool_submit(rig.pool, LANE_SMALL, fail_job, drop_job, NULL, &err), 0);
    ck_assert_int_eq(pool_wait(rig.pool, &err), -1);
    err = (struct sf_error)SF_ERROR_INIT;
    ck_assert_int_eq(backup_gather(&rig.backup, rig.gathered, &err), -1);
    ck_assert_int_eq(err.cls, SF_DENIED); /* what failed first, not that the walk was stopped */
    ck_assert_str_eq(err.text, "the first failure");
    close_rig(&rig);
}
END_TEST

START_TEST(a_signal_stops_the_walk)
{
    struct sf_error err = SF_ERROR_INIT;
    struct rig rig;

    open_rig(&rig);
    atomic_store(&rig.run.cancel_signal, 15);
    ck_assert_int_eq(backup_gather(&rig.backup, rig.gathered, &err), -1);
    ck_assert_int_eq(err.cls, SF_CANCELLED);
    close_rig(&rig);
}
END_TEST

UNIT_MAIN("gather", &whole_walk, &a_failure_in_the_lanes_stops_the_walk, &a_signal_stops_the_walk)
