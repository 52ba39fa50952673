/* SPDX-License-Identifier: Apache-2.0
 *
 * How uploads end: refused, aborted, found by a list; what is reported; structs of other sizes.
 */
#include "tests/conformance/upload_kit.h"

static void create_only(struct conformance *suite)
{
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(trial) upload = {.suite = NULL};
    SF_AUTO(buf) back = BUF_INIT;

    if (!trial_possible(suite, 1))
        return;
    SKIP_UNLESS(suite, suite->info.capabilities & SF_CAP_CREATE_ONLY_COMMIT, "no SF_CAP_CREATE_ONLY_COMMIT");
    trial_init(&upload, suite, "once", 1);
    REQUIRE(suite, trial_begin(&upload, &err) == 0, "begin: %s", err.text);
    REQUIRE(suite, trial_send_all(&upload, &err) == 0, "part: %s", err.text);
    REQUIRE(suite, conformance_put(suite, upload.key.data, "mine", 4, NULL, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, trial_commit(&upload, 1, NULL, &err) < 0, "an object that came meanwhile was replaced");
    REQUIRE(suite, err.cls == SF_EXISTS, "class %d instead of exists: %s", err.cls, err.text);
    REQUIRE(suite, trial_abort(&upload, &err) == 0, "abort after it: %s", err.text);
    REQUIRE(suite, conformance_get(suite, upload.key.data, &back, NULL, &err) == 0 && strcmp(back.data, "mine") == 0,
            "the refused commit, or the abort, changed the object");
}

static void replaces(struct conformance *suite)
{
    struct sf_object put = {.size = sizeof(put)}, object = {.size = sizeof(object)};
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(trial) upload = {.suite = NULL};

    if (!trial_possible(suite, 1))
        return;
    trial_init(&upload, suite, "replaced", 1);
    upload.args.precondition = SF_IF_ANY;
    REQUIRE(suite, conformance_put(suite, upload.key.data, "old", 3, &put, &err) == 0, "put: %s", err.text);
    REQUIRE(suite, trial_begin(&upload, &err) == 0, "begin: %s", err.text);
    REQUIRE(suite, trial_send_all(&upload, &err) == 0, "part: %s", err.text);
    REQUIRE(suite, trial_commit(&upload, 1, &object, &err) == 0, "commit: %s", err.text);
    REQUIRE(suite, strcmp(put.tag, object.tag) != 0, "the replaced object and the new one have the tag '%s'", put.tag);
    (void)trial_came_through(&upload);
}

static void missing_part(struct conformance *suite)
{
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(trial) upload = {.suite = NULL};

    if (!trial_possible(suite, 2))
        return;
    trial_init(&upload, suite, "missing-part", 2);
    REQUIRE(suite, trial_begin(&upload, &err) == 0, "begin: %s", err.text);
    REQUIRE(suite, trial_send(&upload, suite->conn, 0, SF_BODY_MEMORY, &err) == 0, "part 1: %s", err.text);
    REQUIRE(suite, trial_commit(&upload, 1, NULL, &err) < 0, "%zu of %zu bytes were committed", upload.part_bytes,
            upload.length);
    upload.done[1] = upload.done[0]; /* never sent; what stands for it is another part's answer */
    upload.done[1].number = 2;
    upload.done[1].bytes = UPLOAD_TAIL;
    REQUIRE(suite, trial_commit(&upload, 2, NULL, &err) < 0, "a part was committed that had never been sent");
    REQUIRE(suite, conformance_exists(suite, upload.key.data, &err) == 0, "the refused object is visible");
    REQUIRE(suite, trial_send(&upload, suite->conn, 1, SF_BODY_MEMORY, &err) == 0, "part 2 after it: %s", err.text);
    REQUIRE(suite, trial_commit(&upload, 2, NULL, &err) == 0, "commit with all parts: %s", err.text);
    (void)trial_came_through(&upload);
}

static void aborted(struct conformance *suite)
{
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(trial) upload = {.suite = NULL};
    SF_AUTO(buf) keys = BUF_INIT;

    if (!trial_possible(suite, 1))
        return;
    trial_init(&upload, suite, "aborted", 1);
    REQUIRE(suite, trial_begin(&upload, &err) == 0, "begin: %s", err.text);
    REQUIRE(suite, trial_send_all(&upload, &err) == 0, "part: %s", err.text);
    REQUIRE(suite, trial_abort(&upload, &err) == 0, "abort: %s", err.text);
    REQUIRE(suite, trial_abort(&upload, &err) == 0, "abort of what was aborted: %s", err.text);
    REQUIRE(suite, conformance_exists(suite, upload.key.data, &err) == 0, "the aborted object is visible");
    REQUIRE(suite, trial_commit(&upload, 1, NULL, &err) < 0, "an aborted upload was committed");
    REQUIRE(suite, conformance_exists(suite, upload.key.data, &err) == 0, "the aborted object is visible");
    if (suite->table->uploads_list == NULL)
        return;
    REQUIRE(suite, trial_list(suite, suite->prefix, &keys, &err) == 0, "uploads_list: %s", err.text);
    REQUIRE(suite, keys.length == 0, "aborted, and still in uploads_list: %s", buf_text(&keys));
}

static void listed(struct conformance *suite)
{
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(trial) one = {.suite = NULL};
    SF_AUTO(trial) two = {.suite = NULL};
    SF_AUTO(buf) keys = BUF_INIT, prefix = BUF_INIT;

    if (!trial_possible(suite, 1))
        return;
    SKIP_UNLESS(suite, suite->table->uploads_list != NULL && suite->table->upload_resume != NULL,
                "no uploads_list, or no upload_resume");
    trial_init(&one, suite, "listed/one", 1);
    trial_init(&two, suite, "list/two", 1);
    conformance_key(suite, "liste", &prefix); /* may end inside a segment */
    REQUIRE(suite, trial_list(suite, suite->prefix, &keys, &err) == 0, "uploads_list of nothing: %s", err.text);
    REQUIRE(suite, keys.length == 0, "there is none, but it lists %s", buf_text(&keys));
    REQUIRE(suite, trial_begin(&one, &err) == 0 && trial_begin(&two, &err) == 0, "begin: %s", err.text);
    REQUIRE(suite, trial_send_all(&one, &err) == 0, "part: %s", err.text);
    buf_add_byte(&one.key, '\n'); /* as a line of the list */
    REQUIRE(suite, trial_list(suite, prefix.data, &keys, &err) == 0, "uploads_list: %s", err.text);
    REQUIRE(suite, strcmp(buf_text(&keys), one.key.data) == 0, "of listed/one and list/two, 'liste' finds:\n%s",
            buf_text(&keys));
    REQUIRE(suite, conformance_abort_uploads(suite, prefix.data, &err) == 0, "resume and abort by its token: %s",
            err.text);
    REQUIRE(suite, trial_list(suite, prefix.data, &keys, &err) == 0, "uploads_list: %s", err.text);
    REQUIRE(suite, keys.length == 0, "aborted by its token, and still listed: %s", buf_text(&keys));
    REQUIRE(suite, trial_send_all(&two, &err) == 0 && trial_commit(&two, 1, NULL, &err) == 0,
            "the other upload was hit as well: %s", err.text);
    REQUIRE(suite, trial_list(suite, suite->prefix, &keys, &err) == 0, "uploads_list: %s", err.text);
    REQUIRE(suite, keys.length == 0, "committed, and still listed: %s", buf_text(&keys));
}

static void reports_requests(struct conformance *suite)
{
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(trial) upload = {.suite = NULL};
    SF_AUTO(trial) other = {.suite = NULL};
    const atomic_uint *requests = suite->requests;

    if (!trial_possible(suite, 2))
        return;
    trial_init(&upload, suite, "reported", 2);
    trial_init(&other, suite, "other", 1);
    memset(suite->requests, 0, sizeof(suite->requests));
    REQUIRE(suite, trial_begin(&upload, &err) == 0, "begin: %s", err.text);
    REQUIRE(suite, requests[SF_REQUEST_UPLOAD_BEGIN] == 1, "one begin reported %u", requests[SF_REQUEST_UPLOAD_BEGIN]);
    REQUIRE(suite, trial_send_all(&upload, &err) == 0, "part: %s", err.text);
    REQUIRE(suite, requests[SF_REQUEST_UPLOAD_PART] == 2, "two parts reported %u", requests[SF_REQUEST_UPLOAD_PART]);
    REQUIRE(suite, trial_commit(&upload, 2, NULL, &err) == 0, "commit: %s", err.text);
    REQUIRE(suite, requests[SF_REQUEST_UPLOAD_COMMIT] == 1, "one commit reported %u",
            requests[SF_REQUEST_UPLOAD_COMMIT]);
    REQUIRE(suite, trial_begin(&other, &err) == 0 && trial_abort(&other, &err) == 0, "begin, or abort: %s", err.text);
    REQUIRE(suite, requests[SF_REQUEST_UPLOAD_ABORT] == 1, "one abort reported %u", requests[SF_REQUEST_UPLOAD_ABORT]);
    REQUIRE(suite, requests[SF_REQUEST_UPLOAD_BEGIN] == 2 && requests[SF_REQUEST_PUT] == 0,
            "%u begins and %u puts reported", requests[SF_REQUEST_UPLOAD_BEGIN], requests[SF_REQUEST_PUT]);
}

/* Structs of a newer host are longer, with members nobody here knows; what it receives ends where an older host's does. */
struct wide {
    struct {
        struct sf_upload_args args;
        unsigned char more[64];
    } args;
    struct {
        struct sf_meta meta;
        unsigned char more[32];
    } meta[2];
    struct {
        struct sf_part part;
        unsigned char more[64];
    } part;
    struct {
        struct sf_body body;
        unsigned char more[64];
    } body;
    struct {
        struct sf_part_done done;
        unsigned char more[32];
    } done[2];
    struct {
        struct sf_upload_token token;
        unsigned char fence[64];
    } token;
    struct {
        struct sf_part_result result;
        unsigned char fence[64];
    } result[2];
    struct {
        struct sf_object object;
        unsigned char fence[64];
    } object;
};

static void wide_init(struct wide *wide, const struct trial *upload)
{
    uint32_t i;

    memset(wide, 0xa5, sizeof(*wide));
    wide->args.args = upload->args;
    wide->args.args.size = sizeof(wide->args);
    wide->args.args.meta = &wide->meta[0].meta;
    wide->args.args.meta_element_size = sizeof(wide->meta[0]);
    for (i = 0; i < 2; i++) {
        wide->meta[i].meta = upload->meta[i];
        wide->meta[i].meta.size = sizeof(wide->meta[i]);
        wide->result[i].result.size = sizeof(wide->result[i].result);
    }
    wide->token.token.size = sizeof(wide->token.token);
    wide->object.object.size = (uint32_t)offsetof(struct sf_object, digests);
}

static int wide_send(struct wide *wide, struct trial *upload, uint32_t index, struct sf_error *err)
{
    struct conformance *suite = upload->suite;
    struct sf_digests digests;
    size_t bytes;

    wide->body.body = (struct sf_body){.size = sizeof(wide->body), .kind = SF_BODY_MEMORY, .fd = -1};
    wide->body.body.data = trial_part_data(upload, index, &bytes);
    wide->body.body.length = bytes;
    conformance_digests(suite, wide->body.body.data, bytes, &digests);
    wide->part.part = (struct sf_part){.size = sizeof(wide->part),
                                       .number = index + 1,
                                       .offset = (uint64_t)upload->part_bytes * index,
                                       .body = &wide->body.body,
                                       .digests = &digests};
    if (suite->table->upload_part(&suite->call, suite->conn, upload->handle, &wide->part.part,
                                  &wide->result[index].result, err) < 0)
        return -1;
    wide->done[index].done = (struct sf_part_done){.size = sizeof(wide->done[index]),
                                                   .number = index + 1,
                                                   .bytes = bytes,
                                                   .opaque = wide->result[index].result.opaque,
                                                   .opaque_bytes = wide->result[index].result.opaque_bytes,
                                                   .crc32c = digests.crc32c};
    return 0;
}

static bool untouched(const unsigned char *fence, size_t bytes)
{
    while (bytes > 0 && *fence == 0xa5) {
        fence++;
        bytes--;
    }
    return bytes == 0;
}

static void other_sizes(struct conformance *suite)
{
    const size_t object_end = offsetof(struct sf_object, digests);
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(trial) upload = {.suite = NULL};
    struct sf_object stat = {.size = sizeof(stat)};
    struct wide wide;
    const char *second;

    if (!trial_possible(suite, 2))
        return;
    trial_init(&upload, suite, "other-sizes", 2);
    wide_init(&wide, &upload);
    REQUIRE(suite,
            suite->table->upload_begin(&suite->call, suite->conn, &wide.args.args, &wide.token.token, &upload.handle,
                                       &err) == 0,
            "begin: %s", err.text);
    REQUIRE(suite, untouched(wide.token.fence, sizeof(wide.token.fence)), "begin wrote beyond the token");
    REQUIRE(suite, wide_send(&wide, &upload, 0, &err) == 0 && wide_send(&wide, &upload, 1, &err) == 0, "part: %s",
            err.text);
    REQUIRE(suite, untouched(wide.result[0].fence, 64) && untouched(wide.result[1].fence, 64),
            "a part wrote beyond its answer");
    REQUIRE(suite,
            suite->table->upload_commit(&suite->call, suite->conn, upload.handle, &wide.args.args, &wide.done[0].done,
                                        2, sizeof(wide.done[0]), &wide.object.object, &err) == 0,
            "commit: %s", err.text);
    upload.committed = true;
    REQUIRE(suite, untouched((unsigned char *)&wide.object + object_end, sizeof(wide.object) - object_end),
            "commit wrote beyond an object of %zu bytes", object_end);
    REQUIRE(suite, wide.object.object.bytes == upload.length, "commit did not fill what there is room for");
    if (!trial_came_through(&upload) || (suite->info.capabilities & SF_CAP_METADATA) == 0)
        return;
    REQUIRE(suite, suite->table->stat(&suite->call, suite->conn, upload.key.data, &stat, &err) == 0, "stat: %s",
            err.text);
    second = sf_object_meta(&stat, "second");
    REQUIRE(suite, second != NULL && strcmp(second, "2") == 0, "the second metadata pair was not found");
}

const struct conformance_case conformance_upload_end_cases[] = {
    {"upload: create-only commit refuses where an object came meanwhile", create_only},
    {"upload: without precondition it replaces, and the tag changes", replaces},
    {"upload: commit with a part missing or unknown fails, and can be made good", missing_part},
    {"upload: abort leaves nothing, and may be repeated", aborted},
    {"upload: uploads_list finds by prefix, and its token aborts", listed},
    {"upload: every request is reported", reports_requests},
    {"upload: larger arguments are understood, smaller answers not overrun", other_sizes},
    {NULL, NULL},
};
