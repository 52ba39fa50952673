/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the s3 plugin share. An object with the key K is the object K of the bucket. Functions that return -1 fill *err.
 * Facts and limits of the protocol: https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html
 */
#ifndef PLUGINS_S3_S3_H
#define PLUGINS_S3_S3_H

#include "base/auto.h"
#include "base/buf.h"
#include "base/digest.h"
#include "plugins/common/body.h"
#include "plugins/common/http.h"
#include "plugins/common/text.h"
#include "plugins/s3/creds.h"
#include "plugins/s3/endpoint.h"
#include "plugins/s3/sign.h"

#include <pthread.h>
#include <stdatomic.h>

/* https://docs.aws.amazon.com/general/latest/gr/s3.html#limits_s3, .../userguide/qfacts.html */
#define S3_SINGLE_PUT_MAX (UINT64_C(5) << 30)
#define S3_COPY_MAX (UINT64_C(5) << 30)
#define S3_PART_MIN (UINT64_C(5) << 20)
#define S3_PART_MAX (UINT64_C(5) << 30)
#define S3_PART_COUNT_MAX 10000
#define S3_KEY_MAX 1024
#define S3_REMOVE_MAX 1000
#define S3_LIST_MAX 1000
#define S3_ANSWER_MAX                                                                                                  \
    (4u << 20) /* bytes of an XML answer that is kept; that of 1,000 failed removals has some 300 KiB */

/* How a body's digest travels, so that the store refuses what was damaged on the way. */
enum checksum {
    CHECKSUM_CRC32C, /* x-amz-checksum-crc32c */
    CHECKSUM_SHA256, /* x-amz-checksum-sha256 */
    CHECKSUM_MD5,    /* Content-MD5 */
    CHECKSUM_NONE,   /* only the signed x-amz-content-sha256 */
};

struct sf_store {
    const struct sf_host *host;
    struct http *http;
    struct profile profile;
    struct creds *creds;
    bool is_anonymous;
    bool is_adaptive; /* checksum: auto */
    char *storage_class;
    char *sse;
    char *sse_kms_key_id;
    char *bucket_owner;
    bool requester_pays;
    _Atomic int64_t clock_offset_ms; /* the store's clock less ours, once it complained */
    atomic_int checksum;             /* enum checksum in use */
    atomic_bool is_without_batch;    /* it refused to remove many objects at once */
    atomic_uint endpoint_version;    /* of the one below */
    struct {
        pthread_mutex_t mutex;
        struct endpoint endpoint;
    } locked;
};

/* One call at a time, so nothing here is locked. */
struct sf_conn {
    struct sf_store *store;
    struct http_conn *http;
    struct endpoint endpoint; /* the connection's copy */
    unsigned endpoint_version;
    struct sign_cache sign;
    struct {
        int64_t second; /* since 1970, by the store's clock; 0: none yet */
        char text[AMZ_DATE_BYTES];
    } stamp;
    struct http_response response; /* of the last request */
    struct buf path;               /* of the request that is sent */
    struct buf url;
    struct buf authorization;
    struct buf query;
    struct buf text; /* a request's body in XML */
};

/* --- plugin.c */

const struct sf_host *s3_host(void); /* what the plugin was loaded with */

/* --- headers.c: the headers of a request */

#define HEADERS_TEXT 6144 /* AWS allows 8 KB in all */

struct headers {
    struct http_header items[SIGN_HEADERS_MAX];
    size_t count;
    char text[HEADERS_TEXT];
    size_t used;
    bool is_full; /* something did not fit */
};

void headers_init(struct headers *headers);
/* Name and value are copied. */
void headers_add(struct headers *headers, const char *name, const char *value);
/* x-amz-meta-..., with hyphens for underscores: no server takes those for granted. */
void headers_add_meta(struct headers *headers, const struct sf_meta *meta, uint32_t count, uint32_t element_size);
/* Storage class (NULL: the store's) and encryption of a new object. */
void headers_add_new(struct headers *headers, const struct sf_store *store, const char *storage_class);
/* If-None-Match or If-Match. */
void headers_add_precondition(struct headers *headers, uint32_t precondition, const char *if_tag);
/* A tag in quotes, as a condition has it. */
void headers_add_tag(struct headers *headers, const char *name, const char *tag);

/* --- request.c: signs, sends, and mends what can be mended: region, clock, credentials; once each */

struct request {
    enum http_method method;
    enum sf_request kind;
    const char *key;               /* NULL: the bucket itself */
    const char *query;             /* encoded; NULL: none */
    const struct headers *headers; /* NULL: none of its own */
    const char *payload;           /* of x-amz-content-sha256; NULL: there is no body */
    const struct sf_body *body;
    uint32_t precondition; /* tells what a 412 means */
    bool may_hold_error;   /* a 200 may have an <Error> as its body */
    bool slow_answer;
    http_write_fn write; /* NULL: conn->response.body */
    void *ctx;
};

/* Takes over the store's endpoint, which changes when the bucket turns out to be in another region. */
MUST_CHECK int request_follow(struct sf_conn *conn, struct sf_error *err);

/* What the store says when it refuses. */
struct refusal {
    char code[64]; /* "NoSuchKey"; "" if it gave none */
    char message[256];
    char region[REGION_MAX + 1];
    char condition[64]; /* of a 412: the header that did not hold */
    char request_id[128];
};

