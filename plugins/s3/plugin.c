/* SPDX-License-Identifier: Apache-2.0
 *
 * The plugin's table: a bucket of Amazon S3, or of a store that speaks its protocol.
 */
#include "plugins/s3/s3.h"

static const struct sf_option options[] = {
    {sizeof(struct sf_option), SF_OPTION_TEXT, SF_OPTION_REQUIRED | SF_OPTION_URL_HOST, 0, "bucket", NULL, NULL,
     "the bucket; it has to exist"},
    {sizeof(struct sf_option), SF_OPTION_TEXT, 0, 0, "region", NULL, NULL,
     "its region; default: AWS_REGION, AWS_DEFAULT_REGION, the profile's, us-east-1; a wrong one costs a request"},
    {sizeof(struct sf_option), SF_OPTION_TEXT, 0, 0, "endpoint", NULL, NULL,
     "URL of another store than Amazon's: https://HOST[:PORT]; default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the "
     "profile's endpoint_url"},
    {sizeof(struct sf_option), SF_OPTION_CHOICE, 0, 0, "addressing", "auto", "auto|path|virtual",
     "the bucket stands in the path or in the host's name; auto: in the name at Amazon, in the path elsewhere"},
    {sizeof(struct sf_option), SF_OPTION_BOOL, 0, 0, "dualstack", "false", NULL, "Amazon's hosts with IPv6"},
    {sizeof(struct sf_option), SF_OPTION_BOOL, 0, 0, "fips", "false", NULL,
     "Amazon's hosts with FIPS 140 cryptography"},
    {sizeof(struct sf_option), SF_OPTION_TEXT, 0, 0, "access_key_id", NULL, NULL,
     "with secret_access_key; default: the environment's AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, then a profile"},
    {sizeof(struct sf_option), SF_OPTION_TEXT, SF_OPTION_SECRET, 0, "secret_access_key", NULL, NULL,
     "the secret that belongs to access_key_id"},
    {sizeof(struct sf_option), SF_OPTION_TEXT, SF_OPTION_SECRET, 0, "session_token", NULL, NULL,
     "of temporary credentials"},
    {sizeof(struct sf_option), SF_OPTION_TEXT, 0, 0, "profile", NULL, NULL,
     "profile of ~/.aws/credentials and ~/.aws/config, plain keys or credential_process; default: AWS_PROFILE, default"},
    {sizeof(struct sf_option), SF_OPTION_BOOL, 0, 0, "anonymous", "false", NULL,
     "ask without credentials: for reading public buckets"},
    {sizeof(struct sf_option), SF_OPTION_CHOICE, 0, 0, "checksum", "auto", "auto|crc32c|sha256|md5|none",
     "the digest that travels with each body; auto: crc32c, or md5 where the store does not know that; none: only the "
     "signed SHA-256"},
    {sizeof(struct sf_option), SF_OPTION_TEXT, 0, 0, "storage_class", NULL, NULL,
     "of new objects: STANDARD_IA, INTELLIGENT_TIERING, ...; default: the bucket's"},
    {sizeof(struct sf_option), SF_OPTION_CHOICE, 0, 0, "sse", "none", "none|AES256|aws:kms|aws:kms:dsse",
     "encryption on the server; none: as the bucket is set up"},
    {sizeof(struct sf_option), SF_OPTION_TEXT, 0, 0, "sse_kms_key_id", NULL, NULL, "KMS key of sse aws:kms"},
    {sizeof(struct sf_option), SF_OPTION_TEXT, 0, 0, "expected_bucket_owner", NULL, NULL,
     "account that the bucket has to belong to; else every request is refused"},
    {sizeof(struct sf_option), SF_OPTION_BOOL, 0, 0, "requester_pays", "false", NULL,
     "agree to pay for the requests to a bucket of somebody else"},
    {sizeof(struct sf_option), SF_OPTION_TEXT, 0, 0, "ca_file", NULL, NULL,
     "PEM file with the certificate authorities to trust; default: AWS_CA_BUNDLE, SSL_CERT_FILE, the system's"},
    {sizeof(struct sf_option), SF_OPTION_TEXT, 0, 0, "client_cert", NULL, NULL,
     "PEM file with a certificate of ours for the endpoint"},
    {sizeof(struct sf_option), SF_OPTION_TEXT, 0, 0, "client_key", NULL, NULL,
     "PEM file with its key; default: in client_cert"},
    {sizeof(struct sf_option), SF_OPTION_TEXT, 0, 0, "proxy", NULL, NULL,
     "URL of a proxy, \"\" for none; default: https_proxy, http_proxy, no_proxy of the environment"},
    {sizeof(struct sf_option), SF_OPTION_DURATION, 0, 0, "connect_timeout", "10s", NULL,
     "how long a connection may take to be made"},
    {sizeof(struct sf_option), SF_OPTION_DURATION, 0, 0, "stall_timeout", "30s", NULL,
     "a request ends when no byte moves for this long"},
};

static const char *const schemes[] = {"s3"};

static const struct sf_plugin s3_plugin = {
    .size = sizeof(struct sf_plugin),
    .abi_major = SF_ABI_MAJOR,
    .abi_minor = SF_ABI_MINOR,
    .name = "s3",
    .version = SF_VERSION,
    .description = "a bucket of Amazon S3, or of a store that speaks its protocol",
    .threads = SF_PER_CONN,
    .option_count = sizeof(options) / sizeof(options[0]),
    .option_element_size = sizeof(options[0]),
    .scheme_count = sizeof(schemes) / sizeof(schemes[0]),
    .options = options,
    .schemes = schemes,
    .store_open = s3_store_open,
    .store_close = s3_store_close,
    .conn_open = s3_conn_open,
    .conn_close = s3_conn_close,
    .put = s3_put,
    .get = s3_get,
    .stat = s3_stat,
    .list_open = s3_list_open,
    .list_next = s3_list_next,
    .list_close = s3_list_close,
    .remove = s3_remove,
    .copy = s3_copy,
    .upload_begin = s3_upload_begin,
    .upload_resume = s3_upload_resume,
    .upload_part = s3_upload_part,
    .upload_commit = s3_upload_commit,
    .upload_abort = s3_upload_abort,
    .upload_close = s3_upload_close,
    .uploads_list = s3_uploads_list,
};

/* Set once, before any slot can be called. */
static const struct sf_host *host_given;

const struct sf_host *s3_host(void)
{
    return host_given;
}

const struct sf_plugin *snapferry_plugin_v1(const struct sf_host *host)
{
    host_given = host;
    return &s3_plugin;
}
