/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/s3/endpoint.h"

#include "tests/kit/unit.h"
#include "tests/plugins/s3/bed.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct profile no_profile = {.name = NULL};

struct good {
    struct endpoint_options options;
    const char *origin, *base;
    bool is_virtual, is_aws;
};

static const struct good cases[] = {
    /* AWS' own */
    {{.bucket = "b-1", .region = "eu-west-1"}, "https://b-1.s3.eu-west-1.amazonaws.com", "", true, true},
    {{.bucket = "b-1", .region = "us-east-1"}, "https://b-1.s3.us-east-1.amazonaws.com", "", true, true},
    {{.bucket = "b-1", .region = "eu-west-1", .addressing = "auto"},
     "https://b-1.s3.eu-west-1.amazonaws.com",
     "",
     true,
     true},
    {{.bucket = "b-1", .region = "eu-west-1", .addressing = "virtual"},
     "https://b-1.s3.eu-west-1.amazonaws.com",
     "",
     true,
     true},
    {{.bucket = "b-1", .region = "eu-west-1", .addressing = "path"},
     "https://s3.eu-west-1.amazonaws.com",
     "/b-1",
     false,
     true},
    {{.bucket = "b-1", .region = "eu-west-1", .dualstack = true},
     "https://b-1.s3.dualstack.eu-west-1.amazonaws.com",
     "",
     true,
     true},
    {{.bucket = "b-1", .region = "us-west-2", .fips = true},
     "https://b-1.s3-fips.us-west-2.amazonaws.com",
     "",
     true,
     true},
    {{.bucket = "b-1", .region = "us-west-2", .fips = true, .dualstack = true},
     "https://b-1.s3-fips.dualstack.us-west-2.amazonaws.com",
     "",
     true,
     true},
    {{.bucket = "b-1", .region = "us-gov-west-1"}, "https://b-1.s3.us-gov-west-1.amazonaws.com", "", true, true},
    {{.bucket = "b-1", .region = "cn-north-1"}, "https://b-1.s3.cn-north-1.amazonaws.com.cn", "", true, true},
    {{.bucket = "b-1", .region = "cn-north-1", .dualstack = true, .addressing = "path"},
     "https://s3.dualstack.cn-north-1.amazonaws.com.cn",
     "/b-1",
     false,
     true},
    /* a dot: the certificate does not cover it */
    {{.bucket = "my.bucket", .region = "eu-west-1"}, "https://s3.eu-west-1.amazonaws.com", "/my.bucket", false, true},
    /* custom */
    {{.bucket = "b-1", .endpoint = "https://s3.example.com"}, "https://s3.example.com", "/b-1", false, false},
    {{.bucket = "b-1", .endpoint = "https://s3.example.com/"}, "https://s3.example.com", "/b-1", false, false},
    {{.bucket = "b-1", .endpoint = "HTTPS://S3.Example.COM:443/"}, "https://s3.example.com", "/b-1", false, false},
    {{.bucket = "b-1", .endpoint = "http://s3.example.com:80"}, "http://s3.example.com", "/b-1", false, false},
    {{.bucket = "b-1", .endpoint = "http://s3.example.com:443"}, "http://s3.example.com:443", "/b-1", false, false},
    {{.bucket = "b-1", .endpoint = "https://s3.example.com:9000/"},
     "https://s3.example.com:9000",
     "/b-1",
     false,
     false},
    {{.bucket = "b-1", .endpoint = "https://s3.example.com:9000", .addressing = "virtual"},
     "https://b-1.s3.example.com:9000",
     "",
     true,
     false},
    {{.bucket = "my.bucket", .endpoint = "https://s3.example.com", .addressing = "virtual"},
     "https://my.bucket.s3.example.com",
     "",
     true,
     false},
    {{.bucket = "Old_Bucket", .endpoint = "https://s3.example.com", .region = "US_west-1"},
     "https://s3.example.com",
     "/Old_Bucket",
     false,
     false},
    {{.bucket = "b-1", .endpoint = "http://minio_1:9000"}, "http://minio_1:9000", "/b-1", false, false},
    /* IP addresses and localhost */
    {{.bucket = "b-1", .endpoint = "http://127.0.0.1:9000"}, "http://127.0.0.1:9000", "/b-1", false, false},
    {{.bucket = "b-1", .endpoint = "http://127.0.0.1"}, "http://127.0.0.1", "/b-1", false, false},
    {{.bucket = "b-1", .endpoint = "http://localhost:9000", .addressing = "auto"},
     "http://localhost:9000",
     "/b-1",
     false,
     false},
    {{.bucket = "b-1", .endpoint = "http://[::1]:9000"}, "http://[::1]:9000", "/b-1", false, false},
    {{.bucket = "b-1", .endpoint = "https://[FD00:EC2::23]/"}, "https://[fd00:ec2::23]", "/b-1", false, false},
    /* AWS by a custom endpoint */
    {{.bucket = "b-1", .endpoint = "https://s3.eu-west-1.amazonaws.com"},
     "https://s3.eu-west-1.amazonaws.com",
     "/b-1",
     false,
     true},
    {{.bucket = "b-1", .endpoint = "https://bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com"},
     "https://bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com",
     "/b-1",
     false,
     true},
    {{.bucket = "my.bucket", .endpoint = "http://s3.eu-west-1.amazonaws.com", .addressing = "virtual"},
     "http://my.bucket.s3.eu-west-1.amazonaws.com",
     "",
     true,
     true},
    {{.bucket = "b-1", .endpoint = "https://notamazonaws.com"}, "https://notamazonaws.com", "/b-1", false, false},
};

