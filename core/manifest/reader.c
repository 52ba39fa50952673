/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a manifest as a stream (zlines.c), line by line (line_parse.c), holding it to the rules of order.c and, at its end,
 * to its own trailer. Used by merge, check, verify and restore; the file comes from the store and is not trusted.
 */
#include "core/manifest/manifest.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/manifest/line.h"
#include "core/manifest/order.h"
#include "core/manifest/zlines.h"

#include <inttypes.h>
#include <string.h>

enum reader_state { READER_ENTRIES, READER_ENDED, READER_FAILED };

struct manifest_reader {
    char *name; /* printable */
    struct zlines *lines;
    uint64_t line_number;
    struct manifest_header header;
    struct manifest_counts counts;
    struct sha256 sha;
    struct order order;
    enum reader_state state;
};

/* All failures end here: the reader stays failed, and the message says where. */
static int refuse(struct manifest_reader *reader, struct sf_error *err)
{
    reader->state = READER_FAILED;
    return err_prefix(err, "%s: line %" PRIu64, reader->name, reader->line_number);
}

static int read_header(struct manifest_reader *reader, struct sf_error *err)
{
    const char *line;
    size_t bytes;
    int got = zlines_next(reader->lines, &line, &bytes, err);

    if (got == 0)
        sf_fail(err, SF_CORRUPT, "the manifest is empty");
    if (got <= 0 || line_parse_header(&reader->header, line, bytes, err) < 0)
        return refuse(reader, err);
    sha256_update(&reader->sha, line, bytes + 1);
    return 0;
}

int manifest_reader_open(struct manifest_reader **out, int fd, const char *name, struct sf_error *err)
{
    struct manifest_reader *reader = mem_alloc(sizeof(*reader));
    char shown[256];

    reader->name = mem_text(err_printable(name, shown, sizeof(shown)));
    reader->lines = zlines_open(fd);
    reader->line_number = 1;
    sha256_init(&reader->sha);
    if (read_header(reader, err) < 0) {
        manifest_reader_free(reader);
        return -1;
    }
    *out = reader;
    return 0;
}

const struct manifest_header *manifest_reader_header(const struct manifest_reader *reader)
{
    return &reader->header;
}

static int check_trailer(struct manifest_reader *reader, const struct line_trailer *trailer, struct sf_error *err)
{
    const struct manifest_counts *said = &trailer->counts, *seen = &reader->counts;
    uint8_t sha256[SHA256_BYTES];

    if (said->entries != seen->entries || said->files != seen->files || said->bytes != seen->bytes)
        return sf_fail(err, SF_CORRUPT,
                       "the trailer counts %" PRIu64 " entries, %" PRIu64 " files, %" PRIu64
                       " bytes, but there are %" PRIu64 ", %" PRIu64 ", %" PRIu64,
                       said->entries, said->files, said->bytes, seen->entries, seen->files, seen->bytes);
    if (seen->entries == 0)
        return sf_fail(err, SF_CORRUPT, "there is no entry of the root folder");
    sha256_final(&reader->sha, sha256);
    if (memcmp(sha256, trailer->sha256, SHA256_BYTES) != 0)
        return sf_fail(err, SF_CORRUPT, "the lines do not have the trailer's SHA-256");
    return zlines_end(reader->lines, err);
}

static int count_entry(struct manifest_counts *counts, const struct entry *entry, struct sf_error *err)
{
    counts->entries++;
    if (entry->type != ENTRY_FILE)
        return 0;
    counts->files++;
    if (entry->size > INT64_MAX - counts->bytes)
        return sf_fail(err, SF_CORRUPT, "the sizes add up to more than %" PRId64 " bytes", INT64_MAX);
    counts->bytes += entry->size;
    return 0;
}

int manifest_reader_next(struct manifest_reader *reader, struct entry *entry, struct sf_error *err)
{
    struct line_trailer trailer;
    enum line_kind kind;
    const char *line;
    size_t bytes;
    int got;

    if (reader->state == READER_ENDED)
        return 0;
    if (reader->state == READER_FAILED)
        return sf_fail(err, SF_CORRUPT, "%s: is damaged, as said before", reader->name);
    reader->line_number++;
    got = zlines_next(reader->lines, &line, &bytes, err);
    if (got == 0)
        sf_fail(err, SF_CORRUPT, "the manifest ends without its trailer");
    if (got > 0 && line_take_usual(&reader->header, line, bytes, entry))
        kind = LINE_ENTRY;
    else if (got <= 0 || line_parse(&reader->header, line, bytes, &kind, entry, &trailer, err) < 0)
        return refuse(reader, err);
    if (kind == LINE_TRAILER) {
        if (check_trailer(reader, &trailer, err) < 0)
            return refuse(reader, err);
        reader->state = READER_ENDED;
        return 0;
    }
    if (order_check(&reader->order, entry, err) < 0 || count_entry(&reader->counts, entry, err) < 0) {
        entry_cleanup(entry);
        return refuse(reader, err);
    }
    sha256_update(&reader->sha, line, bytes + 1);
    return 1;
}

void manifest_reader_free(struct manifest_reader *reader)
{
    if (reader == NULL)
        return;
    zlines_close(reader->lines);
    sha256_cleanup(&reader->sha);
    order_cleanup(&reader->order);
    free(reader->name);
    free(reader);
}

int manifest_check(int fd, const char *name, struct manifest_header *header, struct manifest_counts *counts,
                   struct sf_error *err)
{
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct manifest_reader *reader;
    int got;

    if (manifest_reader_open(&reader, fd, name, err) < 0)
        return -1;
    do
        got = manifest_reader_next(reader, &entry, err);
    while (got > 0);
    if (got == 0 && header != NULL)
        *header = reader->header;
    if (got == 0 && counts != NULL)
        *counts = reader->counts;
    manifest_reader_free(reader);
    return got;
}
