/* SPDX-License-Identifier: Apache-2.0
 *
 * What the localfs tests share: an open store with one connection, and slots called with few words. The calls
 * answer with an enum sf_class; the message of a failure is in bed.err.
 */
#ifndef TESTS_LOCALFS_BED_H
#define TESTS_LOCALFS_BED_H

#include "base/auto.h"
#include "base/buf.h"
#include "snapferry/plugin.h"
#include "tests/kit/unit.h"

#include <stdatomic.h>
#include <stdbool.h>

struct bed {
    const struct sf_plugin *plugin;
    struct sf_store *store;
    struct sf_conn *conn;
    struct sf_store_info info;
    struct sf_call call; /* its ctx is the bed */
    struct sf_error err;
    struct sf_object object; /* of the last put, copy, get or stat */
    uint64_t if_cancelled;   /* 0, or each call of cancelled() that is a multiple of it says 1 */
    _Atomic uint64_t asked;
    _Atomic uint64_t accounted;
    _Atomic uint64_t reports;
    _Atomic int32_t last_status;
};

/* Opens <unit_temp_dir()>/<name>; the test fails if that fails. durability NULL: default. */
void bed_open(struct bed *bed, const char *name, const char *durability);
int bed_try_open(struct bed *bed, const char *path, const char *durability); /* any path; 0 or a class */
void bed_close(struct bed *bed);
struct sf_conn *bed_connect(struct bed *bed);

int bed_put(struct bed *bed, const char *key, const char *text);     /* create only */
int bed_replace(struct bed *bed, const char *key, const char *text); /* whatever is there */
int bed_put_if(struct bed *bed, const char *key, const char *text, const char *tag);
int bed_put_args(struct bed *bed, const struct sf_put *put);
int bed_stat(struct bed *bed, const char *key);
int bed_get(struct bed *bed, const char *key, struct buf *out); /* out may be NULL */
int bed_remove(struct bed *bed, const char *key, const char *tag);

/* All that a list yields, a line each, folders with their slash; checks that pages are no longer than page. */
int bed_list(struct bed *bed, const char *prefix, const char *start_after, bool folds, uint32_t page, struct buf *out);

struct sf_body bed_text(const char *text);
const char *bed_path(const char *name); /* below unit_temp_dir(); static */
bool bed_exists(const char *name);      /* the same, a symlink to nowhere too */
int bed_count_temps(const char *name);  /* files in .snapferry/tmp of the store <name> */
void bed_read(const char *name, struct buf *out);

#endif
