/* SPDX-License-Identifier: Apache-2.0
 *
 * Compares what manifests say with what the store lists: for every time-dir that they name, one list a source, joined with the
 * entries that lie there, in constant memory. Backup runs it over drafts before the commit, verify over manifests.
 */
#ifndef CORE_CHECK_CHECK_H
#define CORE_CHECK_CHECK_H

#include "core/point/point.h"

/* A stream of entries from its first one, opened anew for every time-dir. at names the record where the stream has a name
 * for it. */
struct check_stream {
    void *ctx;
    int (*rewind)(void *ctx, struct sf_error *err);
    int (*next)(void *ctx, struct entry *entry, uint64_t *at, struct sf_error *err);
};

enum check_finding { CHECK_MISSING, CHECK_SIZE, CHECK_TAG, CHECK_SURPLUS };

struct check_report {
    void *ctx;
    /* entry is NULL for a surplus object; object is NULL for a missing one; key is the object's whole key. */
    int (*found)(void *ctx, enum check_finding finding, const char *key, const struct entry *entry, uint64_t at,
                 const struct sf_object *object, struct sf_error *err);
};

/* own: the time-dir in which surplus objects are reported. */
MUST_CHECK int check_time_dir(const struct base *base, const char *time_dir, const char *source, bool own,
                              const struct check_stream *stream, const struct check_report *report,
                              struct sf_error *err);

/* "missing", "size differs", ... */
const char *check_finding_text(enum check_finding finding);

#endif
