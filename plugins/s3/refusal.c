/* SPDX-License-Identifier: Apache-2.0
 *
 * What a refusal means to the host: by its code first, which all stores share, by the status where there is none.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
 */
#include "plugins/s3/s3.h"

#include "base/err.h"
#include "plugins/common/xml.h"

#include <string.h>
#include <strings.h>

/* ---- reading ---- */

static void take(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text);
}

static int read_element(void *ctx, const char *path, const char *text, struct sf_error *err)
{
    struct refusal *refusal = ctx;

    (void)err;
    if (strcmp(path, "Error/Code") == 0)
        take(refusal->code, sizeof(refusal->code), text);
    else if (strcmp(path, "Error/Message") == 0)
        take(refusal->message, sizeof(refusal->message), text);
    else if (strcmp(path, "Error/Region") == 0)
        take(refusal->region, sizeof(refusal->region), text);
    else if (strcmp(path, "Error/Condition") == 0)
        take(refusal->condition, sizeof(refusal->condition), text);
    else if (strcmp(path, "Error/RequestId") == 0)
        take(refusal->request_id, sizeof(refusal->request_id), text);
    return 0;
}

void refusal_read(struct refusal *refusal, const struct http_response *response)
{
    struct xml *xml = xml_new(NULL, read_element, refusal, "the store's error");
    struct sf_error ignored = SF_ERROR_INIT; /* a proxy may answer in HTML: what was read until then counts */
    const char *id = http_response_header(response, "x-amz-request-id");

    memset(refusal, 0, sizeof(*refusal));
    if (response->body.length != 0 && xml_feed(xml, response->body.data, response->body.length, &ignored) == 0 &&
        xml_finish(xml, &ignored) < 0)
        ignored.cls = SF_OK;
    xml_free(xml);
    if (id != NULL)
        take(refusal->request_id, sizeof(refusal->request_id), id);
}

static int ignore_element(void *ctx, const char *path, const char *text, struct sf_error *err)
{
    (void)ctx;
    (void)path;
    (void)text;
    (void)err;
    return 0;
}

/* A body that cannot be read as XML is for the caller, who wants an element of it. */
bool refusal_is_hidden(const struct http_response *response)
{
    struct xml *xml = xml_new(NULL, ignore_element, NULL, "the store's answer");
    struct sf_error ignored = SF_ERROR_INIT;
    bool is_error = false;

    if (response->body.length != 0 && xml_feed(xml, response->body.data, response->body.length, &ignored) == 0)
        is_error = strcmp(xml_root(xml), "Error") == 0;
    xml_free(xml);
    return is_error;
}

/* ---- classes ---- */

/* SF_OK stands for nothing: such a row is judged by the request (conclude()). */
static const struct {
    const char *code;
    enum sf_class cls;
} codes[] = {
    {"InternalError", SF_TRANSIENT},
    {"ServiceUnavailable", SF_TRANSIENT},
    {"RequestTimeout", SF_TRANSIENT},
    {"OperationAborted", SF_TRANSIENT},
    {"IncompleteBody", SF_TRANSIENT},
    {"ConditionalRequestConflict", SF_CONFLICT},
    {"SlowDown", SF_THROTTLED},
    {"SlowDownRead", SF_THROTTLED},
    {"SlowDownWrite", SF_THROTTLED},
    {"TooManyRequests", SF_THROTTLED},
    {"TooManyRequestsException", SF_THROTTLED},
    {"Throttling", SF_THROTTLED},
    {"ThrottlingException", SF_THROTTLED},
    {"ThrottledException", SF_THROTTLED},
    {"RequestThrottled", SF_THROTTLED},
    {"RequestThrottledException", SF_THROTTLED},
    {"RequestLimitExceeded", SF_THROTTLED},
    {"BandwidthLimitExceeded", SF_THROTTLED},
    {"PreconditionFailed", SF_PRECONDITION},
    {"NoSuchKey", SF_NOT_FOUND},
    {"NoSuchUpload", SF_NOT_FOUND},
    {"NoSuchBucket", SF_INVALID},
    {"InvalidBucketName", SF_INVALID},
    {"AccessDenied", SF_DENIED},
    {"AllAccessDisabled", SF_DENIED},
    {"AccountProblem", SF_DENIED},
    {"InvalidAccessKeyId", SF_AUTH},
    {"XAdminUserNotFound", SF_AUTH}, /* versitygw's word for it */
    {"SignatureDoesNotMatch", SF_AUTH},
    {"AuthorizationHeaderMalformed", SF_AUTH},
    {"ExpiredToken", SF_AUTH},
    {"ExpiredTokenException", SF_AUTH},
    {"TokenRefreshRequired", SF_AUTH},
    {"InvalidToken", SF_AUTH},
    {"RequestTimeTooSkewed", SF_AUTH},
    {"RequestExpired", SF_AUTH},
    {"PermanentRedirect", SF_INVALID},
    {"TemporaryRedirect", SF_INVALID},
    {"IllegalLocationConstraintException", SF_INVALID},
    {"InvalidObjectState", SF_ARCHIVED},
    {"ObjectNotInActiveTierError", SF_ARCHIVED},
    {"BadDigest", SF_CORRUPT},
    {"XAmzContentSHA256Mismatch", SF_CORRUPT},
    {"XAmzContentChecksumMismatch", SF_CORRUPT},
    {"EntityTooLarge", SF_TOO_LARGE},
    {"KeyTooLongError", SF_TOO_LARGE},
    {"KeyTooLong", SF_TOO_LARGE},
    {"MetadataTooLarge", SF_TOO_LARGE},
    {"NotImplemented", SF_UNSUPPORTED},
    {"MethodNotAllowed", SF_UNSUPPORTED},
    {"XMinioStorageFull", SF_NO_SPACE},
    {"QuotaExceeded", SF_NO_SPACE},
    {"InsufficientCapacity", SF_NO_SPACE},
};

