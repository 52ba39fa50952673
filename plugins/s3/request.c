/* SPDX-License-Identifier: Apache-2.0
 *
 * One request to the bucket: signed, sent, and sent again only after it was changed: to the right region, by the store's clock, with
 * renewed credentials; once each. All other retries are the host's.
 */
#include "plugins/s3/s3.h"

#include "base/clock.h"
#include "base/err.h"
#include "plugins/common/text.h"

#include <string.h>

/* AWS refuses requests that are off by more than 15 minutes. A refusal without a reason (HEAD) is taken for one of the clock
 * only if it is off by about as much. */
#define CLOCK_SKEW_MS (10 * 60 * 1000)

/* What was mended already. */
struct mended {
    bool region;
    bool clock;
    bool credentials;
};

/* ---- where to ---- */

int request_follow(struct sf_conn *conn, struct sf_error *err)
{
    struct sf_store *store = conn->store;
    struct endpoint fresh = {0};
    unsigned version;
    int result;

    if (conn->endpoint_version == atomic_load(&store->endpoint_version))
        return 0;
    pthread_mutex_lock(&store->locked.mutex);
    version = atomic_load(&store->endpoint_version);
    result = endpoint_move(&fresh, &store->locked.endpoint, store->locked.endpoint.region, err);
    pthread_mutex_unlock(&store->locked.mutex);
    if (result < 0)
        return -1;
    endpoint_cleanup(&conn->endpoint);
    conn->endpoint = fresh;
    conn->endpoint_version = version;
    return 0;
}

static void make_url(struct sf_conn *conn, const struct request *request)
{
    buf_clear(&conn->path);
    buf_add_text(&conn->path, conn->endpoint.base);
    if (request->key != NULL) {
        buf_add_byte(&conn->path, '/');
        percent_encode(&conn->path, request->key, true);
    } else if (conn->path.length == 0) {
        buf_add_byte(&conn->path, '/');
    }
    buf_clear(&conn->url);
    buf_add_text(&conn->url, conn->endpoint.origin);
    buf_add(&conn->url, conn->path.data, conn->path.length);
    if (request->query != NULL && *request->query != '\0') {
        buf_add_byte(&conn->url, '?');
        buf_add_text(&conn->url, request->query);
    }
}

/* ---- signing ---- */

struct signing {
    struct http_header items[SIGN_HEADERS_MAX];
    size_t count;
    char date[AMZ_DATE_BYTES];
    const char *payload;
};

static void add(struct signing *signing, const char *name, const char *value)
{
    signing->items[signing->count++] = (struct http_header){name, value};
}

/* Most requests are made in the second of the one before. */
static void stamp(struct sf_conn *conn, struct signing *signing)
{
    int64_t second = (clock_wall_ms() + atomic_load(&conn->store->clock_offset_ms)) / 1000;

    if (second != conn->stamp.second) {
        amz_date(second * 1000, conn->stamp.text);
        conn->stamp.second = second;
    }
    memcpy(signing->date, conn->stamp.text, sizeof(signing->date));
}

/* The headers that every request has. SIGN_HEADERS_MAX leaves room for them, since HEADERS_TEXT is full before. */
static int gather_headers(struct sf_conn *conn, const struct request *request,
                          const struct sign_credentials *credentials, struct signing *signing, struct sf_error *err)
{
    const struct sf_store *store = conn->store;
    size_t own = request->headers != NULL ? request->headers->count : 0;
    enum { COMMON = 7 };

    if (own + COMMON > SIGN_HEADERS_MAX || (request->headers != NULL && request->headers->is_full))
        return sf_fail(err, SF_TOO_LARGE, "%s: its metadata does not fit into the headers of a request",
                       request->key != NULL ? request->key : conn->endpoint.bucket);
    if (own != 0)
        memcpy(signing->items, request->headers->items, own * sizeof(signing->items[0]));
    signing->count = own;
    stamp(conn, signing);
    signing->payload = request->payload != NULL ? request->payload : SIGN_EMPTY_SHA256;
    add(signing, "host", conn->endpoint.host);
    add(signing, "x-amz-content-sha256", signing->payload);
    if (credentials->access_key_id[0] != '\0')
        add(signing, "x-amz-date", signing->date);
    if (credentials->session_token != NULL)
        add(signing, "x-amz-security-token", credentials->session_token);
    if (store->bucket_owner != NULL)
        add(signing, "x-amz-expected-bucket-owner", store->bucket_owner);
    if (store->requester_pays)
        add(signing, "x-amz-request-payer", "requester");
    return 0;
}

static void sign(struct sf_conn *conn, const struct request *request, const struct sign_credentials *credentials,
                 struct signing *signing)
{
    const struct sign_request to_sign = {.method = request->method,
                                         .path = conn->path.data,
                                         .query = request->query != NULL ? request->query : "",
                                         .headers = signing->items,
                                         .header_count = signing->count,
                                         .payload = signing->payload,
                                         .amz_date = signing->date};

    if (credentials->access_key_id[0] == '\0')
        return;
    buf_clear(&conn->authorization);
    sign_v4(&conn->sign, credentials, conn->endpoint.region, "s3", &to_sign, &conn->authorization);
    add(signing, "authorization", conn->authorization.data);
}

static const char *what_of(const struct sf_conn *conn, const struct request *request)
{
    return request->key != NULL ? request->key : conn->endpoint.bucket;
}

