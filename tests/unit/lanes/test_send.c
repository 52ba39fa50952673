/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "core/lanes/send.h"
#include "core/store/call.h"
#include "core/walk/walk.h"
#include "tests/kit/store.h"
#include "tests/kit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define LARGE (3 * WORKER_BUFFER + 17)

static struct run_call run;
static struct sf_plugin table; /* the memory plugin's, with a put of ours */
static unsigned put_calls;
static void (*meddle)(void); /* what happens while a put runs */
static bool meddle_once;
static bool digest_on_put;     /* the store digests descriptors itself */
static bool hide_digest;       /* ... but does not say */
static struct sf_put last_put; /* its pointers are the put's and gone */
static struct sf_body last_body;
static struct sf_digests last_digests;
static char last_meta[512];

static void path_of(const char *name, char path[4096])
{
    snprintf(path, 4096, "%s/%s", unit_temp_dir(), name);
}

static void note_put(const struct sf_put *put)
{
    uint32_t i;

    last_put = *put;
    last_body = *put->body;
    last_digests = put->digests != NULL ? *put->digests : (struct sf_digests){0};
    last_meta[0] = '\0';
    for (i = 0; i < put->meta_count; i++)
        snprintf(last_meta + strlen(last_meta), sizeof(last_meta) - strlen(last_meta), "%s=%s;", put->meta[i].key,
                 put->meta[i].value);
}

static int put_and_meddle(const struct sf_call *call, struct sf_conn *conn, const struct sf_put *put,
                          struct sf_object *object, struct sf_error *err)
{
    int result;

    put_calls++;
    note_put(put);
    if (meddle != NULL && (!meddle_once || put_calls == 1))
        meddle();
    result = kit_memory_plugin()->put(call, conn, put, object, err);
    if (result == 0 && digest_on_put && put->body->kind == SF_BODY_FD && !hide_digest) {
        unsigned char *copy = mem_alloc(put->body->length);

        ck_assert_int_eq(pread(put->body->fd, copy, put->body->length, 0), (ssize_t)put->body->length);
        sha256_of(copy, put->body->length, object->digests.sha256);
        object->digests.have |= SF_DIGEST_SHA256;
        free(copy);
    }
    return result;
}

/* All that a test needs: a source folder, a store, a worker, one entry. */
struct scene {
    struct store store;
    struct worker worker;
    struct send send;
    struct entry entry;
    enum send_result result;
    struct sf_error err;
};

static void scene_open(struct scene *scene, const char *name)
{
    *scene = (struct scene){.err = SF_ERROR_INIT};
    run_call_init(&run, 0);
    kit_store_open(&scene->store, &run, "send");
    table = *scene->store.table;
    table.put = put_and_meddle;
    scene->store.table = &table;
    if (digest_on_put)
        scene->store.info.capabilities |= SF_CAP_DIGEST_ON_PUT;
    scene->worker = (struct worker){.store = &scene->store, .run = &run, .buffer = mem_alloc(WORKER_BUFFER + 1)};
    ck_assert_int_eq(table.conn_open(&run.call, scene->store.handle, &scene->worker.conn, &scene->err), 0);
    scene->send = (struct send){.rootfd = open(unit_temp_dir(), O_PATH | O_DIRECTORY | O_CLOEXEC),
                                .root = unit_temp_dir(),
                                .key = "2026-11-22/src/the-key",
                                .run = "run-1",
                                .single_bytes = UINT64_MAX};
    ck_assert_int_ge(scene->send.rootfd, 0);
    scene->entry = (struct entry)ENTRY_INIT;
    scene->entry.path = mem_text(name);
}

static void scene_close(struct scene *scene)
{
    close(scene->send.rootfd);
    table.conn_close(scene->worker.conn);
    free(scene->worker.buffer);
    free(scene->entry.path);
    store_cleanup(&scene->store);
}

static int scene_send(struct scene *scene)
{
    return send_file(&scene->worker, &scene->send, &scene->entry, &scene->result, &scene->err);
}

static char *made_text(size_t bytes)
{
    char *text = mem_alloc(bytes + 1);
    size_t i;

    for (i = 0; i < bytes; i++)
        text[i] = (char)('a' + (i * 7 + i / 1000) % 26);
    return text;
}

