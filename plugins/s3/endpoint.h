/* SPDX-License-Identifier: Apache-2.0
 *
 * Which host and path reach the bucket. Pure but for the environment, which is read at endpoint_open().
 * https://docs.aws.amazon.com/general/latest/gr/s3.html
 */
#ifndef PLUGINS_S3_ENDPOINT_H
#define PLUGINS_S3_ENDPOINT_H

#include "plugins/s3/profile.h"

#include <stdbool.h>

struct endpoint_options {
    const char *bucket;
    const char *region; /* NULL: AWS_REGION, AWS_DEFAULT_REGION, the profile's, else us-east-1 */
    /* NULL: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's endpoint_url (none of the three where
     * AWS_IGNORE_CONFIGURED_ENDPOINT_URLS, or the key of that name in the profile, is true), else AWS' own. */
    const char *endpoint;
    const char *addressing; /* "auto", "path" or "virtual" */
    bool dualstack;
    bool fips;
    const struct profile *profile;
};

#define REGION_MAX 63

struct endpoint {
    char *bucket;
    char region[REGION_MAX + 1];
    char *origin; /* "https://bucket.s3.eu-west-1.amazonaws.com", "http://127.0.0.1:9000" */
    char *host;   /* as the header Host has it: with a port unless it is the scheme's default */
    char *base;   /* "" or "/bucket": what a request's path begins with */
    char *custom; /* the endpoint URL as given, NULL: AWS' own */
    bool is_aws;  /* a host under amazonaws.com, .com.cn or .eu, by its own name or by a custom endpoint */
    bool is_virtual;
    bool is_tls;
    bool dualstack, fips, wants_virtual, wants_path; /* as asked for */
};

/* SF_INVALID names the option and the way out:
 * - a bucket name that S3 does not allow (3 to 63 characters of [a-z0-9.-]; an upper case letter and '_' only at custom endpoints), an
 *   ARN (access points are not supported), a directory bucket ("--x-s3" at its end);
 * - an endpoint that is no http(s) URL, or has a user, path, query or fragment in it, or the bucket before one of AWS' own hosts;
 * - dualstack or fips with a custom endpoint, fips where there is none (China);
 * - "virtual" with an IP address or localhost, with a name that cannot be part of a host's, or over https at AWS with a dot in it (the
 *   certificate does not cover that);
 * - a region with other characters than [a-z0-9-] (custom endpoints: also [A-Z_]).
 * auto: AWS: virtual where the name can be part of a host name, and for https has no dot; custom endpoints: path. */
MUST_CHECK int endpoint_open(struct endpoint *endpoint, const struct endpoint_options *options, struct sf_error *err);
/* The same with another region: what a redirect names. to is not from. A custom endpoint that is AWS' own host of a region gives way to
 * that of the new one. */
MUST_CHECK int endpoint_move(struct endpoint *to, const struct endpoint *from, const char *region,
                             struct sf_error *err);
void endpoint_cleanup(struct endpoint *endpoint); /* zero value is fine */

#endif
