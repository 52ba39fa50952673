/* SPDX-License-Identifier: Apache-2.0
 *
 * AWS' published signing test suite, from the folder that SIGV4_SUITE names: a folder a case, of which this reads context.json,
 * request.txt and the three header-* files. It was made for services whose paths are normalised before they are signed; S3's are not.
 */
#include "plugins/s3/sign.h"

#include "base/mem.h"
#include "tests/kit/unit.h"

#include <dirent.h>
#include <jansson.h>
#include <string.h>

/* The cases that are not S3's, since an S3 key may hold dot segments and empty ones, and is signed as it is. */
static const char *const left_out[] = {
    "get-relative-normalized",            /* "/example/.." becomes "/" */
    "get-relative-relative-normalized",   /* "/example1/example2/../.." becomes "/" */
    "get-slash-dot-slash-normalized",     /* "/./" becomes "/" */
    "get-slash-normalized",               /* "//" becomes "/" */
    "get-slash-pointless-dot-normalized", /* "/./example" becomes "/example" */
    "get-slashes-normalized",             /* "//example//" becomes "/example/" */
};
#define LEFT_OUT (sizeof(left_out) / sizeof(left_out[0]))
#define CASES 38 /* with those */

struct suite_case {
    char *path;
    char *text; /* of request.txt, cut into pieces that the others point to */
    json_t *context;
    struct buf target; /* percent-encoded, "path\0query" */
    char *joined[SIGN_HEADERS_MAX];
    char payload[SHA256_HEX + 1];
    char amz_date[17];
    struct http_header headers[SIGN_HEADERS_MAX];
    struct sign_request request;
};

static void suite_case_cleanup(struct suite_case *one)
{
    size_t i;

    for (i = 0; i < SIGN_HEADERS_MAX; i++)
        free(one->joined[i]);
    buf_cleanup(&one->target);
    json_decref(one->context);
    free(one->text);
    free(one->path);
}

