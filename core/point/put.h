/* SPDX-License-Identifier: Apache-2.0
 *
 * Stores and looks up the small objects of a run. Private to core/point. Pipeline's thread.
 */
#ifndef CORE_POINT_PUT_H
#define CORE_POINT_PUT_H

#include "core/point/point.h"

/* Creates (SF_IF_ABSENT) an object with our metadata: its SHA-256 and the run. */
struct point_put {
    const char *key;
    const char *run;
    struct sf_body body;
    uint32_t flags; /* SF_PUT_* */
    uint8_t sha256[SHA256_BYTES];
    uint32_t crc32c;
};
MUST_CHECK int point_put(const struct base *base, const struct point_put *put, struct sf_object *object,
                         struct sf_error *err);
/* The same for a text in memory; fills body and digests. */
MUST_CHECK int point_put_text(const struct base *base, struct point_put *put, const struct buf *text,
                              struct sf_object *object, struct sf_error *err);

/* After SF_EXISTS or a lost answer: what stands at a key. */
enum point_found { POINT_FOUND_OURS, POINT_FOUND_OTHER, POINT_FOUND_NOTHING };

/* Whether put's error leaves open that an object stands at the key. */
bool point_put_is_open(const struct sf_error *err);
/* Reads the object into *found and compares it with text. */
MUST_CHECK int point_compare_text(const struct base *base, const char *key, const struct buf *text, struct buf *found,
                                  struct sf_object *object, enum point_found *result, struct sf_error *err);

#endif
