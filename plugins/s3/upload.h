/* SPDX-License-Identifier: Apache-2.0
 *
 * An unfinished upload, for the files that make, list and copy by one.
 */
#ifndef PLUGINS_S3_UPLOAD_H
#define PLUGINS_S3_UPLOAD_H

#include "plugins/s3/s3.h"

/* Read-only once made: several connections send its parts. */
struct sf_upload {
    char *key;
    char *id; /* percent-encoded */
    enum checksum form;
};

/* Begins one whose parts have digests of this form (CHECKSUM_NONE: none that are named at commit). */
MUST_CHECK int upload_create(const struct sf_call *call, struct sf_conn *conn, const struct sf_upload_args *args,
                             enum checksum form, struct sf_upload_token *token, struct sf_upload **upload,
                             struct sf_error *err);
/* Fills token. */
MUST_CHECK int upload_token(struct sf_upload_token *token, const char *id, enum checksum form, const char *key,
                            struct sf_error *err);
/* The text of the element at path of the answer that is kept in conn->response; without it the answer is SF_TRANSIENT. */
MUST_CHECK int answer_element(const struct sf_conn *conn, const char *path, const char *what, struct buf *text,
                              struct sf_error *err);

#endif