/* 0: a 2xx answer is in conn->response. -1: *err; *refusal (may be NULL) says what the store said, its code is "" where none
 * did. */
MUST_CHECK int request_send(const struct sf_call *call, struct sf_conn *conn, const struct request *request,
                            struct refusal *refusal, struct sf_error *err);

/* --- refusal.c: what a refusal means */

void refusal_read(struct refusal *refusal, const struct http_response *response);
/* Whether a kept 2xx answer is an <Error>. */
bool refusal_is_hidden(const struct http_response *response);
int refusal_error(const struct sf_conn *conn, const struct request *request, const struct refusal *refusal,
                  struct sf_error *err);
/* "bucket NAME", for messages; answers text. */
#define BUCKET_LABEL 256
const char *bucket_label(const struct sf_conn *conn, char text[BUCKET_LABEL]);
/* The class of a code alone, for results by key. SF_OK: not known. */
enum sf_class refusal_class(const char *code);

/* --- checksum.c: a body and the digest that travels with it */

struct checksummed {
    struct sf_body body;
    struct sf_digests digests; /* those known; others are added */
    const char *what;          /* the key */
    bool is_part;              /* its SHA-256 is not worth a pass where another digest travels */
    void (*add_headers)(void *ctx, const struct sf_store *store, struct headers *headers); /* all others; NULL: none */
    void *ctx;
    enum checksum form; /* in which to send it; then, in which it was sent */
};
/* Fills body and digests from what the host passes; digests may be NULL. */
void checksum_take(struct checksummed *body, const struct sf_body *theirs, const struct sf_digests *digests);

enum checksum checksum_of(const struct sf_store *store);
uint32_t checksum_wanted(enum checksum form); /* SF_DIGEST_* */
/* The form that was in use is followed by Content-MD5, from now on and for all connections; why goes into the log. */
void checksum_change(const struct sf_conn *conn, enum checksum from, const char *why);
/* Adds the digest's header, and fills payload (64 hex digits or UNSIGNED-PAYLOAD); digests that are not there yet are made in a pass
 * over the body. */
MUST_CHECK int checksum_add(const struct sf_call *call, struct checksummed *body, enum checksum form,
                            struct headers *headers, char payload[SHA256_HEX + 1], struct sf_error *err);
/* Sends the request with the body; a second time, in another form, if that of the digest is what the store refuses; what worked is
 * remembered. A store that got something else is SF_CORRUPT. */
MUST_CHECK int checksum_send(const struct sf_call *call, struct sf_conn *conn, struct checksummed *body,
                             struct request *request, struct sf_error *err);

/* --- object.c: answers */

void object_tag(struct sf_object *object, const char *etag);
/* From the headers of a put, get or stat. */
MUST_CHECK int object_read(struct sf_object *object, const struct http_response *response, const char *what,
                           struct sf_error *err);

/* --- the slots */

int s3_store_open(const struct sf_call *call, const struct sf_settings *settings, struct sf_store_info *info,
                  struct sf_store **store, struct sf_error *err);
void s3_store_close(struct sf_store *store);
int s3_conn_open(const struct sf_call *call, struct sf_store *store, struct sf_conn **conn, struct sf_error *err);
void s3_conn_close(struct sf_conn *conn);
int s3_put(const struct sf_call *call, struct sf_conn *conn, const struct sf_put *put, struct sf_object *object,
           struct sf_error *err);
int s3_get(const struct sf_call *call, struct sf_conn *conn, const struct sf_get *get, const struct sf_sink *sink,
           struct sf_object *object, struct sf_error *err);
int s3_stat(const struct sf_call *call, struct sf_conn *conn, const char *key, struct sf_object *object,
            struct sf_error *err);
int s3_list_open(const struct sf_call *call, struct sf_conn *conn, const struct sf_list_query *query,
                 struct sf_list **list, struct sf_error *err);
int s3_list_next(const struct sf_call *call, struct sf_list *list, const struct sf_list_sink *sink, int *more,
                 struct sf_error *err);
void s3_list_close(struct sf_list *list);
int s3_remove(const struct sf_call *call, struct sf_conn *conn, const struct sf_remove *items, uint32_t count,
              uint32_t element_size, const struct sf_remove_sink *sink, struct sf_error *err);
int s3_copy(const struct sf_call *call, struct sf_conn *conn, const struct sf_copy *copy, struct sf_object *object,
            struct sf_error *err);
int s3_upload_begin(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                    struct sf_upload_token *token, struct sf_upload **upload, struct sf_error *err);
int s3_upload_resume(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                     const struct sf_upload_token *token, uint64_t *persisted, struct sf_upload **upload,
                     struct sf_error *err);
int s3_upload_part(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                   const struct sf_part *part, struct sf_part_result *result, struct sf_error *err);
int s3_upload_commit(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                     const struct sf_upload_args *args, const struct sf_part_done *parts, uint32_t count,
                     uint32_t element_size, struct sf_object *object, struct sf_error *err);
int s3_upload_abort(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload, struct sf_error *err);
void s3_upload_close(struct sf_upload *upload);
int s3_uploads_list(const struct sf_call *call, struct sf_conn *conn, const char *prefix,
                    const struct sf_uploads_sink *sink, struct sf_error *err);

#endif
