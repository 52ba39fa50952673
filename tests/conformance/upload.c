/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects in parts that come through: bodies, order, connections, repeated parts. How uploads end otherwise: upload_end.c.
 */
#include "tests/conformance/upload_kit.h"

#include "base/clock.h"

#include <pthread.h>

static void in_order(struct conformance *suite)
{
    static const enum sf_body_kind kinds[UPLOAD_PARTS] = {SF_BODY_MEMORY, SF_BODY_FD, SF_BODY_CALLBACK};
    struct sf_object object = {.size = sizeof(object)}, stat = {.size = sizeof(stat)};
    struct sf_list_query query = {.size = sizeof(query), .prefix = suite->prefix};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(trial) upload = {.suite = NULL};
    SF_AUTO(buf) listed = BUF_INIT;
    uint32_t i;

    if (!trial_possible(suite, UPLOAD_PARTS))
        return;
    trial_init(&upload, suite, "folder/in-parts", UPLOAD_PARTS);
    REQUIRE(suite, trial_begin(&upload, &err) == 0, "begin: %s", err.text);
    REQUIRE(suite, upload.token.bytes > 0 && upload.token.bytes <= SF_UPLOAD_TOKEN_MAX, "a token of %u bytes",
            upload.token.bytes);
    for (i = 0; i < UPLOAD_PARTS; i++)
        REQUIRE(suite, trial_send(&upload, suite->conn, i, kinds[i], &err) == 0, "part %u: %s", i + 1, err.text);
    REQUIRE(suite, conformance_exists(suite, upload.key.data, &err) == 0, "the object is visible before commit");
    REQUIRE(suite, conformance_list(suite, &query, &listed, &err) == 0, "list: %s", err.text);
    REQUIRE(suite, listed.length == 0, "listed before commit:\n%s", buf_text(&listed));
    REQUIRE(suite, trial_commit(&upload, UPLOAD_PARTS, &object, &err) == 0, "commit: %s", err.text);
    if (!trial_came_through(&upload))
        return;
    REQUIRE(suite, suite->table->stat(&suite->call, suite->conn, upload.key.data, &stat, &err) == 0, "stat: %s",
            err.text);
    REQUIRE(suite, strcmp(object.tag, stat.tag) == 0 && stat.tag[0] != '\0', "tag: commit answered '%s', stat '%s'",
            object.tag, stat.tag);
    REQUIRE(suite, object.bytes == upload.length && stat.bytes == upload.length,
            "bytes: commit answered %llu, stat %llu, not %zu", (unsigned long long)object.bytes,
            (unsigned long long)stat.bytes, upload.length);
    REQUIRE(suite, conformance_list(suite, &query, &listed, &err) == 0, "list: %s", err.text);
    REQUIRE(suite, listed.length == upload.key.length + 1, "not listed, or more than it:\n%s", buf_text(&listed));
}

static void metadata(struct conformance *suite)
{
    struct sf_object stat = {.size = sizeof(stat)};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(trial) upload = {.suite = NULL};
    size_t i;

    if (!trial_possible(suite, 1))
        return;
    SKIP_UNLESS(suite, suite->info.capabilities & SF_CAP_METADATA, "the store keeps no metadata");
    trial_init(&upload, suite, "with-metadata", 1);
    REQUIRE(suite, trial_begin(&upload, &err) == 0, "begin: %s", err.text);
    REQUIRE(suite, trial_send_all(&upload, &err) == 0, "part: %s", err.text);
    REQUIRE(suite, trial_commit(&upload, 1, NULL, &err) == 0, "commit: %s", err.text);
    REQUIRE(suite, suite->table->stat(&suite->call, suite->conn, upload.key.data, &stat, &err) == 0, "stat: %s",
            err.text);
    for (i = 0; i < 2; i++) {
        const char *value = sf_object_meta(&stat, upload.meta[i].key);

        REQUIRE(suite, value != NULL && strcmp(value, upload.meta[i].value) == 0, "stat answers '%s' for %s",
                value != NULL ? value : "(nothing)", upload.meta[i].key);
    }
}

