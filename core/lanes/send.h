/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads one file of a source and stores it as one object in one request. Runs on a worker. What is too large for that goes in parts
 * (parts.h).
 */
#ifndef CORE_LANES_SEND_H
#define CORE_LANES_SEND_H

#include "core/lanes/pool.h"
#include "core/manifest/entry.h"

#define SEND_TRIES 3 /* a file that changes while it is read is read again this often, then the run fails */

struct send {
    int rootfd;            /* of the source's folder; not owned */
    const char *root;      /* its path, for messages */
    const char *key;       /* whole key of the object */
    const char *run;       /* run id, for the metadata */
    const char *if_tag;    /* NULL: the object must be absent; else replace the one with this tag */
    const uint8_t *known;  /* NULL, or the SHA-256 that makes sending unnecessary (PLAN_HASH) */
    uint64_t single_bytes; /* files up to this go in one request, if the store takes so much in one */
    uint64_t part_bytes;   /* of larger ones, unless the store wants other parts (part_size.h) */
};

enum send_result { SEND_STORED, SEND_KNOWN, SEND_IN_PARTS };

/* Opens entry->path beneath rootfd (no symlink, O_NONBLOCK, must be a regular file), reads, hashes and, unless the digest is the
 * known one, stores it. entry's size, mtime, mode, owner and sha256 become those of what was read, and tag that of the stored
 * object. A file that differs in size or mtime before and after is read again, SEND_TRIES times in all, then SF_CONFLICT.
 * Up to WORKER_BUFFER the file is read once into the worker's buffer and sent from there; above, it is hashed first (page cache)
 * and sent by descriptor, or only sent where the store digests (SF_CAP_DIGEST_ON_PUT) and nothing is known.
 * SEND_IN_PARTS: nothing was done, as the file is larger than one request and the store takes parts. Errors name the file. */
MUST_CHECK int send_file(struct worker *worker, const struct send *send, struct entry *entry, enum send_result *result,
                         struct sf_error *err);

#endif
