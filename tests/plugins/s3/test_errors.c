/* SPDX-License-Identifier: Apache-2.0
 *
 * What each refusal is to the host: its class, whether it may have taken effect, what the operator reads. One request each, none is
 * tried again.
 */
#include "tests/plugins/s3/talk.h"

enum slot { PUT, GET, STAT, LIST, REMOVE, REMOVE_MANY, COPY, BEGIN, COMMIT };

struct row {
    enum slot slot;
    int status;
    const char *body;
    enum sf_class cls;
    int maybe_applied;
    const char *words[4]; /* beside the key or bucket, the code and the request id */
    const char *header;
};

static int commit(struct talk *talk, const char *key)
{
    const struct sf_upload_args args = {.size = sizeof(args), .key = key, .bytes = 3};
    const struct sf_part_done part = {
        .size = sizeof(part), .number = 1, .bytes = 3, .opaque = "\"p1\"\n", .opaque_bytes = 5};
    const struct sf_upload_token token = {.size = sizeof(token), .bytes = 3, .token = "cU1"};
    struct sf_upload *upload = NULL;
    uint64_t persisted;
    int result;

    ck_assert_int_eq(talk->s3->upload_resume(&talk->call, talk->conn, &args, &token, &persisted, &upload, &talk->err),
                     0);
    result = talk_commit(talk, upload, &args, &part, 1);
    talk->s3->upload_close(upload);
    return result;
}

/* The slot on the object "the-key", or on the bucket "bucket". */
static int ask(struct talk *talk, enum slot slot)
{
    static const struct sf_remove two[] = {{sizeof(two[0]), 0, "the-key", NULL}, {sizeof(two[0]), 0, "other", NULL}};

    switch (slot) {
    case PUT:
        return talk_put(talk, "the-key", "data");
    case GET:
        return talk_get(talk, "the-key");
    case STAT:
        return talk_stat(talk, "the-key");
    case LIST:
        return talk_list(talk, &(struct sf_list_query){.prefix = "p/"});
    case REMOVE:
        return talk_remove_key(talk, "the-key");
    case REMOVE_MANY:
        return talk_remove(talk, two, 2);
    case COPY:
        return talk_copy(talk, &(struct sf_copy){.from = "source", .to = "the-key", .bytes = 4});
    case BEGIN:
        return talk_begin(talk, &(struct sf_upload_args){.key = "the-key", .bytes = 3}, NULL) != NULL ? 0 : -1;
    case COMMIT:
        return commit(talk, "the-key");
    }
    return 0;
}

static const char *object_of(enum slot slot)
{
    return slot == LIST || slot == REMOVE_MANY ? "bucket bucket" : "the-key: ";
}

/* The result of a key stands for an error: "0 17 text\n". */
static void check_result(struct talk *talk, const struct row *row)
{
    char start[32];

    snprintf(start, sizeof(start), "0 %d the-key: ", (int)row->cls);
    ck_assert_msg(strncmp(buf_text(&talk->got), start, strlen(start)) == 0, "%s", buf_text(&talk->got));
}

static void check(const struct row *row, const char *code)
{
    const struct httpd_step dialogue[] = {
        EXPECT(NULL), REPLY(row->status, .body = row->body, .headers = {"x-amz-request-id: REQ1", row->header})};
    struct talk talk;
    size_t i;
    int result;

    talk_start(&talk, dialogue, "checksum", "crc32c", NULL);
    result = ask(&talk, row->slot);
    ck_assert_uint_eq(httpd_requests(talk.server), 1);
    ck_assert_int_eq(talk.status, row->status);
    if (row->slot == REMOVE && result == 0) {
        check_result(&talk, row);
    } else {
        ck_assert_msg(result == -1, "%d %s succeeded", row->status, code);
        talk_failed(&talk, row->cls, row->status, object_of(row->slot), "REQ1", code, NULL);
        ck_assert_msg(talk.err.maybe_applied == row->maybe_applied, "%d %s", row->maybe_applied, talk.err.text);
        for (i = 0; i < 4 && row->words[i] != NULL; i++)
            talk_failed(&talk, row->cls, row->status, row->words[i], NULL);
    }
    talk_stop(&talk);
}

#define ROW(slot, status, code, ...)                                                                                   \
    do {                                                                                                               \
        const struct row row = {slot, status, REFUSAL(code), __VA_ARGS__};                                             \
        check(&row, code);                                                                                             \
    } while (0)

