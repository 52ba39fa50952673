/* SPDX-License-Identifier: Apache-2.0
 *
 * The Snapferry storage plugin ABI. This is the only header a plugin needs; it compiles alone as C99,
 * C11 and C++. The contract in prose, with examples: docs/abi.md.
 *
 * A plugin is a shared object that exports one symbol, snapferry_plugin_v1 (see the end of this file).
 *
 * Growth: every struct that crosses the boundary begins with its size in bytes, set by whoever made it.
 * Members are only ever appended. Read a foreign struct through sf_take(), write one through sf_give(), or
 * ask SF_HAS() before touching a member that is newer than 1.0. Arrays travel as pointer, count, element size.
 * Ownership: nothing allocated on one side is freed on the other. Pointers passed into a call are valid until it
 * returns, no longer. Strings are NUL-terminated UTF-8.
 */
#ifndef SNAPFERRY_PLUGIN_H
#define SNAPFERRY_PLUGIN_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SF_ABI_MAJOR 1
#define SF_ABI_MINOR 0
#define SF_ABI_SYMBOL "snapferry_plugin_v1"

#if defined(__GNUC__)
#define SF_EXPORT __attribute__((visibility("default")))
#define SF_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define SF_EXPORT
#define SF_PRINTF(fmt, args)
#endif

/* ------------------------------------------------------------------------------------------ errors */

/* What went wrong, as the core must treat it. A value that the reader does not know means SF_PERMANENT. */
enum sf_class {
    SF_OK = 0,
    SF_NOT_FOUND = 1,    /* no such object */
    SF_EXISTS = 2,       /* precondition "absent" failed: an object has this key */
    SF_PRECONDITION = 3, /* precondition "tag equals" failed: gone, or another tag */
    SF_CONFLICT = 4,     /* another writer was at the same key at the same time: try again */
    SF_DENIED = 5,       /* who we are is known, and may not do this */
    SF_AUTH = 6,         /* the credentials are missing, wrong or expired */
    SF_INVALID = 7,      /* the request or a setting makes no sense to the store */
    SF_UNSUPPORTED = 8,  /* the store cannot do this at all */
    SF_TOO_LARGE = 9,    /* object, key or metadata over a limit of the store */
    SF_NO_SPACE = 10,    /* disk full, quota reached */
    SF_IMMUTABLE = 11,   /* a lock or retention rule of the store forbids it */
    SF_ARCHIVED = 12,    /* the object must be thawed before it can be read */
    SF_CORRUPT = 13,     /* bytes do not have the digest they should have */
    SF_THROTTLED = 14,   /* the store asks for fewer requests: try again, slower */
    SF_TRANSIENT = 15,   /* may work when tried again */
    SF_CANCELLED = 16,   /* call->cancelled() said so, or the deadline passed */
    SF_PERMANENT = 17    /* anything else; trying again is pointless */
};

#define SF_ERROR_TEXT 512

/* Filled by the callee when it returns -1; untouched when it returns 0. */
struct sf_error {
    uint32_t size;
    int32_t cls;              /* enum sf_class */
    int32_t maybe_applied;    /* 1: the answer was lost, the request may have taken effect */
    int32_t status;           /* protocol status (HTTP) or errno, 0 if none */
    int64_t retry_after_ms;   /* the store's own wish, 0 if none */
    char text[SF_ERROR_TEXT]; /* what failed, which object, why; lower case, no full stop; never a secret */
};

#define SF_ERROR_INIT                                                                                                  \
    {                                                                                                                  \
        sizeof(struct sf_error), 0, 0, 0, 0,                                                                           \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }

/* -------------------------------------------------------------------------------- growing structs */

/* 1 if the struct that p points to, made by the other side, is large enough to hold member. */
#define SF_HAS(p, type, member) ((p)->size >= offsetof(type, member) + sizeof(((type *)0)->member))

/* Copies what both sides know of *theirs into *own, which is zeroed first; own->size becomes own_size. */
static inline void sf_take(void *own, uint32_t own_size, const void *theirs)
{
    uint32_t size;

    memcpy(&size, theirs, sizeof(size));
    memset(own, 0, own_size);
    memcpy(own, theirs, size < own_size ? size : own_size);
    memcpy(own, &own_size, sizeof(own_size));
}

