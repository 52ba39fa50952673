/* SPDX-License-Identifier: Apache-2.0
 *
 * Slots store_* and conn_*: from settings to a bucket that can be asked. Opening asks the store nothing: the first request does.
 */
#include "plugins/s3/s3.h"

#include "base/err.h"
#include "base/mem.h"

#include <string.h>

static enum checksum form_of(const char *name)
{
    if (strcmp(name, "sha256") == 0)
        return CHECKSUM_SHA256;
    if (strcmp(name, "md5") == 0)
        return CHECKSUM_MD5;
    return strcmp(name, "none") == 0 ? CHECKSUM_NONE : CHECKSUM_CRC32C;
}

static bool is_true(const struct sf_settings *settings, const char *key)
{
    const char *value = sf_setting_value(settings, key);

    return value != NULL && strcmp(value, "true") == 0;
}

static int64_t number(const struct sf_settings *settings, const char *key)
{
    const char *value = sf_setting_value(settings, key);

    return value != NULL ? strtoll(value, NULL, 10) : 0; /* checked by the host */
}

static char *copy_of(const struct sf_settings *settings, const char *key)
{
    const char *value = sf_setting_value(settings, key);

    return value != NULL && *value != '\0' ? mem_text(value) : NULL;
}

static int open_endpoint(struct sf_store *store, const struct sf_settings *settings, struct sf_error *err)
{
    const struct endpoint_options options = {.bucket = sf_setting_value(settings, "bucket"),
                                             .region = sf_setting_value(settings, "region"),
                                             .endpoint = sf_setting_value(settings, "endpoint"),
                                             .addressing = sf_setting_value(settings, "addressing"),
                                             .dualstack = is_true(settings, "dualstack"),
                                             .fips = is_true(settings, "fips"),
                                             .profile = &store->profile};

    return endpoint_open(&store->locked.endpoint, &options, err);
}

static int open_creds(struct sf_store *store, const struct sf_call *call, const struct sf_settings *settings,
                      struct sf_error *err)
{
    const struct creds_options options = {.access_key_id = sf_setting_value(settings, "access_key_id"),
                                          .secret_access_key = sf_setting_value(settings, "secret_access_key"),
                                          .session_token = sf_setting_value(settings, "session_token"),
                                          .anonymous = store->is_anonymous,
                                          .profile = &store->profile,
                                          .host = store->host};

    return creds_open(&store->creds, call, &options, err);
}

/* The bundle that AWS' own tools read; it comes before those that every program of this machine uses. */
static const char *ca_file(const struct sf_settings *settings)
{
    const char *file = sf_setting_value(settings, "ca_file");

    if (file == NULL)
        file = getenv("AWS_CA_BUNDLE");
    return file != NULL && *file != '\0' ? file : NULL;
}

static int open_http(struct sf_store *store, const struct sf_settings *settings, struct sf_error *err)
{
    const struct http_options options = {.user_agent = "snapferry/" SF_VERSION,
                                         .ca_file = ca_file(settings),
                                         .client_cert = sf_setting_value(settings, "client_cert"),
                                         .client_key = sf_setting_value(settings, "client_key"),
                                         .proxy = sf_setting_value(settings, "proxy"),
                                         .plain_http = !store->locked.endpoint.is_tls,
                                         .connect_timeout_ms = number(settings, "connect_timeout"),
                                         .stall_timeout_ms = number(settings, "stall_timeout"),
                                         .host = store->host};

    return http_open(&store->http, &options, err);
}

static void read_settings(struct sf_store *store, const struct sf_settings *settings)
{
    const char *checksum = sf_setting_value(settings, "checksum"), *sse = sf_setting_value(settings, "sse");

    store->is_adaptive = checksum == NULL || strcmp(checksum, "auto") == 0;
    atomic_init(&store->checksum, (int)form_of(checksum != NULL ? checksum : "auto"));
    store->is_anonymous = is_true(settings, "anonymous");
    store->requester_pays = is_true(settings, "requester_pays");
    store->storage_class = copy_of(settings, "storage_class");
    store->sse_kms_key_id = copy_of(settings, "sse_kms_key_id");
    store->bucket_owner = copy_of(settings, "expected_bucket_owner");
    if (sse != NULL && strcmp(sse, "none") != 0)
        store->sse = mem_text(sse);
    atomic_init(&store->clock_offset_ms, 0);
    atomic_init(&store->is_without_batch, false);
    atomic_init(&store->endpoint_version, 1);
}

