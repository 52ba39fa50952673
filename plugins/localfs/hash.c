/* SPDX-License-Identifier: Apache-2.0
 *
 * The digests of an object's bytes, computed while they are stored, and their comparison with those that the
 * caller gave.
 */
#include "plugins/localfs/localfs.h"

#include "base/err.h"

#include <openssl/evp.h>
#include <string.h>

void hash_begin(struct hash *hash, uint32_t wanted)
{
    sha256_init(&hash->sha256);
    hash->has_crc32c = (wanted & SF_DIGEST_CRC32C) != 0;
    hash->crc32c = 0;
    EVP_MD_CTX_free(hash->md5);
    hash->md5 = NULL;
    if ((wanted & SF_DIGEST_MD5) == 0)
        return;
    hash->md5 = EVP_MD_CTX_new();
    /* A system that allows no MD5: then there is none to compare with, and hash_end says so. */
    if (hash->md5 != NULL && EVP_DigestInit_ex(hash->md5, EVP_md5(), NULL) != 1) {
        EVP_MD_CTX_free(hash->md5);
        hash->md5 = NULL;
    }
}

void hash_update(struct hash *hash, const void *data, size_t bytes)
{
    sha256_update(&hash->sha256, data, bytes);
    if (hash->has_crc32c)
        hash->crc32c = crc32c_update(hash->crc32c, data, bytes);
    if (hash->md5 != NULL)
        (void)EVP_DigestUpdate(hash->md5, data, bytes);
}

void hash_end(struct hash *hash, struct sf_digests *digests)
{
    memset(digests, 0, sizeof(*digests));
    digests->size = sizeof(*digests);
    digests->have = SF_DIGEST_SHA256;
    sha256_final(&hash->sha256, digests->sha256);
    digests->crc32c = hash->crc32c;
    if (hash->has_crc32c)
        digests->have |= SF_DIGEST_CRC32C;
    if (hash->md5 != NULL && EVP_DigestFinal_ex(hash->md5, digests->md5, NULL) == 1)
        digests->have |= SF_DIGEST_MD5;
    EVP_MD_CTX_free(hash->md5);
    hash->md5 = NULL;
}

void hash_cleanup(struct hash *hash)
{
    sha256_cleanup(&hash->sha256);
    EVP_MD_CTX_free(hash->md5);
    hash->md5 = NULL;
}

int hash_compare(const struct sf_digests *expected, const struct sf_digests *found, const char *key,
                 struct sf_error *err)
{
    if ((expected->have & SF_DIGEST_MD5) != 0 && (found->have & SF_DIGEST_MD5) == 0)
        return key_fail(err, SF_UNSUPPORTED, key, "this system cannot compute the MD5 that was given");
    if ((expected->have & SF_DIGEST_SHA256) != 0 && memcmp(expected->sha256, found->sha256, SHA256_BYTES) != 0)
        return key_fail(err, SF_CORRUPT, key, "the bytes do not have the SHA-256 that was given");
    if ((expected->have & SF_DIGEST_CRC32C) != 0 && expected->crc32c != found->crc32c)
        return key_fail(err, SF_CORRUPT, key, "the bytes do not have the CRC32C that was given");
    if ((expected->have & SF_DIGEST_MD5) != 0 && memcmp(expected->md5, found->md5, sizeof(found->md5)) != 0)
        return key_fail(err, SF_CORRUPT, key, "the bytes do not have the MD5 that was given");
    return 0;
}
