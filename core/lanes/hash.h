/* SPDX-License-Identifier: Apache-2.0
 *
 * The digests of one body in one pass: those of SHA-256, CRC32C and MD5 that are asked for.
 */
#ifndef CORE_LANES_HASH_H
#define CORE_LANES_HASH_H

#include "base/auto.h"
#include "base/digest.h"
#include "snapferry/plugin.h"

struct hash {
    uint32_t wanted; /* SF_DIGEST_* */
    struct sha256 sha;
    uint32_t crc32c;
    void *md5; /* EVP_MD_CTX, NULL unless wanted */
};

/* wanted: SF_DIGEST_*. Also starts again. -1: the store wants MD5 and OpenSSL does not give it (FIPS). */
MUST_CHECK int hash_init(struct hash *hash, uint32_t wanted, struct sf_error *err);
void hash_update(struct hash *hash, const void *data, size_t bytes);
void hash_final(struct hash *hash, struct sf_digests *out);
void hash_cleanup(struct hash *hash); /* zero value is fine */

#endif
