/* SPDX-License-Identifier: Apache-2.0
 *
 * Base64 with padding (RFC 4648, section 4): how a manifest spells bytes that are no UTF-8. Pure functions.
 */
#ifndef CORE_MANIFEST_BASE64_H
#define CORE_MANIFEST_BASE64_H

#include "base/buf.h"

#include <stdbool.h>

/* Both append to out. */
void base64_encode(const void *data, size_t bytes, struct buf *out);
/* false: not what base64_encode makes of any bytes; out is as it was then. */
bool base64_decode(const char *text, struct buf *out);

#endif