static void check(const struct endpoint *endpoint, const struct good *expected)
{
    const char *host = strstr(expected->origin, "://") + 3;

    ck_assert_str_eq(endpoint->origin, expected->origin);
    ck_assert_str_eq(endpoint->host, host);
    ck_assert_str_eq(endpoint->base, expected->base);
    ck_assert_msg(endpoint->is_virtual == expected->is_virtual, "%s: is_virtual", expected->origin);
    ck_assert_msg(endpoint->is_aws == expected->is_aws, "%s: is_aws", expected->origin);
    ck_assert_msg(endpoint->is_tls == (strncmp(expected->origin, "https:", 6) == 0), "%s: is_tls", expected->origin);
    ck_assert_str_eq(endpoint->bucket, expected->options.bucket);
}

START_TEST(hosts_and_paths)
{
    size_t i;

    bed_environment();
    for (i = 0; i < COUNT(cases); i++) {
        SF_AUTO(endpoint) endpoint = {NULL};
        struct endpoint_options options = cases[i].options;
        struct sf_error err = SF_ERROR_INIT;

        options.profile = &no_profile;
        ck_assert_msg(endpoint_open(&endpoint, &options, &err) == 0, "%s: %s", cases[i].origin, err.text);
        check(&endpoint, &cases[i]);
    }
}
END_TEST

