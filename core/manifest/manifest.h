/* SPDX-License-Identifier: Apache-2.0
 *
 * Manifest v1: the index of one source in one point, JSON Lines in zstd (docs/format.md). Written and read as a stream,
 * never held whole. Single-threaded each.
 */
#ifndef CORE_MANIFEST_MANIFEST_H
#define CORE_MANIFEST_MANIFEST_H

#include "core/manifest/entry.h"

#define MANIFEST_WINDOW_LOG 19 /* zstd window; readers refuse more, so a hostile file cannot make them allocate */
#define MANIFEST_LINE_MAX (1024u * 1024u) /* bytes of one line, newline aside; readers refuse more */
#define SOURCE_NAME_MAX 64
#define SOURCE_NAME_FORM "[A-Za-z0-9_][A-Za-z0-9._-]{0,63}"
#define RUN_ID_HEX 32 /* a run's id: 128 random bits in lower-case hex */

/* "2026-11-22", "2026-11-22-15" or "2026-11-22T15-04-05Z", a date and time that exist. */
bool time_dir_is_valid(const char *name);
/* SOURCE_NAME_FORM */
bool source_name_is_valid(const char *name);

struct manifest_header {
    char source[SOURCE_NAME_MAX + 1];
    char time_dir[TIME_DIR_MAX + 1];
    char run[RUN_ID_HEX + 1];
    int64_t started_ms; /* of the point, store's clock */
    int64_t walked_ms;  /* start of the walk, clock of the machine that the files are on */
};

struct manifest_counts {
    uint64_t entries;
    uint64_t files;
    uint64_t bytes; /* sum of file sizes */
};

/* What a commit says of a manifest object. */
struct manifest_summary {
    struct manifest_counts counts;
    uint64_t object_bytes;        /* compressed */
    uint8_t sha256[SHA256_BYTES]; /* of the compressed object */
};

struct manifest_writer;

/* Writes to fd from its current offset (0); fd is not owned. */
MUST_CHECK int manifest_writer_open(struct manifest_writer **writer, int fd, const struct manifest_header *header,
                                    struct sf_error *err);
/* Entries in key order, the root folder first; what the reader would refuse is refused here too, and nothing can follow it. A
 * file must have its time_dir and sha256. Its key, relative to the base (<time-dir>/<source>/<key of the path>), is written
 * if time_dir is not the header's or the path's key is not the path, so that nobody has to encode a key to read a manifest. */
MUST_CHECK int manifest_writer_add(struct manifest_writer *writer, const struct entry *entry, struct sf_error *err);
MUST_CHECK int manifest_writer_finish(struct manifest_writer *writer, int64_t finished_ms,
                                      struct manifest_summary *summary, struct sf_error *err);
void manifest_writer_free(struct manifest_writer *writer); /* NULL is fine */

struct manifest_reader;

/* Reads fd from offset 0 (not owned, positional reads). name is what errors call it (its key). Checks the header: format,
 * version, features. SF_CORRUPT on damage, SF_UNSUPPORTED on an unknown version or feature. */
MUST_CHECK int manifest_reader_open(struct manifest_reader **reader, int fd, const char *name, struct sf_error *err);
const struct manifest_header *manifest_reader_header(const struct manifest_reader *reader);

/* 1: the next entry (*entry is cleaned up and filled; file entries have time_dir set); 0: the end, and the trailer was there
 * and right (counts, bytes, SHA-256 of all lines before); -1: damage, SF_CORRUPT with name and line number. Treats the file as
 * hostile: refuses absolute paths, ".", "..", empty components, NUL, paths out of order or twice, an entry whose folder is
 * not an entry before it, a first entry that is not the root folder, a key that is not
 * <time-dir>/<source>/<key of the same path>, numbers out of range, lines over MANIFEST_LINE_MAX, data after the trailer. */
MUST_CHECK int manifest_reader_next(struct manifest_reader *reader, struct entry *entry, struct sf_error *err);
void manifest_reader_free(struct manifest_reader *reader); /* NULL is fine */

/* Reads everything, keeps nothing: 0 if whole. *header and *counts are of the manifest; NULL: not wanted. */
MUST_CHECK int manifest_check(int fd, const char *name, struct manifest_header *header, struct manifest_counts *counts,
                              struct sf_error *err);

#endif
