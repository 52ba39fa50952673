/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors in core and in-tree plugins: int result plus `struct sf_error *err` last. The first to notice fills it with
 * sf_fail() or err_errno(); a layer that knows more puts one phrase in front with err_prefix().
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "snapferry/plugin.h"

#include <stdbool.h>

/* Class by errno (ENOENT not_found, EEXIST exists, EACCES/EPERM/EROFS denied, ENOSPC/EDQUOT no_space, ENAMETOOLONG/EFBIG
 * too_large, EINTR/EAGAIN/ENOMEM/EMFILE/ENFILE/ETIMEDOUT transient, ECANCELED cancelled, EOPNOTSUPP/ENOSYS unsupported,
 * EINVAL invalid, else permanent), status = number, text = the format followed by ": " and strerror. Returns -1. */
int err_errno(struct sf_error *err, int number, const char *fmt, ...) SF_PRINTF(3, 4);

/* Puts the formatted text and ": " in front of err->text. Returns -1. */
int err_prefix(struct sf_error *err, const char *fmt, ...) SF_PRINTF(2, 3);

/* "not_found", ...; "permanent" for an unknown value. Static. */
const char *err_class_name(int cls);

/* Conflict, throttled, transient: what the retry wrapper may send again. */
bool err_is_retryable(int cls);

/* Replaces control characters and broken UTF-8 by \xNN so that a path can stand in a message or a terminal.
 * Writes at most size bytes with the NUL, "..." at the end if cut; returns out. */
char *err_printable(const char *raw, char *out, size_t size);

#endif