static const struct {
    struct endpoint_options options;
    const char *message, *way_out;
} bad[] = {
    {{.bucket = "ab"}, "bucket 'ab'", "3 to 63"},
    {{.bucket = ""}, "bucket ''", "3 to 63"},
    {{.bucket = "a123456789a123456789a123456789a123456789a123456789a123456789abcd"}, "bucket 'a1", "3 to 63"},
    {{.bucket = "Upper"}, "bucket 'Upper'", "lower case"},
    {{.bucket = "under_score"}, "bucket 'under_score'", "at AWS"},
    {{.bucket = "sla/sh", .endpoint = "https://h"}, "bucket 'sla/sh'", "letters, digits"},
    {{.bucket = "b\n1", .endpoint = "https://h"}, "bucket 'b\\x0a1'", "letters, digits"},
    {{.bucket = "-abc"}, "bucket '-abc'", "begin and end"},
    {{.bucket = "abc."}, "bucket 'abc.'", "begin and end"},
    {{.bucket = "...", .endpoint = "https://h"}, "bucket '...'", "begin and end"},
    {{.bucket = "a..b"}, "bucket 'a..b'", "two dots"},
    {{.bucket = "10.0.0.1"}, "bucket '10.0.0.1'", "IP address"},
    {{.bucket = "arn:aws:s3:us-west-2:123456789012:accesspoint/x"}, "access points", "alias"},
    {{.bucket = "logs--usw2-az1--x-s3"}, "directory buckets", "general purpose bucket"},
    {{.bucket = "b-1", .region = ""}, "the config: region ''", "eu-central-1"},
    {{.bucket = "b-1", .region = "EU-west-1"}, "region 'EU-west-1'", "[a-z0-9-]"},
    {{.bucket = "b-1", .region = "eu-west-1/../x", .endpoint = "https://h"}, "region", "[A-Z_a-z0-9-]"},
    {{.bucket = "b-1", .region = "a123456789a123456789a123456789a123456789a123456789a123456789abcd"}, "region", "63"},
    {{.bucket = "b-1", .addressing = "Path"}, "addressing 'Path'", "auto, path or virtual"},
    {{.bucket = "b-1", .addressing = "virtual", .endpoint = "http://127.0.0.1:9000"},
     "in front of 127.0.0.1",
     "'path'"},
    {{.bucket = "b-1", .addressing = "virtual", .endpoint = "http://[::1]:9000"}, "in front of [::1]", "'path'"},
    {{.bucket = "b-1", .addressing = "virtual", .endpoint = "http://LOCALHOST"}, "in front of localhost", "'path'"},
    {{.bucket = "my.bucket", .addressing = "virtual"}, "certificate", "'path'"},
    {{.bucket = "Old_Bucket", .addressing = "virtual", .endpoint = "https://h"},
     "'Old_Bucket' cannot be part",
     "'path'"},
    {{.bucket = "b-1", .dualstack = true, .endpoint = "https://h"}, "dualstack", "turn it off"},
    {{.bucket = "b-1", .fips = true, .endpoint = "https://h"}, "fips", "turn it off"},
    {{.bucket = "b-1", .fips = true, .region = "cn-north-1"}, "fips", "turn fips off"},
    {{.bucket = "b-1", .endpoint = ""}, "endpoint of the config: ''", "wanted: https://HOST"},
    {{.bucket = "b-1", .endpoint = "s3.example.com:9000"}, "no URL", "https://HOST:PORT"},
    {{.bucket = "b-1", .endpoint = "ftp://s3.example.com"}, "no URL", "https://HOST:PORT"},
    {{.bucket = "b-1", .endpoint = "https://"}, "a host in it that is none", "https://HOST"},
    {{.bucket = "b-1", .endpoint = "https:///"}, "a path", "https://HOST"},
    {{.bucket = "b-1", .endpoint = "https://h/path"}, "a path", "https://HOST"},
    {{.bucket = "b-1", .endpoint = "https://h//"}, "a path", "https://HOST"},
    {{.bucket = "b-1", .endpoint = "https://h?q"}, "a query", "https://HOST"},
    {{.bucket = "b-1", .endpoint = "https://h/#f"}, "a fragment", "https://HOST"},
    {{.bucket = "b-1", .endpoint = "https://h:"}, "a port", "https://HOST"},
    {{.bucket = "b-1", .endpoint = "https://h:0"}, "a port", "https://HOST"},
    {{.bucket = "b-1", .endpoint = "https://h:65536"}, "a port", "https://HOST"},
    {{.bucket = "b-1", .endpoint = "https://h:9x"}, "a host in it that is none", "https://HOST"},
    {{.bucket = "b-1", .endpoint = "https://h:123456"}, "is none", "https://HOST"},
    {{.bucket = "b-1", .endpoint = "https://a b"}, "a host in it that is none", "https://HOST"},
    {{.bucket = "b-1", .endpoint = "https://::1"}, "is none", "https://HOST"},
    {{.bucket = "b-1", .endpoint = "https://[::1"}, "a host in it that is none", "https://HOST"},
    {{.bucket = "b-1", .endpoint = "https://[example]"}, "a host in it that is none", "https://HOST"},
    {{.bucket = "b-1", .endpoint = "https://b-1.s3.eu-west-1.amazonaws.com"},
     "named in it too",
     "https://s3.eu-west-1.amazonaws.com"},
};

