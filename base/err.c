/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>

static enum sf_class class_of_errno(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return SF_NOT_FOUND;
    case EEXIST:
        return SF_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return SF_DENIED;
    case ENOSPC:
    case EDQUOT:
        return SF_NO_SPACE;
    case ENAMETOOLONG:
    case EFBIG:
        return SF_TOO_LARGE;
    case EINTR:
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ETIMEDOUT:
        return SF_TRANSIENT;
    case ECANCELED:
        return SF_CANCELLED;
    case EOPNOTSUPP:
    case ENOSYS:
        return SF_UNSUPPORTED;
    case EINVAL:
        return SF_INVALID;
    default:
        return SF_PERMANENT;
    }
}

static void set_text(struct sf_error *err, const char *fmt, va_list args)
{
    char text[SF_ERROR_TEXT];

    vsnprintf(text, sizeof(text), fmt, args);
    memcpy(err->text, text, sizeof(text));
}

int err_errno(struct sf_error *err, int number, const char *fmt, ...)
{
    char reason[128];
    va_list args;
    size_t used;

    sf_fail(err, class_of_errno(number), "%s", "");
    err->status = number;
    va_start(args, fmt);
    set_text(err, fmt, args);
    va_end(args);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror_r(number, reason, sizeof(reason)));
    return -1;
}

int err_prefix(struct sf_error *err, const char *fmt, ...)
{
    char old[SF_ERROR_TEXT];
    va_list args;
    size_t used;

    memcpy(old, err->text, sizeof(old));
    old[sizeof(old) - 1] = '\0';
    va_start(args, fmt);
    set_text(err, fmt, args);
    va_end(args);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, ": %.*s", (int)sizeof(old), old);
    return -1;
}

const char *err_class_name(int cls)
{
    static const char *const names[] = {
        [SF_OK] = "ok",
        [SF_NOT_FOUND] = "not_found",
        [SF_EXISTS] = "exists",
        [SF_PRECONDITION] = "precondition",
        [SF_CONFLICT] = "conflict",
        [SF_DENIED] = "denied",
        [SF_AUTH] = "auth",
        [SF_INVALID] = "invalid",
        [SF_UNSUPPORTED] = "unsupported",
        [SF_TOO_LARGE] = "too_large",
        [SF_NO_SPACE] = "no_space",
        [SF_IMMUTABLE] = "immutable",
        [SF_ARCHIVED] = "archived",
        [SF_CORRUPT] = "corrupt",
        [SF_THROTTLED] = "throttled",
        [SF_TRANSIENT] = "transient",
        [SF_CANCELLED] = "cancelled",
        [SF_PERMANENT] = "permanent",
    };

    if (cls < 0 || (size_t)cls >= sizeof(names) / sizeof(names[0]))
        return names[SF_PERMANENT];
    return names[cls];
}

bool err_is_retryable(int cls)
{
    return cls == SF_CONFLICT || cls == SF_THROTTLED || cls == SF_TRANSIENT;
}

/* Length of the valid UTF-8 sequence at text, 0 if there is none (overlong, surrogate, cut, beyond U+10FFFF). */
static size_t utf8_length(const unsigned char *text)
{
    uint32_t point;
    size_t length, i;

    if (text[0] < 0x80)
        return 1;
    if (text[0] >= 0xc2 && text[0] <= 0xdf)
        length = 2;
    else if ((text[0] & 0xf0) == 0xe0)
        length = 3;
    else if (text[0] >= 0xf0 && text[0] <= 0xf4)
        length = 4;
    else
        return 0;
    point = text[0] & (0x7fu >> length);
    for (i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        point = (point << 6) | (text[i] & 0x3fu);
    }
    if ((length == 3 && (point < 0x800 || (point >= 0xd800 && point <= 0xdfff))) ||
        (length == 4 && (point < 0x10000 || point > 0x10ffff)))
        return 0;
    return length;
}

char *err_printable(const char *raw, char *out, size_t size)
{
    const unsigned char *in = (const unsigned char *)raw;
    size_t used = 0;

    while (*in != '\0') {
        size_t length = utf8_length(in);
        bool plain = length > 0 && *in >= 0x20 && *in != 0x7f && !(length == 2 && in[0] == 0xc2 && in[1] < 0xa0);
        size_t need = plain ? length : 4;

        if (used + need + 4 > size) {
            snprintf(out + used, size - used, "...");
            return out;
        }
        if (plain) {
            memcpy(out + used, in, length);
            in += length;
        } else {
            snprintf(out + used, 5, "\\x%02x", *in);
            in++;
        }
        used += need;
    }
    out[used] = '\0';
    return out;
}
