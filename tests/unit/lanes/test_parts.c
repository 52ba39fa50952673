/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "core/lanes/parts.h"
#include "tests/kit/store.h"
#include "tests/kit/unit.h"
#include "tests/unit/lanes/uploads.h"

#include <fcntl.h>
#include <sys/stat.h>

#define PART 65536
#define PARTS 9
#define BYTES ((PARTS - 1) * PART + 17)
#define GATE_MS 30000 /* a limit for what would hang otherwise, not an expectation */

static struct run_call run;
static struct store store;

/* A file, and what became of it. */
struct file {
    char *path;
    char *key;
    char *text;
    struct send send;
    struct entry entry;
    struct parts_events events;
    atomic_int stored, failed, ended;
    atomic_ullong sent;
    enum send_result result;
};

static int take_stored(void *ctx, enum send_result result, struct sf_error *err)
{
    struct file *file = ctx;

    (void)err;
    file->stored++;
    file->result = result;
    return 0;
}

static void take_sent(void *ctx, uint64_t bytes)
{
    atomic_fetch_add(&((struct file *)ctx)->sent, bytes);
}

static void take_failed(void *ctx)
{
    ((struct file *)ctx)->failed++;
}

static void take_end(void *ctx)
{
    ((struct file *)ctx)->ended++;
}

static char *made_text(size_t bytes, unsigned seed)
{
    char *text = mem_alloc(bytes + 1);
    size_t i;

    for (i = 0; i < bytes; i++)
        text[i] = (char)('a' + (i * 7 + i / 1000 + seed) % 26);
    return text;
}

static void file_open(struct file *file, const char *name, size_t bytes)
{
    *file = (struct file){.path = mem_text(name), .key = mem_printf("2026-11-22/src/%s", name)};
    file->text = made_text(bytes, (unsigned)name[0]);
    unit_write(name, file->text, (long)bytes);
    file->send = (struct send){.rootfd = open(unit_temp_dir(), O_PATH | O_DIRECTORY | O_CLOEXEC),
                               .root = unit_temp_dir(),
                               .key = file->key,
                               .run = "run-1",
                               .single_bytes = PART,
                               .part_bytes = PART};
    ck_assert_int_ge(file->send.rootfd, 0);
    file->entry = (struct entry)ENTRY_INIT;
    file->entry.path = mem_text(name);
    file->events = (struct parts_events){take_stored, take_sent, take_failed, take_end, file};
}

static void file_close(struct file *file)
{
    ck_assert_int_eq(file->ended, 1);
    ck_assert_int_eq(file->stored + file->failed, 1);
    close(file->send.rootfd);
    entry_cleanup(&file->entry);
    free(file->path);
    free(file->key);
    free(file->text);
}

static void check_stored(struct file *file)
{
    AUTO_FREE char *found = kit_store_get(&store, &run, file->key);
    uint8_t sum[SHA256_BYTES];

    ck_assert_int_eq(file->stored, 1);
    ck_assert_int_eq(file->result, SEND_STORED);
    ck_assert_ptr_nonnull(found);
    ck_assert(strcmp(found, file->text) == 0);
    sha256_of(file->text, strlen(file->text), sum);
    ck_assert_mem_eq(file->entry.sha256, sum, sizeof(sum));
    ck_assert_uint_eq(file->entry.size, strlen(file->text));
    ck_assert_str_ne(file->entry.tag, "");
}

static void open_store(bool in_order)
{
    run_call_init(&run, 0);
    uploads_store_open(&store, &run, "parts", in_order);
}

/* On a worker without a pool: it sends all parts itself. */
static int send_alone(struct file *file, struct sf_error *err)
{
    struct worker worker = {.store = &store, .run = &run, .buffer = mem_alloc(WORKER_BUFFER)};
    enum send_result result = SEND_STORED;
    int status;

    *err = (struct sf_error)SF_ERROR_INIT;
    file->stored = file->failed = file->ended = 0;
    ck_assert_int_eq(store.table->conn_open(&run.call, store.handle, &worker.conn, err), 0);
    ck_assert_int_eq(send_file(&worker, &file->send, &file->entry, &result, err), 0);
    ck_assert_int_eq(result, SEND_IN_PARTS);
    status = parts_send(&worker, &file->send, &file->entry, &file->events, err);
    ck_assert_int_eq(file->ended, 1);
    store.table->conn_close(worker.conn);
    free(worker.buffer);
    return status;
}

