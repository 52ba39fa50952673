/* SPDX-License-Identifier: Apache-2.0
 *
 * What every pipeline has open: config, state folder, plugin, store, one connection of its own, the call that cancels all
 * of it. Pipeline's thread.
 */
#ifndef CORE_PIPELINE_SESSION_H
#define CORE_PIPELINE_SESSION_H

#include "core/config/config.h"
#include "core/config/state.h"
#include "core/lanes/pool.h"
#include "core/point/point.h"
#include "core/progress/meter.h"
#include "core/store/call.h"
#include "core/store/load.h"
#include "core/store/store.h"
#include "core/store/watch.h"

struct session {
    const struct options *options;
    struct log *log;
    int64_t began_ms; /* monotonic */
    char id[RUN_ID_HEX + 1];
    struct config config;
    struct state state;
    struct plugin plugin;
    struct setting_list settings;
    char *base_name;
    struct run_call run;
    struct watch watch;
    struct store store;
    struct base base;
    unsigned workers; /* 0: not chosen yet */
    struct pool *pool;
    struct meter meter;
    atomic_bool printed; /* the JSON value, by whoever came first: the pipeline, or the watch that ends it */
    enum exit_code code; /* what an error of session_open means */
};

/* Config, state folder, plugin, store, connection. With writes a state folder is required and the config's timeout counts;
 * reading commands go on without either. On failure session->code says how to exit. */
MUST_CHECK int session_open(struct session *session, const struct options *options, struct log *log, bool writes,
                            struct sf_error *err);
/* How many workers there are to be: fewer than the config asks for if store or memory allow fewer; refused if memory has no room for one.
 * session_open_pool() asks it itself, unless it was asked before, where nothing is written yet. */
MUST_CHECK int session_choose_workers(struct session *session, struct sf_error *err);
/* The worker threads, for pipelines that need them. */
MUST_CHECK int session_open_pool(struct session *session, struct sf_error *err);
void session_cleanup(struct session *session); /* zero value is fine */

/* Refuses a destination that is a folder inside one of the sources: each backup would hold the ones before it. */
MUST_CHECK int session_check_sources(struct session *session, struct sf_error *err);
/* Refuses a restore target that holds the destination's folder or lies in it: --replace would remove the backups. */
MUST_CHECK int session_check_target(struct session *session, const char *target, struct sf_error *err);
/* Whether two sources cannot be restored to these folders: they are one, or one lies in the other, so that the later restore removes
 * what the earlier one brought. */
bool session_targets_clash(const char *one, const char *other);

/* The source that the flags and the config know by this name, or NULL. */
const struct source *session_find_source(const struct session *session, const char *name);

#endif