/* Copies what both sides know of *own into *theirs, whose size stays as its maker set it. */
static inline void sf_give(void *theirs, const void *own)
{
    uint32_t size, own_size;

    memcpy(&size, theirs, sizeof(size));
    memcpy(&own_size, own, sizeof(own_size));
    if (own_size < size)
        size = own_size;
    if (size > sizeof(uint32_t))
        memcpy((char *)theirs + sizeof(uint32_t), (const char *)own + sizeof(uint32_t), size - sizeof(uint32_t));
}

/* Fills *err (class and text; the other members become 0) and returns -1, so that a slot can
 * `return sf_fail(err, SF_DENIED, "%s: ...", key)`. Members beyond 1.0 are left alone. */
static inline int sf_fail(struct sf_error *err, enum sf_class cls, const char *fmt, ...) SF_PRINTF(3, 4);
static inline int sf_fail(struct sf_error *err, enum sf_class cls, const char *fmt, ...)
{
    va_list args;

    err->cls = (int32_t)cls;
    err->maybe_applied = 0;
    err->status = 0;
    err->retry_after_ms = 0;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    return -1;
}

/* ----------------------------------------------------------------------------------- host and call */

enum sf_log_level { SF_LOG_ERROR = 0, SF_LOG_WARNING = 1, SF_LOG_INFO = 2, SF_LOG_DEBUG = 3 };

/* What the host offers to a plugin for as long as it is loaded. Safe from any thread. */
struct sf_host {
    uint32_t size;
    uint16_t abi_major;
    uint16_t abi_minor;
    const char *version; /* of Snapferry */
    void *ctx;
    void (*log)(const struct sf_host *host, int32_t level, const char *text);
    int32_t log_level; /* enum sf_log_level: the most talkative that is shown; what is more need not be put together */
};

/* Kinds of request as the summary counts them. */
enum sf_request {
    SF_REQUEST_PUT = 0,
    SF_REQUEST_GET = 1,
    SF_REQUEST_STAT = 2,
    SF_REQUEST_LIST = 3,
    SF_REQUEST_REMOVE = 4,
    SF_REQUEST_COPY = 5,
    SF_REQUEST_UPLOAD_BEGIN = 6,
    SF_REQUEST_UPLOAD_PART = 7,
    SF_REQUEST_UPLOAD_COMMIT = 8,
    SF_REQUEST_UPLOAD_ABORT = 9,
    SF_REQUEST_OTHER = 10 /* credentials, region look-up, ... */
};

/* First argument of every slot. Every member may be called from any thread while the call lasts. A blocking
 * plugin asks cancelled() at least once a second and then returns SF_CANCELLED. */
struct sf_call {
    uint32_t size;
    uint32_t reserved;
    void *ctx;
    int64_t deadline_ms; /* CLOCK_MONOTONIC in ms; 0: none. cancelled() says 1 once it has passed */
    int (*cancelled)(const struct sf_call *call);
    void (*account)(const struct sf_call *call, uint64_t bytes); /* body bytes moved; may sleep (bandwidth limit) */
    /* One report a request to the store, when its answer is in: status is the protocol's, 0 for a success
     * where it has none. */
    void (*request)(const struct sf_call *call, uint32_t kind, int32_t status, uint64_t bytes);
};

/* ------------------------------------------------------------------------------- options, settings */

enum sf_option_type {
    SF_OPTION_TEXT = 0,
    SF_OPTION_BOOL = 1,     /* "true" or "false" */
    SF_OPTION_INTEGER = 2,  /* decimal */
    SF_OPTION_BYTES = 3,    /* config: "16MiB"; the plugin gets decimal bytes */
    SF_OPTION_DURATION = 4, /* config: "30s"; the plugin gets decimal ms */
    SF_OPTION_CHOICE = 5    /* one of choices */
};

