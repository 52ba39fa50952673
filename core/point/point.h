/* SPDX-License-Identifier: Apache-2.0
 *
 * Restore points as they stand in the store (docs/format.md): <base>/.snapferry/points/<time-dir>.open claims a time-dir for a
 * run, <time-dir>.commit makes the point exist, or says that it never will (a stub).
 */
#ifndef CORE_POINT_POINT_H
#define CORE_POINT_POINT_H

#include "core/config/config.h"
#include "core/manifest/manifest.h"
#include "core/store/call.h"
#include "core/store/store.h"

#define POINT_OBJECT_MAX (4u * 1024u * 1024u) /* bytes of an .open or .commit object that we read */

enum point_status {
    POINT_COMPLETE,   /* a commit */
    POINT_INCOMPLETE, /* .open without commit */
    POINT_STUB,       /* the commit key holds a stub: never, or pruned */
    POINT_DAMAGED,    /* a commit object that parses neither as a point nor as a stub */
    POINT_UNVERIFIED, /* a time-dir without a mark of ours: made by another tool */
};

struct point_source {
    char name[SOURCE_NAME_MAX + 1];
    struct manifest_summary manifest;
    char parent[TIME_DIR_MAX + 1];      /* time-dir of the parent, "" if none */
    char parent_sha256[SHA256_HEX + 1]; /* of its manifest object */
};

struct point {
    enum point_status status;
    char time_dir[TIME_DIR_MAX + 1];
    char run[RUN_ID_HEX + 1];
    char identity[33];
    char tag[SF_TAG_MAX + 1]; /* of the commit object */
    int64_t started_ms;
    int64_t finished_ms;
    struct point_source *sources;
    size_t source_count;
    char **refers; /* other time-dirs that hold objects of this point, ascending */
    size_t refer_count;
    char *problem; /* of a damaged one: why; of a stub: its reason ("never", "pruned") */
};

struct points {
    struct point *items; /* by started_ms ascending; those without a start first, by name */
    size_t count;
};

/* What a run says of itself in .open. */
struct point_open {
    char time_dir[TIME_DIR_MAX + 1]; /* result */
    int64_t started_ms;              /* result: store's clock, later than the newest commit's */
    int64_t server_offset_ms;        /* result: store's clock minus ours */
    char run[RUN_ID_HEX + 1];
    char identity[33];
    char state_id[33];
    int64_t timeout_ms;
    int64_t grace_ms; /* from the deadline to the end of the process */
    const struct source *sources;
    size_t source_count;
};

struct base {
    const struct store *store;
    struct sf_conn *conn; /* the pipeline's own connection */
    struct run_call *run;
    const char *prefix; /* "" or "a/b" */
};

/* --- names and keys (name.c) --- */

/* "2026-11-22", "2026-11-22-15", "2026-11-22T15-04-05Z" of a UTC time. */
void time_dir_name(enum time_style style, int64_t ms, char out[TIME_DIR_MAX + 1]);

/* Replace what out holds by a whole key (or key prefix, ending in '/'). */
void key_points(const struct base *base, struct buf *out);
void key_point(const struct base *base, const char *time_dir, const char *suffix, struct buf *out); /* .open, .commit */
void key_manifest(const struct base *base, const char *time_dir, const char *source, struct buf *out);
void key_source(const struct base *base, const char *time_dir, const char *source, struct buf *out);
void key_object(const struct base *base, const char *time_dir, const char *source, const char *path, struct buf *out);

/* --- texts (format.c, parse.c) --- */

void point_format_open(const struct point_open *open, struct buf *out);
void point_format_commit(const struct point *point, struct buf *out); /* JSON Lines: the point, then a line a source */
/* Of a commit object's text: complete, stub or damaged (then point->problem says why). Never fails. *point is overwritten. */
void point_parse_commit(struct point *point, const char *time_dir, const char *text, size_t bytes);
/* Of an .open: incomplete, with run, identity, started and the sources' names; false: nothing but status and time_dir is set. */
bool point_parse_open(struct point *point, const char *time_dir, const char *text, size_t bytes);
/* Of an .open: the id of the state folder that the run had; false: it does not say. */
bool point_parse_state_id(const char *text, size_t bytes, char state_id[33]);
void point_cleanup(struct point *point);

/* --- reading (points.c) --- */

/* All points of the base. foreign: also time-dirs without a mark of ours, by one delimiter list of the base. Stubs and damaged
 * points have run, started and sources of their .open, where there is one. */
MUST_CHECK int points_read(struct points *points, const struct base *base, bool foreign, struct sf_error *err);
void points_cleanup(struct points *points);
/* The id of the state folder of the run that claimed a time-dir; "" if there is no .open, or it does not say. */
MUST_CHECK int point_read_state_id(const struct base *base, const char *time_dir, char state_id[33],
                                   struct sf_error *err);

/* which is "latest", a time-dir or a run id (8 digits of it are enough, if no other begins so). latest: the newest complete point
 * that holds every wanted source; a point that is named must hold them too. SF_NOT_FOUND with what there is instead: incomplete,
 * stub, unverified, unknown; SF_CORRUPT for a damaged one. */
MUST_CHECK int points_select(const struct points *points, const char *which, const char *const *wanted,
                             size_t wanted_count, const struct point **point, struct sf_error *err);
const struct point_source *point_find_source(const struct point *point, const char *name);

/* Fetches a manifest into an unlinked file and compares size and SHA-256 with the commit's. SF_CORRUPT names it. */
MUST_CHECK int point_fetch_manifest(const struct base *base, const struct point *point,
                                    const struct point_source *source, const char *temp_dir, int *fd,
                                    struct sf_error *err);

/* Whether the manifest that says this of itself is the one of the point's source; SF_CORRUPT if not. name: its key. */
MUST_CHECK int point_check_header(const struct point *point, const char *source, const struct manifest_header *header,
                                  const char *name, struct sf_error *err);

/* --- writing (claim.c, commit.c) --- */

/* Claims a time-dir of its own for the run by creating .open. before: all points, as just read. On failure open->time_dir is "". */
MUST_CHECK int point_claim(struct point_open *open, const struct base *base, enum time_style style,
                           const struct points *before, struct sf_error *err);
/* Stores the manifest objects' files and then, behind a barrier and create-only, the commit. On a lost answer the commit object is
 * read and compared byte by byte. manifests: a descriptor a source, in point's order. SF_PRECONDITION: a stub stands at the commit
 * key, the run was fenced; SF_EXISTS: something else does. With err->maybe_applied the point may exist. */
MUST_CHECK int point_commit(const struct point *point, const int *manifests, const struct base *base,
                            struct sf_error *err);

#endif
