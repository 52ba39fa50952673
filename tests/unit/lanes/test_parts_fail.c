/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "tests/kit/unit.h"
#include "tests/unit/lanes/parts_bed.h"

#include <fcntl.h>
#include <unistd.h>

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

/* Were the file read again and another object of the same size committed, nobody could tell which of the two stands. */
START_TEST(commit_in_doubt_is_not_followed_by_another)
{
    static const int classes[] = {SF_CONFLICT, SF_NOT_FOUND, SF_CORRUPT, SF_TRANSIENT};
    struct sf_error err;
    struct file file;
    size_t i;

    open_store(false);
    uploads_script.commit_in_doubt = true;
    for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        uploads_script.commit_cls = classes[i];
        uploads_script.commit_times = 1;
        file_open(&file, "f", BYTES);
        ck_assert_int_eq(send_alone(&file, &err), -1);
        ck_assert_int_eq(err.cls, classes[i]);
        ck_assert_int_eq(uploads_script.begins, (int)i + 1);
        ck_assert_int_eq(uploads_script.aborts, (int)i + 1);
        file_close(&file);
    }
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
    others_first = 2; /* of the others, part 8 alone is sure to be sent: then all is in vain */
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

UNIT_MAIN("parts_fail", &failure_of_a_part, &abort_that_fails_is_remembered, &failure_of_begin, &failure_in_a_pool,
          &aborted_after_cancel, &aborted_after_cancel_by_the_only_worker, &changed_once_is_read_again,
          &flipped_after_hashing_is_read_again, &emptied_is_still_an_object, &corrupt_parts, &commit_that_clashes,
          &commit_in_doubt_is_not_followed_by_another, &tries_again_in_a_pool, &commit_of_another_size)