static int run_file(struct worker *worker, void *job, struct sf_error *err)
{
    struct file *file = job;

    return parts_send(worker, &file->send, &file->entry, &file->events, err);
}

static void drop_file(void *job)
{
    struct file *file = job;

    file->failed++;
    file->ended++;
}

/* ---- what goes well ---- */

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

static int others_first; /* the first part of the first upload ends only when so many have come */

static void hold_first(uint32_t number)
{
    int64_t end = clock_mono_ms() + GATE_MS;

    while (number == 1 && uploads_script.parts < others_first && clock_mono_ms() < end)
        clock_sleep_ms(1);
    ck_assert_int_ge(uploads_script.parts, number == 1 ? others_first : 1);
}

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

/* ---- what goes wrong ---- */

START_TEST(failure_of_a_part)
{
    struct sf_error err;
    struct file file;

    open_store(false);
    uploads_script.part_number = 3;
    uploads_script.part_cls = SF_DENIED;
    uploads_script.part_times = 1;
    file_open(&file, "f", BYTES);
    ck_assert_int_eq(send_alone(&file, &err), -1);
    ck_assert_int_eq(err.cls, SF_DENIED);
    ck_assert_ptr_nonnull(strstr(err.text, unit_temp_dir()));
    ck_assert_ptr_nonnull(strstr(err.text, "/f: part 3 of 9: part 3 fails"));
    ck_assert_int_eq(uploads_script.parts, 3);
    ck_assert_int_eq(uploads_script.begins, 1);
    ck_assert_int_eq(uploads_script.aborts, 1);
    ck_assert_int_eq(uploads_script.closes, 1);
    ck_assert_int_eq(uploads_script.commits, 0);
    ck_assert_uint_eq(run.uploads_lost, 0);
    file_close(&file);
    store_cleanup(&store);
}
END_TEST

START_TEST(abort_that_fails_is_remembered)
{
    struct sf_error err;
    struct file file;

    open_store(false);
    uploads_script.part_number = 3;
    uploads_script.part_cls = SF_DENIED;
    uploads_script.part_times = 1;
    uploads_script.abort_cls = SF_TRANSIENT;
    file_open(&file, "f", BYTES);
    ck_assert_int_eq(send_alone(&file, &err), -1);
    ck_assert_int_eq(err.cls, SF_DENIED); /* the first error stays */
    ck_assert_uint_eq(run.uploads_lost, 1);
    file_close(&file);
    store_cleanup(&store);
}
END_TEST

START_TEST(failure_of_begin)
{
    struct sf_error err;
    struct file file;

    open_store(false);
    uploads_script.begin_cls = SF_AUTH;
    file_open(&file, "f", BYTES);
    ck_assert_int_eq(send_alone(&file, &err), -1);
    ck_assert_int_eq(err.cls, SF_AUTH);
    ck_assert_ptr_nonnull(strstr(err.text, "/f: begin fails"));
    ck_assert_int_eq(uploads_script.parts + uploads_script.aborts + uploads_script.closes, 0);
    file_close(&file);
    store_cleanup(&store);
}
END_TEST

/* In a pool: whatever the others are at, the first error is the pool's, each file ends once, and no upload is left. */
static void fail_in_pool(int cls)
{
    struct file files[6];
    struct sf_error err = SF_ERROR_INIT;
    struct pool *pool = NULL;
    int submitted = 0, i;

    ck_assert_int_eq(pool_open(&pool, &store, &run, 3, 2, &err), 0);
    for (i = 0; i < 6; i++) {
        char name[2] = {(char)('a' + i), '\0'};

        file_open(&files[i], name, BYTES);
        submitted += pool_submit(pool, LANE_LARGE, run_file, drop_file, &files[i], &err) == 0;
    }
    ck_assert_int_eq(pool_wait(pool, &err), -1);
    ck_assert_int_eq(err.cls, cls);
    pool_close(pool);
    for (i = 0; i < 6; i++)
        file_close(&files[i]);
    ck_assert_int_ge(submitted, 1);
    ck_assert_int_eq(uploads_script.closes, uploads_script.begins);
    ck_assert_int_eq(uploads_script.aborts + uploads_script.commits, uploads_script.begins);
    ck_assert_uint_eq(run.uploads_lost, 0);
    ck_assert(!uploads_script.abort_was_cancelled);
    ck_assert_uint_eq(run.requests[SF_REQUEST_UPLOAD_ABORT], (unsigned)uploads_script.aborts);
    store_cleanup(&store);
}

