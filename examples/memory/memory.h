/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the memory plugin share: the handles, and a few helpers (memory.c). The slots are named as in struct sf_plugin.
 */
#ifndef EXAMPLES_MEMORY_MEMORY_H
#define EXAMPLES_MEMORY_MEMORY_H

#include "objects.h"

#include <snapferry/plugin.h>

#include <pthread.h>
#include <stdbool.h>

#define CHUNK_BYTES ((size_t)1 << 20) /* moved between two questions whether the call is cancelled */

/* Limits of an upload's parts. Memory needs none; with them the example is as fussy as real stores are. */
#define PART_MIN_BYTES 4096
#define PART_COUNT_MAX 10000

/* The host knows these only as pointers; each plugin defines those that it needs (struct sf_list: list.c). */
struct sf_store {
    struct sf_store *next;
    char *name;
    unsigned opens;
    bool keep;
    pthread_mutex_t mutex; /* guards what follows, and the reference counts of all objects in it */
    struct objects objects;
    struct upload *uploads; /* unfinished ones: upload.c */
    uint64_t generation;    /* of the newest object, part or upload; never goes back, so a tag is never used again */
};

struct sf_conn {
    struct sf_store *store;
};

/* -1 with *err filled once the host wants the call to end. */
int memory_check(const struct sf_call *call, struct sf_error *err);
/* Reports one request to the host, answers result. */
int memory_report(const struct sf_call *call, enum sf_request kind, int result, const struct sf_error *err,
                  uint64_t bytes);
/* -1 with class, text and errno in *err. */
int memory_fail_errno(struct sf_error *err, int number, const char *what);
int64_t memory_now_ms(void);
bool memory_has_tag(const struct object *object, const char *tag);
void memory_describe(const struct object *object, struct sf_object *own);
void memory_answer(struct sf_object *theirs, const struct object *object);

/* What put and an upload's commit have in common (put.c): the body and its digest, the metadata, and the step in which an object appears. */
struct object *memory_receive(const struct sf_call *call, const char *key, const struct sf_body *body,
                              const struct sf_digests *digests, struct sf_error *err); /* NULL on failure */
int memory_check_digests(const struct object *object, const struct sf_digests *digests, struct sf_error *err);
int memory_keep_meta(struct object *object, const struct sf_meta *items, uint32_t count, uint32_t element_size,
                     struct sf_error *err);
int memory_publish_locked(struct sf_store *store, struct object *object, uint32_t precondition, const char *if_tag,
                          struct sf_error *err);

int memory_put(const struct sf_call *call, struct sf_conn *conn, const struct sf_put *args, struct sf_object *answer,
               struct sf_error *err);
int memory_get(const struct sf_call *call, struct sf_conn *conn, const struct sf_get *args,
               const struct sf_sink *their_sink, struct sf_object *answer, struct sf_error *err);
int memory_stat(const struct sf_call *call, struct sf_conn *conn, const char *key, struct sf_object *answer,
                struct sf_error *err);
int memory_list_open(const struct sf_call *call, struct sf_conn *conn, const struct sf_list_query *args,
                     struct sf_list **list, struct sf_error *err);
int memory_list_next(const struct sf_call *call, struct sf_list *list, const struct sf_list_sink *their_sink, int *more,
                     struct sf_error *err);
void memory_list_close(struct sf_list *list);
int memory_remove(const struct sf_call *call, struct sf_conn *conn, const struct sf_remove *items, uint32_t count,
                  uint32_t element_size, const struct sf_remove_sink *their_sink, struct sf_error *err);

int memory_upload_begin(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *their_args,
                        struct sf_upload_token *token, struct sf_upload **upload, struct sf_error *err);
int memory_upload_resume(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *their_args,
                         const struct sf_upload_token *their_token, uint64_t *persisted, struct sf_upload **upload,
                         struct sf_error *err);
int memory_upload_part(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                       const struct sf_part *their_part, struct sf_part_result *result, struct sf_error *err);
int memory_upload_commit(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                         const struct sf_upload_args *their_args, const struct sf_part_done *parts, uint32_t count,
                         uint32_t element_size, struct sf_object *answer, struct sf_error *err);
int memory_upload_abort(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                        struct sf_error *err);
void memory_upload_close(struct sf_upload *upload);
int memory_uploads_list(const struct sf_call *call, struct sf_conn *conn, const char *prefix,
                        const struct sf_uploads_sink *their_sink, struct sf_error *err);
void memory_uploads_clear(struct sf_store *store);

#endif
