/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the S3 protocol share.
 */
#ifndef BENCH_SINK_S3_PRIV_H
#define BENCH_SINK_S3_PRIV_H

#include "bench/sink_s3.h"

struct s3_call {
    struct sink *sink;
    struct exchange *exchange;
    const struct request *request; /* of exchange */
    struct buf *out;               /* its answer */
    const char *name;              /* bucket/key */
    const char *key;               /* in name; "" for a request about a bucket */
    char bucket[64];
};

void s3_error(struct s3_call *call, unsigned status, const char *code, const char *message);
/* Begins an XML answer of status 200. */
void s3_xml(struct s3_call *call);
/* <name>text</name> with what XML or, if url, RFC 3986 wants escaped. */
void s3_element(struct buf *out, const char *name, const char *text, bool url);
/* Lines of the headers that an object keeps. NULL: none. To free. */
char *s3_kept_headers(const struct request *request);
/* One more PUT of the object's key. */
void s3_count_put(struct sink *sink, struct object *object);
/* Headers If-Match and If-None-Match against what is there (NULL: nothing). False: the answer is filled. */
bool s3_condition(struct s3_call *call, const struct object *object);
/* Compares the kept body with the digests that the request names. False: the answer is filled. */
bool s3_digests(struct s3_call *call);

void s3_put(struct s3_call *call);
void s3_get(struct s3_call *call); /* HEAD too */
void s3_copy(struct s3_call *call);
void s3_remove(struct s3_call *call); /* one by DELETE, many by POST */

void s3_list(struct s3_call *call); /* version 1 and 2 */
void s3_upload_list(struct s3_call *call);

void s3_upload_begin(struct s3_call *call);
void s3_upload_part(struct s3_call *call);
void s3_upload_commit(struct s3_call *call);
void s3_upload_abort(struct s3_call *call);

/* Reads an XML body that is a list of pairs: element calls add with the texts of two of its children ("" if absent). False: malformed, or add said so. */
typedef bool (*s3_add_fn)(void *ctx, const char *first, const char *second);
bool s3_read_xml(const struct buf *body, const char *element, const char *first, const char *second, s3_add_fn add,
                 void *ctx);

#endif
