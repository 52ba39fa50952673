/* SPDX-License-Identifier: Apache-2.0
 *
 * Slot put, and what copy shares with it: write a temporary, compare digests, stamp it, rename it. A small put
 * costs seven system calls: openat, write, utimensat, fstat, fsetxattr, close, renameat2, and nothing for its folder while
 * that is the last one's.
 */
#include "plugins/localfs/localfs.h"

#include <string.h>

int object_store(const struct sf_call *call, struct sf_conn *conn, const struct target *target,
                 const struct sf_body *body, const struct sf_digests *expected, const struct meta_list *meta,
                 struct sf_object *object, struct sf_error *err)
{
    SF_AUTO(temp) temp = TEMP_INIT;
    struct sf_digests found;

    hash_begin(&conn->hash, expected->have);
    if (temp_open(&temp, conn, err) < 0 || body_store(call, conn, body, temp.fd, target->key, err) < 0)
        return -1;
    hash_end(&conn->hash, &found);
    if (hash_compare(expected, &found, target->key, err) < 0 ||
        stamp_write(conn, temp.fd, target->key, meta, &found, object, err) < 0)
        return -1;
    if (object->bytes != body->length)
        return key_fail(err, SF_CORRUPT, target->key, "the file is not as long as what was written to it");
    return publish(call, &temp, target, err);
}

static int put_checked(const struct sf_call *call, struct sf_conn *conn, const struct sf_put *put,
                       struct sf_object *object, struct sf_error *err)
{
    struct target target = {.key = put->key,
                            .precondition = put->precondition,
                            .if_tag = put->if_tag,
                            .barrier = (put->flags & SF_PUT_BARRIER) != 0};
    struct meta_list meta = {put->meta, put->meta_count, put->meta_element_size};
    struct sf_digests expected = {.size = sizeof(expected)};
    struct sf_body body;

    if (key_check(put->key, err) < 0 || meta_check(&meta, put->key, err) < 0)
        return -1;
    if (put->precondition > SF_IF_TAG || (put->precondition == SF_IF_TAG && put->if_tag == NULL))
        return key_fail(err, SF_INVALID, put->key, "a precondition that does not exist, or without its tag");
    if (put->digests != NULL)
        sf_take(&expected, sizeof(expected), put->digests);
    sf_take(&body, sizeof(body), put->body);
    return object_store(call, conn, &target, &body, &expected, &meta, object, err);
}

int localfs_put(const struct sf_call *call, struct sf_conn *conn, const struct sf_put *put, struct sf_object *object,
                struct sf_error *err)
{
    struct sf_object own;
    struct sf_put args;
    int result;

    sf_take(&args, sizeof(args), put);
    result = put_checked(call, conn, &args, &own, err);
    if (result == 0)
        sf_give(object, &own);
    return call_report(call, SF_REQUEST_PUT, result, result == 0 ? own.bytes : 0, err);
}