#define SF_OPTION_REQUIRED 0x1u
#define SF_OPTION_SECRET 0x2u /* only by {"env": ...} or {"file": ...}; never printed */
#define SF_OPTION_URL_HOST                                                                                             \
    0x4u /* takes the host of a URL (the first path segment if that is empty); the rest is the prefix */
#define SF_OPTION_URL_PATH 0x8u /* takes the whole path of a URL; there is no prefix then */

/* A setting that the plugin understands. The host checks the config with this table, prints it in
 * `plugin info` and puts it into the schema. Keys are [a-z0-9_]+; "plugin" and "prefix" are the host's. */
struct sf_option {
    uint32_t size;
    uint32_t type;  /* enum sf_option_type */
    uint32_t flags; /* SF_OPTION_* */
    uint32_t reserved;
    const char *key;
    const char *fallback; /* default as it stands in a config, or NULL */
    const char *choices;  /* "a|b|c" for SF_OPTION_CHOICE, else NULL */
    const char *help;     /* one line */
};

/* An option's value, checked and normalised. Options without value and default are absent. */
struct sf_setting {
    uint32_t size;
    uint32_t reserved;
    const char *key;
    const char *value;
};

struct sf_settings {
    uint32_t size;
    uint32_t count;
    uint32_t element_size;
    uint32_t reserved;
    const struct sf_setting *items;
};

/* The value of key, or NULL. */
static inline const char *sf_setting_value(const struct sf_settings *settings, const char *key)
{
    uint32_t i;

    for (i = 0; i < settings->count; i++) {
        const struct sf_setting *item =
            (const struct sf_setting *)((const char *)settings->items + (size_t)i * settings->element_size);

        if (strcmp(item->key, key) == 0)
            return item->value;
    }
    return NULL;
}

/* ------------------------------------------------------------------------- capabilities and limits */

#define SF_CAP_CREATE_ONLY_PUT UINT64_C(0x1)    /* put honours SF_IF_ABSENT, atomically */
#define SF_CAP_CREATE_ONLY_COPY UINT64_C(0x2)   /* copy honours SF_IF_ABSENT */
#define SF_CAP_CREATE_ONLY_COMMIT UINT64_C(0x4) /* upload_commit honours SF_IF_ABSENT */
#define SF_CAP_IF_TAG_PUT UINT64_C(0x8)         /* put honours SF_IF_TAG */
#define SF_CAP_IF_TAG_REMOVE UINT64_C(0x10)     /* remove honours a tag a key */
#define SF_CAP_METADATA UINT64_C(0x20)          /* metadata is kept and answered by stat and get */
#define SF_CAP_LIST_METADATA UINT64_C(0x40)     /* ... and by list */
#define SF_CAP_DIGEST_ON_PUT                                                                                           \
    UINT64_C(0x80)                    /* put digests a descriptor body itself: the core need not, and takes the answer;
                                                    the store then adds the metadata SF_META_SHA256 */
#define SF_CAP_COPY UINT64_C(0x100)   /* slot copy works */
#define SF_CAP_UPLOAD UINT64_C(0x200) /* slots upload_* work */
#define SF_CAP_PARALLEL_PARTS UINT64_C(0x400) /* parts of one upload may be sent at once, in any order */
#define SF_CAP_UPLOAD_RESUME UINT64_C(0x800)  /* slot upload_resume works */
#define SF_CAP_BARRIER                                                                                                 \
    UINT64_C(0x1000) /* puts may become durable late; SF_PUT_BARRIER makes them so. Without this bit
                                                    every put is durable when it returns */

#define SF_DIGEST_SHA256 0x1u
#define SF_DIGEST_CRC32C 0x2u
#define SF_DIGEST_MD5 0x4u

