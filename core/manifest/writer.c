/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes a manifest as a stream. The header and the trailer get zstd frames of their own. Called by the pipeline's thread
 * once every object of the source is known.
 */
#include "core/manifest/manifest.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/manifest/line.h"
#include "core/manifest/order.h"

#include <errno.h>
#include <string.h>
#include <zstd.h>

#define LINES_BYTES (64u * 1024u) /* lines are compressed in steps of this */
#define LEVEL 1                   /* digests do not compress: 3 takes twice the time and makes larger manifests */

struct manifest_writer {
    int fd;
    struct manifest_header header;
    ZSTD_CStream *stream;
    char *output;
    size_t output_bytes;
    struct buf lines; /* not compressed yet */
    struct sha256 lines_sha;
    struct sha256 object_sha;
    uint64_t object_bytes;
    struct manifest_counts counts;
    struct order order;
    bool failed;
};

static int write_output(struct manifest_writer *writer, size_t bytes, struct sf_error *err)
{
    const char *at = writer->output;

    sha256_update(&writer->object_sha, at, bytes);
    writer->object_bytes += bytes;
    while (bytes > 0) {
        ssize_t put = write(writer->fd, at, bytes);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return err_errno(err, errno, "cannot write to the temporary folder");
        at += put;
        bytes -= (size_t)put;
    }
    return 0;
}

/* Compresses and writes the lines at hand; `end` closes the frame. */
static int flush(struct manifest_writer *writer, ZSTD_EndDirective end, struct sf_error *err)
{
    ZSTD_inBuffer input = {buf_text(&writer->lines), writer->lines.length, 0};
    bool done;

    do {
        ZSTD_outBuffer output = {writer->output, writer->output_bytes, 0};
        size_t rest = ZSTD_compressStream2(writer->stream, &output, &input, end);

        if (ZSTD_isError(rest))
            return sf_fail(err, SF_PERMANENT, "cannot compress: %s", ZSTD_getErrorName(rest));
        if (write_output(writer, output.pos, err) < 0)
            return -1;
        done = end == ZSTD_e_continue ? input.pos == input.size : rest == 0;
    } while (!done);
    buf_clear(&writer->lines);
    return 0;
}

static int fail(struct manifest_writer *writer, struct sf_error *err)
{
    writer->failed = true;
    return err_prefix(err, "manifest of source %s", writer->header.source);
}

static bool set(ZSTD_CStream *stream, ZSTD_cParameter parameter, int value)
{
    return !ZSTD_isError(ZSTD_CCtx_setParameter(stream, parameter, value));
}

int manifest_writer_open(struct manifest_writer **out, int fd, const struct manifest_header *header,
                         struct sf_error *err)
{
    struct manifest_writer *writer = mem_alloc(sizeof(*writer));

    writer->fd = fd;
    writer->header = *header;
    writer->output_bytes = ZSTD_CStreamOutSize();
    writer->output = mem_alloc(writer->output_bytes);
    sha256_init(&writer->lines_sha);
    sha256_init(&writer->object_sha);
    writer->stream = ZSTD_createCStream();
    line_add_header(&writer->lines, header);
    sha256_update(&writer->lines_sha, writer->lines.data, writer->lines.length);
    if (writer->stream == NULL || !set(writer->stream, ZSTD_c_compressionLevel, LEVEL) ||
        !set(writer->stream, ZSTD_c_windowLog, MANIFEST_WINDOW_LOG) || !set(writer->stream, ZSTD_c_checksumFlag, 1)) {
        sf_fail(err, SF_PERMANENT, "cannot set up zstd");
        fail(writer, err);
    } else if (flush(writer, ZSTD_e_end, err) < 0) {
        fail(writer, err);
    }
    if (writer->failed) {
        manifest_writer_free(writer);
        return -1;
    }
    *out = writer;
    return 0;
}

static int check_object(const struct entry *entry, struct sf_error *err)
{
    static const uint8_t unknown[SHA256_BYTES] = {0};
    char shown[200];

    if (entry->type == ENTRY_OTHER ||
        (entry->type == ENTRY_LINK && (entry->target == NULL || entry->target[0] == '\0')))
        return sf_fail(err, SF_PERMANENT, "path '%s' is nothing that a manifest can hold",
                       err_printable(entry->path, shown, sizeof(shown)));
    if (entry->type != ENTRY_FILE)
        return 0;
    if (!time_dir_is_valid(entry->time_dir) || memcmp(entry->sha256, unknown, SHA256_BYTES) == 0 ||
        entry->size > INT64_MAX)
        return sf_fail(err, SF_PERMANENT, "path '%s' has no object", err_printable(entry->path, shown, sizeof(shown)));
    return 0;
}

int manifest_writer_add(struct manifest_writer *writer, const struct entry *entry, struct sf_error *err)
{
    size_t start = writer->lines.length;

    if (writer->failed)
        return sf_fail(err, SF_PERMANENT, "manifest of source %s: cannot go on after a failure", writer->header.source);
    if (order_check(&writer->order, entry, err) < 0 || check_object(entry, err) < 0)
        return fail(writer, err);
    line_add_entry(&writer->lines, entry, &writer->header);
    if (writer->lines.length - start - 1 > MANIFEST_LINE_MAX) {
        sf_fail(err, SF_TOO_LARGE, "a path of %zu bytes is too long", strlen(entry->path));
        return fail(writer, err);
    }
    sha256_update(&writer->lines_sha, writer->lines.data + start, writer->lines.length - start);
    writer->counts.entries++;
    if (entry->type == ENTRY_FILE) {
        writer->counts.files++;
        writer->counts.bytes += entry->size;
    }
    if (writer->lines.length >= LINES_BYTES && flush(writer, ZSTD_e_continue, err) < 0)
        return fail(writer, err);
    return 0;
}

int manifest_writer_finish(struct manifest_writer *writer, int64_t finished_ms, struct manifest_summary *summary,
                           struct sf_error *err)
{
    struct line_trailer trailer = {writer->counts, {0}};

    if (writer->failed)
        return sf_fail(err, SF_PERMANENT, "manifest of source %s: cannot go on after a failure", writer->header.source);
    if (writer->counts.entries == 0) {
        sf_fail(err, SF_PERMANENT, "it has no entry, not even the root folder");
        return fail(writer, err);
    }
    if (flush(writer, ZSTD_e_end, err) < 0)
        return fail(writer, err);
    sha256_final(&writer->lines_sha, trailer.sha256);
    line_add_trailer(&writer->lines, &trailer, finished_ms);
    if (flush(writer, ZSTD_e_end, err) < 0)
        return fail(writer, err);
    writer->failed = true; /* nothing can follow */
    summary->counts = writer->counts;
    summary->object_bytes = writer->object_bytes;
    sha256_final(&writer->object_sha, summary->sha256);
    return 0;
}

void manifest_writer_free(struct manifest_writer *writer)
{
    if (writer == NULL)
        return;
    ZSTD_freeCStream(writer->stream);
    sha256_cleanup(&writer->lines_sha);
    sha256_cleanup(&writer->object_sha);
    order_cleanup(&writer->order);
    buf_cleanup(&writer->lines);
    free(writer->output);
    free(writer);
}
