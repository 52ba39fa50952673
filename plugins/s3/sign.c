/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/s3/sign.h"

#include "base/digest.h"
#include "base/mem.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HMAC_BLOCK 64
#define QUERY_MAX 32 /* parameters of one request */

/* ---- credentials ---- */

void sign_credentials_cleanup(struct sign_credentials *credentials)
{
    if (credentials->session_token != NULL)
        OPENSSL_cleanse(credentials->session_token, strlen(credentials->session_token));
    free(credentials->session_token);
    OPENSSL_cleanse(credentials, sizeof(*credentials));
}

void sign_credentials_copy(struct sign_credentials *to, const struct sign_credentials *from)
{
    memcpy(to->access_key_id, from->access_key_id, sizeof(to->access_key_id));
    memcpy(to->secret, from->secret, sizeof(to->secret));
    to->session_token = from->session_token != NULL ? mem_text(from->session_token) : NULL;
}

/* ---- the canonical request ---- */

/* A parameter as it stands in the query: name and value are its two sides of the '='. */
struct parameter {
    const char *name;
    size_t name_bytes;
    const char *value;
    size_t value_bytes;
};

static int compare_bytes(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);

    return order != 0 ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

static int compare_parameters(const void *one, const void *other)
{
    const struct parameter *a = one, *b = other;
    int order = compare_bytes(a->name, a->name_bytes, b->name, b->name_bytes);

    return order != 0 ? order : compare_bytes(a->value, a->value_bytes, b->value, b->value_bytes);
}

static size_t split_query(const char *query, struct parameter *parameters)
{
    size_t count = 0;

    while (*query != '\0' && count < QUERY_MAX) {
        size_t bytes = strcspn(query, "&"), name = strcspn(query, "=&");
        struct parameter *one = &parameters[count++];

        one->name = query;
        one->name_bytes = name;
        one->value = name < bytes ? query + name + 1 : query + name;
        one->value_bytes = name < bytes ? bytes - name - 1 : 0;
        query += bytes + (query[bytes] == '&');
    }
    return count;
}

/* By name, then by value; "uploads" alone is signed as "uploads=". */
static void add_query(struct buf *out, const char *query)
{
    struct parameter parameters[QUERY_MAX];
    size_t count = split_query(query, parameters), i;

    qsort(parameters, count, sizeof(parameters[0]), compare_parameters);
    for (i = 0; i < count; i++) {
        if (i > 0)
            buf_add_byte(out, '&');
        buf_add(out, parameters[i].name, parameters[i].name_bytes);
        buf_add_byte(out, '=');
        buf_add(out, parameters[i].value, parameters[i].value_bytes);
    }
}

/* Few, so that a plain insertion beats qsort's calls. Stable: equal names keep their order. */
static size_t sort_headers(const struct sign_request *request, const struct http_header **sorted)
{
    size_t count = 0, i, at;

    for (i = 0; i < request->header_count && count < SIGN_HEADERS_MAX; i++) {
        const struct http_header *header = &request->headers[i];

        for (at = count; at > 0 && strcasecmp(sorted[at - 1]->name, header->name) > 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = header;
        count++;
    }
    return count;
}

static void add_lower(struct buf *out, const char *name)
{
    for (; *name != '\0'; name++)
        buf_add_byte(out, *name >= 'A' && *name <= 'Z' ? (char)(*name + ('a' - 'A')) : *name);
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* Without white space at its ends, one space for any run of it inside. */
static void add_value(struct buf *out, const char *value)
{
    while (is_space(*value))
        value++;
    while (*value != '\0') {
        const char *word = value;

        while (*value != '\0' && !is_space(*value))
            value++;
        buf_add(out, word, (size_t)(value - word));
        while (is_space(*value))
            value++;
        if (*value != '\0')
            buf_add_byte(out, ' ');
    }
}

static void add_headers(struct buf *out, struct buf *names, const struct sign_request *request)
{
    const struct http_header *sorted[SIGN_HEADERS_MAX];
    size_t count = sort_headers(request, sorted), i;

    for (i = 0; i < count; i++) {
        if (i > 0 && strcasecmp(sorted[i]->name, sorted[i - 1]->name) == 0) {
            out->length--; /* the newline of the one before */
            buf_add_byte(out, ',');
        } else {
            if (i > 0)
                buf_add_byte(names, ';');
            add_lower(names, sorted[i]->name);
            add_lower(out, sorted[i]->name);
            buf_add_byte(out, ':');
        }
        add_value(out, sorted[i]->value);
        buf_add_byte(out, '\n');
    }
}

void sign_canonical_request(const struct sign_request *request, struct buf *out, struct buf *signed_headers)
{
    buf_clear(out);
    buf_clear(signed_headers);
    buf_reserve(out, 1024);
    buf_reserve(signed_headers, 256);
    buf_add_text(out, http_method_name(request->method));
    buf_add_byte(out, '\n');
    buf_add_text(out, request->path);
    buf_add_byte(out, '\n');
    add_query(out, request->query);
    buf_add_byte(out, '\n');
    add_headers(out, signed_headers, request);
    buf_add_byte(out, '\n');
    buf_add(out, buf_text(signed_headers), signed_headers->length);
    buf_add_byte(out, '\n');
    buf_add_text(out, request->payload);
}

/* ---- what is signed, and by which key ---- */

static void add_scope(struct buf *out, const char *amz_date, const char *region, const char *service)
{
    buf_add(out, amz_date, 8);
    buf_add_byte(out, '/');
    buf_add_text(out, region);
    buf_add_byte(out, '/');
    buf_add_text(out, service);
    buf_add_text(out, "/aws4_request");
}

void sign_string_to_sign(const char *canonical, const char *amz_date, const char *region, const char *service,
                         struct buf *out)
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX + 1];

    sha256_of(canonical, strlen(canonical), digest);
    hex_encode(digest, sizeof(digest), hex);
    buf_clear(out);
    buf_add_text(out, "AWS4-HMAC-SHA256\n");
    buf_add_text(out, amz_date);
    buf_add_byte(out, '\n');
    add_scope(out, amz_date, region, service);
    buf_add_byte(out, '\n');
    buf_add_text(out, hex);
}

