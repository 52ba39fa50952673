/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the localfs plugin share. An object with the key K is the file <path>/K; what is being
 * written lies in <path>/.snapferry/tmp until it is whole. Functions that return -1 fill *err, unless they say
 * that they set errno.
 */
#ifndef PLUGINS_LOCALFS_LOCALFS_H
#define PLUGINS_LOCALFS_LOCALFS_H

#include "base/auto.h"
#include "base/buf.h"
#include "base/digest.h"
#include "snapferry/plugin.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define OWN_FOLDER ".snapferry" /* holds objects of the core beside the two below */
#define TEMP_FOLDER ".snapferry/tmp"
#define LOCK_FILE ".snapferry/lock"
#define XATTR_NAME "user.snapferry"

enum {
    KEY_MAX_BYTES = 4096,
    SEGMENT_MAX_BYTES = 255, /* NAME_MAX of every file system that matters */
    IO_BYTES = 128 * 1024,
    STEP_BYTES = 1024 * 1024, /* between two looks at cancelled() */
    VANISHED_MAX = 100        /* how often a put makes a folder that others clear away */
};

enum durability { DURABLE_BATCH, DURABLE_EACH, DURABLE_NONE };

struct sf_store {
    char *path; /* absolute, without a slash at its end unless it is "/" */
    enum durability durability;
    bool has_xattr;
    bool is_remote; /* on the network: it may copy by itself */
    struct {
        pthread_mutex_t mutex;
        int rootfd; /* -1 while the folder does not exist; once open it stays, connections borrow it */
        bool swept;
    } locked;
    struct {
        pthread_mutex_t mutex; /* held during syncfs, which tells of an error only once: see sync.c */
        int error;             /* errno of the first failure; every later barrier fails by it */
    } barrier;
};

/* SHA-256 of a body, and where they were given to compare with, CRC32C and MD5. */
struct hash {
    struct sha256 sha256;
    bool has_crc32c;
    uint32_t crc32c;
    void *md5; /* EVP_MD_CTX, NULL if nobody asked */
};

/* One call at a time, so nothing here is locked. */
struct sf_conn {
    struct sf_store *store;
    int rootfd; /* the store's, -1 while unknown */
    int tempfd; /* TEMP_FOLDER, -1 until the first put */
    struct {
        char *path; /* of the folder that the last call was in, NULL if none */
        size_t length;
        int fd;
        bool is_fresh;  /* opened by this very call */
        bool is_synced; /* it and those above it were synced since they were opened here */
    } parent;
    char *buffer; /* IO_BYTES, NULL until needed */
    struct hash hash;
    uint64_t random;
    pid_t pid; /* part of its temporaries' names, for people */
};

extern const struct sf_plugin localfs_plugin; /* plugin.c */

/* --- key.c */

/* Refuses what cannot be an object here. */
MUST_CHECK int key_check(const char *key, struct sf_error *err);
bool key_is_reserved(const char *path); /* temporaries and the lock; a slash at the end does not matter */
/* err_errno() with "KEY: WHAT: reason"; says what a symlink in the path means. */
int key_errno(struct sf_error *err, int number, const char *key, const char *what);
int key_fail(struct sf_error *err, enum sf_class cls, const char *key, const char *text);

/* --- store.c: slots, and the root */

int localfs_store_open(const struct sf_call *call, const struct sf_settings *settings, struct sf_store_info *info,
                       struct sf_store **store, struct sf_error *err);
void localfs_store_close(struct sf_store *store);
/* Sets conn->rootfd. Without make, a folder that does not exist fails with errno ENOENT. Sets errno. */
MUST_CHECK int root_find(struct sf_conn *conn, bool make);

/* --- conn.c: slots, and what a connection keeps */

int localfs_conn_open(const struct sf_call *call, struct sf_store *store, struct sf_conn **conn, struct sf_error *err);
void localfs_conn_close(struct sf_conn *conn);
char *conn_buffer(struct sf_conn *conn);
uint64_t conn_random(struct sf_conn *conn);
/* SF_CANCELLED if the host says so. */
MUST_CHECK int call_check(const struct sf_call *call, struct sf_error *err);
/* Reports a slot's one request; returns result. */
int call_report(const struct sf_call *call, enum sf_request kind, int result, uint64_t bytes,
                const struct sf_error *err);

/* --- parent.c: the folder that holds an object */

/* The folder's descriptor, kept by the connection; *leaf points into key. make: creates what is missing. Sets
 * errno. */
MUST_CHECK int parent_open(struct sf_conn *conn, const char *key, bool make, const char **leaf);
void parent_forget(struct sf_conn *conn);
/* Syncs the folders above the one that parent_open() just answered with; once for as long as it is kept. Sets
 * errno. */
MUST_CHECK int parent_sync_above(struct sf_conn *conn, const char *key);
/* Removes the folder of key and those above it as far as they are empty; never the root or OWN_FOLDER. */
void parent_clear(struct sf_conn *conn, const char *key);
/* Creates the folders of path (length bytes of it). Sets errno; ENOENT: others clear away what it makes. */
MUST_CHECK int folders_make(int rootfd, const char *path, size_t length);

/* --- stamp.c: tag, and digest and metadata in the extended attribute */

