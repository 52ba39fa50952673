/* SPDX-License-Identifier: Apache-2.0
 *
 * Slot put: one request with everything in it: body, digest, metadata, class, encryption, precondition.
 */
#include "plugins/s3/s3.h"

#include "base/err.h"

#include <string.h>

static void add_headers(void *ctx, const struct sf_store *store, struct headers *headers)
{
    const struct sf_put *args = ctx;

    headers_add_meta(headers, args->meta, args->meta_count, args->meta_element_size);
    headers_add_new(headers, store, args->storage_class);
    headers_add_precondition(headers, args->precondition, args->if_tag);
}

static int check(const struct sf_put *args, struct sf_error *err)
{
    if (strlen(args->key) > S3_KEY_MAX)
        return sf_fail(err, SF_TOO_LARGE, "%.200s...: a key of %zu bytes, S3 takes at most %d", args->key,
                       strlen(args->key), S3_KEY_MAX);
    if (args->precondition > SF_IF_TAG || (args->precondition == SF_IF_TAG && args->if_tag == NULL))
        return sf_fail(err, SF_UNSUPPORTED, "%s: a precondition that does not exist, or without its tag", args->key);
    if (args->body->length > S3_SINGLE_PUT_MAX)
        return sf_fail(err, SF_TOO_LARGE, "%s: %llu bytes, S3 takes at most 5 GiB in one request", args->key,
                       (unsigned long long)args->body->length);
    return 0;
}

int s3_put(const struct sf_call *call, struct sf_conn *conn, const struct sf_put *put, struct sf_object *object,
           struct sf_error *err)
{
    struct request request = {.method = HTTP_PUT, .kind = SF_REQUEST_PUT};
    struct checksummed body = {.add_headers = add_headers, .form = checksum_of(conn->store)};
    struct sf_object own;
    struct sf_put args;

    sf_take(&args, sizeof(args), put);
    if (check(&args, err) < 0)
        return -1;
    checksum_take(&body, args.body, args.digests);
    body.what = request.key = args.key;
    body.ctx = &args;
    request.precondition = args.precondition;
    if (checksum_send(call, conn, &body, &request, err) < 0)
        return -1;
    if (object_read(&own, &conn->response, args.key, err) < 0) {
        err->maybe_applied = 1; /* it is there */
        return -1;
    }
    own.bytes = body.body.length;
    own.digests = body.digests; /* the store has compared those that travelled */
    sf_give(object, &own);
    return 0;
}