static int check_settings(const struct sf_store *store, struct sf_error *err)
{
    if (store->sse_kms_key_id != NULL && (store->sse == NULL || strncmp(store->sse, "aws:kms", 7) != 0))
        return sf_fail(err, SF_INVALID, "sse_kms_key_id: only with \"sse\": \"aws:kms\" or \"aws:kms:dsse\"");
    return 0;
}

static void describe(const struct sf_store *store, struct sf_store_info *info)
{
    const struct endpoint *endpoint = &store->locked.endpoint;
    struct sf_store_info own = {.size = sizeof(own)};

    own.wanted_digests = checksum_wanted(checksum_of(store));
    own.capabilities = SF_CAP_CREATE_ONLY_PUT | SF_CAP_CREATE_ONLY_COMMIT | SF_CAP_IF_TAG_PUT | SF_CAP_METADATA |
                       SF_CAP_COPY | SF_CAP_UPLOAD | SF_CAP_PARALLEL_PARTS;
    if (endpoint->is_aws)
        own.capabilities |= SF_CAP_CREATE_ONLY_COPY; /* others ignore the condition: a copy would replace */
    own.single_put_max_bytes = S3_SINGLE_PUT_MAX;
    own.part_min_bytes = S3_PART_MIN;
    own.part_max_bytes = S3_PART_MAX;
    own.part_count_max = S3_PART_COUNT_MAX;
    own.remove_batch_max = S3_REMOVE_MAX;
    own.key_max_bytes = S3_KEY_MAX;
    own.conn_bytes = HTTP_CONN_BYTES;
    if (endpoint->custom != NULL)
        snprintf(own.description, sizeof(own.description), "bucket %s at %.180s", endpoint->bucket, endpoint->custom);
    else
        snprintf(own.description, sizeof(own.description), "bucket %s in %s", endpoint->bucket, endpoint->region);
    sf_give(info, &own);
}

int s3_store_open(const struct sf_call *call, const struct sf_settings *settings, struct sf_store_info *info,
                  struct sf_store **store, struct sf_error *err)
{
    struct sf_store *made = mem_alloc(sizeof(*made));

    made->host = s3_host();
    pthread_mutex_init(&made->locked.mutex, NULL);
    read_settings(made, settings);
    if (check_settings(made, err) < 0 || profile_read(&made->profile, sf_setting_value(settings, "profile"), err) < 0 ||
        open_endpoint(made, settings, err) < 0 || open_creds(made, call, settings, err) < 0 ||
        open_http(made, settings, err) < 0) {
        s3_store_close(made);
        return -1;
    }
    describe(made, info);
    *store = made;
    return 0;
}

void s3_store_close(struct sf_store *store)
{
    http_close(store->http);
    creds_close(store->creds);
    endpoint_cleanup(&store->locked.endpoint);
    profile_cleanup(&store->profile);
    pthread_mutex_destroy(&store->locked.mutex);
    free(store->storage_class);
    free(store->sse);
    free(store->sse_kms_key_id);
    free(store->bucket_owner);
    free(store);
}

int s3_conn_open(const struct sf_call *call, struct sf_store *store, struct sf_conn **conn, struct sf_error *err)
{
    struct sf_conn *made = mem_alloc(sizeof(*made));

    (void)call;
    made->store = store;
    if (request_follow(made, err) < 0 || http_conn_open(&made->http, store->http, err) < 0) {
        s3_conn_close(made);
        return -1;
    }
    *conn = made;
    return 0;
}

void s3_conn_close(struct sf_conn *conn)
{
    http_conn_close(conn->http);
    endpoint_cleanup(&conn->endpoint);
    sign_cache_cleanup(&conn->sign);
    http_response_cleanup(&conn->response);
    buf_cleanup(&conn->path);
    buf_cleanup(&conn->url);
    buf_cleanup(&conn->authorization);
    buf_cleanup(&conn->query);
    buf_cleanup(&conn->text);
    free(conn);
}
