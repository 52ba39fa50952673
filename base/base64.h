/* SPDX-License-Identifier: Apache-2.0
 *
 * Base64 with padding (RFC 4648, section 4): how a manifest spells bytes that are no UTF-8, and how HTTP headers spell digests.
 * Pure functions.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

#include <stdbool.h>

#define BASE64_BYTES(n) (((n) + 2) / 3 * 4 + 1) /* of text for n bytes, with the NUL */

void base64_encode(const void *data, size_t bytes, char *out); /* out holds BASE64_BYTES(bytes) */
/* The next two append to out. */
void base64_add(const void *data, size_t bytes, struct buf *out);
/* false: not what base64_encode makes of any bytes; out is as it was then. */
bool base64_decode(const char *text, struct buf *out);

#endif