/* HMAC-SHA256 by its definition (RFC 2104): OpenSSL's own costs several times as much to set up. key_bytes: at most 64. */
static void hmac(struct sha256 *sha, const void *key, size_t key_bytes, const void *text, size_t bytes,
                 uint8_t out[SHA256_BYTES])
{
    uint8_t pad[HMAC_BLOCK] = {0};
    size_t i;

    memcpy(pad, key, key_bytes);
    for (i = 0; i < HMAC_BLOCK; i++)
        pad[i] ^= 0x36;
    sha256_init(sha);
    sha256_update(sha, pad, sizeof(pad));
    sha256_update(sha, text, bytes);
    sha256_final(sha, out);
    for (i = 0; i < HMAC_BLOCK; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    sha256_init(sha);
    sha256_update(sha, pad, sizeof(pad));
    sha256_update(sha, out, SHA256_BYTES);
    sha256_final(sha, out);
    OPENSSL_cleanse(pad, sizeof(pad));
}

static void hmac_text(struct sha256 *sha, const uint8_t key[SHA256_BYTES], const char *text, size_t bytes,
                      uint8_t out[SHA256_BYTES])
{
    uint8_t own[SHA256_BYTES];

    memcpy(own, key, sizeof(own));
    hmac(sha, own, sizeof(own), text, bytes, out);
    OPENSSL_cleanse(own, sizeof(own));
}

static void derive(struct sign_cache *cache, const char *secret, const char *amz_date, const char *region,
                   const char *service)
{
    char start[4 + sizeof(((struct sign_credentials *)0)->secret)];
    uint8_t long_key[SHA256_BYTES];
    size_t bytes = (size_t)snprintf(start, sizeof(start), "AWS4%s", secret);
    const void *key = start;

    if (bytes > HMAC_BLOCK) { /* as RFC 2104 has it */
        sha256_of(start, bytes, long_key);
        key = long_key;
        bytes = sizeof(long_key);
    }
    hmac(&cache->sha, key, bytes, amz_date, 8, cache->key);
    hmac_text(&cache->sha, cache->key, region, strlen(region), cache->key);
    hmac_text(&cache->sha, cache->key, service, strlen(service), cache->key);
    hmac_text(&cache->sha, cache->key, "aws4_request", 12, cache->key);
    OPENSSL_cleanse(start, sizeof(start));
    OPENSSL_cleanse(long_key, sizeof(long_key));
}

static void find_key(struct sign_cache *cache, const char *secret, const char *amz_date, const char *region,
                     const char *service)
{
    if (cache->is_set && strcmp(cache->secret, secret) == 0 && memcmp(cache->day, amz_date, 8) == 0 &&
        strcmp(cache->region, region) == 0 && strcmp(cache->service, service) == 0)
        return;
    derive(cache, secret, amz_date, region, service);
    snprintf(cache->secret, sizeof(cache->secret), "%s", secret);
    memcpy(cache->day, amz_date, 8);
    snprintf(cache->region, sizeof(cache->region), "%s", region);
    snprintf(cache->service, sizeof(cache->service), "%s", service);
    cache->is_set = strlen(region) < sizeof(cache->region) && strlen(service) < sizeof(cache->service);
}

void sign_cache_cleanup(struct sign_cache *cache)
{
    sha256_cleanup(&cache->sha);
    buf_cleanup(&cache->canonical);
    buf_cleanup(&cache->names);
    buf_cleanup(&cache->to_sign);
    OPENSSL_cleanse(cache, sizeof(*cache));
}

void sign_v4(struct sign_cache *cache, const struct sign_credentials *credentials, const char *region,
             const char *service, const struct sign_request *request, struct buf *authorization)
{
    uint8_t signature[SHA256_BYTES];
    char hex[SHA256_HEX + 1];

    sign_canonical_request(request, &cache->canonical, &cache->names);
    sign_string_to_sign(cache->canonical.data, request->amz_date, region, service, &cache->to_sign);
    find_key(cache, credentials->secret, request->amz_date, region, service);
    hmac_text(&cache->sha, cache->key, cache->to_sign.data, cache->to_sign.length, signature);
    hex_encode(signature, sizeof(signature), hex);
    buf_add_text(authorization, "AWS4-HMAC-SHA256 Credential=");
    buf_add_text(authorization, credentials->access_key_id);
    buf_add_byte(authorization, '/');
    add_scope(authorization, request->amz_date, region, service);
    buf_add_text(authorization, ",SignedHeaders=");
    buf_add_text(authorization, buf_text(&cache->names));
    buf_add_text(authorization, ",Signature=");
    buf_add_text(authorization, hex);
}