static void check_stored(struct scene *scene, const char *text)
{
    AUTO_FREE char *stored = kit_store_get(&scene->store, &run, scene->send.key);
    uint8_t sum[SHA256_BYTES];
    struct stat st;
    char path[4096];

    ck_assert_ptr_nonnull(stored);
    ck_assert(strcmp(stored, text) == 0);
    sha256_of(text, strlen(text), sum);
    ck_assert_mem_eq(scene->entry.sha256, sum, sizeof(sum));
    path_of(scene->entry.path, path);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(scene->entry.size, strlen(text));
    ck_assert_int_eq(scene->entry.mtime_ns, (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
    ck_assert_uint_eq(scene->entry.mode, st.st_mode & 07777);
    ck_assert_uint_eq(scene->entry.uid, st.st_uid);
    ck_assert_str_ne(scene->entry.tag, "");
}

START_TEST(every_size)
{
    static const size_t sizes[] = {0, 1, 4096, WORKER_BUFFER - 1, WORKER_BUFFER, WORKER_BUFFER + 1, LARGE};
    size_t i;

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        AUTO_FREE char *text = made_text(sizes[i]);
        char name[32], key[32], hex[SHA256_HEX + 1], meta[200];
        struct scene scene;

        snprintf(name, sizeof(name), "dir/f%zu", sizes[i]);
        snprintf(key, sizeof(key), "k/%zu", sizes[i]);
        unit_write(name, text, -1);
        scene_open(&scene, name);
        scene.send.key = key;
        ck_assert_msg(scene_send(&scene) == 0, "%s", scene.err.text);
        ck_assert_int_eq(scene.result, SEND_STORED);
        check_stored(&scene, text);
        ck_assert_uint_eq(last_body.kind, sizes[i] <= WORKER_BUFFER ? SF_BODY_MEMORY : SF_BODY_FD);
        ck_assert_uint_eq(last_put.precondition, SF_IF_ABSENT);
        ck_assert_uint_eq(last_digests.have, SF_DIGEST_SHA256 | SF_DIGEST_CRC32C); /* memory wants the CRC */
        ck_assert_uint_eq(last_digests.crc32c, crc32c_update(0, text, sizes[i]));
        hex_encode(scene.entry.sha256, SHA256_BYTES, hex);
        snprintf(meta, sizeof(meta), "run=run-1;checksum_sha256=%s;", hex);
        ck_assert_str_eq(last_meta, meta);
        scene_close(&scene);
    }
    ck_assert_uint_eq(put_calls, i); /* one request each */
}
END_TEST

START_TEST(known_content_is_not_sent)
{
    static const size_t sizes[] = {0, 100, LARGE};
    size_t i;

    digest_on_put = true; /* even then the core has to hash first */
    for (i = 0; i < 3; i++) {
        AUTO_FREE char *text = made_text(sizes[i]);
        uint8_t known[SHA256_BYTES];
        struct scene scene;
        char key[32];

        snprintf(key, sizeof(key), "k/%zu", sizes[i]);
        unit_write("f", text, -1);
        sha256_of(text, sizes[i], known);
        scene_open(&scene, "f");
        scene.send.key = key;
        scene.send.known = known;
        put_calls = 0;
        ck_assert_int_eq(scene_send(&scene), 0);
        ck_assert_int_eq(scene.result, SEND_KNOWN);
        ck_assert_uint_eq(put_calls, 0);
        ck_assert_uint_eq(scene.entry.size, sizes[i]);
        ck_assert_mem_eq(scene.entry.sha256, known, sizeof(known));
        ck_assert_str_eq(scene.entry.tag, "");
        known[0] ^= 1;
        ck_assert_int_eq(scene_send(&scene), 0);
        ck_assert_int_eq(scene.result, SEND_STORED);
        check_stored(&scene, text);
        scene_close(&scene);
    }
}
END_TEST

START_TEST(preconditions_of_the_caller)
{
    char first[SF_TAG_MAX + 1];
    struct scene scene;

    unit_write("f", "one", -1);
    scene_open(&scene, "f");
    scene.send.if_tag = "none";
    ck_assert_int_eq(scene_send(&scene), -1);
    ck_assert_int_eq(scene.err.cls, SF_PRECONDITION);
    scene.send.if_tag = NULL;
    ck_assert_int_eq(scene_send(&scene), 0);
    memcpy(first, scene.entry.tag, sizeof(first));
    ck_assert_int_eq(scene_send(&scene), -1);
    ck_assert_int_eq(scene.err.cls, SF_EXISTS);
    ck_assert_ptr_nonnull(strstr(scene.err.text, unit_temp_dir()));
    ck_assert_ptr_nonnull(strstr(scene.err.text, "/f: "));
    unit_write("f", "two", -1);
    scene.send.if_tag = first;
    ck_assert_int_eq(scene_send(&scene), 0);
    ck_assert_str_ne(scene.entry.tag, first);
    check_stored(&scene, "two");
    scene_close(&scene);
}
END_TEST

START_TEST(store_that_digests)
{
    AUTO_FREE char *text = made_text(LARGE);
    struct scene scene;

    digest_on_put = true;
    unit_write("f", text, -1);
    scene_open(&scene, "f");
    ck_assert_msg(scene_send(&scene) == 0, "%s", scene.err.text);
    check_stored(&scene, text);
    ck_assert_ptr_null(last_put.digests); /* nothing was hashed before */
    ck_assert_str_eq(last_meta, "run=run-1;");
    hide_digest = true;
    scene.send.key = "other";
    ck_assert_msg(scene_send(&scene) == 0, "%s", scene.err.text);
    check_stored(&scene, text); /* hashed after */
    scene_close(&scene);
}
END_TEST

/* ---- files that do not keep still ---- */

static void append_byte(void)
{
    char path[4096];
    AUTO_FD fd = -1;

    path_of("f", path);
    fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "x", 1), 1);
}

