/* SPDX-License-Identifier: Apache-2.0
 *
 * One suite for any plugin and store: what docs/abi.md demands, tried on a live destination below a prefix of its own. `snapferry
 * plugin check` runs it for vendors and operators, the test suite for the plugins of this tree. It knows the ABI
 * and nothing of any plugin.
 */
#ifndef TESTS_CONFORMANCE_CONFORMANCE_H
#define TESTS_CONFORMANCE_CONFORMANCE_H

#include "base/buf.h"
#include "snapferry/plugin.h"

#include <stdatomic.h>
#include <stdbool.h>

enum conformance_verdict { CONFORMANCE_OK, CONFORMANCE_FAILED, CONFORMANCE_SKIPPED };

/* What a case works with: fresh for each. */
struct conformance {
    const struct sf_plugin *table;
    const struct sf_settings *settings;
    struct sf_store *store;
    struct sf_store_info info;
    struct sf_conn *conn;
    struct sf_call call;
    atomic_int cancel; /* the call says cancelled while not 0 */
    atomic_uint requests[16];
    const char *prefix; /* of all keys of this case, ends in '/' */
    enum conformance_verdict verdict;
    char text[1024]; /* why it failed or was skipped */
};

struct conformance_case {
    const char *name; /* says what holds if it passes */
    void (*run)(struct conformance *suite);
};

/* Called once a case. */
typedef void (*conformance_report_fn)(void *ctx, const char *name, enum conformance_verdict verdict, const char *text);

struct conformance_counts {
    unsigned passed;
    unsigned failed;
    unsigned skipped;
};

/* Runs every case below prefix (without '/' at the end; "" is fine) and removes what they left. -1: the store could not be
 * opened or cleared. only: NULL, or run the cases whose name contains it. */
int conformance_run(const struct sf_plugin *table, const struct sf_settings *settings, const char *prefix,
                    const char *only, conformance_report_fn report, void *ctx, struct conformance_counts *counts,
                    struct sf_error *err);

/* The cases, a table a file. */
extern const struct conformance_case conformance_put_cases[];
extern const struct conformance_case conformance_precondition_cases[];
extern const struct conformance_case conformance_get_cases[];
extern const struct conformance_case conformance_list_cases[];
extern const struct conformance_case conformance_odd_cases[];
extern const struct conformance_case conformance_remove_cases[];
extern const struct conformance_case conformance_copy_cases[];
extern const struct conformance_case conformance_upload_cases[];
extern const struct conformance_case conformance_upload_end_cases[];
extern const struct conformance_case conformance_parallel_cases[];
extern const struct conformance_case conformance_abi_cases[];

/* --- for cases (kit.c) --- */

/* Ends the case as failed (or skipped); use through the macros, which return. */
void conformance_fail(struct conformance *suite, const char *file, int line, const char *fmt, ...) SF_PRINTF(4, 5);

#define REQUIRE(suite, condition, ...)                                                                                 \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            conformance_fail(suite, __FILE__, __LINE__, __VA_ARGS__);                                                  \
            return;                                                                                                    \
        }                                                                                                              \
    } while (0)

#define SKIP_UNLESS(suite, condition, why)                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (suite)->verdict = CONFORMANCE_SKIPPED;                                                                    \
            snprintf((suite)->text, sizeof((suite)->text), "%s", why);                                                 \
            return;                                                                                                    \
        }                                                                                                              \
    } while (0)

/* prefix + name. Valid until the case ends its scope: cleans up through SF_AUTO(buf). */
void conformance_key(const struct conformance *suite, const char *name, struct buf *key);

/* A put from memory with what digests the store wants. -1 with *err. */
int conformance_put(struct conformance *suite, const char *key, const void *data, size_t bytes,
                    struct sf_object *object, struct sf_error *err);
/* The same with a precondition. */
int conformance_put_if(struct conformance *suite, const char *key, const void *data, size_t bytes,
                       enum sf_precondition precondition, const char *tag, struct sf_object *object,
                       struct sf_error *err);
/* The digests of data that info.wanted_digests asks for, SHA-256 always. */
void conformance_digests(const struct conformance *suite, const void *data, size_t bytes, struct sf_digests *digests);
/* A whole object. */
int conformance_get(struct conformance *suite, const char *key, struct buf *out, struct sf_object *object,
                    struct sf_error *err);
/* 1: exists, 0: not_found, -1: another error. */
int conformance_exists(struct conformance *suite, const char *key, struct sf_error *err);
/* All keys of a list, joined by newlines, prefixes with a leading '>' . */
int conformance_list(struct conformance *suite, const struct sf_list_query *query, struct buf *out,
                     struct sf_error *err);
/* Ends all unfinished uploads below prefix, by the tokens of uploads_list; 0 where there is none. */
int conformance_abort_uploads(struct conformance *suite, const char *prefix, struct sf_error *err);
/* bytes of repeatable noise, to free. */
unsigned char *conformance_noise(size_t bytes, unsigned seed);

#endif
