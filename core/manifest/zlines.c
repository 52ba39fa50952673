/* SPDX-License-Identifier: Apache-2.0 */
#include "core/manifest/zlines.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/manifest/manifest.h"

#include <errno.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#define INPUT_BYTES (64u * 1024u)
#define OUTPUT_BYTES (128u * 1024u)

struct zlines {
    int fd;
    off_t offset; /* of the next read */
    bool at_end;  /* of the file */
    bool full;    /* the last call filled the output: zstd may hold more */
    ZSTD_DStream *stream;
    size_t pending; /* zstd's last answer: 0 at the end of a frame */
    ZSTD_inBuffer input;
    size_t start, end; /* of what is in output and not handed out */
    struct buf cut;    /* a line that does not lie in output as a whole */
    char *output;
    char *bytes;
};

struct zlines *zlines_open(int fd)
{
    struct zlines *lines = mem_alloc(sizeof(*lines));

    lines->fd = fd;
    lines->bytes = mem_alloc(INPUT_BYTES);
    lines->output = mem_alloc(OUTPUT_BYTES);
    lines->input = (ZSTD_inBuffer){lines->bytes, 0, 0};
    lines->stream = ZSTD_createDStream(); /* NULL only without memory: every call on it fails */
    if (lines->stream != NULL)
        ZSTD_DCtx_setParameter(lines->stream, ZSTD_d_windowLogMax, MANIFEST_WINDOW_LOG);
    return lines;
}

void zlines_close(struct zlines *lines)
{
    if (lines == NULL)
        return;
    ZSTD_freeDStream(lines->stream);
    buf_cleanup(&lines->cut);
    auto_free(&lines->bytes);
    auto_free(&lines->output);
    free(lines);
}

static int read_input(struct zlines *lines, struct sf_error *err)
{
    ssize_t got;

    if (lines->input.pos < lines->input.size || lines->at_end)
        return 0;
    do
        got = pread(lines->fd, lines->bytes, INPUT_BYTES, lines->offset);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_errno(err, errno, "cannot read");
    lines->offset += got;
    lines->at_end = got == 0;
    lines->input = (ZSTD_inBuffer){lines->bytes, (size_t)got, 0};
    return 0;
}

static int refuse_frame(size_t code, struct sf_error *err)
{
    if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge)
        return sf_fail(err, SF_CORRUPT, "zstd frame with a window over the %u KiB that a manifest may have",
                       1u << (MANIFEST_WINDOW_LOG - 10));
    return sf_fail(err, SF_CORRUPT, "damaged zstd data: %s", ZSTD_getErrorName(code));
}

/* 1: output holds bytes; 0: the file ended where a frame ends. */
static int fill(struct zlines *lines, struct sf_error *err)
{
    while (lines->start == lines->end) {
        ZSTD_outBuffer output = {lines->output, OUTPUT_BYTES, 0};

        if (!lines->full) {
            if (read_input(lines, err) < 0)
                return -1;
            if (lines->at_end)
                return lines->pending == 0 ? 0 : sf_fail(err, SF_CORRUPT, "cut off in the middle of a zstd frame");
        }
        if (lines->stream == NULL)
            return sf_fail(err, SF_TRANSIENT, "no memory for zstd");
        lines->pending = ZSTD_decompressStream(lines->stream, &output, &lines->input);
        if (ZSTD_isError(lines->pending))
            return refuse_frame(lines->pending, err);
        lines->full = output.pos == output.size && lines->pending != 0;
        lines->start = 0;
        lines->end = output.pos;
    }
    return 1;
}

int zlines_next(struct zlines *lines, const char **line, size_t *bytes, struct sf_error *err)
{
    buf_clear(&lines->cut);
    for (;;) {
        int got = fill(lines, err);
        const char *begin = lines->output + lines->start, *newline;

        if (got < 0)
            return -1;
        if (got == 0)
            return lines->cut.length == 0 ? 0 : sf_fail(err, SF_CORRUPT, "cut off in the middle of a line");
        newline = memchr(begin, '\n', lines->end - lines->start);
        *bytes = newline != NULL ? (size_t)(newline - begin) : lines->end - lines->start;
        if (lines->cut.length + *bytes > MANIFEST_LINE_MAX)
            return sf_fail(err, SF_CORRUPT, "line longer than %u bytes", MANIFEST_LINE_MAX);
        lines->start += *bytes + (newline != NULL);
        if (newline != NULL && lines->cut.length == 0) {
            *line = begin;
            return 1;
        }
        buf_add(&lines->cut, begin, *bytes + (newline != NULL));
        if (newline != NULL) {
            *line = lines->cut.data;
            *bytes = lines->cut.length - 1;
            return 1;
        }
    }
}

int zlines_end(struct zlines *lines, struct sf_error *err)
{
    ZSTD_outBuffer output = {lines->output, OUTPUT_BYTES, 0};

    /* The last frame's own end (its checksum) may not have been taken in yet. */
    while (lines->start == lines->end && lines->pending != 0) {
        if (read_input(lines, err) < 0)
            return -1;
        if (lines->at_end)
            return sf_fail(err, SF_CORRUPT, "cut off in the middle of a zstd frame");
        lines->pending = ZSTD_decompressStream(lines->stream, &output, &lines->input);
        if (ZSTD_isError(lines->pending))
            return refuse_frame(lines->pending, err);
        lines->start = 0;
        lines->end = output.pos;
    }
    if (lines->start == lines->end && read_input(lines, err) < 0)
        return -1;
    if (lines->start < lines->end || !lines->at_end)
        return sf_fail(err, SF_CORRUPT, "data after the trailer");
    return 0;
}
