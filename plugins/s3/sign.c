/* SPDX-License-Identifier: Apache-2.0
 *
 * From the canonical request (sign_canonical.c) to the header Authorization. Runs for every request, so that it allocates
 * nothing once a connection's cache has grown to its size.
 */
#include "plugins/s3/sign.h"

#include "base/mem.h"

#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define DAY_BYTES 8 /* of 20130524T000000Z */
#define SHA256_BLOCK 64

void sign_credentials_cleanup(struct sign_credentials *credentials)
{
    if (credentials->session_token != NULL)
        OPENSSL_cleanse(credentials->session_token, strlen(credentials->session_token));
    free(credentials->session_token);
    OPENSSL_cleanse(credentials, sizeof(*credentials));
}

void sign_credentials_copy(struct sign_credentials *to, const struct sign_credentials *from)
{
    *to = *from;
    if (from->session_token != NULL)
        to->session_token = mem_text(from->session_token);
}

void sign_cache_cleanup(struct sign_cache *cache)
{
    sha256_cleanup(&cache->sha);
    if (cache->canonical.data != NULL)
        OPENSSL_cleanse(cache->canonical.data, cache->canonical.capacity); /* it has the session token in it */
    buf_cleanup(&cache->canonical);
    buf_cleanup(&cache->signed_headers);
    buf_cleanup(&cache->to_sign);
    OPENSSL_cleanse(cache, sizeof(*cache));
}

/* By hand on the one context: OpenSSL's own HMAC would fetch and allocate for each. out may be key. */
static void hmac(struct sha256 *sha, const void *key, size_t key_bytes, const void *data, size_t bytes,
                 unsigned char out[SHA256_BYTES])
{
    unsigned char inner[SHA256_BLOCK] = {0}, outer[SHA256_BLOCK], digest[SHA256_BYTES];
    size_t i;

    if (key_bytes > sizeof(inner)) {
        sha256_init(sha);
        sha256_update(sha, key, key_bytes);
        sha256_final(sha, inner);
    } else {
        memcpy(inner, key, key_bytes);
    }
    for (i = 0; i < SHA256_BLOCK; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    sha256_init(sha);
    sha256_update(sha, inner, sizeof(inner));
    sha256_update(sha, data, bytes);
    sha256_final(sha, digest);
    sha256_init(sha);
    sha256_update(sha, outer, sizeof(outer));
    sha256_update(sha, digest, sizeof(digest));
    sha256_final(sha, out);
    OPENSSL_cleanse(inner, sizeof(inner));
    OPENSSL_cleanse(outer, sizeof(outer));
}

static void hmac_text(struct sha256 *sha, unsigned char key[SHA256_BYTES], const char *text)
{
    hmac(sha, key, SHA256_BYTES, text, strlen(text), key);
}

static void make_scope(const char *amz_date, const char *region, const char *service, char *out, size_t size)
{
    snprintf(out, size, "%.*s/%s/%s/aws4_request", DAY_BYTES, amz_date, region, service);
}

/* Whether the scope is of this day, region and service: without formatting it again for every request. */
static bool scope_is(const char *scope, const char *amz_date, const char *region, const char *service)
{
    size_t region_bytes = strlen(region), service_bytes = strlen(service);

    if (strncmp(scope, amz_date, DAY_BYTES) != 0 || scope[DAY_BYTES] != '/')
        return false;
    scope += DAY_BYTES + 1;
    if (strncmp(scope, region, region_bytes) != 0 || scope[region_bytes] != '/')
        return false;
    scope += region_bytes + 1;
    return strncmp(scope, service, service_bytes) == 0 && strcmp(scope + service_bytes, "/aws4_request") == 0;
}

static void derive_key(struct sign_cache *cache, const char *secret, const char *amz_date, const char *region,
                       const char *service)
{
    char first[sizeof("AWS4") + sizeof(cache->secret)];

    snprintf(first, sizeof(first), "AWS4%s", secret);
    hmac(&cache->sha, first, strlen(first), amz_date, DAY_BYTES, cache->key);
    hmac_text(&cache->sha, cache->key, region);
    hmac_text(&cache->sha, cache->key, service);
    hmac_text(&cache->sha, cache->key, "aws4_request");
    snprintf(cache->secret, sizeof(cache->secret), "%s", secret);
    make_scope(amz_date, region, service, cache->scope, sizeof(cache->scope));
    OPENSSL_cleanse(first, sizeof(first));
}

static void string_to_sign(struct sha256 *sha, const char *canonical, size_t canonical_bytes, const char *amz_date,
                           const char *scope, struct buf *out)
{
    unsigned char digest[SHA256_BYTES];
    char hex[SHA256_HEX + 1];

    sha256_init(sha);
    sha256_update(sha, canonical, canonical_bytes);
    sha256_final(sha, digest);
    hex_encode(digest, sizeof(digest), hex);
    buf_clear(out);
    buf_add_text(out, ALGORITHM "\n");
    buf_add_text(out, amz_date);
    buf_add_byte(out, '\n');
    buf_add_text(out, scope);
    buf_add_byte(out, '\n');
    buf_add(out, hex, SHA256_HEX);
}

void sign_string_to_sign(const char *canonical, const char *amz_date, const char *region, const char *service,
                         struct buf *out)
{
    struct sha256 sha = {NULL};
    char scope[sizeof(((struct sign_cache *)0)->scope)];

    make_scope(amz_date, region, service, scope, sizeof(scope));
    string_to_sign(&sha, canonical, strlen(canonical), amz_date, scope, out);
    sha256_cleanup(&sha);
}

void sign_v4(struct sign_cache *cache, const struct sign_credentials *credentials, const char *region,
             const char *service, const struct sign_request *request, struct buf *authorization)
{
    unsigned char signature[SHA256_BYTES];
    char hex[SHA256_HEX + 1];

    buf_clear(authorization);
    if (credentials->access_key_id[0] == '\0')
        return;
    if (!scope_is(cache->scope, request->amz_date, region, service) || strcmp(cache->secret, credentials->secret) != 0)
        derive_key(cache, credentials->secret, request->amz_date, region, service);
    sign_canonical_request(request, &cache->canonical, &cache->signed_headers);
    string_to_sign(&cache->sha, buf_text(&cache->canonical), cache->canonical.length, request->amz_date, cache->scope,
                   &cache->to_sign);
    hmac(&cache->sha, cache->key, sizeof(cache->key), buf_text(&cache->to_sign), cache->to_sign.length, signature);
    hex_encode(signature, sizeof(signature), hex);
    buf_add_text(authorization, ALGORITHM " Credential=");
    buf_add_text(authorization, credentials->access_key_id);
    buf_add_byte(authorization, '/');
    buf_add_text(authorization, cache->scope);
    buf_add_text(authorization, ", SignedHeaders=");
    buf_add(authorization, buf_text(&cache->signed_headers), cache->signed_headers.length);
    buf_add_text(authorization, ", Signature=");
    buf_add(authorization, hex, SHA256_HEX);
}
