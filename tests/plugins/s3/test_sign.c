/* SPDX-License-Identifier: Apache-2.0
 *
 * The examples of the S3 documentation, and what they and the published suite do not have. The two signatures of our
 * own cases were computed with Python's hmac and hashlib from a canonical request written by hand.
 */
#include "plugins/s3/sign.h"

#include "tests/kit/unit.h"

#include <string.h>

#define EXAMPLE_DATE "20130524T000000Z"
#define EXAMPLE_HOST "examplebucket.s3.amazonaws.com"

static struct sign_credentials example = {.access_key_id = "AKIAIOSFODNN7EXAMPLE",
                                          .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct sign_request get(const char *path, const char *query, const struct http_header *headers, size_t count)
{
    return (struct sign_request){.method = HTTP_GET,
                                 .path = path,
                                 .query = query,
                                 .headers = headers,
                                 .header_count = count,
                                 .payload = SIGN_EMPTY_SHA256,
                                 .amz_date = EXAMPLE_DATE};
}

static void check_signature_of(struct sign_cache *cache, const struct sign_request *request, const char *signature)
{
    SF_AUTO(buf) authorization = BUF_INIT;
    const char *found;

    sign_v4(cache, &example, "us-east-1", "s3", request, &authorization);
    found = strstr(buf_text(&authorization), "Signature=");
    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found + strlen("Signature="), signature);
}

static void check_signature(const struct sign_request *request, const char *signature)
{
    SF_AUTO(sign_cache) cache = {.scope = ""};

    check_signature_of(&cache, request, signature);
}

static void check_canonical(const struct sign_request *request, const char *expected, const char *expected_names)
{
    SF_AUTO(buf) canonical = BUF_INIT;
    SF_AUTO(buf) names = BUF_INIT;

    sign_canonical_request(request, &canonical, &names);
    ck_assert_str_eq(buf_text(&canonical), expected);
    ck_assert_str_eq(buf_text(&names), expected_names);
}

/* --- the documentation's four */