static void cut_byte(void)
{
    struct stat st;
    char path[4096];

    path_of("f", path);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(truncate(path, st.st_size - 1), 0);
}

/* Same size, other content: only the mtime tells. */
static void change_byte(void)
{
    char path[4096];
    AUTO_FD fd = -1;

    clock_sleep_ms(20); /* beyond the clock tick of the file system */
    path_of("f", path);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, "#", 1, 0), 1);
}

static void try_meddling(void (*how)(void), bool digests, const char *name)
{
    AUTO_FREE char *text = made_text(LARGE), *now = mem_alloc(LARGE + 16);
    struct scene scene;
    char path[4096];
    AUTO_FD fd = -1;

    digest_on_put = digests;
    meddle = how;
    meddle_once = true;
    put_calls = 0;
    unit_write("f", text, -1);
    scene_open(&scene, "f");
    scene.send.key = name;
    ck_assert_msg(scene_send(&scene) == 0, "%s", scene.err.text);
    path_of("f", path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_gt(pread(fd, now, LARGE + 15, 0), 0);
    check_stored(&scene, now);
    ck_assert_uint_eq(put_calls, 2);
    scene_close(&scene);
}

START_TEST(changed_once_is_read_again)
{
    try_meddling(append_byte, false, "append");
    try_meddling(cut_byte, false, "cut");
    try_meddling(change_byte, false, "change");
    try_meddling(append_byte, true, "append-digest");
    try_meddling(cut_byte, true, "cut-digest");
    try_meddling(change_byte, true, "change-digest");
}
END_TEST

START_TEST(changing_always_fails)
{
    AUTO_FREE char *text = made_text(LARGE);
    struct scene scene;

    meddle = append_byte;
    unit_write("f", text, -1);
    scene_open(&scene, "f");
    ck_assert_int_eq(scene_send(&scene), -1);
    ck_assert_int_eq(scene.err.cls, SF_CONFLICT);
    ck_assert_uint_eq(put_calls, SEND_TRIES);
    ck_assert_ptr_nonnull(strstr(scene.err.text, "/f: changes while it is read"));
    ck_assert_uint_eq(last_put.precondition, SF_IF_TAG); /* the object of the try before */
    scene_close(&scene);
}
END_TEST

START_TEST(flipped_on_the_way_is_read_again)
{
    AUTO_FREE char *text = made_text(LARGE);
    struct scene scene;

    /* The digest was taken before; the store finds other bytes and stores nothing. */
    meddle = change_byte;
    unit_write("f", text, -1);
    scene_open(&scene, "f");
    meddle_once = true;
    ck_assert_msg(scene_send(&scene) == 0, "%s", scene.err.text);
    text[0] = '#';
    check_stored(&scene, text);
    ck_assert_uint_eq(last_put.precondition, SF_IF_ABSENT);
    scene_close(&scene);
}
END_TEST

START_TEST(gone_or_replaced)
{
    struct scene scene;
    char path[4096], dir[4096];

    scene_open(&scene, "dir/f");
    unit_write("elsewhere/f", "secret", -1);
    unit_write("dir/other", "x", -1);
    ck_assert_int_eq(scene_send(&scene), -1);
    ck_assert_ptr_nonnull(strstr(scene.err.text, "dir/f: vanished"));
    path_of("dir/f", path);
    ck_assert_int_eq(symlink("../elsewhere/f", path), 0);
    ck_assert_int_eq(scene_send(&scene), -1);
    ck_assert_ptr_nonnull(strstr(scene.err.text, "dir/f: became a symlink"));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0644), 0);
    ck_assert_int_eq(scene_send(&scene), -1); /* and does not hang */
    ck_assert_ptr_nonnull(strstr(scene.err.text, "dir/f: is no longer a regular file"));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    ck_assert_int_eq(scene_send(&scene), -1);
    ck_assert_ptr_nonnull(strstr(scene.err.text, "is no longer a regular file"));
    ck_assert_int_eq(rmdir(path), 0);
    path_of("dir/other", path);
    ck_assert_int_eq(unlink(path), 0);
    path_of("dir", dir);
    ck_assert_int_eq(rmdir(dir), 0);
    ck_assert_int_eq(symlink("elsewhere", dir), 0); /* a folder on the way */
    ck_assert_int_eq(scene_send(&scene), -1);
    ck_assert_ptr_nonnull(strstr(scene.err.text, "became a symlink"));
    ck_assert_uint_eq(put_calls, 0);
    scene_close(&scene);
}
END_TEST