START_TEST(what_may_work_when_tried_again)
{
    ROW(GET, 500, "InternalError", SF_TRANSIENT, 0, {"The reason."});
    ROW(LIST, 500, "InternalError", SF_TRANSIENT, 0);
    ROW(PUT, 500, "InternalError", SF_TRANSIENT, 1);
    ROW(COPY, 500, "InternalError", SF_TRANSIENT, 1);
    ROW(BEGIN, 500, "InternalError", SF_TRANSIENT, 1);
    ROW(COMMIT, 500, "InternalError", SF_TRANSIENT, 1);
    ROW(REMOVE, 500, "InternalError", SF_TRANSIENT, 1);
    ROW(PUT, 503, "ServiceUnavailable", SF_TRANSIENT, 1);
    ROW(GET, 503, "ServiceUnavailable", SF_TRANSIENT, 0);
    ROW(PUT, 400, "RequestTimeout", SF_TRANSIENT, 0);
    ROW(PUT, 400, "IncompleteBody", SF_TRANSIENT, 0);
    ROW(PUT, 409, "OperationAborted", SF_TRANSIENT, 0);
    ROW(PUT, 409, "ConditionalRequestConflict", SF_CONFLICT, 0);
    ROW(COMMIT, 409, "ConditionalRequestConflict", SF_CONFLICT, 0);
}
END_TEST

START_TEST(where_fewer_requests_are_asked_for)
{
    ROW(PUT, 503, "SlowDown", SF_THROTTLED, 0);
    ROW(GET, 503, "SlowDown", SF_THROTTLED, 0);
    ROW(LIST, 503, "SlowDown", SF_THROTTLED, 0);
    ROW(PUT, 429, "TooManyRequests", SF_THROTTLED, 0);
    ROW(PUT, 400, "ThrottlingException", SF_THROTTLED, 0);
    ROW(PUT, 503, "Throttling", SF_THROTTLED, 0);
    ROW(PUT, 503, "RequestLimitExceeded", SF_THROTTLED, 0);
    ROW(PUT, 509, "BandwidthLimitExceeded", SF_THROTTLED, 0);
}
END_TEST

START_TEST(who_may_not_and_who_is_not_known)
{
    static const char source[] = "access_key_id of the config";

    ROW(PUT, 403, "AccessDenied", SF_DENIED, 0, {"The reason.", source});
    ROW(LIST, 403, "AccessDenied", SF_DENIED, 0, {source});
    ROW(PUT, 403, "AllAccessDisabled", SF_DENIED, 0, {source});
    ROW(PUT, 403, "InvalidAccessKeyId", SF_AUTH, 0, {source});
    ROW(PUT, 403, "SignatureDoesNotMatch", SF_AUTH, 0, {source});
    ROW(PUT, 400, "ExpiredToken", SF_AUTH, 0, {source});
    ROW(PUT, 403, "ExpiredTokenException", SF_AUTH, 0, {source});
    ROW(PUT, 403, "InvalidToken", SF_AUTH, 0, {source});
    ROW(PUT, 400, "TokenRefreshRequired", SF_AUTH, 0, {source});
    ROW(REMOVE, 403, "AccessDenied", SF_DENIED, 0);
    ROW(REMOVE, 403, "SignatureDoesNotMatch", SF_AUTH, 0, {source});
}
END_TEST

START_TEST(what_is_not_there)
{
    ROW(GET, 404, "NoSuchKey", SF_NOT_FOUND, 0);
    ROW(GET, 404, "NoSuchBucket", SF_INVALID, 0, {"create the bucket"});
    ROW(LIST, 404, "NoSuchBucket", SF_INVALID, 0, {"create the bucket"});
    ROW(PUT, 404, "NoSuchBucket", SF_INVALID, 0, {"create the bucket"});
    ROW(COMMIT, 404, "NoSuchUpload", SF_NOT_FOUND, 1);
    ROW(COPY, 404, "NoSuchKey", SF_NOT_FOUND, 0);
}
END_TEST