static void one_small_part(struct conformance *suite)
{
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(trial) upload = {.suite = NULL};

    if (!trial_possible(suite, 1))
        return;
    trial_init(&upload, suite, "one-part", 1);
    REQUIRE(suite, trial_begin(&upload, &err) == 0, "begin: %s", err.text);
    REQUIRE(suite, trial_send_all(&upload, &err) == 0, "a last part of %d bytes: %s", UPLOAD_TAIL, err.text);
    REQUIRE(suite, trial_commit(&upload, 1, NULL, &err) == 0, "commit: %s", err.text);
    (void)trial_came_through(&upload);
}

static void out_of_order(struct conformance *suite)
{
    static const uint32_t order[UPLOAD_PARTS] = {2, 0, 1};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(trial) upload = {.suite = NULL};
    uint32_t i;

    if (!trial_possible(suite, UPLOAD_PARTS))
        return;
    SKIP_UNLESS(suite, suite->info.capabilities & SF_CAP_PARALLEL_PARTS, "no SF_CAP_PARALLEL_PARTS");
    trial_init(&upload, suite, "out-of-order", UPLOAD_PARTS);
    REQUIRE(suite, trial_begin(&upload, &err) == 0, "begin: %s", err.text);
    for (i = 0; i < UPLOAD_PARTS; i++)
        REQUIRE(suite, trial_send(&upload, suite->conn, order[i], SF_BODY_MEMORY, &err) == 0, "part %u: %s",
                order[i] + 1, err.text);
    REQUIRE(suite, trial_commit(&upload, UPLOAD_PARTS, NULL, &err) == 0, "commit: %s", err.text);
    (void)trial_came_through(&upload);
}

/* One part of an upload, on a thread and a connection of its own. */
struct sender {
    struct trial *upload;
    uint32_t index;
    pthread_mutex_t *serial; /* NULL, or held round each call of a SERIAL plugin */
    pthread_t thread;
    bool sent;
    struct sf_error err;
};

static void *send_one(void *ctx)
{
    struct sender *sender = ctx;
    struct conformance *suite = sender->upload->suite;
    struct sf_conn *conn = NULL;

    if (sender->serial != NULL)
        pthread_mutex_lock(sender->serial);
    if (suite->table->conn_open(&suite->call, suite->store, &conn, &sender->err) == 0) {
        sender->sent = trial_send(sender->upload, conn, sender->index, SF_BODY_MEMORY, &sender->err) == 0;
        suite->table->conn_close(conn);
    }
    if (sender->serial != NULL)
        pthread_mutex_unlock(sender->serial);
    return NULL;
}

static void side_by_side(struct conformance *suite)
{
    pthread_mutex_t serial = PTHREAD_MUTEX_INITIALIZER;
    struct sender senders[UPLOAD_PARTS];
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(trial) upload = {.suite = NULL};
    uint32_t i, started = 0;

    if (!trial_possible(suite, UPLOAD_PARTS))
        return;
    SKIP_UNLESS(suite, suite->info.capabilities & SF_CAP_PARALLEL_PARTS, "no SF_CAP_PARALLEL_PARTS");
    trial_init(&upload, suite, "side-by-side", UPLOAD_PARTS);
    REQUIRE(suite, trial_begin(&upload, &err) == 0, "begin: %s", err.text);
    for (i = 0; i < UPLOAD_PARTS; i++) {
        senders[i] = (struct sender){.upload = &upload,
                                     .index = i,
                                     .serial = suite->table->threads == SF_SERIAL ? &serial : NULL,
                                     .err = SF_ERROR_INIT};
        if (pthread_create(&senders[i].thread, NULL, send_one, &senders[i]) != 0)
            break;
        started++;
    }
    for (i = 0; i < started; i++)
        pthread_join(senders[i].thread, NULL);
    REQUIRE(suite, started == UPLOAD_PARTS, "the system gives no threads");
    for (i = 0; i < UPLOAD_PARTS; i++)
        REQUIRE(suite, senders[i].sent, "part %u: %s", i + 1, senders[i].err.text);
    REQUIRE(suite, trial_commit(&upload, UPLOAD_PARTS, NULL, &err) == 0, "commit: %s", err.text);
    (void)trial_came_through(&upload);
}

