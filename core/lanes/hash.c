/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lanes/hash.h"

#include <openssl/evp.h>

int hash_init(struct hash *hash, uint32_t wanted, struct sf_error *err)
{
    hash->wanted = wanted;
    hash->crc32c = 0;
    if ((wanted & SF_DIGEST_SHA256) != 0)
        sha256_init(&hash->sha);
    if ((wanted & SF_DIGEST_MD5) == 0)
        return 0;
    if (hash->md5 == NULL)
        hash->md5 = EVP_MD_CTX_new();
    if (hash->md5 == NULL || EVP_DigestInit_ex(hash->md5, EVP_md5(), NULL) != 1)
        return sf_fail(err, SF_UNSUPPORTED, "the store wants MD5, which this system's OpenSSL does not allow");
    return 0;
}

void hash_update(struct hash *hash, const void *data, size_t bytes)
{
    if ((hash->wanted & SF_DIGEST_SHA256) != 0)
        sha256_update(&hash->sha, data, bytes);
    if ((hash->wanted & SF_DIGEST_CRC32C) != 0)
        hash->crc32c = crc32c_update(hash->crc32c, data, bytes);
    if ((hash->wanted & SF_DIGEST_MD5) != 0 && EVP_DigestUpdate(hash->md5, data, bytes) != 1)
        hash->wanted &= ~SF_DIGEST_MD5;
}

void hash_final(struct hash *hash, struct sf_digests *out)
{
    *out = (struct sf_digests){.size = sizeof(*out)};
    if ((hash->wanted & SF_DIGEST_SHA256) != 0) {
        sha256_final(&hash->sha, out->sha256);
        out->have |= SF_DIGEST_SHA256;
    }
    if ((hash->wanted & SF_DIGEST_CRC32C) != 0) {
        out->crc32c = hash->crc32c;
        out->have |= SF_DIGEST_CRC32C;
    }
    if ((hash->wanted & SF_DIGEST_MD5) != 0 && EVP_DigestFinal_ex(hash->md5, out->md5, NULL) == 1)
        out->have |= SF_DIGEST_MD5;
}

void hash_cleanup(struct hash *hash)
{
    sha256_cleanup(&hash->sha);
    EVP_MD_CTX_free(hash->md5);
    *hash = (struct hash){0};
}
