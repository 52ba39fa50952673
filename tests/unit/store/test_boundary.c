/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/digest.h"
#include "core/store/settle.h"
#include "tests/kit/store.h"
#include "tests/kit/unit.h"
#include "tests/unit/store/script.h"

static struct run_call run;

static struct sf_store_info bad_info;

static int open_with_bad_info(const struct sf_call *call, const struct sf_settings *settings,
                              struct sf_store_info *info, struct sf_store **store, struct sf_error *err)
{
    if (kit_memory_plugin()->store_open(call, settings, info, store, err) != 0)
        return -1;
    sf_give(info, &bad_info);
    return 0;
}

START_TEST(info_that_makes_no_sense)
{
    static const struct sf_settings none = {.size = sizeof(none), .element_size = sizeof(struct sf_setting)};
    const struct {
        struct sf_store_info info;
        const char *says;
    } cases[] = {
        {{.size = sizeof(bad_info)}, "remove_batch_max"},
        {{.size = sizeof(bad_info), .remove_batch_max = 1, .capabilities = SF_CAP_COPY}, "copy"},
        {{.size = sizeof(bad_info), .remove_batch_max = 1, .part_min_bytes = 9, .part_max_bytes = 8}, "part_min"},
        {{.size = sizeof(bad_info), .remove_batch_max = 1, .part_align_bytes = 9, .part_max_bytes = 8}, "part_align"},
        {{.size = sizeof(bad_info), .remove_batch_max = 1, .capabilities = SF_CAP_PARALLEL_PARTS}, "uploads"},
        {{.size = sizeof(bad_info), .remove_batch_max = 1, .capabilities = SF_CAP_UPLOAD}, "slot upload_abort"},
        {{.size = sizeof(bad_info), .remove_batch_max = 1, .object_max_bytes = 8, .single_put_max_bytes = 9}, "put"},
    };
    size_t i;

    run_call_init(&run, 0);
    script_plugin()->store_open = open_with_bad_info;
    script_plugin()->upload_abort = NULL;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        SF_AUTO(store) store = {0};
        struct sf_error err = SF_ERROR_INIT;

        bad_info = cases[i].info;
        ck_assert_int_eq(store_open(&store, script_plugin(), &none, &run, NULL, &err), -1);
        ck_assert_int_eq(err.cls, SF_INVALID);
        ck_assert_ptr_nonnull(strstr(err.text, "plugin memory: "));
        ck_assert_msg(strstr(err.text, cases[i].says) != NULL, "%s", err.text);
    }
}
END_TEST

START_TEST(info_is_copied_up)
{
    SF_AUTO(store) store = {0};

    run_call_init(&run, 0);
    bad_info = (struct sf_store_info){.size = sizeof(bad_info),
                                      .remove_batch_max = 7,
                                      .wanted_digests = 0xff,
                                      .capabilities = SCRIPT_UPLOADS | SF_CAP_METADATA};
    script_plugin()->store_open = open_with_bad_info;
    script_store(&store, &run, NULL, "info");
    ck_assert_uint_eq(store.info.remove_batch_max, 7);
    ck_assert_uint_eq(store.info.wanted_digests, 7);
    ck_assert_uint_eq(store.info.capabilities, SCRIPT_UPLOADS | SF_CAP_METADATA);
}
END_TEST

static int copy_nothing(const struct sf_call *call, struct sf_conn *conn, const struct sf_copy *copy,
                        struct sf_object *object, struct sf_error *err)
{
    (void)call;
    (void)conn;
    (void)object;
    return sf_fail(err, SF_NOT_FOUND, "%s: nothing", copy->from);
}

