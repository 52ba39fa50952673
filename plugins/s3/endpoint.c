/* SPDX-License-Identifier: Apache-2.0
 *
 * From the settings to host and path. What was asked for is kept beside what came of it, so that a redirect can build it
 * anew for another region.
 */
#include "plugins/s3/endpoint.h"
#include "plugins/s3/endpoint_priv.h"

#include "base/err.h"
#include "base/mem.h"

#include <string.h>
#include <strings.h>

/* Where AWS' own hosts lie, by the beginning of a region's name; the last is everywhere else. */
static const struct partition {
    const char *region;
    const char *suffix;
    bool has_fips;
} partitions[] = {{"cn-", "amazonaws.com.cn", false}, {"eusc-", "amazonaws.eu", false}, {"", "amazonaws.com", true}};
#define PARTITIONS (sizeof(partitions) / sizeof(partitions[0]))

static const struct partition *partition_of(const char *region)
{
    const struct partition *one = partitions;

    while (strncmp(region, one->region, strlen(one->region)) != 0)
        one++;
    return one;
}

static bool is_aws_host(const char *host)
{
    size_t bytes = strlen(host), i;

    for (i = 0; i < PARTITIONS; i++) {
        size_t suffix_bytes = strlen(partitions[i].suffix);

        if (bytes > suffix_bytes + 1 && host[bytes - suffix_bytes - 1] == '.' &&
            strcmp(host + bytes - suffix_bytes, partitions[i].suffix) == 0)
            return true;
    }
    return false;
}

/* s3.amazonaws.com, s3.eu-west-1.amazonaws.com and their like: the service's own, where a VPC endpoint is a place of its own. */
static bool is_aws_service(const char *authority)
{
    return (strncmp(authority, "s3.", 3) == 0 || strncmp(authority, "s3-", 3) == 0) && is_aws_host(authority);
}

/* --- what is asked for */

struct found {
    const char *value;
    const char *from; /* for messages */
};

static bool take_variable(struct found *found, const char *name)
{
    const char *value = getenv(name);

    if (value == NULL || value[0] == '\0')
        return false;
    *found = (struct found){value, name};
    return true;
}

static struct found find_region(const struct endpoint_options *options)
{
    struct found found = {options->region, "the config"};

    if (found.value != NULL || take_variable(&found, "AWS_REGION") || take_variable(&found, "AWS_DEFAULT_REGION"))
        return found;
    found = (struct found){profile_value(options->profile, "region"), "the profile"};
    return found.value != NULL ? found : (struct found){"us-east-1", "Snapferry"};
}