/* Filled by store_open: what this store, at this endpoint, can do. 0 in a limit: none. */
struct sf_store_info {
    uint32_t size;
    uint32_t wanted_digests;       /* SF_DIGEST_* that put wants to be given */
    uint64_t capabilities;         /* SF_CAP_* */
    uint64_t object_max_bytes;     /* largest object by any means */
    uint64_t single_put_max_bytes; /* largest body of one put */
    uint64_t small_file_bytes;     /* up to here one request is the right way; raises the core's small_file_threshold */
    uint64_t part_min_bytes;       /* of an upload's parts, the last one aside */
    uint64_t part_max_bytes;
    uint64_t part_align_bytes; /* parts but the last are a multiple of this */
    uint32_t part_count_max;
    uint32_t remove_batch_max;  /* keys in one remove; at least 1 */
    uint32_t key_max_bytes;     /* of a whole key */
    uint32_t segment_max_bytes; /* between two slashes */
    uint32_t connections_max;   /* 0: as many as wanted */
    uint32_t conn_bytes;        /* memory that a connection takes at most, buffers included; 0: not worth counting */
    char description[256];      /* where this is, for people: "folder /backup", "bucket b in eu-west-1" */
};

/* ------------------------------------------------------------------------------------ object data */

#define SF_TAG_MAX 128                   /* bytes of a tag, printable ASCII, opaque: ETag, generation, ... */
#define SF_META_MAX 2048                 /* keys and values of one object's metadata with their NULs, in all */
#define SF_META_SHA256 "checksum_sha256" /* metadata key: SHA-256 of the body, 64 lower-case hex digits */

/* This struct is embedded, so it does not grow; what comes later uses reserved. */
struct sf_digests {
    uint32_t size;
    uint32_t have; /* SF_DIGEST_* that are filled */
    uint32_t crc32c;
    uint8_t sha256[32];
    uint8_t md5[16];
    uint8_t reserved[68];
};

/* Metadata: keys [a-z0-9_]+, values printable ASCII. */
struct sf_meta {
    uint32_t size;
    uint32_t reserved;
    const char *key;
    const char *value;
};

/* An object as put, copy, upload_commit, stat, get and list answer it. Members that the store does not know are 0 or empty. */
struct sf_object {
    uint32_t size;
    uint32_t meta_bytes;    /* used of meta */
    const char *key;        /* list only; valid during the sink's call */
    uint64_t bytes;         /* size of the object */
    int64_t modified_ms;    /* store's clock, ms since 1970 */
    int64_t server_time_ms; /* store's clock when it answered, 0 if unknown */
    char tag[SF_TAG_MAX + 4];
    struct sf_digests digests;
    char meta[SF_META_MAX]; /* key NUL value NUL key NUL value NUL ... */
};

/* Value of a metadata key in an object, or NULL. */
static inline const char *sf_object_meta(const struct sf_object *object, const char *key)
{
    uint32_t at = 0;

    while (at < object->meta_bytes) {
        const char *name = object->meta + at;
        const char *value = name + strlen(name) + 1;

        if (strcmp(name, key) == 0)
            return value;
        at = (uint32_t)(value + strlen(value) + 1 - object->meta);
    }
    return NULL;
}

/* Appends a pair to an object's metadata; -1 if it does not fit. */
static inline int sf_object_add_meta(struct sf_object *object, const char *key, const char *value)
{
    size_t key_bytes = strlen(key) + 1, value_bytes = strlen(value) + 1;

    if (object->meta_bytes + key_bytes + value_bytes > sizeof(object->meta))
        return -1;
    memcpy(object->meta + object->meta_bytes, key, key_bytes);
    memcpy(object->meta + object->meta_bytes + key_bytes, value, value_bytes);
    object->meta_bytes += (uint32_t)(key_bytes + value_bytes);
    return 0;
}

/* ------------------------------------------------------------------------------------------ bodies */

enum sf_body_kind {
    SF_BODY_MEMORY = 0,  /* data[0 .. length) */
    SF_BODY_FD = 1,      /* fd, from offset, length bytes; use positional reads, others may read it too */
    SF_BODY_CALLBACK = 2 /* read(ctx, position in the body, ...) */
};

/* Bytes to send. Each kind can be read again from the start. A source that yields less than length bytes has
 * changed: fail with SF_CORRUPT. */