START_TEST(refusals_name_the_way_out)
{
    size_t i;

    bed_environment();
    for (i = 0; i < COUNT(bad); i++) {
        SF_AUTO(endpoint) endpoint = {NULL};
        struct endpoint_options options = bad[i].options;
        struct sf_error err = SF_ERROR_INIT;

        options.profile = &no_profile;
        ck_assert_msg(endpoint_open(&endpoint, &options, &err) == -1, "%s: taken", bad[i].message);
        ck_assert_msg(err.cls == SF_INVALID, "%s: class %d", err.text, err.cls);
        bed_has(err.text, bad[i].message);
        bed_has(err.text, bad[i].way_out);
        ck_assert_ptr_null(endpoint.origin);
    }
}
END_TEST

START_TEST(a_password_in_the_url_is_not_told)
{
    static const char *const urls[] = {"https://user:hunter2@h", "ftp://user:hunter2@h",
                                       "https://user:hunter2@h/p?q#f"};
    size_t i;

    bed_environment();
    for (i = 0; i < COUNT(urls); i++) {
        SF_AUTO(endpoint) endpoint = {NULL};
        struct endpoint_options options = {.bucket = "b-1", .endpoint = urls[i], .profile = &no_profile};
        struct sf_error err = SF_ERROR_INIT;

        ck_assert_int_eq(endpoint_open(&endpoint, &options, &err), -1);
        bed_has(err.text, "has a user in it");
        bed_has_not(err.text, "hunter2");
    }
}
END_TEST

/* --- where region and endpoint come from */

static void open_with(struct endpoint *endpoint, const struct endpoint_options *options)
{
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_msg(endpoint_open(endpoint, options, &err) == 0, "%s", err.text);
}

static void check_region(const struct endpoint_options *options, const char *region)
{
    SF_AUTO(endpoint) endpoint = {NULL};

    open_with(&endpoint, options);
    ck_assert_str_eq(endpoint.region, region);
}

static void check_origin(const struct endpoint_options *options, const char *origin)
{
    SF_AUTO(endpoint) endpoint = {NULL};

    open_with(&endpoint, options);
    ck_assert_str_eq(endpoint.origin, origin);
}

START_TEST(order_of_regions)
{
    char key[] = "region", value[] = "profile-1";
    struct profile_item item = {.key = key, .value = value};
    struct profile profile = {.items = &item, .count = 1};
    struct endpoint_options options = {.bucket = "b-1", .profile = &no_profile};

    bed_environment();
    check_region(&options, "us-east-1");
    options.profile = &profile;
    check_region(&options, "profile-1");
    setenv("AWS_DEFAULT_REGION", "default-1", 1);
    check_region(&options, "default-1");
    setenv("AWS_REGION", "", 1);
    check_region(&options, "default-1");
    setenv("AWS_REGION", "environment-1", 1);
    check_region(&options, "environment-1");
    options.region = "config-1";
    check_region(&options, "config-1");
}
END_TEST

START_TEST(order_of_endpoints)
{
    char key[] = "endpoint_url", value[] = "https://profile.example";
    struct profile_item item = {.key = key, .value = value};
    struct profile profile = {.items = &item, .count = 1};
    struct endpoint_options options = {.bucket = "b-1", .profile = &no_profile};

    bed_environment();
    check_origin(&options, "https://b-1.s3.us-east-1.amazonaws.com");
    options.profile = &profile;
    check_origin(&options, "https://profile.example");
    setenv("AWS_ENDPOINT_URL", "https://all.example", 1);
    check_origin(&options, "https://all.example");
    setenv("AWS_ENDPOINT_URL_S3", "https://s3.example", 1);
    check_origin(&options, "https://s3.example");
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false", 1);
    check_origin(&options, "https://s3.example");
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True", 1);
    check_origin(&options, "https://b-1.s3.us-east-1.amazonaws.com");
    options.endpoint = "https://config.example";
    check_origin(&options, "https://config.example");
}
END_TEST

