/* SPDX-License-Identifier: Apache-2.0
 *
 * An upload in the making, for the cases about them (upload.c, upload_end.c): begun, sent part by part, committed or left behind.
 */
#ifndef TESTS_CONFORMANCE_UPLOAD_KIT_H
#define TESTS_CONFORMANCE_UPLOAD_KIT_H

#include "base/auto.h"
#include "tests/conformance/conformance.h"

#define UPLOAD_PARTS 3
#define UPLOAD_TAIL 1001                    /* bytes of the last part: fewer than the others, of no round number */
#define UPLOAD_BYTES_MAX ((size_t)16 << 20) /* what a case may send */

struct trial {
    struct conformance *suite;
    struct buf key;
    unsigned char *bytes; /* of the whole object */
    size_t length;
    size_t part_bytes; /* the smallest that the store takes */
    uint32_t part_count;
    struct sf_meta meta[2];
    struct sf_digests digests; /* of the whole object */
    struct sf_upload_args args;
    struct sf_upload_token token;
    struct sf_upload *handle; /* NULL: not begun, or closed */
    bool committed;
    struct sf_part_result results[UPLOAD_PARTS];
    struct sf_part_done done[UPLOAD_PARTS];
};

/* Whether the store has uploads at all, and parts small enough for a check. Else the case is skipped: the caller returns. */
bool trial_possible(struct conformance *suite, uint32_t parts);

/* Fills an upload of that many parts at the key `name`, all but the last of the smallest size; nothing is sent yet. Create-only where the
 * store has it. */
void trial_init(struct trial *upload, struct conformance *suite, const char *name, uint32_t parts);
/* Aborts what was not committed, so that a store without uploads_list is left clean as well. */
void trial_cleanup(struct trial *upload);

int trial_begin(struct trial *upload, struct sf_error *err);
/* Sends part index (0, 1, ...) from a body of this kind over conn, and keeps its answer for the commit. */
int trial_send(struct trial *upload, struct sf_conn *conn, uint32_t index, enum sf_body_kind kind,
               struct sf_error *err);
/* Sends any bytes as part index, with digests (NULL: none). Its answer is kept, too. */
int trial_send_body(struct trial *upload, struct sf_conn *conn, uint32_t index, const struct sf_body *body,
                    const struct sf_digests *digests, struct sf_error *err);
/* All parts in order, from memory. */
int trial_send_all(struct trial *upload, struct sf_error *err);
/* Commits the first count parts. */
int trial_commit(struct trial *upload, uint32_t count, struct sf_object *object, struct sf_error *err);
int trial_abort(struct trial *upload, struct sf_error *err);

/* Where part index begins, and how long it is. */
const unsigned char *trial_part_data(const struct trial *upload, uint32_t index, size_t *bytes);
/* The object is there and has the upload's bytes; else fails the case, and the caller returns. */
bool trial_came_through(struct trial *upload);

/* The uploads below prefix, "key\n" each, in any order. */
int trial_list(struct conformance *suite, const char *prefix, struct buf *keys, struct sf_error *err);

#endif
