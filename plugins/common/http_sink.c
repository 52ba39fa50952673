/* SPDX-License-Identifier: Apache-2.0
 *
 * Delivers what is received to a sink of the caller's.
 */
#include "plugins/common/http.h"

#include "base/err.h"

#include <errno.h>
#include <string.h>

static int write_memory(struct http_sink *sink, const void *bytes, size_t length, struct sf_error *err)
{
    if (length > sink->sink.capacity - sink->bytes)
        return sf_fail(err, SF_TOO_LARGE, "%s: more than the %llu bytes that there is room for", sink->what,
                       (unsigned long long)sink->sink.capacity);
    memcpy((char *)sink->sink.data + sink->bytes, bytes, length);
    return 0;
}

static int write_fd(struct http_sink *sink, const char *bytes, size_t length, struct sf_error *err)
{
    uint64_t at = sink->sink.offset + sink->bytes;

    while (length > 0) {
        ssize_t written = pwrite(sink->sink.fd, bytes, length, (off_t)at);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return err_errno(err, errno, "%s: writing what was received", sink->what);
        at += (uint64_t)written;
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

int http_sink_write(void *http_sink, const void *bytes, size_t length, struct sf_error *err)
{
    struct http_sink *sink = http_sink;
    int result;

    switch ((int)sink->sink.kind) {
    case SF_SINK_MEMORY:
        result = write_memory(sink, bytes, length, err);
        break;
    case SF_SINK_FD:
        result = write_fd(sink, bytes, length, err);
        break;
    case SF_SINK_CALLBACK:
        result = sink->sink.write(sink->sink.ctx, sink->bytes, bytes, length, err);
        break;
    default:
        return sf_fail(err, SF_UNSUPPORTED, "%s: a kind of sink that is not known (%u)", sink->what, sink->sink.kind);
    }
    if (result == 0)
        sink->bytes += length;
    return result;
}