START_TEST(documented_get_of_a_range)
{
    static const struct http_header headers[] = {{"Host", EXAMPLE_HOST},
                                                 {"Range", "bytes=0-9"},
                                                 {"x-amz-content-sha256", SIGN_EMPTY_SHA256},
                                                 {"x-amz-date", EXAMPLE_DATE}};
    struct sign_request request = get("/test.txt", "", headers, COUNT(headers));
    SF_AUTO(sign_cache) cache = {.scope = ""};
    SF_AUTO(buf) authorization = BUF_INIT;

    sign_v4(&cache, &example, "us-east-1", "s3", &request, &authorization);
    ck_assert_str_eq(buf_text(&authorization),
                     "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
                     "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
                     "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}
END_TEST

START_TEST(documented_put)
{
    static const char payload[] = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    const struct http_header headers[] = {{"Host", EXAMPLE_HOST},
                                          {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                          {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                                          {"x-amz-content-sha256", payload},
                                          {"x-amz-date", EXAMPLE_DATE}};
    struct sign_request request = get("/test%24file.text", "", headers, COUNT(headers));

    request.method = HTTP_PUT;
    request.payload = payload;
    check_signature(&request, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}
END_TEST

static const struct http_header plain[] = {
    {"host", EXAMPLE_HOST}, {"x-amz-content-sha256", SIGN_EMPTY_SHA256}, {"x-amz-date", EXAMPLE_DATE}};

START_TEST(documented_query_without_value)
{
    struct sign_request request = get("/", "lifecycle", plain, COUNT(plain));

    check_signature(&request, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}
END_TEST

START_TEST(documented_list)
{
    struct sign_request request = get("/", "max-keys=2&prefix=J", plain, COUNT(plain));

    check_signature(&request, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}
END_TEST

/* --- queries */

START_TEST(a_query_may_be_unsorted)
{
    struct sign_request request = get("/", "prefix=J&max-keys=2", plain, COUNT(plain));

    check_signature(&request, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}
END_TEST

START_TEST(queries_become_canonical)
{
    static const struct {
        const char *given, *canonical;
    } cases[] = {
        {"", ""},
        {"uploads", "uploads="},
        {"uploads=", "uploads="},
        {"partNumber=7&uploadId=a%2Bb%3D%3D", "partNumber=7&uploadId=a%2Bb%3D%3D"},
        {"uploadId=x&partNumber=7", "partNumber=7&uploadId=x"},
        {"b&a", "a=&b="},
        /* '-' and '.' sort before '=', but a name that is the beginning of another comes first */
        {"max-keys=1&max=2", "max=2&max-keys=1"},
        {"a.b=1&a=2&a%20=3", "a=2&a%20=3&a.b=1"},
        /* equal names by value, and what is equal in both stays twice */
        {"k=b&k=a&k=ab&k", "k=&k=a&k=ab&k=b"},
        {"k=a&j=1&k=a", "j=1&k=a&k=a"},
        /* upper case before lower case, by bytes */
        {"b=1&B=2&a=3", "B=2&a=3&b=1"},
        {"v=x=y", "v=x=y"},
        {"&&a=1&", "a=1"},
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        struct sign_request request = get("/", cases[i].given, NULL, 0);
        SF_AUTO(buf) expected = BUF_INIT;

        buf_printf(&expected, "GET\n/\n%s\n\n\n" SIGN_EMPTY_SHA256, cases[i].canonical);
        check_canonical(&request, buf_text(&expected), "");
    }
}
END_TEST

/* --- headers */

START_TEST(a_name_that_begins_another_comes_first)
{
    static const struct http_header headers[] = {{"x-amz-meta-a-b", "2"},
                                                 {"x-amz-server-side-encryption-aws-kms-key-id", "k"},
                                                 {"X-Amz-Meta-A", "1"},
                                                 {"x-amz-server-side-encryption", "aws:kms"},
                                                 {"host", "h"}};
    struct sign_request request = get("/k", "", headers, COUNT(headers));

    check_canonical(&request,
                    "GET\n/k\n\nhost:h\nx-amz-meta-a:1\nx-amz-meta-a-b:2\nx-amz-server-side-encryption:aws:kms\n"
                    "x-amz-server-side-encryption-aws-kms-key-id:k\n\n"
                    "host;x-amz-meta-a;x-amz-meta-a-b;x-amz-server-side-encryption;"
                    "x-amz-server-side-encryption-aws-kms-key-id\n" SIGN_EMPTY_SHA256,
                    "host;x-amz-meta-a;x-amz-meta-a-b;x-amz-server-side-encryption;"
                    "x-amz-server-side-encryption-aws-kms-key-id");
}
END_TEST

START_TEST(values_are_trimmed_and_joined)
{
    static const struct http_header headers[] = {
        {"b", "  two   words\t here  "}, {"a", "z"}, {"A", " y"}, {"c", ""}, {"d", " \t "}, {"a", "x"},
        {"host", "127.0.0.1:9000"}};
    struct sign_request request = get("/", "", headers, COUNT(headers));

    check_canonical(
        &request,
        "GET\n/\n\na:z,y,x\nb:two words here\nc:\nd:\nhost:127.0.0.1:9000\n\na;b;c;d;host\n" SIGN_EMPTY_SHA256,
        "a;b;c;d;host");
}
END_TEST

START_TEST(the_path_is_signed_as_it_is)
{
    struct sign_request request = get("/b/a/../c//./%2F%C3%A9", "", NULL, 0);

    check_canonical(&request, "GET\n/b/a/../c//./%2F%C3%A9\n\n\n\n" SIGN_EMPTY_SHA256, "");
}
END_TEST

START_TEST(as_many_headers_as_are_allowed)
{
    static char names[SIGN_HEADERS_MAX][16];
    struct http_header headers[SIGN_HEADERS_MAX];
    struct sign_request request = get("/", "", headers, SIGN_HEADERS_MAX);
    SF_AUTO(buf) canonical = BUF_INIT;
    SF_AUTO(buf) signed_headers = BUF_INIT;
    SF_AUTO(buf) expected = BUF_INIT;
    size_t i;

    for (i = 0; i < SIGN_HEADERS_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "h%02zu", SIGN_HEADERS_MAX - 1 - i);
        headers[i] = (struct http_header){names[i], "v"};
        buf_printf(&expected, "%sh%02zu", i == 0 ? "" : ";", i);
    }
    sign_canonical_request(&request, &canonical, &signed_headers);
    ck_assert_str_eq(buf_text(&signed_headers), buf_text(&expected));
}
END_TEST

/* --- the whole */

START_TEST(all_at_once)
{
    static const struct http_header headers[] = {{"x-amz-security-token", "FQoGZXIvYXdzEXAMPLE//////////token=="},
                                                 {"X-Amz-Date", EXAMPLE_DATE},
                                                 {"x-amz-meta-a-b", "2"},
                                                 {"x-amz-meta-a", "1"},
                                                 {"x-amz-content-sha256", SIGN_UNSIGNED},
                                                 {"content-type", "application/octet-stream"},
                                                 {"host", "127.0.0.1:9000"}};
    struct sign_request request = get("/bucket/a%20b/%C3%BC", "uploads&prefix=a%2Fb", headers, COUNT(headers));

    request.method = HTTP_POST;
    request.payload = SIGN_UNSIGNED;
    check_signature(&request, "b8ff28d537ede7d230dc2c4be5af07670b851968d7148dcff9fbfbbb2999c9a9");
}
END_TEST

START_TEST(anonymous_signs_nothing)
{
    static const struct sign_credentials nobody = {.access_key_id = ""};
    struct sign_request request = get("/", "", plain, COUNT(plain));
    SF_AUTO(sign_cache) cache = {.scope = ""};
    SF_AUTO(buf) authorization = BUF_INIT;

    buf_add_text(&authorization, "of the request before");
    sign_v4(&cache, &nobody, "us-east-1", "s3", &request, &authorization);
    ck_assert_str_eq(buf_text(&authorization), "");
}
END_TEST

/* A cache that was used for anything else gives what a fresh one gives. */
START_TEST(the_cached_key_follows_what_it_is_of)
{
    static const struct {
        const char *secret, *amz_date, *region, *service;
    } turns[] = {
        {"one", "20130524T000000Z", "us-east-1", "s3"},  {"one", "20130524T235959Z", "us-east-1", "s3"},
        {"one", "20130525T000000Z", "us-east-1", "s3"},  {"one", "20130525T000000Z", "us-east-11", "s3"},
        {"one", "20130525T000000Z", "us-east-1", "s3"},  {"one", "20130525T000000Z", "us-east-1", "sts"},
        {"two", "20130525T000000Z", "us-east-1", "sts"}, {"two", "20130525T000000Z", "us-east-1", "st"},
        {"two2", "20130525T000000Z", "us-east-1", "st"}, {"two", "20130525T000000Z", "us-east-1", "st"},
        {"one", "20130524T000000Z", "us-east-1", "s3"},
    };
    SF_AUTO(sign_cache) kept = {.scope = ""};
    char before[128] = "";
    size_t i;

    for (i = 0; i < COUNT(turns); i++) {
        SF_AUTO(sign_cache) fresh = {.scope = ""};
        SF_AUTO(buf) with_kept = BUF_INIT;
        SF_AUTO(buf) with_fresh = BUF_INIT;
        struct sign_credentials credentials = {.access_key_id = "AKID"};
        struct sign_request request = get("/", "", plain, COUNT(plain));

        snprintf(credentials.secret, sizeof(credentials.secret), "%s", turns[i].secret);
        request.amz_date = turns[i].amz_date;
        sign_v4(&kept, &credentials, turns[i].region, turns[i].service, &request, &with_kept);
        sign_v4(&fresh, &credentials, turns[i].region, turns[i].service, &request, &with_fresh);
        ck_assert_str_eq(buf_text(&with_kept), buf_text(&with_fresh));
        ck_assert_str_ne(buf_text(&with_kept) + with_kept.length - SHA256_HEX, before);
        snprintf(before, sizeof(before), "%s", buf_text(&with_kept) + with_kept.length - SHA256_HEX);
    }
}
END_TEST

START_TEST(the_longest_secret_and_region)
{
    struct sign_credentials credentials = {.access_key_id = "AKID"};
    struct sign_request request = get("/", "", plain, COUNT(plain));
    SF_AUTO(sign_cache) cache = {.scope = ""};
    SF_AUTO(buf) authorization = BUF_INIT;
    char region[64];

    memset(credentials.access_key_id, 'A', sizeof(credentials.access_key_id) - 1);
    memset(credentials.secret, 's', sizeof(credentials.secret) - 1);
    memset(region, 'r', sizeof(region) - 1);
    region[sizeof(region) - 1] = '\0';
    sign_v4(&cache, &credentials, region, "s3", &request, &authorization);
    ck_assert_ptr_nonnull(strstr(buf_text(&authorization), "r/s3/aws4_request, SignedHeaders="));
    ck_assert_str_eq(buf_text(&authorization) + authorization.length - SHA256_HEX,
                     "e62f5bb4ebd17553fddda912ac152277f73ebdba20d8a112e421376ce8b3535a");
}
END_TEST

START_TEST(the_string_to_sign)
{
    SF_AUTO(buf) text = BUF_INIT;

    sign_string_to_sign("", EXAMPLE_DATE, "eu-west-1", "s3", &text);
    ck_assert_str_eq(buf_text(&text),
                     "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/eu-west-1/s3/aws4_request\n" SIGN_EMPTY_SHA256);
}
END_TEST

START_TEST(credentials_are_copied_and_overwritten)
{
    struct sign_credentials from = {.access_key_id = "AKID", .secret = "secret"}, to;
    struct sign_credentials none = {.access_key_id = ""};
    char token[] = "token";

    from.session_token = token;
    sign_credentials_copy(&to, &from);
    ck_assert_ptr_ne(to.session_token, from.session_token);
    ck_assert_str_eq(to.session_token, "token");
    sign_credentials_cleanup(&to);
    ck_assert_mem_eq(&to, &none, sizeof(none));
    sign_credentials_cleanup(&to);
}
END_TEST

UNIT_MAIN("s3/sign", &documented_get_of_a_range, &documented_put, &documented_query_without_value, &documented_list,
          &a_query_may_be_unsorted, &queries_become_canonical, &a_name_that_begins_another_comes_first,
          &values_are_trimmed_and_joined, &the_path_is_signed_as_it_is, &as_many_headers_as_are_allowed, &all_at_once,
          &anonymous_signs_nothing, &the_cached_key_follows_what_it_is_of, &the_longest_secret_and_region,
          &the_string_to_sign, &credentials_are_copied_and_overwritten)