START_TEST(failure_in_a_pool)
{
    open_store(false);
    uploads_script.part_number = 7;
    uploads_script.part_cls = SF_NO_SPACE;
    uploads_script.part_times = 1;
    fail_in_pool(SF_NO_SPACE);
    ck_assert_int_ge(uploads_script.aborts, 1);
}
END_TEST

static void cancel_at_five(uint32_t number)
{
    if (number == 5)
        atomic_store(&run.cancel_signal, 15);
}

START_TEST(aborted_after_cancel)
{
    open_store(false);
    uploads_script.during_part = cancel_at_five;
    fail_in_pool(SF_CANCELLED);
    ck_assert_int_ge(uploads_script.aborts, 1);
}
END_TEST

START_TEST(aborted_after_cancel_by_the_only_worker)
{
    struct sf_error err;
    struct file file;

    open_store(false);
    uploads_script.during_part = cancel_at_five;
    file_open(&file, "f", BYTES);
    ck_assert_int_eq(send_alone(&file, &err), -1);
    ck_assert_int_eq(err.cls, SF_CANCELLED);
    ck_assert_int_eq(uploads_script.aborts, 1);
    ck_assert(!uploads_script.abort_was_cancelled);
    file_close(&file);
    store_cleanup(&store);
}
END_TEST

/* ---- what is read again ---- */

static void append_byte(uint32_t number)
{
    char path[4096];
    int fd;

    if (number != 2 || uploads_script.begins > 1)
        return;
    snprintf(path, sizeof(path), "%s/f", unit_temp_dir());
    fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "x", 1), 1);
    close(fd);
}

/* Of a part that was hashed and not sent yet: the store's own check of the digest finds it. */
static void change_byte(uint32_t number)
{
    char path[4096];
    int fd;

    if (number != 2 || uploads_script.begins > 1)
        return;
    snprintf(path, sizeof(path), "%s/f", unit_temp_dir());
    fd = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, "#", 1, PART + 5), 1);
    close(fd);
}

static void shrink(uint32_t number)
{
    char path[4096];

    if (number != 2 || uploads_script.begins > 1)
        return;
    snprintf(path, sizeof(path), "%s/f", unit_temp_dir());
    ck_assert_int_eq(truncate(path, 0), 0);
}

START_TEST(changed_once_is_read_again)
{
    struct sf_error err;
    struct file file;

    open_store(false);
    uploads_script.during_part = append_byte;
    file_open(&file, "f", BYTES);
    ck_assert_msg(send_alone(&file, &err) == 0, "%s", err.text);
    file.text = mem_resize(file.text, BYTES + 2);
    memcpy(file.text + BYTES, "x", 2);
    check_stored(&file);
    ck_assert_int_eq(uploads_script.begins, 2);
    ck_assert_int_eq(uploads_script.aborts, 1);
    ck_assert_int_eq(uploads_script.closes, 2);
    ck_assert_uint_eq(file.sent, BYTES); /* of the first try */
    file_close(&file);
    store_cleanup(&store);
}
END_TEST

START_TEST(flipped_after_hashing_is_read_again)
{
    struct sf_error err;
    struct file file;

    open_store(false);
    uploads_script.during_part = change_byte;
    file_open(&file, "f", BYTES);
    ck_assert_msg(send_alone(&file, &err) == 0, "%s", err.text);
    file.text[PART + 5] = '#';
    check_stored(&file);
    ck_assert_int_eq(uploads_script.begins, 2);
    ck_assert_int_eq(uploads_script.aborts, 1);
    file_close(&file);
    store_cleanup(&store);
}
END_TEST

START_TEST(emptied_is_still_an_object)
{
    struct sf_error err;
    struct file file;

    open_store(false);
    uploads_script.during_part = shrink;
    file_open(&file, "f", BYTES);
    ck_assert_msg(send_alone(&file, &err) == 0, "%s", err.text);
    file.text[0] = '\0';
    check_stored(&file);
    ck_assert_uint_eq(uploads_script.part_count, 1);
    file_close(&file);
    store_cleanup(&store);
}
END_TEST

