/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "tests/kit/store.h"
#include "tests/kit/unit.h"
#include "tests/unit/store/script.h"

#include <fcntl.h>
#include <sys/stat.h>

static struct run_call run;

static struct sf_conn *connect_to(const struct store *store)
{
    struct sf_error err = SF_ERROR_INIT;
    struct sf_conn *conn = NULL;

    ck_assert_int_eq(store->table->conn_open(&run.call, store->handle, &conn, &err), 0);
    return conn;
}

START_TEST(into_memory)
{
    SF_AUTO(store) store = {0};
    SF_AUTO(buf) out = BUF_INIT;
    struct sf_object object = {.size = sizeof(object)};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_conn *conn;

    run_call_init(&run, 0);
    script_store(&store, &run, NULL, "into_memory");
    kit_store_put(&store, &run, "k", "12345");
    kit_store_put(&store, &run, "empty", "");
    conn = connect_to(&store);
    script_get.steps[0] = (struct step){.cls = SF_TRANSIENT, .apply = true}; /* all delivered, then broken off */
    ck_assert_int_eq(store_get_memory(&store, &run.call, conn, "k", 5, &out, &object, &err), 0);
    ck_assert_str_eq(buf_text(&out), "12345");
    ck_assert_uint_eq(object.bytes, 5);
    ck_assert_int_eq(store_get_memory(&store, &run.call, conn, "k", 4, &out, &object, &err), -1);
    ck_assert_int_eq(err.cls, SF_TOO_LARGE);
    ck_assert_int_eq(store_get_memory(&store, &run.call, conn, "empty", 4, &out, &object, &err), 0);
    ck_assert_uint_eq(out.length, 0);
    ck_assert_int_eq(store_get_memory(&store, &run.call, conn, "none", 4, &out, &object, &err), -1);
    ck_assert_int_eq(err.cls, SF_NOT_FOUND);
    store.table->conn_close(conn);
}
END_TEST

static char first_try[100];

/* The first try brings other and more bytes than the one that succeeds. */
static int get_changing(const struct sf_call *call, struct sf_conn *conn, const struct sf_get *get,
                        const struct sf_sink *sink, struct sf_object *object, struct sf_error *err)
{
    if (atomic_fetch_add(&script_get.calls, 1) == 0) {
        if (sink->kind == SF_SINK_CALLBACK)
            ck_assert_int_eq(sink->write(sink->ctx, 0, first_try, sizeof(first_try), err), 0);
        else
            ck_assert_int_eq(pwrite(sink->fd, first_try, sizeof(first_try), 0), sizeof(first_try));
        return sf_fail(err, SF_TRANSIENT, "broke off");
    }
    return kit_memory_plugin()->get(call, conn, get, sink, object, err);
}

START_TEST(into_a_file)
{
    SF_AUTO(store) store = {0};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_conn *conn;
    uint8_t sum[SHA256_BYTES], wanted[SHA256_BYTES];
    int digest;

    run_call_init(&run, 0);
    script_plugin()->get = get_changing;
    script_store(&store, &run, NULL, "into_a_file");
    kit_store_put(&store, &run, "k", "12345");
    conn = connect_to(&store);
    for (digest = 0; digest < 2; digest++) {
        AUTO_FD fd = open(unit_temp_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        uint64_t bytes = 0;
        struct stat st;
        char text[8];

        ck_assert_int_ge(fd, 0);
        atomic_store(&script_get.calls, 0);
        ck_assert_int_eq(store_get_file(&store, &run.call, conn, "k", fd, &bytes, digest ? sum : NULL, &err), 0);
        ck_assert_uint_eq(bytes, 5);
        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_int_eq(st.st_size, 5);
        ck_assert_int_eq(pread(fd, text, sizeof(text), 0), 5);
        ck_assert_mem_eq(text, "12345", 5);
    }
    sha256_of("12345", 5, wanted);
    ck_assert_mem_eq(sum, wanted, sizeof(sum));
    store.table->conn_close(conn);
}
END_TEST

START_TEST(into_a_file_that_takes_nothing)
{
    SF_AUTO(store) store = {0};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_conn *conn;
    uint8_t sum[SHA256_BYTES];
    uint64_t bytes = 0;
    AUTO_FD full = open("/dev/full", O_RDWR | O_CLOEXEC);

    run_call_init(&run, 0);
    script_store(&store, &run, NULL, "full");
    kit_store_put(&store, &run, "k", "12345");
    conn = connect_to(&store);
    ck_assert_int_eq(store_get_file(&store, &run.call, conn, "k", full, &bytes, sum, &err), -1);
    ck_assert_int_eq(err.cls, SF_NO_SPACE);
    ck_assert_ptr_nonnull(strstr(err.text, "k"));
    store.table->conn_close(conn);
}
END_TEST

struct seen {
    struct buf text;
    unsigned left; /* then it stops */
};

static int see_object(void *ctx, const struct sf_object *object, struct sf_error *err)
{
    struct seen *seen = ctx;

    if (seen->left-- == 0)
        return sf_fail(err, SF_CORRUPT, "enough");
    buf_printf(&seen->text, "%s ", object->key);
    return 0;
}

static int see_prefix(void *ctx, const char *prefix, struct sf_error *err)
{
    struct seen *seen = ctx;

    (void)err;
    buf_printf(&seen->text, "[%s] ", prefix);
    return 0;
}

START_TEST(lists_every_page)
{
    SF_AUTO(store) store = {0};
    struct seen seen = {BUF_INIT, 99};
    struct sf_list_query query = {.size = sizeof(query), .prefix = "p/", .page_max = 2};
    struct sf_error err = SF_ERROR_INIT;
    struct sf_conn *conn;

    run_call_init(&run, 0);
    script_store(&store, &run, NULL, "pages");
    kit_store_put(&store, &run, "o", "");
    kit_store_put(&store, &run, "p/a", "");
    kit_store_put(&store, &run, "p/b/1", "");
    kit_store_put(&store, &run, "p/b/2", "");
    kit_store_put(&store, &run, "p/c", "");
    kit_store_put(&store, &run, "p/d", "");
    conn = connect_to(&store);
    ck_assert_int_eq(store_list(&store, &run.call, conn, &query, see_object, see_prefix, &seen, &err), 0);
    ck_assert_str_eq(buf_text(&seen.text), "p/a p/b/1 p/b/2 p/c p/d ");
    ck_assert_uint_ge(script_list_next.calls, 3);
    buf_clear(&seen.text);
    query.delimiter = "/";
    ck_assert_int_eq(store_list(&store, &run.call, conn, &query, see_object, see_prefix, &seen, &err), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&seen.text), "[p/b/] "));
    ck_assert_uint_eq(seen.text.length, strlen("p/a [p/b/] p/c p/d "));
    query.delimiter = NULL;
    buf_clear(&seen.text);
    seen.left = 3;
    ck_assert_int_eq(store_list(&store, &run.call, conn, &query, see_object, see_prefix, &seen, &err), -1);
    ck_assert_str_eq(err.text, "enough");
    ck_assert_str_eq(buf_text(&seen.text), "p/a p/b/1 p/b/2 ");
    store.table->conn_close(conn);
    buf_cleanup(&seen.text);
}
END_TEST

UNIT_MAIN("object", &into_memory, &into_a_file, &into_a_file_that_takes_nothing, &lists_every_page)
