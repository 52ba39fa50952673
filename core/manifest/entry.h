/* SPDX-License-Identifier: Apache-2.0
 *
 * One thing in a source's tree, as walk sees it and a manifest keeps it. Plain data, shared by all stages.
 */
#ifndef CORE_MANIFEST_ENTRY_H
#define CORE_MANIFEST_ENTRY_H

#include "base/auto.h"
#include "base/buf.h"
#include "base/digest.h"
#include "snapferry/plugin.h"

#include <stdbool.h>
#include <stdint.h>

#define TIME_DIR_MAX 31 /* bytes of a time-dir's name */

enum entry_type {
    ENTRY_FILE,
    ENTRY_DIR,
    ENTRY_LINK,
    ENTRY_OTHER, /* socket, FIFO, device: only from a walk that was asked for them, never in a manifest */
};

struct entry {
    char *path; /* raw bytes, relative, no NUL; "" is the root folder */
    enum entry_type type;
    uint32_t mode; /* permission bits, 07777 */
    uint32_t uid;
    uint32_t gid;
    int64_t mtime_ns; /* since 1970, may be negative */
    uint64_t size;    /* of a file, else 0 */
    char *target;     /* of a link, raw bytes, else NULL */
    /* where and what the object of a file is; empty until known */
    uint8_t sha256[SHA256_BYTES];
    char tag[SF_TAG_MAX + 1];
    char time_dir[TIME_DIR_MAX + 1]; /* that holds the object */
};

#define ENTRY_INIT                                                                                                     \
    {                                                                                                                  \
        NULL, ENTRY_FILE, 0, 0, 0, 0, 0, NULL, {0}, {0},                                                               \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }

void entry_cleanup(struct entry *entry);
void entry_copy(struct entry *to, const struct entry *from); /* deep; *to is cleaned up first */
void entry_move(struct entry *to, struct entry *from);       /* *to is cleaned up first, *from becomes zero */

/* Key encoding (docs/format.md): the path, but that a byte which is not part of valid UTF-8, a control character (C0, DEL,
 * C1), U+FFFE, U+FFFF, and a '%' before two hex digits become %XX (upper-case). Appends to out. Works on a whole path and on
 * a single name alike. Injective. */
void key_encode(const char *path, struct buf *out);

/* The reverse; appends to out. false: not a key that key_encode makes. */
bool key_decode(const char *key, struct buf *out);

/* The key by which walk, manifest and merge are ordered: key_encode(path), for a folder other than the root with a '/' at the
 * end. Replaces what out holds. */
void entry_key(const struct entry *entry, struct buf *out);

#endif