START_TEST(corrupt_parts)
{
    struct sf_error err;
    struct file file;

    open_store(false);
    uploads_script.part_number = 4;
    uploads_script.part_cls = SF_CORRUPT;
    uploads_script.part_times = SEND_TRIES - 1;
    file_open(&file, "f", BYTES);
    ck_assert_msg(send_alone(&file, &err) == 0, "%s", err.text);
    check_stored(&file);
    ck_assert_int_eq(uploads_script.begins, SEND_TRIES);
    ck_assert_int_eq(uploads_script.aborts, SEND_TRIES - 1);
    file.send.key = "another";
    uploads_script.part_times = SEND_TRIES;
    ck_assert_int_eq(send_alone(&file, &err), -1);
    ck_assert_int_eq(err.cls, SF_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.text, "/f: part 4 of 9: part 4 fails"));
    ck_assert_int_eq(uploads_script.part_times, 0);
    ck_assert_int_eq(uploads_script.aborts, 2 * SEND_TRIES - 1);
    file_close(&file);
    store_cleanup(&store);
}
END_TEST

START_TEST(commit_that_clashes)
{
    struct sf_error err;
    struct file file;

    open_store(false);
    uploads_script.commit_cls = SF_CONFLICT;
    uploads_script.commit_times = 1;
    file_open(&file, "f", BYTES);
    ck_assert_msg(send_alone(&file, &err) == 0, "%s", err.text);
    check_stored(&file);
    ck_assert_int_eq(uploads_script.begins, 2);
    ck_assert_int_eq(uploads_script.aborts, 1);
    file.send.key = "another";
    uploads_script.commit_times = SEND_TRIES;
    ck_assert_int_eq(send_alone(&file, &err), -1);
    ck_assert_int_eq(err.cls, SF_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.text, "/f: commit fails"));
    ck_assert_int_eq(uploads_script.aborts, 1 + SEND_TRIES);
    file_close(&file);
    store_cleanup(&store);
}
END_TEST

START_TEST(tries_again_in_a_pool)
{
    struct file file;
    struct sf_error err = SF_ERROR_INIT;
    struct pool *pool = NULL;

    open_store(false);
    uploads_script.commit_cls = SF_CONFLICT;
    uploads_script.commit_times = 1;
    uploads_script.part_number = 8;
    uploads_script.part_cls = SF_CORRUPT;
    uploads_script.part_times = 1;
    others_first = PARTS / 2;
    uploads_script.during_part = hold_first;
    ck_assert_int_eq(pool_open(&pool, &store, &run, 3, 1, &err), 0);
    file_open(&file, "f", BYTES);
    ck_assert_int_eq(pool_submit(pool, LANE_LARGE, run_file, drop_file, &file, &err), 0);
    ck_assert_msg(pool_wait(pool, &err) == 0, "%s", err.text);
    check_stored(&file);
    ck_assert_int_eq(uploads_script.begins, 3);
    ck_assert_int_eq(uploads_script.aborts, 2);
    pool_close(pool);
    file_close(&file);
    store_cleanup(&store);
}
END_TEST

START_TEST(commit_of_another_size)
{
    struct sf_error err;
    struct file file;

    open_store(false);
    uploads_script.commit_bytes = 5;
    uploads_script.commit_bytes_times = 1;
    file_open(&file, "f", BYTES);
    ck_assert_msg(send_alone(&file, &err) == 0, "%s", err.text);
    check_stored(&file);
    ck_assert_int_eq(uploads_script.commits, 2);
    ck_assert_int_eq(uploads_script.aborts, 0);                       /* it was committed */
    ck_assert_uint_eq(uploads_script.commit_precondition, SF_IF_TAG); /* replaces that */
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
    struct worker worker = {.store = &store, .run = &run, .buffer = mem_alloc(WORKER_BUFFER)};
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
          &digests_that_the_store_wants, &known_content_is_not_sent, &in_order_and_kept_in_pieces, &failure_of_a_part,
          &abort_that_fails_is_remembered, &failure_of_begin, &failure_in_a_pool, &aborted_after_cancel,
          &aborted_after_cancel_by_the_only_worker, &changed_once_is_read_again, &flipped_after_hashing_is_read_again,
          &emptied_is_still_an_object, &corrupt_parts, &commit_that_clashes, &tries_again_in_a_pool,
          &commit_of_another_size, &hostile_answers, &over_the_limits, &which_way)
