/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory plugin with a script: for each slot, what its first calls do instead of just working. Beyond the script calls pass
 * through. One script a test (each runs in a process of its own).
 */
#ifndef TESTS_UNIT_STORE_SCRIPT_H
#define TESTS_UNIT_STORE_SCRIPT_H

#include "core/progress/log.h"
#include "core/store/call.h"
#include "core/store/store.h"

#define SCRIPT_STEPS 16

/* What one call does. */
struct step {
    int cls;            /* 0: passes through; else fails with it */
    bool apply;         /* does its work, then fails all the same */
    bool maybe_applied; /* says so */
    int64_t retry_after_ms;
    bool silent; /* leaves the text empty */
};

struct script_slot {
    struct step steps[SCRIPT_STEPS];
    atomic_uint calls;
};

extern struct script_slot script_put, script_get, script_stat, script_list_next, script_remove, script_store_open,
    script_conn_open;
/* Uploads, which the memory plugin has not: parts are kept apart, commit is a put of them (script_upload.c). */
extern struct script_slot script_begin, script_resume, script_part, script_commit, script_abort, script_uploads_list;
#define SCRIPT_UPLOADS (SF_CAP_UPLOAD | SF_CAP_PARALLEL_PARTS | SF_CAP_UPLOAD_RESUME | SF_CAP_CREATE_ONLY_COMMIT)

/* What the next call does, and what one with such a step answers. */
struct step script_next(struct script_slot *slot);
int script_fail(const struct step *step, struct sf_error *err);
void script_fill_uploads(struct sf_plugin *table);
/* How many uploads stand on the store, neither committed nor aborted. */
unsigned script_uploads_open(void);

/* The table; its members may be changed before a store is opened with it. */
struct sf_plugin *script_plugin(void);

/* store_open() with the scripted table, or fail the test. */
void script_store(struct store *store, struct run_call *run, struct log *log, const char *name);

/* A put of text with the run's metadata and its digest, as send.c makes them. */
int script_send(const struct store *store, struct run_call *run, const char *key, const char *text, const char *run_id,
                const char *if_tag, struct sf_object *object, struct sf_error *err);

#endif
