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

/* The host knows these only as pointers; each plugin defines those that it needs (struct sf_list: list.c). */
struct sf_store {
    struct sf_store *next;
    char *name;
    unsigned opens;
    bool keep;
    pthread_mutex_t mutex; /* guards what follows, and the reference counts of all objects in it */
    struct objects objects;
    uint64_t generation; /* of the newest object; never goes back, so a tag is never used again */
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

#endif