START_TEST(a_refusal_says_where_it_came_from)
{
    SF_AUTO(endpoint) endpoint = {NULL};
    struct endpoint_options options = {.bucket = "b-1", .profile = &no_profile};
    struct sf_error err = SF_ERROR_INIT;

    bed_environment();
    setenv("AWS_ENDPOINT_URL", "example.com", 1);
    ck_assert_int_eq(endpoint_open(&endpoint, &options, &err), -1);
    bed_has(err.text, "endpoint of AWS_ENDPOINT_URL: 'example.com'");
    setenv("AWS_ENDPOINT_URL", "", 1);
    setenv("AWS_REGION", "Frankfurt!", 1);
    ck_assert_int_eq(endpoint_open(&endpoint, &options, &err), -1);
    bed_has(err.text, "AWS_REGION: region 'Frankfurt!'");
}
END_TEST

/* --- another region */

START_TEST(moving)
{
    static const struct {
        struct endpoint_options options;
        const char *region;
        struct good expected;
    } moves[] = {
        {{.bucket = "b-1", .region = "us-east-1"},
         "eu-west-1",
         {{.bucket = "b-1"}, "https://b-1.s3.eu-west-1.amazonaws.com", "", true, true}},
        {{.bucket = "b-1", .region = "us-east-1", .fips = true, .dualstack = true, .addressing = "path"},
         "us-west-2",
         {{.bucket = "b-1"}, "https://s3-fips.dualstack.us-west-2.amazonaws.com", "/b-1", false, true}},
        {{.bucket = "b-1", .endpoint = "http://127.0.0.1:9000"},
         "eu-west-1",
         {{.bucket = "b-1"}, "http://127.0.0.1:9000", "/b-1", false, false}},
        {{.bucket = "b-1", .endpoint = "https://s3.example.com", .addressing = "virtual"},
         "eu-west-1",
         {{.bucket = "b-1"}, "https://b-1.s3.example.com", "", true, false}},
        {{.bucket = "b-1", .endpoint = "https://s3.amazonaws.com"},
         "eu-west-1",
         {{.bucket = "b-1"}, "https://b-1.s3.eu-west-1.amazonaws.com", "", true, true}},
        {{.bucket = "b-1", .endpoint = "https://bucket.vpce-1-2.s3.us-east-1.vpce.amazonaws.com"},
         "eu-west-1",
         {{.bucket = "b-1"}, "https://bucket.vpce-1-2.s3.us-east-1.vpce.amazonaws.com", "/b-1", false, true}},
    };
    size_t i;

    bed_environment();
    for (i = 0; i < COUNT(moves); i++) {
        SF_AUTO(endpoint) from = {NULL};
        SF_AUTO(endpoint) to = {NULL};
        struct endpoint_options options = moves[i].options;
        struct sf_error err = SF_ERROR_INIT;

        options.profile = &no_profile;
        open_with(&from, &options);
        ck_assert_msg(endpoint_move(&to, &from, moves[i].region, &err) == 0, "%s", err.text);
        ck_assert_str_eq(to.region, moves[i].region);
        check(&to, &moves[i].expected);
    }
}
END_TEST

START_TEST(a_store_cannot_name_anything_as_a_region)
{
    SF_AUTO(endpoint) from = {NULL};
    SF_AUTO(endpoint) to = {NULL};
    struct endpoint_options options = {.bucket = "b-1", .profile = &no_profile};
    struct sf_error err = SF_ERROR_INIT;

    bed_environment();
    open_with(&from, &options);
    ck_assert_int_eq(endpoint_move(&to, &from, "evil.example.com/", &err), -1);
    ck_assert_int_eq(err.cls, SF_INVALID);
    bed_has(err.text, "what the store says: region 'evil.example.com/'");
}
END_TEST

UNIT_MAIN("s3/endpoint", &hosts_and_paths, &refusals_name_the_way_out, &a_password_in_the_url_is_not_told,
          &order_of_regions, &order_of_endpoints, &a_refusal_says_where_it_came_from, &moving,
          &a_store_cannot_name_anything_as_a_region)