struct sf_body {
    uint32_t size;
    uint32_t kind; /* enum sf_body_kind */
    uint64_t length;
    const void *data;
    uint64_t offset;
    int32_t fd;
    uint32_t reserved;
    void *ctx;
    /* Reads up to bytes at position; answers how many, 0 at the end, -1 on failure. Thread-safe. */
    int64_t (*read)(void *ctx, uint64_t position, void *buffer, size_t bytes, struct sf_error *err);
};

enum sf_sink_kind {
    SF_SINK_MEMORY = 0, /* data[0 .. capacity); more than that fails with SF_TOO_LARGE */
    SF_SINK_FD = 1,     /* pwrite at offset */
    SF_SINK_CALLBACK =
        2 /* write(ctx, position, ...), positions ascending without gap, starting at 0 in each call of get */
};

struct sf_sink {
    uint32_t size;
    uint32_t kind; /* enum sf_sink_kind */
    uint64_t capacity;
    void *data;
    uint64_t offset;
    int32_t fd;
    uint32_t reserved;
    void *ctx;
    int (*write)(void *ctx, uint64_t position, const void *bytes, size_t length, struct sf_error *err);
};

/* --------------------------------------------------------------------------------------- arguments */

enum sf_precondition {
    SF_IF_ANY = 0,    /* replace whatever is there */
    SF_IF_ABSENT = 1, /* create only; else SF_EXISTS */
    SF_IF_TAG = 2     /* replace only the object with this tag; else SF_PRECONDITION */
};

#define SF_PUT_BARRIER 0x1u /* all earlier puts, of all connections, are durable before this one is visible */

struct sf_put {
    uint32_t size;
    uint32_t flags; /* SF_PUT_* */
    const char *key;
    const struct sf_body *body;
    const struct sf_digests *digests; /* of the body, those already known; NULL: none */
    const struct sf_meta *meta;
    uint32_t meta_count;
    uint32_t meta_element_size;
    uint32_t precondition; /* enum sf_precondition */
    uint32_t reserved;
    const char *if_tag;        /* for SF_IF_TAG */
    const char *storage_class; /* NULL: the store's default */
};

struct sf_get {
    uint32_t size;
    uint32_t reserved;
    const char *key;
    const char *if_tag; /* NULL, or fail with SF_PRECONDITION on another tag */
    uint64_t offset;
    uint64_t length; /* UINT64_MAX: to the end. A range beyond the end yields what there is */
};

struct sf_list_query {
    uint32_t size;
    uint32_t page_max;       /* most entries that one list_next may yield; 0: the store's own page */
    const char *prefix;      /* bytes that every key begins with; may end inside a segment */
    const char *start_after; /* only keys greater than this, or NULL */
    const char *delimiter;   /* NULL, or "/": keys with a slash after the prefix are folded into prefixes */
};

/* Receives a page. Never blocks, never fails; what it was given counts only if list_next returns 0. */
struct sf_list_sink {
    uint32_t size;
    uint32_t reserved;
    void *ctx;
    void (*object)(void *ctx, const struct sf_object *object);
    void (*prefix)(void *ctx, const char *prefix); /* "a/b/", with the delimiter, once each */
};

struct sf_remove {
    uint32_t size;
    uint32_t reserved;
    const char *key;
    const char *if_tag; /* NULL, or remove only the object with this tag */
};

/* One call a key, in any order, while remove runs. cls 0: removed, or was not there. */
struct sf_remove_sink {
    uint32_t size;
    uint32_t reserved;
    void *ctx;
    void (*result)(void *ctx, uint32_t index, int32_t cls, const char *text);
};

struct sf_copy {
    uint32_t size;
    uint32_t precondition; /* enum sf_precondition, of the destination */
    const char *from;
    const char *from_tag; /* NULL, or copy only the object with this tag (else SF_PRECONDITION) */
    const char *to;
    const char *if_tag;
    uint64_t bytes; /* of the source, as known */
    const struct sf_digests *digests;
    const struct sf_meta *meta; /* of the new object; nothing is inherited */
    uint32_t meta_count;
    uint32_t meta_element_size;
    const char *storage_class;
};