static char *read_file(const char *folder, const char *name)
{
    AUTO_FREE char *path = mem_printf("%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    SF_AUTO(buf) text = BUF_INIT;
    char piece[4096];
    size_t bytes;

    ck_assert_msg(file != NULL, "%s cannot be read", path);
    while ((bytes = fread(piece, 1, sizeof(piece), file)) > 0)
        buf_add(&text, piece, bytes);
    fclose(file);
    return mem_text(buf_text(&text));
}

static const char *context_text(const struct suite_case *one, const char *key)
{
    const char *text = json_string_value(json_object_get(one->context, key));

    ck_assert_msg(text != NULL, "%s: context.json has no %s", one->path, key);
    return text;
}

static void add_header(struct suite_case *one, const char *name, const char *value)
{
    ck_assert_uint_lt(one->request.header_count, SIGN_HEADERS_MAX);
    one->headers[one->request.header_count++] = (struct http_header){name, value};
}

/* The suite's targets hold spaces and UTF-8 as they are; ours come encoded. */
static void encode_target(struct suite_case *one, const char *target)
{
    size_t query = 0;

    for (; *target != '\0'; target++) {
        if (*target == '?' && query == 0) {
            buf_add_byte(&one->target, '\0');
            query = one->target.length;
        } else if (*target == ' ' || (unsigned char)*target >= 0x80) {
            buf_printf(&one->target, "%%%02X", (unsigned)(unsigned char)*target);
        } else {
            buf_add_byte(&one->target, *target);
        }
    }
    one->request.path = one->target.data;
    one->request.query = query != 0 ? one->target.data + query : "";
}

/* Cuts the line at *at off and moves on to the next; NULL at the end. */
static char *next_line(char **at)
{
    char *line = *at, *end;

    if (line == NULL)
        return NULL;
    end = strchr(line, '\n');
    *at = end != NULL ? end + 1 : NULL;
    if (end != NULL)
        *end = '\0';
    return line;
}

static void parse_headers(struct suite_case *one, char **at)
{
    char *line, *colon;

    while ((line = next_line(at)) != NULL && *line != '\0') {
        if (*line == ' ') { /* the line before goes on */
            size_t last = one->request.header_count - 1;
            char *whole = mem_printf("%s %s", one->headers[last].value, line);

            free(one->joined[last]);
            one->joined[last] = whole;
            one->headers[last].value = whole;
            continue;
        }
        colon = strchr(line, ':');
        ck_assert_msg(colon != NULL, "%s: request.txt: %s", one->path, line);
        *colon = '\0';
        add_header(one, line, colon + 1);
    }
}

static void parse_request(struct suite_case *one)
{
    char *at = one->text, *line = next_line(&at), *target, *end;
    uint8_t digest[SHA256_BYTES];

    target = strchr(line, ' ');
    end = strrchr(line, ' ');
    ck_assert_msg(target != NULL && end != target, "%s: request.txt: %s", one->path, line);
    *target = *end = '\0';
    ck_assert(strcmp(line, "GET") == 0 || strcmp(line, "POST") == 0);
    one->request.method = strcmp(line, "GET") == 0 ? HTTP_GET : HTTP_POST;
    encode_target(one, target + 1);
    parse_headers(one, &at);
    sha256_of(at != NULL ? at : "", at != NULL ? strlen(at) : 0, digest);
    hex_encode(digest, sizeof(digest), one->payload);
    one->request.payload = one->payload;
}

/* "2015-08-30T12:36:00Z" without its punctuation */
static void take_date(struct suite_case *one)
{
    const char *from;
    size_t used = 0;

    for (from = context_text(one, "timestamp"); *from != '\0' && used < sizeof(one->amz_date) - 1; from++)
        if (*from != '-' && *from != ':')
            one->amz_date[used++] = *from;
    one->request.amz_date = one->amz_date;
}

static void read_case(struct suite_case *one, const char *suite, const char *name, struct sign_credentials *credentials)
{
    AUTO_FREE char *context = NULL;
    const json_t *keys;
    const char *token;

    one->path = mem_printf("%s/%s", suite, name);
    one->request.headers = one->headers;
    context = read_file(one->path, "context.json");
    one->context = json_loads(context, 0, NULL);
    ck_assert_msg(one->context != NULL, "%s: context.json is no JSON", name);
    one->text = read_file(one->path, "request.txt");
    parse_request(one);
    take_date(one);
    add_header(one, "X-Amz-Date", one->amz_date);
    if (json_is_true(json_object_get(one->context, "sign_body")))
        add_header(one, "x-amz-content-sha256", one->payload);
    keys = json_object_get(one->context, "credentials");
    token = json_string_value(json_object_get(keys, "token"));
    if (token != NULL && !json_is_true(json_object_get(one->context, "omit_session_token")))
        add_header(one, "X-Amz-Security-Token", token);
    snprintf(credentials->access_key_id, sizeof(credentials->access_key_id), "%s",
             json_string_value(json_object_get(keys, "access_key_id")));
    snprintf(credentials->secret, sizeof(credentials->secret), "%s",
             json_string_value(json_object_get(keys, "secret_access_key")));
}

static void run_case(const char *suite, const char *name)
{
    SF_AUTO(suite_case) one = {.target = BUF_INIT};
    SF_AUTO(sign_cache) cache = {.scope = ""};
    SF_AUTO(buf) found = BUF_INIT;
    SF_AUTO(buf) names = BUF_INIT;
    struct sign_credentials credentials = {.access_key_id = ""};
    AUTO_FREE char *canonical = NULL, *to_sign = NULL, *signature = NULL;
    const char *region, *service;

    read_case(&one, suite, name, &credentials);
    canonical = read_file(one.path, "header-canonical-request.txt");
    to_sign = read_file(one.path, "header-string-to-sign.txt");
    signature = read_file(one.path, "header-signature.txt");
    region = context_text(&one, "region");
    service = context_text(&one, "service");

    sign_canonical_request(&one.request, &found, &names);
    ck_assert_msg(strcmp(buf_text(&found), canonical) == 0, "%s: canonical request is\n%s\nand should be\n%s", name,
                  buf_text(&found), canonical);
    sign_string_to_sign(canonical, one.amz_date, region, service, &found);
    ck_assert_msg(strcmp(buf_text(&found), to_sign) == 0, "%s: string to sign is\n%s", name, buf_text(&found));
    sign_v4(&cache, &credentials, region, service, &one.request, &found);
    ck_assert_uint_eq(strlen(signature), SHA256_HEX);
    ck_assert_msg(strcmp(found.data + found.length - SHA256_HEX, signature) == 0, "%s: %s", name, found.data);
}

static bool is_left_out(const char *name)
{
    size_t i;

    for (i = 0; i < LEFT_OUT; i++)
        if (strcmp(name, left_out[i]) == 0)
            return true;
    return false;
}

START_TEST(published_suite)
{
    const char *suite = getenv("SIGV4_SUITE");
    DIR *dir = opendir(suite);
    struct dirent *entry;
    size_t ran = 0, skipped = 0;

    ck_assert_msg(dir != NULL, "SIGV4_SUITE=%s is no folder that can be read", suite);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "LICENSE") == 0)
            continue;
        if (is_left_out(entry->d_name)) {
            skipped++;
            continue;
        }
        run_case(suite, entry->d_name);
        ran++;
    }
    closedir(dir);
    ck_assert_uint_eq(skipped, LEFT_OUT);
    ck_assert_uint_ge(ran, CASES - LEFT_OUT);
}
END_TEST

int main(void)
{
    static const TTest *const *const tests[] = {&published_suite};

    if (getenv("SIGV4_SUITE") == NULL) {
        puts("1..1\nok 1 - published_suite # SKIP SIGV4_SUITE does not name its folder");
        return 0;
    }
    return unit_run("s3/sign_suite", tests, 1);
}