START_TEST(optional_slots_show_through)
{
    struct sf_copy copy = {.size = sizeof(copy), .from = "a", .to = "b"};
    struct sf_object object = {.size = sizeof(object)};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_conn *conn = NULL;

    run_call_init(&run, 0);
    {
        SF_AUTO(store) store = {0};

        script_plugin()->threads = SF_SERIAL; /* both wrappers */
        script_plugin()->uploads_list = NULL;
        script_store(&store, &run, NULL, "slots");
        ck_assert_ptr_null(store.table->copy);
        ck_assert_ptr_null(store.table->uploads_list);
        ck_assert_ptr_nonnull(store.table->upload_begin);
        ck_assert_ptr_null(store.table->probe);
    }
    {
        SF_AUTO(store) store = {0};

        script_plugin()->copy = copy_nothing;
        script_store(&store, &run, NULL, "slots");
        ck_assert_ptr_null(store.table->probe);
        ck_assert_int_eq(store.table->conn_open(&run.call, store.handle, &conn, &err), 0);
        ck_assert_int_eq(store.table->copy(&run.call, conn, &copy, &object, &err), -1);
        ck_assert_str_eq(err.text, "a: nothing");
        store.table->conn_close(conn);
    }
}
END_TEST

START_TEST(error_without_a_text)
{
    SF_AUTO(store) store = {0};
    struct sf_object object;
    struct sf_error err = SF_ERROR_INIT;

    run_call_init(&run, 0);
    script_store(&store, &run, NULL, "silent");
    script_put.steps[0] = (struct step){.cls = SF_DENIED, .silent = true};
    ck_assert_int_eq(script_send(&store, &run, "k", "x", "r", NULL, &object, &err), -1);
    ck_assert_str_eq(err.text, "plugin memory: put failed without saying why (denied)");
}
END_TEST

static void (*spoil)(struct sf_object *object);

static int stat_spoiled(const struct sf_call *call, struct sf_conn *conn, const char *key, struct sf_object *object,
                        struct sf_error *err)
{
    (void)call;
    (void)conn;
    (void)key;
    (void)err;
    spoil(object);
    return 0;
}

static void spoil_tag_end(struct sf_object *object)
{
    memset(object->tag, 'x', sizeof(object->tag));
}

static void spoil_tag_byte(struct sf_object *object)
{
    memcpy(object->tag, "a\nb", 4);
}

static void spoil_meta_end(struct sf_object *object)
{
    object->meta_bytes = 4;
    memcpy(object->meta, "a\0bc", 4);
}

static void spoil_meta_pair(struct sf_object *object)
{
    object->meta_bytes = 2;
    memcpy(object->meta, "a\0", 2);
}

static void spoil_meta_size(struct sf_object *object)
{
    object->meta_bytes = SF_META_MAX + 1;
}

START_TEST(objects_that_are_malformed)
{
    static void (*const ways[])(struct sf_object *) = {spoil_tag_end, spoil_tag_byte, spoil_meta_end, spoil_meta_pair,
                                                       spoil_meta_size};
    SF_AUTO(store) store = {0};
    struct sf_conn *conn = NULL;
    struct sf_error err = SF_ERROR_INIT;
    size_t i;

    run_call_init(&run, 0);
    script_plugin()->stat = stat_spoiled;
    script_store(&store, &run, NULL, "spoiled");
    ck_assert_int_eq(store.table->conn_open(&run.call, store.handle, &conn, &err), 0);
    for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct sf_object object = {.size = sizeof(object)};

        spoil = ways[i];
        ck_assert_int_eq(store.table->stat(&run.call, conn, "k", &object, &err), -1);
        ck_assert_int_eq(err.cls, SF_PERMANENT);
        ck_assert_ptr_nonnull(strstr(err.text, "plugin memory: stat answered with"));
    }
    store.table->conn_close(conn);
}
END_TEST

static const char *const *list_keys;

static int list_these(const struct sf_call *call, struct sf_list *list, const struct sf_list_sink *sink, int *more,
                      struct sf_error *err)
{
    size_t i;

    (void)call;
    (void)list;
    (void)err;
    for (i = 0; list_keys[i] != NULL; i++) {
        struct sf_object object = {.size = sizeof(object), .key = list_keys[i]};

        sink->object(sink->ctx, &object);
    }
    *more = 0;
    return 0;
}

