/* SPDX-License-Identifier: Apache-2.0
 *
 * One file on its way to one object, whichever way it goes (send.c: in one request; parts.c): opening, watching for changes, judging what
 * the store answers. Private to core/lanes; used by one thread at a time.
 */
#ifndef CORE_LANES_PASSAGE_H
#define CORE_LANES_PASSAGE_H

#include "base/auto.h"
#include "core/lanes/send.h"

#include <sys/stat.h>
#include <sys/types.h>

/* How one reading of the file ended; what is further down outweighs what is above. */
enum outcome {
    DONE_STORED,
    DONE_KNOWN,
    CHANGED, /* the file did, or the bytes were not what was hashed: read again */
    FAILED,  /* for good */
};

struct passage {
    const struct store *store;
    struct run_call *run;
    const struct send *send;
    struct entry *entry;
    int fd;                       /* open during a try, else -1 */
    struct stat st;               /* as the try began */
    struct sf_digests digests;    /* of the whole; have 0: not hashed */
    struct sf_object object;      /* what the store answered */
    char own_tag[SF_TAG_MAX + 1]; /* of the object that an earlier try stored, "" if none did */
};

/* What goes with the object as its metadata. */
struct passage_meta {
    struct sf_meta items[2];
    char sha256[SHA256_HEX + 1];
    uint32_t count;
};

/* Begins a try: forgets the one before, but for own_tag. */
MUST_CHECK int passage_open(struct passage *passage, struct sf_error *err);
void passage_close(struct passage *passage);
/* Reads up to bytes at position, fewer only at the end of the file. */
MUST_CHECK ssize_t passage_read(const struct passage *passage, unsigned char *buffer, size_t bytes, uint64_t position,
                                struct sf_error *err);
/* Reads a file of size bytes into a buffer that holds one more. 1: it has exactly so many, 0: not, -1: failed. */
MUST_CHECK int passage_read_whole(const struct passage *passage, unsigned char *buffer, size_t size,
                                  struct sf_error *err);
/* 1: the file is as when the try began, 0: not, -1: failed. */
MUST_CHECK int passage_is_unchanged(const struct passage *passage, struct sf_error *err);
/* What was hashed has the digest that makes sending unnecessary. */
bool passage_is_known(const struct passage *passage);

/* Metadata and precondition of the object; meta lives as long as they are used. */
void passage_meta(const struct passage *passage, struct passage_meta *meta);
enum sf_precondition passage_precondition(const struct passage *passage, const char **if_tag);
/* Judges passage->object, as a put or a commit answered it. */
enum outcome passage_check_answer(struct passage *passage, struct sf_error *err);

/* The file's name in front of the message. Returns -1. */
int passage_prefix(const struct passage *passage, struct sf_error *err);
/* After the last try that found nothing but changes: *err if it has none yet. */
void passage_give_up(struct sf_error *err);
/* The entry becomes what was read, and its tag that of what was stored. */
void passage_fill_entry(const struct passage *passage, bool stored);

#endif