START_TEST(over_the_limit)
{
    AUTO_FREE char *text = made_text(1000);
    struct scene scene;

    unit_write("f", text, -1);
    scene_open(&scene, "f");
    scene.store.info.capabilities &= ~SF_CAP_UPLOAD;
    scene.store.info.single_put_max_bytes = 999;
    ck_assert_int_eq(scene_send(&scene), -1);
    ck_assert_int_eq(scene.err.cls, SF_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(scene.err.text, "1000 bytes"));
    ck_assert_ptr_nonnull(strstr(scene.err.text, "999"));
    scene.store.info.single_put_max_bytes = 1000;
    ck_assert_int_eq(scene_send(&scene), 0);
    scene_close(&scene);
}
END_TEST

START_TEST(cancelled_while_hashing)
{
    AUTO_FREE char *text = made_text(LARGE);
    struct scene scene;

    unit_write("f", text, -1);
    scene_open(&scene, "f");
    atomic_store(&run.cancel_signal, 2);
    ck_assert_int_eq(scene_send(&scene), -1);
    ck_assert_int_eq(scene.err.cls, SF_CANCELLED);
    ck_assert_uint_eq(put_calls, 0);
    scene_close(&scene);
}
END_TEST

/* 2300 does not fit into 64 bits of nanoseconds. The walk of the next run must find what was recorded. */
START_TEST(times_out_of_range_are_as_the_walk_has_them)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = INT64_C(10413792000)}};
    SF_AUTO(entry) walked = ENTRY_INIT;
    struct scene scene;
    struct stat st;
    char path[4096];

    unit_write("far", "text", -1);
    path_of("far", path);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    ck_assert_int_eq(stat(path, &st), 0);
    walk_entry_stat(&walked, &st);
    scene_open(&scene, "far");
    ck_assert_int_eq(scene_send(&scene), 0);
    ck_assert_int_eq(scene.entry.mtime_ns, walked.mtime_ns);
    ck_assert_int_gt(scene.entry.mtime_ns, 0);
    scene_close(&scene);
}
END_TEST

START_TEST(unprintable_names_in_messages)
{
    char name[256];
    struct scene scene;

    memset(name, 'n', sizeof(name));
    memcpy(name, "a\n\033[2J\xff", 8);
    name[255] = '\0';
    scene_open(&scene, name);
    ck_assert_int_eq(scene_send(&scene), -1);
    ck_assert_ptr_nonnull(strstr(scene.err.text, "a\\x0a\\x1b[2J\\xff"));
    ck_assert_ptr_nonnull(strstr(scene.err.text, ": vanished"));
    scene_close(&scene);
}
END_TEST

UNIT_MAIN("send", &every_size, &known_content_is_not_sent, &preconditions_of_the_caller, &store_that_digests,
          &changed_once_is_read_again, &changing_always_fails, &flipped_on_the_way_is_read_again, &gone_or_replaced,
          &over_the_limit, &cancelled_while_hashing, &times_out_of_range_are_as_the_walk_has_them,
          &unprintable_names_in_messages)