static int send_once(const struct sf_call *call, struct sf_conn *conn, const struct request *request,
                     const struct sign_credentials *credentials, struct sf_error *err)
{
    struct signing signing;
    struct http_request http = {.method = request->method,
                                .kind = request->kind,
                                .what = what_of(conn, request),
                                .body = request->body,
                                .slow_answer = request->slow_answer,
                                .write = request->write,
                                .ctx = request->ctx,
                                .keep_max = S3_ANSWER_MAX};

    make_url(conn, request);
    if (gather_headers(conn, request, credentials, &signing, err) < 0)
        return -1;
    sign(conn, request, credentials, &signing);
    http.url = conn->url.data;
    http.headers = signing.items;
    http.header_count = signing.count;
    return http_send(call, conn->http, &http, &conn->response, err);
}

/* ---- mending ---- */

static bool is_one_of(const char *code, const char *const *codes)
{
    for (; *codes != NULL; codes++)
        if (strcmp(code, *codes) == 0)
            return true;
    return false;
}

static void tell(const struct sf_store *store, int32_t level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void tell(const struct sf_store *store, int32_t level, const char *fmt, ...)
{
    char text[SF_ERROR_TEXT];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    store->host->log(store->host, level, text);
}

/* The bucket is in another region than the one that was signed for. */
static bool mend_region(struct sf_conn *conn, const struct refusal *refusal)
{
    struct sf_store *store = conn->store;
    const char *region = http_response_header(&conn->response, "x-amz-bucket-region");
    struct sf_error ignored = SF_ERROR_INIT;
    struct endpoint moved = {0};
    bool is_mended = false;

    if (region == NULL)
        region = refusal->region;
    if (*region == '\0' || strcmp(region, conn->endpoint.region) == 0)
        return false;
    pthread_mutex_lock(&store->locked.mutex);
    if (strcmp(store->locked.endpoint.region, region) == 0) {
        is_mended = true; /* another connection was faster */
    } else if (endpoint_move(&moved, &store->locked.endpoint, region, &ignored) == 0) {
        endpoint_cleanup(&store->locked.endpoint);
        store->locked.endpoint = moved;
        atomic_fetch_add(&store->endpoint_version, 1);
        is_mended = true;
        tell(store, SF_LOG_INFO, "bucket %s is in region %s, not %s: the setting region would save a request",
             conn->endpoint.bucket, region, conn->endpoint.region);
    }
    pthread_mutex_unlock(&store->locked.mutex);
    return is_mended;
}

static bool is_about_region(const struct http_response *response, const struct refusal *refusal)
{
    static const char *const codes[] = {"PermanentRedirect",
                                        "TemporaryRedirect",
                                        "AuthorizationHeaderMalformed",
                                        "IllegalLocationConstraintException",
                                        "IncorrectEndpoint",
                                        NULL};

    return response->status == 301 || response->status == 307 || is_one_of(refusal->code, codes) ||
           (response->status == 400 && refusal->code[0] == '\0'); /* the answer to a HEAD has no reason */
}

/* The answer's own date says how far our clock is off. */
static bool mend_clock(struct sf_conn *conn, const struct refusal *refusal)
{
    struct sf_store *store = conn->store;
    int64_t off = conn->response.server_time_ms - clock_wall_ms();
    int64_t before = atomic_load(&store->clock_offset_ms);
    bool says_so = strcmp(refusal->code, "RequestTimeTooSkewed") == 0 || strcmp(refusal->code, "RequestExpired") == 0;

    if (conn->response.server_time_ms == 0 || (!says_so && refusal->code[0] != '\0'))
        return false;
    if (!says_so && (off - before < CLOCK_SKEW_MS && before - off < CLOCK_SKEW_MS))
        return false;
    if (atomic_compare_exchange_strong(&store->clock_offset_ms, &before, off))
        tell(
            store, SF_LOG_WARNING,
            "the clock of this machine is %lld s %s that of the store, which refuses to be called like that; going by the "
            "store's, but set this one right",
            (long long)(off < 0 ? -off : off) / 1000, off < 0 ? "ahead of" : "behind");
    return true;
}

static bool is_about_age(const struct refusal *refusal)
{
    static const char *const codes[] = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken",
                                        NULL};

    return is_one_of(refusal->code, codes);
}

/* 1: changed, send again; 0: nothing to mend; -1: mending failed. */
static int mend(const struct sf_call *call, struct sf_conn *conn, const struct sign_credentials *credentials,
                const struct refusal *refusal, struct mended *mended, struct sf_error *err)
{
    int32_t status = conn->response.status;

    if (!mended->region && is_about_region(&conn->response, refusal) && mend_region(conn, refusal))
        return mended->region = true, 1;
    if (!mended->clock && (status == 403 || status == 400) && mend_clock(conn, refusal))
        return mended->clock = true, 1;
    if (!mended->credentials && is_about_age(refusal)) {
        mended->credentials = true;
        return creds_renew(conn->store->creds, call, credentials, err);
    }
    return 0;
}

int request_send(const struct sf_call *call, struct sf_conn *conn, const struct request *request,
                 struct refusal *refusal, struct sf_error *err)
{
    struct mended mended = {false, false, false};
    struct refusal own;
    int mending = 1;

    if (refusal == NULL)
        refusal = &own;
    memset(refusal, 0, sizeof(*refusal));
    while (mending > 0) {
        SF_AUTO(sign_credentials) credentials = {.session_token = NULL};
        const struct http_response *response = &conn->response;

        if (request_follow(conn, err) < 0 || creds_get(conn->store->creds, call, &credentials, err) < 0 ||
            send_once(call, conn, request, &credentials, err) < 0)
            return -1;
        if (response->status / 100 == 2 && !(request->may_hold_error && refusal_is_hidden(response)))
            return 0;
        refusal_read(refusal, response);
        mending = mend(call, conn, &credentials, refusal, &mended, err);
    }
    return mending < 0 ? -1 : refusal_error(conn, request, refusal, err);
}