static bool are_urls_ignored(const struct profile *profile)
{
    struct found found = {profile_value(profile, "ignore_configured_endpoint_urls"), "the profile"};

    take_variable(&found, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    return found.value != NULL && strcasecmp(found.value, "true") == 0;
}

/* value NULL: AWS' own */
static struct found find_endpoint(const struct endpoint_options *options)
{
    struct found found = {options->endpoint, "the config"};

    if (found.value != NULL || are_urls_ignored(options->profile) || take_variable(&found, "AWS_ENDPOINT_URL_S3") ||
        take_variable(&found, "AWS_ENDPOINT_URL"))
        return found;
    return (struct found){profile_value(options->profile, "endpoint_url"), "endpoint_url of the profile"};
}

static int take_addressing(struct endpoint *endpoint, const char *addressing, struct sf_error *err)
{
    char printable[64];

    endpoint->wants_virtual = addressing != NULL && strcmp(addressing, "virtual") == 0;
    endpoint->wants_path = addressing != NULL && strcmp(addressing, "path") == 0;
    if (addressing == NULL || strcmp(addressing, "auto") == 0 || endpoint->wants_virtual || endpoint->wants_path)
        return 0;
    return sf_fail(err, SF_INVALID, "addressing '%s': wanted: auto, path or virtual",
                   err_printable(addressing, printable, sizeof(printable)));
}

/* --- what comes of it */

static int choose_style(struct endpoint *endpoint, const struct endpoint_url *url, struct sf_error *err)
{
    bool has_dot = strchr(endpoint->bucket, '.') != NULL, fits = bucket_name_fits_host(endpoint->bucket);

    if (!endpoint->wants_virtual) {
        endpoint->is_virtual =
            !endpoint->wants_path && endpoint->custom == NULL && fits && !(endpoint->is_tls && has_dot);
        return 0;
    }
    if (url->is_literal)
        return sf_fail(err, SF_INVALID,
                       "addressing 'virtual': a bucket's name cannot stand in front of %s: set addressing to 'path' or "
                       "'auto'",
                       url->host);
    if (endpoint->is_aws && endpoint->is_tls && has_dot)
        return sf_fail(
            err, SF_INVALID,
            "addressing 'virtual': AWS' certificate does not cover bucket '%s', which has a dot in its name: "
            "set addressing to 'path' or 'auto'",
            endpoint->bucket);
    if (!fits)
        return sf_fail(err, SF_INVALID,
                       "addressing 'virtual': bucket '%s' cannot be part of a host's name: set addressing to 'path' or "
                       "'auto'",
                       endpoint->bucket);
    endpoint->is_virtual = true;
    return 0;
}

/* The service's host in the region, as a URL that was parsed. */
static int own_url(struct endpoint_url *url, const struct endpoint *endpoint, struct sf_error *err)
{
    const struct partition *partition = partition_of(endpoint->region);

    if (endpoint->fips && !partition->has_fips)
        return sf_fail(err, SF_INVALID, "fips: region %s has no FIPS endpoint: turn fips off", endpoint->region);
    url->is_tls = true;
    url->host = mem_printf("s3%s%s.%s.%s", endpoint->fips ? "-fips" : "", endpoint->dualstack ? ".dualstack" : "",
                           endpoint->region, partition->suffix);
    url->authority = mem_text(url->host);
    return 0;
}

static int custom_url(struct endpoint_url *url, const struct endpoint *endpoint, struct sf_error *err)
{
    size_t bytes = strlen(endpoint->bucket);

    if (endpoint->dualstack || endpoint->fips)
        return sf_fail(err, SF_INVALID, "%s: only AWS' own endpoints have it: turn it off, or name no endpoint",
                       endpoint->dualstack ? "dualstack" : "fips");
    if (endpoint_url_parse(url, endpoint->custom, err) < 0)
        return -1;
    if (strncmp(url->host, endpoint->bucket, bytes) == 0 && url->host[bytes] == '.' &&
        is_aws_service(url->host + bytes + 1))
        return sf_fail(err, SF_INVALID, "the bucket is named in it too: wanted: %s://%s",
                       url->is_tls ? "https" : "http", url->host + bytes + 1);
    return 0;
}

/* Fills the rest from bucket, region, custom and what is wanted. */
static int build(struct endpoint *endpoint, const char *custom_from, struct sf_error *err)
{
    SF_AUTO(endpoint_url) url = {NULL};
    const char *scheme;

    if (endpoint->custom != NULL) {
        if (custom_url(&url, endpoint, err) < 0)
            return err_prefix(err, "endpoint of %s", custom_from);
    } else if (own_url(&url, endpoint, err) < 0) {
        return -1;
    }
    endpoint->is_tls = url.is_tls;
    endpoint->is_aws = is_aws_host(url.host);
    if (bucket_name_check(endpoint->bucket, endpoint->is_aws, err) < 0 || choose_style(endpoint, &url, err) < 0)
        return -1;
    scheme = url.is_tls ? "https" : "http";
    if (endpoint->is_virtual) {
        endpoint->host = mem_printf("%s.%s", endpoint->bucket, url.authority);
        endpoint->base = mem_text("");
    } else {
        endpoint->host = mem_text(url.authority);
        endpoint->base = mem_printf("/%s", endpoint->bucket);
    }
    endpoint->origin = mem_printf("%s://%s", scheme, endpoint->host);
    return 0;
}

static int take_region(struct endpoint *endpoint, const char *region, struct sf_error *err)
{
    bool own = endpoint->custom == NULL;

    if (region_name_check(region, own, err) < 0)
        return -1;
    memcpy(endpoint->region, region, strlen(region) + 1);
    return 0;
}

static void give(struct endpoint *to, struct endpoint *made)
{
    *to = *made;
    *made = (struct endpoint){NULL};
}

int endpoint_open(struct endpoint *endpoint, const struct endpoint_options *options, struct sf_error *err)
{
    SF_AUTO(endpoint) made = {NULL};
    struct found region = find_region(options), custom = find_endpoint(options);

    made.bucket = mem_text(options->bucket);
    made.custom = custom.value != NULL ? mem_text(custom.value) : NULL;
    made.dualstack = options->dualstack;
    made.fips = options->fips;
    if (take_region(&made, region.value, err) < 0)
        return err_prefix(err, "%s", region.from);
    if (take_addressing(&made, options->addressing, err) < 0 || build(&made, custom.from, err) < 0)
        return -1;
    give(endpoint, &made);
    return 0;
}

/* A custom endpoint stays, unless it is the service's own in a region: that one would only send us on again. */
int endpoint_move(struct endpoint *to, const struct endpoint *from, const char *region, struct sf_error *err)
{
    SF_AUTO(endpoint) made = {NULL};
    SF_AUTO(endpoint_url) url = {NULL};

    if (from->custom != NULL) {
        if (endpoint_url_parse(&url, from->custom, err) < 0)
            return -1;
        if (!is_aws_service(url.authority))
            made.custom = mem_text(from->custom);
    }
    made.bucket = mem_text(from->bucket);
    made.dualstack = from->dualstack;
    made.fips = from->fips;
    made.wants_virtual = from->wants_virtual;
    made.wants_path = from->wants_path;
    if (take_region(&made, region, err) < 0)
        return err_prefix(err, "what the store says");
    if (build(&made, "the config", err) < 0)
        return -1;
    give(to, &made);
    return 0;
}

void endpoint_cleanup(struct endpoint *endpoint)
{
    free(endpoint->bucket);
    free(endpoint->origin);
    free(endpoint->host);
    free(endpoint->base);
    free(endpoint->custom);
    *endpoint = (struct endpoint){NULL};
}