/* An object sent in parts. The same struct goes to begin, resume and commit. */
struct sf_upload_args {
    uint32_t size;
    uint32_t precondition; /* enum sf_precondition; enforced at commit */
    const char *key;
    uint64_t bytes; /* of the whole object */
    uint64_t part_bytes;
    const struct sf_digests *digests;
    const struct sf_meta *meta;
    uint32_t meta_count;
    uint32_t meta_element_size;
    const char *if_tag;
    const char *storage_class;
};

#define SF_PART_OPAQUE_MAX 256   /* what a part's answer may take in our journal */
#define SF_UPLOAD_TOKEN_MAX 2048 /* what continues an upload after a crash; may be a secret */

struct sf_part {
    uint32_t size;
    uint32_t number; /* 1, 2, ... */
    uint64_t offset;
    const struct sf_body *body;
    const struct sf_digests *digests;
};

struct sf_part_result {
    uint32_t size;
    uint32_t opaque_bytes;
    uint64_t persisted; /* bytes of the part that the store keeps; less than sent: the core sends the rest */
    char opaque[SF_PART_OPAQUE_MAX]; /* the core hands it back at commit */
};

struct sf_part_done {
    uint32_t size;
    uint32_t number;
    uint64_t bytes;
    const char *opaque;
    uint32_t opaque_bytes;
    uint32_t crc32c;
};

struct sf_upload_token {
    uint32_t size;
    uint32_t bytes;
    char token[SF_UPLOAD_TOKEN_MAX];
};

/* An unfinished upload, as uploads_list finds it. */
struct sf_upload_info {
    uint32_t size;
    uint32_t reserved;
    const char *key;
    const char *token;
    uint32_t token_bytes;
    uint32_t reserved2;
    int64_t started_ms;
};

struct sf_uploads_sink {
    uint32_t size;
    uint32_t reserved;
    void *ctx;
    void (*upload)(void *ctx, const struct sf_upload_info *info);
};

/* ----------------------------------------------------------------------------------- the plugin table */

/* Each plugin defines these as it likes. */
struct sf_store;
struct sf_conn;
struct sf_list;
struct sf_upload;

enum sf_threads {
    SF_SERIAL = 0, /* the host makes one call at a time into this plugin */
    SF_PER_CONN =
        1 /* connections in parallel, one call at a time on each; a connection may move between threads. A list
                       has a connection of its own: no other call is made on it while the list is open */
};

/*
 * All slots block until done. They return 0, or -1 with *err filled. On failure out-parameters are left alone.
 * A slot sends a request again only after changing it (region, clock offset, fresh token, refused checksum form:
 * once each). All other retries are the host's: every slot must be safe to call again after a failure.
 */
struct sf_plugin {
    uint32_t size;
    uint16_t abi_major; /* SF_ABI_MAJOR, SF_ABI_MINOR of the header it was built with */
    uint16_t abi_minor;
    const char *name;        /* [a-z0-9_-]+, the file's name without lib and .so */
    const char *version;     /* of the plugin */
    const char *description; /* one line */
    uint32_t threads;        /* enum sf_threads */
    uint32_t option_count;
    uint32_t option_element_size;
    uint32_t scheme_count;
    const struct sf_option *options;
    const char *const *schemes; /* of URLs: "s3"; [a-z][a-z0-9+.-]* */

    /* --- required --- */

    /* Opens the destination that settings name, and fills *info. May talk to it (credentials, region), must not
     * change it. */
    int (*store_open)(const struct sf_call *call, const struct sf_settings *settings, struct sf_store_info *info,
                      struct sf_store **store, struct sf_error *err);
    /* After every connection is closed. */
    void (*store_close)(struct sf_store *store);

    /* Cheap and thread-safe; may connect later, at the first request. */
    int (*conn_open)(const struct sf_call *call, struct sf_store *store, struct sf_conn **conn, struct sf_error *err);
    void (*conn_close)(struct sf_conn *conn);

