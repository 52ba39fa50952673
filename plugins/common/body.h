/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading an sf_body by position, whatever its kind. Thread-safe as far as a callback's source is.
 */
#ifndef PLUGINS_COMMON_BODY_H
#define PLUGINS_COMMON_BODY_H

#include "base/auto.h"
#include "base/base64.h"
#include "snapferry/plugin.h"

/* Up to bytes from position on, at least one unless position is the body's length: then 0. A source that ends before is SF_CORRUPT, a
 * kind that is not known SF_UNSUPPORTED; a callback's own error is handed on. -1 on failure. what: the object, for messages. */
MUST_CHECK int64_t body_read(const struct sf_body *body, uint64_t position, void *buffer, size_t bytes,
                             const char *what, struct sf_error *err);

/* One pass over the body that adds the digests of wanted (SF_DIGEST_*) to *digests, which are not there yet; what is there stays.
 * SF_UNSUPPORTED if OpenSSL does not give MD5. Asks cancelled() at least every MiB. */
MUST_CHECK int body_digest(const struct sf_call *call, const struct sf_body *body, uint32_t wanted, const char *what,
                           struct sf_digests *digests, struct sf_error *err);

/* Base64 of a CRC32C: of its four bytes, big-endian, as S3 and GCS spell it. */
void base64_crc32c(uint32_t crc32c, char out[BASE64_BYTES(4)]);

#endif
