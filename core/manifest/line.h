/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines of a manifest, one JSON object each (docs/format.md). Used by writer.c and reader.c. Pure functions.
 */
#ifndef CORE_MANIFEST_LINE_H
#define CORE_MANIFEST_LINE_H

#include "core/manifest/manifest.h"

struct line_trailer {
    struct manifest_counts counts;
    uint8_t sha256[SHA256_BYTES]; /* of all lines before, newlines included */
};

enum line_kind { LINE_ENTRY, LINE_TRAILER };

/* Append a line with its newline. */
void line_add_header(struct buf *out, const struct manifest_header *header);
void line_add_entry(struct buf *out, const struct entry *entry, const struct manifest_header *header);
void line_add_trailer(struct buf *out, const struct line_trailer *trailer, int64_t finished_ms);

/* A line without its newline. Errors say what is wrong, not where: the reader knows. */
MUST_CHECK int line_parse_header(struct manifest_header *header, const char *line, size_t bytes, struct sf_error *err);
/* Fills *entry (cleaned up first) or *trailer. What order.h checks is not checked here. */
MUST_CHECK int line_parse(const struct manifest_header *header, const char *line, size_t bytes, enum line_kind *kind,
                          struct entry *entry, struct line_trailer *trailer, struct sf_error *err);
/* The same for an entry of the shape that nearly all have, without a JSON parser; false: this is for line_parse(), *entry is
 * as it was. Whatever it takes, line_parse() takes with the same result. */
bool line_take_usual(const struct manifest_header *header, const char *line, size_t bytes, struct entry *entry);

#endif