static int count_one(void *ctx, const struct sf_object *object, struct sf_error *err)
{
    (void)object;
    (void)err;
    (*(unsigned *)ctx)++;
    return 0;
}

START_TEST(lists_that_are_malformed)
{
    static const char *const right[] = {"k/a", "k/a/b", "k/\xff", NULL}, *const back[] = {"k/b", "k/a", NULL},
                             *const twice[] = {"k/a", "k/a", NULL}, *const outside[] = {"j/a", NULL},
                             *const before[] = {"k/", NULL};
    static const struct {
        const char *const *keys;
        const char *says;
    } cases[] = {{right, NULL},
                 {back, "'k/a' after 'k/b'"},
                 {twice, "not ascending"},
                 {outside, "not under it"},
                 {before, "not ascending"}};
    SF_AUTO(store) store = {0};
    struct sf_conn *conn = NULL;
    struct sf_error err = SF_ERROR_INIT;
    struct sf_list_query query = {.size = sizeof(query), .prefix = "k/", .start_after = "k/0"};
    size_t i;

    run_call_init(&run, 0);
    script_plugin()->list_next = list_these;
    script_store(&store, &run, NULL, "lists");
    ck_assert_int_eq(store.table->conn_open(&run.call, store.handle, &conn, &err), 0);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned count = 0;
        int result;

        list_keys = cases[i].keys;
        result = store_list(&store, &run.call, conn, &query, count_one, NULL, &count, &err);
        ck_assert_int_eq(result, cases[i].says == NULL ? 0 : -1);
        ck_assert_uint_eq(count, cases[i].says == NULL ? 3 : 0);
        if (cases[i].says != NULL)
            ck_assert_msg(strstr(err.text, cases[i].says) != NULL, "%s", err.text);
    }
    store.table->conn_close(conn);
}
END_TEST

START_TEST(whose_object_it_is)
{
    struct sf_digests digests = {.size = sizeof(digests), .have = SF_DIGEST_SHA256 | SF_DIGEST_CRC32C, .crc32c = 7};
    struct sf_meta meta = {sizeof(meta), 0, "run", "r1"};
    struct sent sent = {
        .key = "k", .bytes = 3, .digests = &digests, .meta = &meta, .meta_count = 1, .meta_element_size = sizeof(meta)};
    struct sf_object found = {.size = sizeof(found), .bytes = 3};
    char hex[SHA256_HEX + 1];

    sha256_of("abc", 3, digests.sha256);
    hex_encode(digests.sha256, SHA256_BYTES, hex);
    ck_assert(!settle_is_ours(&sent, &found)); /* the size alone is no proof */
    found.digests = digests;
    ck_assert(settle_is_ours(&sent, &found));
    found.bytes = 4;
    ck_assert(!settle_is_ours(&sent, &found));
    found.bytes = 3;
    found.digests.crc32c = 8;
    ck_assert(!settle_is_ours(&sent, &found));
    found.digests.have = 0;
    ck_assert_int_eq(sf_object_add_meta(&found, SF_META_SHA256, hex), 0);
    ck_assert(settle_is_ours(&sent, &found)); /* by metadata */
    ck_assert_int_eq(sf_object_add_meta(&found, "run", "r2"), 0);
    ck_assert(!settle_is_ours(&sent, &found)); /* another run's */
    found.meta_bytes = 0;
    ck_assert_int_eq(sf_object_add_meta(&found, "run", "r1"), 0);
    ck_assert(settle_is_ours(&sent, &found)); /* by the run, where nobody knows a digest */
    sent.digests = NULL;
    ck_assert(settle_is_ours(&sent, &found));
    sent.meta_count = 0;
    ck_assert(!settle_is_ours(&sent, &found));
}
END_TEST

UNIT_MAIN("boundary", &info_that_makes_no_sense, &info_is_copied_up, &optional_slots_show_through,
          &error_without_a_text, &objects_that_are_malformed, &lists_that_are_malformed, &whose_object_it_is)
