/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/s3/endpoint.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* ---- checks ---- */

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; other stores also allow what Amazon once did. */
static int check_bucket(const struct endpoint *endpoint, struct sf_error *err)
{
    const char *bucket = endpoint->bucket;
    const char *allowed = endpoint->is_aws ? LOWER DIGITS ".-" : LOWER UPPER DIGITS "._-";
    size_t length = strlen(bucket);

    if (strncmp(bucket, "arn:", 4) == 0)
        return sf_fail(err, SF_INVALID, "bucket '%.100s': access points (ARNs) are not supported: name the bucket",
                       bucket);
    if (length > 6 && strcmp(bucket + length - 6, "--x-s3") == 0)
        return sf_fail(
            err, SF_INVALID,
            "bucket '%.100s': directory buckets (S3 Express) are not supported: use a general purpose bucket", bucket);
    if (length < 3 || length > 63 || strspn(bucket, allowed) != length || bucket[0] == '.' || bucket[0] == '-' ||
        strstr(bucket, "..") != NULL)
        return sf_fail(err, SF_INVALID,
                       "bucket '%.100s': a bucket's name has 3 to 63 characters of a-z, 0-9, '.' and '-'", bucket);
    return 0;
}

static int check_region(const struct endpoint *endpoint, const char *region, struct sf_error *err)
{
    const char *allowed = endpoint->custom != NULL ? LOWER UPPER DIGITS "-_" : LOWER DIGITS "-";
    size_t length = strlen(region);

    if (length == 0 || length > REGION_MAX || strspn(region, allowed) != length)
        return sf_fail(err, SF_INVALID, "region '%.100s': expected something like eu-west-1", region);
    return 0;
}

/* ---- the endpoint's URL ---- */

static bool is_under(const char *host, const char *domain)
{
    size_t host_length = strlen(host), length = strlen(domain);

    return host_length > length && strcasecmp(host + host_length - length, domain) == 0 &&
           host[host_length - length - 1] == '.';
}

/* A host without its port; brackets of an IPv6 address stay. */
static char *without_port(const char *host)
{
    const char *end = *host == '[' ? strchr(host, ']') : strchr(host, ':');

    if (end != NULL && *end == ']')
        end++;
    return end != NULL ? mem_printf("%.*s", (int)(end - host), host) : mem_text(host);
}

static bool is_address_or_local(const char *host)
{
    AUTO_FREE char *name = without_port(host);
    struct in_addr address;

    return *name == '[' || strcasecmp(name, "localhost") == 0 || inet_pton(AF_INET, name, &address) == 1;
}

/* Host and port behind the scheme; anything behind them but one slash is refused. */
static int take_custom(struct endpoint *endpoint, const char *url, const char **host, size_t *host_bytes,
                       struct sf_error *err)
{
    size_t bytes;

    if (strncasecmp(url, "https://", 8) == 0) {
        endpoint->is_tls = true;
        *host = url + 8;
    } else if (strncasecmp(url, "http://", 7) == 0) {
        endpoint->is_tls = false;
        *host = url + 7;
    } else {
        return sf_fail(err, SF_INVALID, "endpoint '%.100s': expected https://HOST[:PORT] or http://HOST[:PORT]", url);
    }
    bytes = strcspn(*host, "/?#");
    /* Not shown: what stands before the '@' may be a password. */
    if (memchr(*host, '@', bytes) != NULL)
        return sf_fail(err, SF_INVALID, "endpoint: a user or password before '@' cannot be part of it");
    if (bytes == 0 || strspn(*host, LOWER UPPER DIGITS "._-:[]") < bytes)
        return sf_fail(err, SF_INVALID, "endpoint '%.100s': no host that can be", url);
    if ((*host)[bytes] != '\0' && strcmp(*host + bytes, "/") != 0)
        return sf_fail(
            err, SF_INVALID,
            "endpoint '%.100s': only the host and a port: the bucket has a setting of its own, and so has the "
            "prefix",
            url);
    *host_bytes = bytes;
    return 0;
}

static bool is_default_port(const char *host, bool is_tls)
{
    AUTO_FREE char *name = without_port(host);

    return strcmp(host + strlen(name), is_tls ? ":443" : ":80") == 0;
}

/* ---- putting it together ---- */

