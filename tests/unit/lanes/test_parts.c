/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "tests/kit/unit.h"
#include "tests/unit/lanes/parts_bed.h"

START_TEST(one_worker)
{
    struct sf_error err;
    struct file file;
    char meta[200], hex[SHA256_HEX + 1];

    open_store(false);
    file_open(&file, "f", BYTES);
    ck_assert_msg(send_alone(&file, &err) == 0, "%s", err.text);
    check_stored(&file);
    ck_assert_uint_eq(uploads_script.part_count, PARTS);
    ck_assert_int_eq(uploads_script.parts, PARTS);
    ck_assert_int_eq(uploads_script.aborts, 0);
    ck_assert_int_eq(uploads_script.closes, 1);
    ck_assert_uint_eq(file.sent, BYTES);
    ck_assert_uint_eq(uploads_script.commit_precondition, SF_IF_ABSENT);
    ck_assert_str_eq(uploads_script.begin_meta, "run=run-1;"); /* the rest is not known yet */
    ck_assert_uint_eq(uploads_script.begin_digests, 0);
    hex_encode(file.entry.sha256, SHA256_BYTES, hex);
    snprintf(meta, sizeof(meta), "run=run-1;checksum_sha256=%s;", hex);
    ck_assert_str_eq(uploads_script.commit_meta, meta);
    ck_assert_uint_eq(uploads_script.commit_digests, SF_DIGEST_SHA256 | SF_DIGEST_CRC32C);
    ck_assert_int_eq(send_alone(&file, &err), -1); /* it must be absent */
    ck_assert_int_eq(err.cls, SF_EXISTS);
    ck_assert_int_eq(uploads_script.aborts, 1);
    file.send.if_tag = file.entry.tag;
    ck_assert_msg(send_alone(&file, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(uploads_script.commit_precondition, SF_IF_TAG);
    check_stored(&file);
    file_close(&file);
    store_cleanup(&store);
}
END_TEST

/* Whole parts only, one byte more, one byte less. */
START_TEST(every_size)
{
    static const size_t sizes[] = {PART + 1, 2 * PART - 1, 2 * PART, 2 * PART + 1, 5 * PART};
    size_t i;

    open_store(false);
    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct sf_error err;
        struct file file;
        char name[2] = {(char)('a' + i), '\0'};

        file_open(&file, name, sizes[i]);
        ck_assert_msg(send_alone(&file, &err) == 0, "%s", err.text);
        check_stored(&file);
        ck_assert_uint_eq(uploads_script.part_count, (sizes[i] + PART - 1) / PART);
        file_close(&file);
    }
    store_cleanup(&store);
}
END_TEST

static void send_many(unsigned workers, unsigned large_max, unsigned count, size_t bytes)
{
    struct file *files = mem_alloc(count * sizeof(*files));
    struct sf_error err = SF_ERROR_INIT;
    struct pool *pool = NULL;
    unsigned i;

    open_store(false);
    ck_assert_int_eq(pool_open(&pool, &store, &run, workers, large_max, &err), 0);
    for (i = 0; i < count; i++) {
        char name[2] = {(char)('a' + i), '\0'};

        file_open(&files[i], name, bytes);
        ck_assert_int_eq(pool_submit(pool, LANE_LARGE, run_file, drop_file, &files[i], &err), 0);
    }
    ck_assert_msg(pool_wait(pool, &err) == 0, "%s", err.text);
    for (i = 0; i < count; i++) {
        check_stored(&files[i]);
        ck_assert_uint_eq(files[i].sent, bytes);
        file_close(&files[i]);
    }
    ck_assert_int_eq(uploads_script.closes, (int)count);
    ck_assert_int_eq(uploads_script.aborts, 0);
    pool_close(pool);
    store_cleanup(&store);
    free(files);
}

START_TEST(out_of_order)
{
    others_first = PARTS;
    uploads_script.during_part = hold_first;
    send_many(3, 1, 1, BYTES);
}
END_TEST

START_TEST(a_pool_of_one)
{
    send_many(1, 1, 3, BYTES);
}
END_TEST

START_TEST(many_workers_many_files)
{
    send_many(4, 2, 12, BYTES);
}
END_TEST

static void check_digests(uint32_t wanted, uint32_t of_part, uint32_t of_whole)
{
    struct sf_error err;
    struct file file;

    open_store(false);
    store.info.wanted_digests = wanted;
    file_open(&file, "f", BYTES);
    file.send.if_tag = NULL;
    file.key[0] = (char)('0' + wanted);
    ck_assert_msg(send_alone(&file, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(uploads_script.part_digests, of_part);
    ck_assert_uint_eq(uploads_script.commit_digests, of_whole);
    check_stored(&file);
    file_close(&file);
    store_cleanup(&store);
}

START_TEST(digests_that_the_store_wants)
{
    check_digests(0, SF_DIGEST_CRC32C, SF_DIGEST_SHA256);
    check_digests(SF_DIGEST_SHA256, SF_DIGEST_CRC32C | SF_DIGEST_SHA256, SF_DIGEST_SHA256);
    check_digests(SF_DIGEST_MD5, SF_DIGEST_CRC32C | SF_DIGEST_MD5, SF_DIGEST_SHA256);
    check_digests(SF_DIGEST_CRC32C, SF_DIGEST_CRC32C, SF_DIGEST_SHA256 | SF_DIGEST_CRC32C);
    check_digests(SF_DIGEST_CRC32C | SF_DIGEST_SHA256, SF_DIGEST_CRC32C, SF_DIGEST_SHA256 | SF_DIGEST_CRC32C);
}
END_TEST

START_TEST(known_content_is_not_sent)
{
    uint8_t known[SHA256_BYTES];
    struct sf_error err;
    struct file file;

    open_store(false);
    file_open(&file, "f", BYTES);
    sha256_of(file.text, BYTES, known);
    file.send.known = known;
    ck_assert_msg(send_alone(&file, &err) == 0, "%s", err.text);
    ck_assert_int_eq(file.result, SEND_KNOWN);
    ck_assert_int_eq(uploads_script.begins, 0);
    ck_assert_mem_eq(file.entry.sha256, known, sizeof(known));
    ck_assert_str_eq(file.entry.tag, "");
    known[0] ^= 1;
    ck_assert_msg(send_alone(&file, &err) == 0, "%s", err.text);
    check_stored(&file);
    ck_assert_ptr_nonnull(strstr(uploads_script.begin_meta, ";checksum_sha256=")); /* as it was hashed first */
    ck_assert_int_eq(uploads_script.parts_without_digests, 0);
    file_close(&file);
    store_cleanup(&store);
}
END_TEST

START_TEST(in_order_and_kept_in_pieces)
{
    struct sf_error err;
    struct file file;

    open_store(true);
    uploads_script.keep_at_most = PART / 2 + 1;
    file_open(&file, "f", BYTES);
    ck_assert_msg(send_alone(&file, &err) == 0, "%s", err.text);
    check_stored(&file);
    ck_assert_int_eq(uploads_script.parts, 2 * (PARTS - 1) + 1);
    ck_assert_int_eq(uploads_script.parts_without_digests, PARTS - 1); /* the rests */
    ck_assert_str_eq(uploads_script.begin_meta, uploads_script.commit_meta);
    file_close(&file);
    store_cleanup(&store);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(hostile_answers)
{
    struct sf_error err;
    struct file file;

    open_store(false);
    uploads_script.keep_at_most = PART - 1;
    file_open(&file, "f", BYTES);
    ck_assert_int_eq(send_alone(&file, &err), -1); /* which bytes of a part that came out of order? */
    ck_assert_int_eq(err.cls, SF_PERMANENT);
    ck_assert_ptr_nonnull(strstr(err.text, "it keeps 65535 of the 65536 bytes of part 1 of 9"));
    ck_assert_int_eq(uploads_script.aborts, 1);
    store_cleanup(&store);
    open_store(true);
    uploads_script.keep_nothing = true;
    ck_assert_int_eq(send_alone(&file, &err), -1); /* and does not go on for ever */
    ck_assert_int_eq(err.cls, SF_PERMANENT);
    ck_assert_ptr_nonnull(strstr(err.text, "it keeps 0 of the 65536 bytes of part 1 of 9"));
    ck_assert_int_eq(uploads_script.aborts, 2);
    file_close(&file);
    store_cleanup(&store);
}
END_TEST

START_TEST(over_the_limits)
{
    struct sf_error err;
    struct file file;

    open_store(false);
    file_open(&file, "f", BYTES);
    store.info.object_max_bytes = BYTES - 1;
    ck_assert_int_eq(send_alone(&file, &err), -1);
    ck_assert_int_eq(err.cls, SF_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(err.text, "/f: 524305 bytes, but the store takes objects of at most 524304 bytes"));
    store.info.object_max_bytes = 0;
    store.info.part_max_bytes = PART;
    store.info.part_count_max = PARTS - 1;
    ck_assert_int_eq(send_alone(&file, &err), -1);
    ck_assert_int_eq(err.cls, SF_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(err.text, "takes at most 8 parts of at most 65536 bytes"));
    ck_assert_int_eq(uploads_script.begins, 0);
    store.info.part_count_max = PARTS;
    ck_assert_msg(send_alone(&file, &err) == 0, "%s", err.text);
    file_close(&file);
    store_cleanup(&store);
}
END_TEST

/* What one request can take goes in one; what it cannot goes in parts, however large they are to be. */
START_TEST(which_way)
{
    struct worker worker = {.store = &store, .run = &run, .buffer = mem_alloc(WORKER_BUFFER + 1)};
    struct sf_error err = SF_ERROR_INIT;
    enum send_result result;
    struct file file;

    open_store(false);
    file_open(&file, "f", BYTES);
    file.send.single_bytes = BYTES;
    ck_assert_int_eq(store.table->conn_open(&run.call, store.handle, &worker.conn, &err), 0);
    ck_assert_int_eq(send_file(&worker, &file.send, &file.entry, &result, &err), 0);
    ck_assert_int_eq(result, SEND_STORED);
    store.info.single_put_max_bytes = BYTES - 1;
    ck_assert_int_eq(send_file(&worker, &file.send, &file.entry, &result, &err), 0);
    ck_assert_int_eq(result, SEND_IN_PARTS);
    store.info.capabilities &= ~SF_CAP_UPLOAD;
    ck_assert_int_eq(send_file(&worker, &file.send, &file.entry, &result, &err), -1);
    ck_assert_int_eq(err.cls, SF_TOO_LARGE);
    store.table->conn_close(worker.conn);
    free(worker.buffer);
    file.stored = file.ended = 1;
    file_close(&file);
    store_cleanup(&store);
}
END_TEST

UNIT_MAIN("parts", &one_worker, &every_size, &out_of_order, &a_pool_of_one, &many_workers_many_files,
          &digests_that_the_store_wants, &known_content_is_not_sent, &in_order_and_kept_in_pieces, &hostile_answers,
          &over_the_limits, &which_way)