START_TEST(what_the_store_cannot_or_will_not)
{
    ROW(GET, 403, "InvalidObjectState", SF_ARCHIVED, 0, {"restore"});
    ROW(COPY, 403, "ObjectNotInActiveTierError", SF_ARCHIVED, 0, {"restore"});
    ROW(PUT, 400, "BadDigest", SF_CORRUPT, 0);
    ROW(PUT, 400, "XAmzContentSHA256Mismatch", SF_CORRUPT, 0);
    ROW(PUT, 400, "XAmzContentChecksumMismatch", SF_CORRUPT, 0);
    ROW(PUT, 400, "InvalidDigest", SF_INVALID, 0);
    ROW(PUT, 400, "InvalidRequest", SF_INVALID, 0, {"The reason."});
    ROW(PUT, 400, "InvalidArgument", SF_INVALID, 0);
    ROW(COMMIT, 400, "EntityTooSmall", SF_INVALID, 0);
    ROW(COMMIT, 400, "InvalidPart", SF_INVALID, 0);
    ROW(COMMIT, 400, "InvalidPartOrder", SF_INVALID, 0);
    ROW(COMMIT, 400, "MalformedXML", SF_INVALID, 0);
    ROW(PUT, 400, "MissingContentMD5", SF_INVALID, 0);
    ROW(PUT, 400, "EntityTooLarge", SF_TOO_LARGE, 0);
    ROW(PUT, 400, "KeyTooLongError", SF_TOO_LARGE, 0);
    ROW(PUT, 400, "MetadataTooLarge", SF_TOO_LARGE, 0);
    ROW(PUT, 405, "MethodNotAllowed", SF_UNSUPPORTED, 0);
    ROW(PUT, 501, "NotImplemented", SF_UNSUPPORTED, 0);
    ROW(BEGIN, 501, "NotImplemented", SF_UNSUPPORTED, 0);
    ROW(PUT, 507, "XMinioStorageFull", SF_NO_SPACE, 0);
    ROW(PUT, 403, "QuotaExceeded", SF_NO_SPACE, 0);
    ROW(PUT, 418, "SomethingNew", SF_INVALID, 0, {"The reason."});
    ROW(PUT, 411, "MissingContentLength", SF_INVALID, 0);
}
END_TEST

START_TEST(an_error_in_a_success)
{
    ROW(COPY, 200, "InternalError", SF_TRANSIENT, 1);
    ROW(COPY, 200, "SlowDown", SF_THROTTLED, 0);
    ROW(COMMIT, 200, "InternalError", SF_TRANSIENT, 1);
    ROW(COMMIT, 200, "SlowDown", SF_THROTTLED, 0);
    ROW(COMMIT, 200, "PreconditionFailed", SF_PRECONDITION, 0);
    ROW(COMMIT, 200, "NoSuchUpload", SF_NOT_FOUND, 1);
    ROW(REMOVE_MANY, 200, "InternalError", SF_TRANSIENT, 1);
    ROW(REMOVE_MANY, 200, "AccessDenied", SF_DENIED, 0);
}
END_TEST

/* White space keeps the connection alive while the store thinks, also in front of the declaration. */
START_TEST(an_error_in_a_success_behind_white_space)
{
    static const struct row copy = {COPY, 200, " \n\n  \n" REFUSAL("InternalError"), SF_TRANSIENT, 1};
    static const struct row commit_row = {COMMIT, 200, "\r\n   " REFUSAL("SlowDown"), SF_THROTTLED, 0};

    check(&copy, "InternalError");
    check(&commit_row, "SlowDown");
}
END_TEST

/* Neither a code nor a reason: the status has to do. */
START_TEST(the_status_alone)
{
    static const struct {
        int status;
        enum sf_class cls;
        int maybe_applied;
    } rows[] = {{500, SF_TRANSIENT, 1},   {502, SF_TRANSIENT, 1},   {503, SF_TRANSIENT, 1}, {504, SF_TRANSIENT, 1},
                {520, SF_TRANSIENT, 1},   {501, SF_UNSUPPORTED, 0}, {507, SF_NO_SPACE, 0},  {429, SF_THROTTLED, 0},
                {408, SF_TRANSIENT, 0},   {409, SF_CONFLICT, 0},    {404, SF_NOT_FOUND, 0}, {401, SF_AUTH, 0},
                {403, SF_DENIED, 0},      {400, SF_INVALID, 0},     {413, SF_TOO_LARGE, 0}, {405, SF_UNSUPPORTED, 0},
                {412, SF_PRECONDITION, 0}};
    static const char *const bodies[] = {
        "", /* nothing at all */
        "<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><br>nginx</body></html>",
        "<html>not <b>closed", "no xml at all", XML "<Error><Message>cut off"};
    size_t i, j;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (j = 0; j < sizeof(bodies) / sizeof(bodies[0]); j++) {
            const struct row row = {PUT, rows[i].status, bodies[j], rows[i].cls, rows[i].maybe_applied};
            char status[16];

            snprintf(status, sizeof(status), "HTTP %d", rows[i].status);
            check(&row, status);
        }
}
END_TEST