static char *aws_host(const struct endpoint *endpoint)
{
    const char *suffix = strncmp(endpoint->region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";

    return mem_printf("s3%s.%s%s.%s", endpoint->fips ? "-fips" : "", endpoint->dualstack ? "dualstack." : "",
                      endpoint->region, suffix);
}

/* A wildcard certificate covers one label, so not a name with a dot. */
static bool can_be_virtual(const struct endpoint *endpoint)
{
    return strspn(endpoint->bucket, LOWER DIGITS ".-") == strlen(endpoint->bucket) &&
           !(endpoint->is_tls && strchr(endpoint->bucket, '.') != NULL);
}

static int choose_addressing(struct endpoint *endpoint, const char *host, struct sf_error *err)
{
    if (!endpoint->wants_virtual) {
        endpoint->is_virtual = !endpoint->wants_path && endpoint->is_aws && can_be_virtual(endpoint);
        return 0;
    }
    if (is_address_or_local(host))
        return sf_fail(err, SF_INVALID,
                       "addressing: with \"virtual\" the bucket becomes part of the host's name, which an address or "
                       "localhost cannot have: use \"path\"");
    if (endpoint->is_aws && !can_be_virtual(endpoint))
        return sf_fail(
            err, SF_INVALID,
            "addressing: with \"virtual\" bucket '%s' would be part of a host's name that Amazon's certificate "
            "does not cover: use \"path\"",
            endpoint->bucket);
    endpoint->is_virtual = true;
    return 0;
}

static int build(struct endpoint *endpoint, const char *host, struct sf_error *err)
{
    if (choose_addressing(endpoint, host, err) < 0)
        return -1;
    endpoint->host = endpoint->is_virtual ? mem_printf("%s.%s", endpoint->bucket, host) : mem_text(host);
    endpoint->base = endpoint->is_virtual ? mem_text("") : mem_printf("/%s", endpoint->bucket);
    endpoint->origin = mem_printf("%s://%s", endpoint->is_tls ? "https" : "http", endpoint->host);
    if (is_default_port(endpoint->host, endpoint->is_tls)) {
        char *name = without_port(endpoint->host); /* as a client spells it, and so as it is signed */

        free(endpoint->host);
        endpoint->host = name;
    }
    return 0;
}

static int build_aws(struct endpoint *endpoint, struct sf_error *err)
{
    AUTO_FREE char *host = NULL;

    endpoint->is_aws = endpoint->is_tls = true;
    if (check_bucket(endpoint, err) < 0 || check_region(endpoint, endpoint->region, err) < 0)
        return -1;
    host = aws_host(endpoint);
    return build(endpoint, host, err);
}

static int build_custom(struct endpoint *endpoint, struct sf_error *err)
{
    AUTO_FREE char *host = NULL;
    AUTO_FREE char *name = NULL;
    const char *start = "";
    size_t bytes = 0;

    if (take_custom(endpoint, endpoint->custom, &start, &bytes, err) < 0)
        return -1;
    host = mem_printf("%.*s", (int)bytes, start);
    name = without_port(host);
    endpoint->is_aws = is_under(name, "amazonaws.com") || is_under(name, "amazonaws.com.cn");
    if (check_bucket(endpoint, err) < 0 || check_region(endpoint, endpoint->region, err) < 0)
        return -1;
    return build(endpoint, host, err);
}

/* ---- what was asked for ---- */

static const char *from_environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && *value != '\0' ? value : NULL;
}

static const char *choose_region(const struct endpoint_options *options)
{
    const char *region = options->region;

    if (region == NULL)
        region = from_environment("AWS_REGION");
    if (region == NULL)
        region = from_environment("AWS_DEFAULT_REGION");
    if (region == NULL)
        region = profile_value(options->profile, "region");
    return region != NULL ? region : "us-east-1";
}

static const char *choose_endpoint(const struct endpoint_options *options)
{
    const char *ignored = getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), *endpoint = options->endpoint;

    if (endpoint != NULL || (ignored != NULL && strcasecmp(ignored, "true") == 0))
        return endpoint;
    endpoint = from_environment("AWS_ENDPOINT_URL_S3");
    if (endpoint == NULL)
        endpoint = from_environment("AWS_ENDPOINT_URL");
    return endpoint != NULL ? endpoint : profile_value(options->profile, "endpoint_url");
}

static int build_any(struct endpoint *endpoint, struct sf_error *err)
{
    return endpoint->custom != NULL ? build_custom(endpoint, err) : build_aws(endpoint, err);
}

int endpoint_open(struct endpoint *endpoint, const struct endpoint_options *options, struct sf_error *err)
{
    const char *custom = choose_endpoint(options), *region = choose_region(options);
    const char *addressing = options->addressing != NULL ? options->addressing : "auto";

    endpoint->bucket = mem_text(options->bucket);
    endpoint->custom = custom != NULL ? mem_text(custom) : NULL;
    endpoint->dualstack = options->dualstack;
    endpoint->fips = options->fips;
    endpoint->wants_virtual = strcmp(addressing, "virtual") == 0;
    endpoint->wants_path = strcmp(addressing, "path") == 0;
    if (check_region(endpoint, region, err) < 0)
        return -1;
    memcpy(endpoint->region, region, strlen(region) + 1);
    return build_any(endpoint, err);
}

int endpoint_move(struct endpoint *to, const struct endpoint *from, const char *region, struct sf_error *err)
{
    struct endpoint moved = {.custom = from->custom != NULL ? mem_text(from->custom) : NULL,
                             .bucket = mem_text(from->bucket),
                             .dualstack = from->dualstack,
                             .fips = from->fips,
                             .wants_virtual = from->wants_virtual,
                             .wants_path = from->wants_path};

    if (check_region(&moved, region, err) < 0) {
        endpoint_cleanup(&moved);
        return -1;
    }
    memcpy(moved.region, region, strlen(region) + 1);
    if (build_any(&moved, err) < 0) {
        endpoint_cleanup(&moved);
        return -1;
    }
    *to = moved;
    return 0;
}

void endpoint_cleanup(struct endpoint *endpoint)
{
    free(endpoint->bucket);
    free(endpoint->origin);
    free(endpoint->host);
    free(endpoint->base);
    free(endpoint->custom);
    *endpoint = (struct endpoint){0};
}
