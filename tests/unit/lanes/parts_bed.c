/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/lanes/parts_bed.h"

#include "base/clock.h"
#include "base/mem.h"
#include "tests/kit/store.h"
#include "tests/kit/unit.h"

#include <fcntl.h>

#define GATE_MS 30000 /* a limit for what would hang otherwise, not an expectation */

struct run_call run;
struct store store;
int others_first;

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

void file_open(struct file *file, const char *name, size_t bytes)
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

void file_close(struct file *file)
{
    ck_assert_int_eq(file->ended, 1);
    ck_assert_int_eq(file->stored + file->failed, 1);
    close(file->send.rootfd);
    entry_cleanup(&file->entry);
    free(file->path);
    free(file->key);
    free(file->text);
}

void check_stored(struct file *file)
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

void open_store(bool in_order)
{
    run_call_init(&run, 0);
    uploads_store_open(&store, &run, "parts", in_order);
}

int send_alone(struct file *file, struct sf_error *err)
{
    struct worker worker = {.store = &store, .run = &run, .buffer = mem_alloc(WORKER_BUFFER + 1)};
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

int run_file(struct worker *worker, void *job, struct sf_error *err)
{
    struct file *file = job;

    return parts_send(worker, &file->send, &file->entry, &file->events, err);
}

void drop_file(void *job)
{
    struct file *file = job;

    file->failed++;
    file->ended++;
}

void hold_first(uint32_t number)
{
    int64_t end = clock_mono_ms() + GATE_MS;

    while (number == 1 && uploads_script.parts < others_first && clock_mono_ms() < end)
        clock_sleep_ms(1);
    ck_assert_int_ge(uploads_script.parts, number == 1 ? others_first : 1);
}