START_TEST(a_code_that_was_read_before_the_rest_was_cut_counts)
{
    static const struct row row = {PUT, 503, XML "<Error><Code>SlowDown</Code><Message>Please red", SF_THROTTLED, 0};

    check(&row, "SlowDown");
}
END_TEST

START_TEST(a_head_has_the_status_alone)
{
    static const struct {
        int status;
        enum sf_class cls;
        const char *word;
    } rows[] = {{404, SF_NOT_FOUND, "404"}, {403, SF_DENIED, "right to list the bucket"},
                {400, SF_INVALID, "400"},   {500, SF_TRANSIENT, "500"},
                {503, SF_TRANSIENT, "503"}, {429, SF_THROTTLED, "429"}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row row = {STAT, rows[i].status, NULL, rows[i].cls, 0};

        check(&row, rows[i].word);
    }
}
END_TEST

START_TEST(when_to_come_again)
{
    static const struct {
        const char *header;
        int64_t ms;
    } rows[] = {{"Retry-After: 7", 7000}, {"x-amz-retry-after: 250", 250}, {"Retry-After: 100000", 60000}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct httpd_step dialogue[] = {EXPECT("PUT /bucket/k"),
                                              REPLY(503, .body = REFUSAL("SlowDown"), .headers = {rows[i].header})};
        struct talk talk;

        talk_start(&talk, dialogue, NULL);
        ck_assert_int_eq(talk_put(&talk, "k", "data"), -1);
        talk_failed(&talk, SF_THROTTLED, 503, NULL);
        ck_assert_int_eq(talk.err.retry_after_ms, rows[i].ms);
        talk_stop(&talk);
    }
}
END_TEST

START_TEST(an_answer_that_is_no_list)
{
    static const char *const bodies[] = {
        "",       "<html><body>login</body></html>", "<!DOCTYPE html><html></html>", REFUSAL("InternalError"),
        "no xml", XML "<ListBucketResult" S3_NS ">"};
    size_t i;

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        const struct httpd_step dialogue[] = {EXPECT("GET /bucket*"), REPLY(200, .body = bodies[i])};
        struct talk talk;

        talk_start(&talk, dialogue, NULL);
        ck_assert_int_eq(talk_list(&talk, &(struct sf_list_query){.prefix = "p/"}), -1);
        talk_failed(&talk, SF_TRANSIENT, talk.err.status, "bucket bucket", NULL);
        talk_stop(&talk);
    }
}
END_TEST

START_TEST(an_answer_that_is_no_answer_to_a_write)
{
    static const char *const bodies[] = {"", "<html><body>login</body></html>", "no xml", XML "<Surprise/>",
                                         XML "<CopyObjectResult><ETag>&quot;e"};
    static const enum slot slots[] = {COPY, COMMIT, BEGIN, REMOVE_MANY};
    size_t i, j;

    for (i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
        for (j = 0; j < sizeof(bodies) / sizeof(bodies[0]); j++) {
            const struct httpd_step dialogue[] = {EXPECT(NULL), REPLY(200, .body = bodies[j])};
            struct talk talk;

            talk_start(&talk, dialogue, NULL);
            ck_assert_int_eq(ask(&talk, slots[i]), -1);
            talk_failed(&talk, SF_TRANSIENT, talk.err.status, object_of(slots[i]), NULL);
            ck_assert_msg(talk.err.maybe_applied || slots[i] == REMOVE_MANY, "%s", talk.err.text);
            talk_stop(&talk);
        }
}
END_TEST

UNIT_MAIN("s3/errors", &what_may_work_when_tried_again, &where_fewer_requests_are_asked_for,
          &who_may_not_and_who_is_not_known, &what_is_not_there, &what_the_store_cannot_or_will_not,
          &an_error_in_a_success, &an_error_in_a_success_behind_white_space, &the_status_alone,
          &a_code_that_was_read_before_the_rest_was_cut_counts, &a_head_has_the_status_alone, &when_to_come_again,
          &an_answer_that_is_no_list, &an_answer_that_is_no_answer_to_a_write)