enum sf_class refusal_class(const char *code)
{
    size_t i;

    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (strcmp(codes[i].code, code) == 0)
            return codes[i].cls;
    return SF_OK;
}

/* A write may have taken effect although the store, or a proxy before it, says that it failed; one that was throttled has not. A 200
 * has its error in the body. */
static bool is_in_doubt(const struct request *request, int32_t status, int32_t cls)
{
    bool writes = request->method != HTTP_GET && request->method != HTTP_HEAD;

    return writes && cls == SF_TRANSIENT && (status / 100 == 5 || status / 100 == 2);
}

/* ---- what an operator reads ---- */

static const char *advice(const struct sf_conn *conn, const struct request *request, const struct refusal *refusal,
                          int32_t cls)
{
    if (strcmp(refusal->code, "NoSuchBucket") == 0)
        return "; create the bucket, or check its name, the region and the endpoint";
    if (strcmp(refusal->code, "RequestTimeTooSkewed") == 0)
        return "; set this machine's clock right";
    if (conn->response.status / 100 == 3 || strcmp(refusal->code, "AuthorizationHeaderMalformed") == 0)
        return "; check the settings region and endpoint: redirects are not followed";
    if (cls == SF_ARCHIVED)
        return "; restore it from the archive's storage class first";
    if (cls == SF_DENIED && conn->store->sse != NULL && request->method == HTTP_PUT)
        return "; the right to use the KMS key may be what is missing";
    if (cls == SF_DENIED && request->method == HTTP_HEAD)
        return "; without the right to list the bucket, an object that is not there looks like this too";
    if (cls == SF_DENIED && conn->store->is_anonymous)
        return "; this was asked without credentials (anonymous)";
    return "";
}

const char *bucket_label(const struct sf_conn *conn, char text[BUCKET_LABEL])
{
    snprintf(text, BUCKET_LABEL, "bucket %s at %s", conn->endpoint.bucket, conn->endpoint.host);
    return text;
}

static bool is_about_credentials(int32_t cls)
{
    return cls == SF_AUTH || cls == SF_DENIED;
}

static void describe(const struct sf_conn *conn, const struct request *request, const struct refusal *refusal,
                     struct sf_error *err)
{
    char where[BUCKET_LABEL], source[256] = "", id[160] = "", text[sizeof(refusal->message) * 2] = "";

    if (request->key != NULL)
        snprintf(where, sizeof(where), "%s", request->key);
    else
        bucket_label(conn, where);
    if (is_about_credentials(err->cls) && !conn->store->is_anonymous)
        snprintf(source, sizeof(source), "; the credentials are those of: %s", creds_source(conn->store->creds));
    if (refusal->request_id[0] != '\0')
        snprintf(id, sizeof(id), ", request %s", refusal->request_id);
    if (refusal->message[0] != '\0') {
        text[0] = ':';
        text[1] = ' ';
        err_printable(refusal->message, text + 2, sizeof(text) - 2);
    }
    snprintf(err->text, sizeof(err->text), "%s: %s%s%s%s (HTTP %d%s)", where,
             refusal->code[0] != '\0' ? refusal->code : "the store refuses", text,
             advice(conn, request, refusal, err->cls), source, conn->response.status, id);
}

/* What a failed condition means depends on which one was set. */
static int32_t class_of_condition(const struct request *request, const struct refusal *refusal)
{
    if (strcasecmp(refusal->condition, "x-amz-copy-source-If-Match") == 0)
        return SF_PRECONDITION;
    return request->precondition == SF_IF_ABSENT ? SF_EXISTS : SF_PRECONDITION;
}

static bool is_replacement(const struct request *request)
{
    return request->precondition == SF_IF_TAG && (request->method == HTTP_PUT || request->method == HTTP_POST);
}

int refusal_error(const struct sf_conn *conn, const struct request *request, const struct refusal *refusal,
                  struct sf_error *err)
{
    const struct http_response *response = &conn->response;
    const struct http_request http = {.what = request->key != NULL ? request->key : conn->endpoint.bucket};
    enum sf_class cls = refusal_class(refusal->code);

    http_fail(err, &http, response); /* the class of the status, and its numbers */
    if (cls != SF_OK)
        err->cls = (int32_t)cls;
    else if (response->status / 100 == 2 || response->status / 100 == 3)
        err->cls = SF_PERMANENT;
    if (err->cls == SF_PRECONDITION)
        err->cls = class_of_condition(request, refusal);
    else if (err->cls == SF_NOT_FOUND && is_replacement(request) && strcmp(refusal->code, "NoSuchUpload") != 0)
        err->cls = SF_PRECONDITION; /* what was to be replaced is gone */
    else if (err->cls == SF_DENIED && strstr(refusal->message, "object lock") != NULL)
        err->cls = SF_IMMUTABLE;
    describe(conn, request, refusal, err);
    err->maybe_applied = is_in_doubt(request, response->status, err->cls) || response->is_resent;
    return -1;
}