/* The pairs of a put or copy, as its struct has them. */
struct meta_list {
    const struct sf_meta *items;
    uint32_t count;
    uint32_t element_size;
};

MUST_CHECK int meta_check(const struct meta_list *meta, const char *key, struct sf_error *err);
/* Fills *object from a stat alone: no digests, no metadata, no server time. */
void stamp_plain(const struct stat *st, struct sf_object *object);
/* The same with what the attribute of the open file says. That counts only if it was written for this mtime and size. */
void stamp_read(const struct sf_conn *conn, int fd, const struct stat *st, struct sf_object *object);
/* Sets mtime and attribute of a finished temporary and fills *object. */
MUST_CHECK int stamp_write(struct sf_conn *conn, int fd, const char *key, const struct meta_list *meta,
                           const struct sf_digests *digests, struct sf_object *object, struct sf_error *err);

/* --- object.c */

/* Opens an object for reading and describes it. */
MUST_CHECK int object_open(struct sf_conn *conn, const char *key, int *fd, struct sf_object *object,
                           struct sf_error *err);
/* Describes an object in an open folder as a list does (stamp_plain). Sets errno: ENOENT also for a folder, ELOOP for a
 * symlink, ENXIO for what else is no file. */
MUST_CHECK int object_find(int dirfd, const char *leaf, struct sf_object *object);

/* --- hash.c */

void hash_begin(struct hash *hash, uint32_t wanted); /* SF_DIGEST_* beside SHA-256 */
void hash_update(struct hash *hash, const void *data, size_t bytes);
void hash_end(struct hash *hash, struct sf_digests *digests);
void hash_cleanup(struct hash *hash);
/* Compares each digest that both have; SF_CORRUPT names the one that differs. */
MUST_CHECK int hash_compare(const struct sf_digests *expected, const struct sf_digests *found, const char *key,
                            struct sf_error *err);

/* --- body.c */

/* Writes the body to the empty file fd and hashes what is stored there. */
MUST_CHECK int body_store(const struct sf_call *call, struct sf_conn *conn, const struct sf_body *body, int fd,
                          const char *key, struct sf_error *err);

/* --- temp.c: a file that is not an object yet */

struct temp {
    struct sf_conn *conn;
    int fd;
    char name[64]; /* "" if there is none (any more) */
};

#define TEMP_INIT                                                                                                      \
    {                                                                                                                  \
        NULL, -1, ""                                                                                                   \
    }

MUST_CHECK int temp_open(struct temp *temp, struct sf_conn *conn, struct sf_error *err);
void temp_cleanup(struct temp *temp); /* removes it, unless it was published */

/* --- lock.c: keeps those apart who compare and then change */

struct lock {
    int fd;
};

#define LOCK_INIT                                                                                                      \
    {                                                                                                                  \
        -1                                                                                                             \
    }

/* must: fail where the file system has no locks or does not let us write; else go on without. */
MUST_CHECK int lock_take(struct lock *lock, const struct sf_call *call, struct sf_conn *conn, bool must,
                         struct sf_error *err);
void lock_cleanup(struct lock *lock);

/* --- sync.c */

MUST_CHECK int folder_sync(int fd); /* sets errno */
/* All that was written to the store before is on the disk. */
MUST_CHECK int barrier_sync(struct sf_store *store, int rootfd, struct sf_error *err);

/* --- publish.c */

struct target {
    const char *key;
    uint32_t precondition;
    const char *if_tag;
    bool barrier;
};

/* Makes the finished temporary the object target->key. */
MUST_CHECK int publish(const struct sf_call *call, struct temp *temp, const struct target *target,
                       struct sf_error *err);

/* --- put.c, copy.c, get.c, list.c, remove.c: slots */

/* What put and copy have in common: body to object, whole or not at all. */
MUST_CHECK int object_store(const struct sf_call *call, struct sf_conn *conn, const struct target *target,
                            const struct sf_body *body, const struct sf_digests *expected, const struct meta_list *meta,
                            struct sf_object *object, struct sf_error *err);

int localfs_put(const struct sf_call *call, struct sf_conn *conn, const struct sf_put *put, struct sf_object *object,
                struct sf_error *err);
int localfs_copy(const struct sf_call *call, struct sf_conn *conn, const struct sf_copy *copy, struct sf_object *object,
                 struct sf_error *err);
int localfs_get(const struct sf_call *call, struct sf_conn *conn, const struct sf_get *get, const struct sf_sink *sink,
                struct sf_object *object, struct sf_error *err);
int localfs_stat(const struct sf_call *call, struct sf_conn *conn, const char *key, struct sf_object *object,
                 struct sf_error *err);
int localfs_list_open(const struct sf_call *call, struct sf_conn *conn, const struct sf_list_query *query,
                      struct sf_list **list, struct sf_error *err);
int localfs_list_next(const struct sf_call *call, struct sf_list *list, const struct sf_list_sink *sink, int *more,
                      struct sf_error *err);
void localfs_list_close(struct sf_list *list);
int localfs_remove(const struct sf_call *call, struct sf_conn *conn, const struct sf_remove *items, uint32_t count,
                   uint32_t element_size, const struct sf_remove_sink *sink, struct sf_error *err);

#endif