    /* Stores an object, whole or not at all; in one request where the protocol can. *object gets tag, bytes, times,
     * digests that the store computed. With digests given, bytes that do not match must not become visible. */
    int (*put)(const struct sf_call *call, struct sf_conn *conn, const struct sf_put *put, struct sf_object *object,
               struct sf_error *err);
    /* Reads an object or a range of it into the sink. *object describes the whole object. A body that ends early is
     * SF_TRANSIENT, never a success. */
    int (*get)(const struct sf_call *call, struct sf_conn *conn, const struct sf_get *get, const struct sf_sink *sink,
               struct sf_object *object, struct sf_error *err);
    int (*stat)(const struct sf_call *call, struct sf_conn *conn, const char *key, struct sf_object *object,
                struct sf_error *err);

    /* Lists in strictly ascending byte order of keys (with a delimiter: in any order, each once). list_next yields a
     * page and sets *more to 0 after the last; when it fails it has not moved on and can be called again.
     * A prefix under which nothing lies is an empty list. */
    int (*list_open)(const struct sf_call *call, struct sf_conn *conn, const struct sf_list_query *query,
                     struct sf_list **list, struct sf_error *err);
    int (*list_next)(const struct sf_call *call, struct sf_list *list, const struct sf_list_sink *sink, int *more,
                     struct sf_error *err);
    void (*list_close)(struct sf_list *list);

    /* Removes up to remove_batch_max objects; 0 when every key has had its result. */
    int (*remove)(const struct sf_call *call, struct sf_conn *conn, const struct sf_remove *items, uint32_t count,
                  uint32_t element_size, const struct sf_remove_sink *sink, struct sf_error *err);

    /* --- optional: NULL, or named in capabilities --- */

    int (*copy)(const struct sf_call *call, struct sf_conn *conn, const struct sf_copy *copy, struct sf_object *object,
                struct sf_error *err);

    int (*upload_begin)(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                        struct sf_upload_token *token, struct sf_upload **upload, struct sf_error *err);
    /* The handle of an upload that was begun earlier, by the token of upload_begin or uploads_list. *persisted: bytes that the store
     * has, from the start without gap; 0 with SF_CAP_PARALLEL_PARTS, where the host's journal tells. Where there is uploads_list, it
     * works at least for upload_abort: args then hold the key alone. */
    int (*upload_resume)(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                         const struct sf_upload_token *token, uint64_t *persisted, struct sf_upload **upload,
                         struct sf_error *err);
    /* With SF_CAP_PARALLEL_PARTS from several connections at once, else in order. */
    int (*upload_part)(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                       const struct sf_part *part, struct sf_part_result *result, struct sf_error *err);
    /* Makes the object of the parts, in ascending order. Fails if one is not there, or if they are not args->bytes long in all; the
     * upload is then as it was. */
    int (*upload_commit)(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                         const struct sf_upload_args *args, const struct sf_part_done *parts, uint32_t count,
                         uint32_t element_size, struct sf_object *object, struct sf_error *err);
    /* Ends it on the store. One that has been aborted already, or is gone, is a success. */
    int (*upload_abort)(const struct sf_call *call, struct sf_conn *conn, struct sf_upload *upload,
                        struct sf_error *err);
    void (*upload_close)(struct sf_upload *upload); /* frees the handle, leaves the upload on the store as it is */
    /* All unfinished uploads whose key begins with prefix, in any order. */
    int (*uploads_list)(const struct sf_call *call, struct sf_conn *conn, const char *prefix,
                        const struct sf_uploads_sink *sink, struct sf_error *err);

    /* Finds out by trying, below the given key prefix, what store_open could not know, and corrects *info. */
    int (*probe)(const struct sf_call *call, struct sf_conn *conn, const char *prefix, struct sf_store_info *info,
                 struct sf_error *err);
};

/* The one symbol a plugin exports. Called once after loading; NULL means that the plugin cannot run with this host
 * (it says why through host->log). The table lives until the process ends: link with -z nodelete. */
SF_EXPORT const struct sf_plugin *snapferry_plugin_v1(const struct sf_host *host);
typedef const struct sf_plugin *(*sf_plugin_entry)(const struct sf_host *host);

#ifdef __cplusplus
}
#endif

#endif
