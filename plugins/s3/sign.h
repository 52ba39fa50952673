/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS Signature Version 4, the S3 way: the path is encoded once and never normalised. By hand, since libcurl 7.88 signs most S3
 * requests wrongly (query not sorted, headers sorted by line, values without '=').
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
#ifndef PLUGINS_S3_SIGN_H
#define PLUGINS_S3_SIGN_H

#include "base/buf.h"
#include "base/digest.h"
#include "plugins/common/http.h"

#define SIGN_EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SIGN_UNSIGNED "UNSIGNED-PAYLOAD"
#define SIGN_HEADERS_MAX 40

struct sign_credentials {
    char access_key_id[129]; /* AWS: 16 to 128 characters; "" : anonymous, nothing is signed */
    char secret[257];
    char *session_token; /* NULL: none; owned */
};
void sign_credentials_cleanup(struct sign_credentials *credentials); /* overwrites them; zero value is fine */
/* to: whatever stood there is not looked at. */
void sign_credentials_copy(struct sign_credentials *to, const struct sign_credentials *from);

/* What is signed. The headers are those sent and to be signed, host, x-amz-date and x-amz-content-sha256 among them; in any order
 * and case. Never those that a proxy may change (user-agent, accept, connection, expect, content-length). */
struct sign_request {
    enum http_method method;
    const char *path;  /* as sent, percent-encoded, begins with '/' */
    const char *query; /* as sent, without '?': "a=b&uploads"; "": none. In any order */
    const struct http_header *headers;
    size_t header_count;  /* at most SIGN_HEADERS_MAX: the caller sees to it, metadata can be many */
    const char *payload;  /* the value of x-amz-content-sha256 */
    const char *amz_date; /* 20130524T000000Z */
};

/* Keeps the key derived for one secret, day, region and service, and the memory that a signature needs; one a connection, no lock.
 * Zero value is fine. */
struct sign_cache {
    char secret[sizeof(((struct sign_credentials *)0)->secret)]; /* what the key was derived for, with the scope */
    char scope[160]; /* "20130524/us-east-1/s3/aws4_request"; "": no key yet */
    unsigned char key[SHA256_BYTES];
    struct sha256 sha;
    struct buf canonical, signed_headers, to_sign;
};
void sign_cache_cleanup(struct sign_cache *cache); /* overwrites it */

/* The value of the header Authorization; authorization is cleared first, and stays empty for anonymous credentials. region "us-east-1",
 * service "s3" (or what a test suite says). Headers given sorted and in lower case cost the least. */
void sign_v4(struct sign_cache *cache, const struct sign_credentials *credentials, const char *region,
             const char *service, const struct sign_request *request, struct buf *authorization);

/* Its steps, for tests and for the debug log of a refused signature. They clear what they fill. */
void sign_canonical_request(const struct sign_request *request, struct buf *out, struct buf *signed_headers);
void sign_string_to_sign(const char *canonical, const char *amz_date, const char *region, const char *service,
                         struct buf *out);

#endif
