/* SPDX-License-Identifier: Apache-2.0
 *
 * Slot copy: a new file with an object's bytes, so that damage to one is no damage to the other as far as the
 * disk allows.
 */
#include "plugins/localfs/localfs.h"

#include <string.h>

static int copy_checked(const struct sf_call *call, struct sf_conn *conn, const struct sf_copy *copy,
                        struct sf_object *object, struct sf_error *err)
{
    struct target target = {.key = copy->to, .precondition = copy->precondition, .if_tag = copy->if_tag};
    struct meta_list meta = {copy->meta, copy->meta_count, copy->meta_element_size};
    struct sf_digests expected = {.size = sizeof(expected)};
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_FD};
    struct sf_object source;
    AUTO_FD fd = -1;

    if (key_check(copy->from, err) < 0 || key_check(copy->to, err) < 0 || meta_check(&meta, copy->to, err) < 0)
        return -1;
    if (copy->precondition > SF_IF_TAG || (copy->precondition == SF_IF_TAG && copy->if_tag == NULL))
        return key_fail(err, SF_INVALID, copy->to, "a precondition that does not exist, or without its tag");
    if (object_open(conn, copy->from, &fd, &source, err) < 0)
        return -1;
    if (copy->from_tag != NULL && strcmp(copy->from_tag, source.tag) != 0)
        return key_fail(err, SF_PRECONDITION, copy->from, "the object to copy has another tag");
    if (copy->digests != NULL)
        sf_take(&expected, sizeof(expected), copy->digests);
    body.fd = fd;
    body.length = source.bytes;
    return object_store(call, conn, &target, &body, &expected, &meta, object, err);
}

int localfs_copy(const struct sf_call *call, struct sf_conn *conn, const struct sf_copy *copy, struct sf_object *object,
                 struct sf_error *err)
{
    struct sf_object own;
    struct sf_copy args;
    int result;

    sf_take(&args, sizeof(args), copy);
    result = copy_checked(call, conn, &args, &own, err);
    if (result == 0)
        sf_give(object, &own);
    return call_report(call, SF_REQUEST_COPY, result, result == 0 ? own.bytes : 0, err);
}