static void sent_twice(struct conformance *suite)
{
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(trial) upload = {.suite = NULL};
    AUTO_FREE unsigned char *other = NULL;
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_MEMORY};
    struct sf_digests digests;

    if (!trial_possible(suite, 2))
        return;
    SKIP_UNLESS(suite, suite->info.capabilities & SF_CAP_PARALLEL_PARTS,
                "no SF_CAP_PARALLEL_PARTS: what was kept is not sent again");
    trial_init(&upload, suite, "sent-twice", 2);
    other = conformance_noise(upload.part_bytes, 99);
    body.length = upload.part_bytes;
    body.data = other;
    conformance_digests(suite, other, upload.part_bytes, &digests);
    REQUIRE(suite, trial_begin(&upload, &err) == 0, "begin: %s", err.text);
    REQUIRE(suite, trial_send_body(&upload, suite->conn, 0, &body, &digests, &err) == 0, "part 1: %s", err.text);
    REQUIRE(suite, trial_send_all(&upload, &err) == 0, "part 1 again, or 2: %s", err.text);
    REQUIRE(suite, trial_commit(&upload, 2, NULL, &err) == 0, "commit: %s", err.text);
    (void)trial_came_through(&upload);
}

static void wrong_digest(struct conformance *suite)
{
    static const uint32_t kinds[] = {SF_DIGEST_SHA256, SF_DIGEST_CRC32C, SF_DIGEST_MD5};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(trial) upload = {.suite = NULL};
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_MEMORY};
    size_t i, bytes;

    if (!trial_possible(suite, 1))
        return;
    SKIP_UNLESS(suite, suite->info.wanted_digests != 0, "the store wants no digests");
    trial_init(&upload, suite, "wrong-digest", 1);
    body.data = trial_part_data(&upload, 0, &bytes);
    body.length = bytes;
    REQUIRE(suite, trial_begin(&upload, &err) == 0, "begin: %s", err.text);
    for (i = 0; i < 3; i++) {
        struct sf_digests digests;

        if ((suite->info.wanted_digests & kinds[i]) == 0)
            continue;
        conformance_digests(suite, "others", 6, &digests);
        digests.have &= kinds[i];
        REQUIRE(suite, trial_send_body(&upload, suite->conn, 0, &body, &digests, &err) < 0,
                "a part that has not the given digest (kind %u) was taken", kinds[i]);
        REQUIRE(suite, err.cls == SF_CORRUPT, "class %d instead of corrupt: %s", err.cls, err.text);
    }
    REQUIRE(suite, trial_send_all(&upload, &err) == 0, "the right one after the wrong one: %s", err.text);
    REQUIRE(suite, trial_commit(&upload, 1, NULL, &err) == 0, "commit: %s", err.text);
    (void)trial_came_through(&upload);
}

static int64_t no_source(void *ctx, uint64_t position, void *buffer, size_t bytes, struct sf_error *err)
{
    const bool *fails = ctx;

    (void)position;
    (void)buffer;
    (void)bytes;
    return *fails ? sf_fail(err, SF_NO_SPACE, "the source says so") : 0;
}

