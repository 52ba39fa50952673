/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 (OpenSSL, algorithm fetched once a process) and CRC32C (ISA-L), and their hex spelling. Thread-safe.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32
#define SHA256_HEX 64

struct sha256 {
    void *ctx; /* EVP_MD_CTX; NULL is the zero value */
};

void sha256_init(struct sha256 *sha); /* also starts again */
void sha256_update(struct sha256 *sha, const void *data, size_t bytes);
void sha256_final(struct sha256 *sha, uint8_t out[SHA256_BYTES]); /* sha256_init before the next use */
void sha256_cleanup(struct sha256 *sha);
void sha256_of(const void *data, size_t bytes, uint8_t out[SHA256_BYTES]);

/* Continues a CRC32C (Castagnoli) from crc, 0 to begin. */
uint32_t crc32c_update(uint32_t crc, const void *data, size_t bytes);

void hex_encode(const uint8_t *data, size_t bytes, char *out); /* 2 * bytes lower-case digits and a NUL */
bool hex_decode(const char *text, uint8_t *out, size_t bytes); /* exactly 2 * bytes lower-case digits, then NUL */

#endif
