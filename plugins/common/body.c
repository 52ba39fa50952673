/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/common/body.h"

#include "base/err.h"

#include <errno.h>
#include <string.h>

int64_t body_read(const struct sf_body *body, uint64_t position, void *buffer, size_t bytes, const char *what,
                  struct sf_error *err)
{
    uint64_t left = body->length - position;
    int64_t got;

    if (bytes > left)
        bytes = (size_t)left;
    if (bytes == 0)
        return 0;
    switch ((int)body->kind) {
    case SF_BODY_MEMORY:
        memcpy(buffer, (const char *)body->data + position, bytes);
        return (int64_t)bytes;
    case SF_BODY_FD:
        got = pread(body->fd, buffer, bytes, (off_t)(body->offset + position));
        if (got < 0)
            return err_errno(err, errno, "%s: read", what);
        break;
    case SF_BODY_CALLBACK:
        got = body->read(body->ctx, position, buffer, bytes, err);
        if (got < 0)
            return -1;
        break;
    default:
        return sf_fail(err, SF_UNSUPPORTED, "%s: a kind of body that is not known", what);
    }
    if (got == 0)
        return sf_fail(err, SF_CORRUPT, "%s: the source is shorter than it was", what);
    return got;
}
