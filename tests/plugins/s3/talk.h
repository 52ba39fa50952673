/* SPDX-License-Identifier: Apache-2.0
 *
 * The s3 plugin in a test: its own table, a store and a connection to a scripted server, a call that counts, a host that keeps
 * the log. Each test has one. The bucket is "bucket", the region us-east-1, the key id AKID.
 */
#ifndef TESTS_PLUGINS_S3_TALK_H
#define TESTS_PLUGINS_S3_TALK_H

#include "base/buf.h"
#include "snapferry/plugin.h"
#include "tests/kit/httpd.h"
#include "tests/kit/unit.h"

#define TALK_SECRET "wJalrXUtnFEMI-the-secret"
#define TALK_TOKEN "the-session-token"

/* Digests of "data". */
#define DATA_SHA256 "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7"
#define DATA_SHA256_BASE64 "Om6weQ85rIfJTzhWst0sXREOaBFgImGpqSPTuyOtyLc="
#define DATA_CRC32C "rth90Q=="
#define DATA_MD5 "jXd/OF09/siBXSD3SWAm3A=="
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ECHO "x-amz-checksum-crc32c: " DATA_CRC32C

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define S3_NS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define REFUSAL(code)                                                                                                  \
    XML "<Error><Code>" code "</Code><Message>The reason.</Message><RequestId>REQ1</RequestId></Error>"

struct talk {
    struct httpd *server;
    const struct sf_plugin *s3;
    struct sf_host host;
    struct sf_call call;
    struct sf_store_info info;
    struct sf_store *store;
    struct sf_conn *conn;
    /* what the last call answered */
    struct sf_error err;
    struct sf_object object;
    /* what the sinks were given: "key bytes tag\n", "prefix/\n"; "index class text\n"; "key token\n" */
    struct buf got;
    /* what the host was told: "warning: text\n" */
    struct buf log;
    /* what the call was told */
    unsigned requests[SF_REQUEST_OTHER + 1];
    int32_t status; /* of the last report */
    uint64_t bytes;
    uint64_t accounted;
    int is_cancelled;
};

/* Starts the server with the script, and opens store and connection with the settings ("key", "value", ..., NULL) beside the usual ones,
 * which they replace; the value NULL takes one away. The environment's AWS_* are removed. Fails the test on any error. */
#define talk_start(talk, script, ...) talk_start_as(talk, script, sizeof(script) / sizeof((script)[0]), __VA_ARGS__)
void talk_start_as(struct talk *talk, const struct httpd_step *steps, size_t count, ...) __attribute__((sentinel));
/* Closes all, and fails the test if the dialogue went otherwise. */
void talk_stop(struct talk *talk);

/* Calls into the plugin: 0, or -1 with talk->err. */
int talk_put(struct talk *talk, const char *key, const char *text); /* plain: digests computed by the plugin */
int talk_put_as(struct talk *talk, const struct sf_put *put);
int talk_stat(struct talk *talk, const char *key);
int talk_get(struct talk *talk, const char *key); /* the whole into talk->got */
int talk_get_as(struct talk *talk, const struct sf_get *get, const struct sf_sink *sink);
int talk_page(struct talk *talk, struct sf_list *list, int *more);   /* adds to talk->got */
int talk_list(struct talk *talk, const struct sf_list_query *query); /* all pages */
int talk_remove(struct talk *talk, const struct sf_remove *items, uint32_t count);
int talk_remove_key(struct talk *talk, const char *key);
int talk_copy(struct talk *talk, const struct sf_copy *copy);
struct sf_upload *talk_begin(struct talk *talk, const struct sf_upload_args *args, struct sf_upload_token *token);
int talk_part(struct talk *talk, struct sf_upload *upload, uint32_t number, const char *text,
              struct sf_part_result *result);
int talk_commit(struct talk *talk, struct sf_upload *upload, const struct sf_upload_args *args,
                const struct sf_part_done *parts, uint32_t count);

struct sf_body talk_text(const char *text);
struct sf_sink talk_sink(struct talk *talk); /* into talk->got */
/* Fails the test unless the last call failed with this class and status, and with each of the words ("a", "b", ..., NULL) in its
 * text. */
void talk_failed(const struct talk *talk, enum sf_class cls, int status, ...) __attribute__((sentinel));
/* Header of the n-th request that the server got; fails the test if it has none. */
const char *talk_sent(struct talk *talk, size_t request, const char *name);
unsigned talk_count(const char *text, const char *word);

#endif
