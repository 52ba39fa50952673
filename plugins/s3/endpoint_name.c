/* SPDX-License-Identifier: Apache-2.0
 *
 * The names of buckets and regions: what goes into host names and paths without being encoded.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 */
#include "plugins/s3/endpoint.h"
#include "plugins/s3/endpoint_priv.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <string.h>

#define BUCKET_MIN 3
#define BUCKET_MAX 63

#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool ends_with(const char *text, const char *end)
{
    size_t bytes = strlen(text), end_bytes = strlen(end);

    return bytes >= end_bytes && strcmp(text + bytes - end_bytes, end) == 0;
}

static bool is_letter_or_digit(char c)
{
    return c != '\0' && strchr(LOWER UPPER, c) != NULL;
}

static bool is_address(const char *text)
{
    struct in_addr parsed;

    return inet_pton(AF_INET, text, &parsed) == 1;
}

/* NULL: nothing is wrong with it. */
static const char *what_is_wrong(const char *bucket, bool own)
{
    size_t bytes = strlen(bucket);

    if (bytes < BUCKET_MIN || bytes > BUCKET_MAX)
        return "it must have 3 to 63 characters";
    if (own && bucket[strspn(bucket, LOWER ".-")] != '\0')
        return "at AWS it may only have lower case letters, digits, '.' and '-' in it";
    if (bucket[strspn(bucket, LOWER UPPER ".-_")] != '\0')
        return "it may only have letters, digits, '.', '-' and '_' in it";
    if (!is_letter_or_digit(bucket[0]) || !is_letter_or_digit(bucket[bytes - 1]))
        return "it must begin and end with a letter or digit";
    if (strstr(bucket, "..") != NULL)
        return "it may not have two dots in a row";
    if (own && is_address(bucket))
        return "it may not look like an IP address";
    return NULL;
}

int bucket_name_check(const char *bucket, bool own, struct sf_error *err)
{
    char printable[128];
    const char *wrong = what_is_wrong(bucket, own);

    err_printable(bucket, printable, sizeof(printable));
    if (strncmp(bucket, "arn:", 4) == 0)
        return sf_fail(err, SF_INVALID,
                       "bucket '%s': access points and other ARNs are not supported: name the bucket behind it, or an "
                       "access point's alias",
                       printable);
    if (ends_with(bucket, "--x-s3"))
        return sf_fail(err, SF_INVALID,
                       "bucket '%s': directory buckets (S3 Express One Zone) are not supported: use a general purpose "
                       "bucket",
                       printable);
    if (wrong != NULL)
        return sf_fail(err, SF_INVALID, "bucket '%s' is no bucket's name: %s", printable, wrong);
    return 0;
}

int region_name_check(const char *region, bool own, struct sf_error *err)
{
    size_t bytes = strlen(region);
    char printable[128];

    if (bytes >= 1 && bytes <= REGION_MAX && region[strspn(region, own ? LOWER "-" : LOWER UPPER "-_")] == '\0')
        return 0;
    return sf_fail(err, SF_INVALID,
                   "region '%s' is no region's name: it has 1 to %d characters of [%sa-z0-9-], as "
                   "eu-central-1 has",
                   err_printable(region, printable, sizeof(printable)), REGION_MAX, own ? "" : "A-Z_");
}

bool bucket_name_fits_host(const char *bucket)
{
    return bucket[strspn(bucket, LOWER ".-")] == '\0' && strstr(bucket, ".-") == NULL && strstr(bucket, "-.") == NULL;
}
