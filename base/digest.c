/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

#include <isa-l/crc.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fetching an algorithm by name costs more than hashing a small file: once a process. */
static EVP_MD *sha256_method;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void sha256_free_method(void)
{
    EVP_MD_free(sha256_method);
    sha256_method = NULL;
}

static void sha256_fetch(void)
{
    sha256_method = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (sha256_method != NULL)
        atexit(sha256_free_method);
}

/* OpenSSL fails here only without memory or without a SHA-256 provider: nothing can go on then. */
static void require(int worked)
{
    if (worked == 1)
        return;
    fputs("snapferry: OpenSSL has no working SHA-256 (out of memory, or no provider loaded)\n", stderr);
    _Exit(1);
}

void sha256_init(struct sha256 *sha)
{
    pthread_once(&sha256_once, sha256_fetch);
    require(sha256_method != NULL);
    if (sha->ctx == NULL)
        sha->ctx = EVP_MD_CTX_new();
    require(sha->ctx != NULL);
    require(EVP_DigestInit_ex2(sha->ctx, sha256_method, NULL));
}

void sha256_update(struct sha256 *sha, const void *data, size_t bytes)
{
    require(EVP_DigestUpdate(sha->ctx, data, bytes));
}

void sha256_final(struct sha256 *sha, uint8_t out[SHA256_BYTES])
{
    require(EVP_DigestFinal_ex(sha->ctx, out, NULL));
}

void sha256_cleanup(struct sha256 *sha)
{
    EVP_MD_CTX_free(sha->ctx);
    sha->ctx = NULL;
}

void sha256_of(const void *data, size_t bytes, uint8_t out[SHA256_BYTES])
{
    struct sha256 sha = {NULL};

    sha256_init(&sha);
    sha256_update(&sha, data, bytes);
    sha256_final(&sha, out);
    sha256_cleanup(&sha);
}

uint32_t crc32c_update(uint32_t crc, const void *data, size_t bytes)
{
    const unsigned char *at = data;

    /* crc32_iscsi takes an int length and neither inverts at the start nor at the end. */
    crc = ~crc;
    while (bytes > 0) {
        int step = bytes > (1 << 30) ? (1 << 30) : (int)bytes;

        crc = crc32_iscsi((unsigned char *)(uintptr_t)at, step, crc);
        at += step;
        bytes -= (size_t)step;
    }
    return ~crc;
}

void hex_encode(const uint8_t *data, size_t bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    for (i = 0; i < bytes; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 15];
    }
    out[2 * bytes] = '\0';
}

/* A digit's value and one, 0 for what is none. A table, since no processor guesses whether a digest's next digit is a letter. */
static const uint8_t digit_values[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16};

bool hex_decode(const char *text, uint8_t *out, size_t bytes)
{
    size_t i;

    for (i = 0; i < bytes; i++) {
        unsigned high = digit_values[(uint8_t)text[2 * i]];
        unsigned low = high == 0 ? 0 : digit_values[(uint8_t)text[2 * i + 1]];

        if (low == 0)
            return false;
        out[i] = (uint8_t)((high - 1) * 16 + low - 1);
    }
    return text[2 * bytes] == '\0';
}