static void failing_bodies(struct conformance *suite)
{
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(trial) upload = {.suite = NULL};
    bool fails = true;
    struct sf_body body = {
        .size = sizeof(body), .kind = SF_BODY_CALLBACK, .length = UPLOAD_TAIL, .ctx = &fails, .read = no_source};

    if (!trial_possible(suite, 1))
        return;
    trial_init(&upload, suite, "failing", 1);
    REQUIRE(suite, trial_begin(&upload, &err) == 0, "begin: %s", err.text);
    REQUIRE(suite, trial_send_body(&upload, suite->conn, 0, &body, NULL, &err) < 0,
            "a part whose body failed was taken");
    REQUIRE(suite, err.cls == SF_NO_SPACE, "the body's own error class (no_space) became %d: %s", err.cls, err.text);
    fails = false;
    REQUIRE(suite, trial_send_body(&upload, suite->conn, 0, &body, NULL, &err) < 0,
            "a part whose body ended early was taken");
    REQUIRE(suite, err.cls == SF_CORRUPT, "a source that yields too little is corrupt, not class %d: %s", err.cls,
            err.text);
    REQUIRE(suite, trial_send_all(&upload, &err) == 0, "the right one after the wrong ones: %s", err.text);
    REQUIRE(suite, trial_commit(&upload, 1, NULL, &err) == 0, "commit: %s", err.text);
    (void)trial_came_through(&upload);
}

struct endless {
    struct conformance *suite;
    bool began;
};

/* Cancels the call at the first read, and then goes on as far as the plugin lets it. */
static int64_t read_endless(void *ctx, uint64_t position, void *buffer, size_t bytes, struct sf_error *err)
{
    struct endless *endless = ctx;

    (void)position;
    (void)err;
    if (endless->began)
        clock_sleep_ms(10);
    endless->began = true;
    endless->suite->cancel = 1;
    memset(buffer, 'x', bytes);
    return (int64_t)bytes;
}

static void cancelled(struct conformance *suite)
{
    struct endless endless = {.suite = suite};
    uint64_t most = suite->info.part_max_bytes;
    struct sf_body body = {.size = sizeof(body),
                           .kind = SF_BODY_CALLBACK,
                           .length = most != 0 && most < 256u << 20 ? most : 256u << 20,
                           .ctx = &endless,
                           .read = read_endless};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(trial) upload = {.suite = NULL};
    int64_t began;
    int result;

    if (!trial_possible(suite, 1))
        return;
    trial_init(&upload, suite, "cancelled", 1);
    upload.args.bytes = upload.args.part_bytes = body.length;
    upload.args.digests = NULL;
    REQUIRE(suite, trial_begin(&upload, &err) == 0, "begin: %s", err.text);
    began = clock_mono_ms();
    result = trial_send_body(&upload, suite->conn, 0, &body, NULL, &err);
    suite->cancel = 0;
    REQUIRE(suite, result < 0, "a part of %llu bytes went on to its end though it was cancelled",
            (unsigned long long)body.length);
    REQUIRE(suite, err.cls == SF_CANCELLED, "class %d instead of cancelled: %s", err.cls, err.text);
    REQUIRE(suite, clock_mono_ms() - began < 10000, "it took %lld ms to notice", (long long)(clock_mono_ms() - began));
    REQUIRE(suite, conformance_put(suite, upload.key.data, "x", 1, NULL, &err) == 0,
            "the connection is unusable afterwards: %s", err.text);
    REQUIRE(suite, trial_abort(&upload, &err) == 0, "abort after it: %s", err.text);
}

const struct conformance_case conformance_upload_cases[] = {
    {"upload: parts in order come back, and nothing is visible before commit", in_order},
    {"upload: metadata travels with the object", metadata},
    {"upload: a last part may be small, and alone", one_small_part},
    {"upload: parts in any order come back", out_of_order},
    {"upload: parts over several connections at once come back", side_by_side},
    {"upload: a part that is sent again replaces the first", sent_twice},
    {"upload: a part without the given digest is refused, and can be sent again", wrong_digest},
    {"upload: a part whose body fails or ends early can be sent again", failing_bodies},
    {"upload: a part that is cancelled ends soon", cancelled},
    {NULL, NULL},
};
