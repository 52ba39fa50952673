/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/restore/rig.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/spill.h"
#include "core/merge/merge.h"
#include "core/walk/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define RUN "00112233445566778899aabbccddeeff" /* of the point; also of the restore: they never meet */

/* ---- the store ---- */

static const struct sf_plugin *memory;
static bool stutter;
static enum sf_class broken;

static int watched_get(const struct sf_call *call, struct sf_conn *conn, const struct sf_get *get,
                       const struct sf_sink *sink, struct sf_object *object, struct sf_error *err)
{
    if (broken != SF_OK)
        return sf_fail(err, broken, "%s: told to fail", get->key);
    if (stutter) {
        struct sf_get half = *get;

        half.length = 3;
        if (memory->get(call, conn, &half, sink, object, err) < 0)
            return -1;
    }
    return memory->get(call, conn, get, sink, object, err);
}

void rig_stutter(struct rig *rig)
{
    (void)rig;
    stutter = true;
}

void rig_break_gets(struct rig *rig, enum sf_class cls)
{
    (void)rig;
    broken = cls;
}

static const struct point point = {.time_dir = RIG_TIME_DIR, .run = RUN};

void rig_open(struct rig *rig)
{
    static struct sf_plugin table;
    struct sf_error err = SF_ERROR_INIT;

    memset(rig, 0, sizeof(*rig));
    rig->manifest_fd = -1;
    rig->log = (struct log)LOG_INIT;
    run_call_init(&rig->run, 0);
    kit_store_open(&rig->store, &rig->run, "restore");
    memory = rig->store.table;
    table = *memory;
    table.get = watched_get;
    rig->store.table = &table;
    rig->base = (struct base){.store = &rig->store, .run = &rig->run, .prefix = "pre/fix"};
    ck_assert_int_eq(table.conn_open(&rig->run.call, rig->store.handle, &rig->base.conn, &err), 0);
    rig->plan = (struct restore_plan){.base = &rig->base,
                                      .log = &rig->log,
                                      .meter = &rig->meter,
                                      .temp_dir = unit_temp_dir(),
                                      .source = "data",
                                      .run = RUN,
                                      .point = &point,
                                      .manifest_name = "the manifest",
                                      .only = &rig->only};
}

/* The kit's own removal cannot reach paths beyond PATH_MAX. */
static void remove_trees(void)
{
    char *command = mem_printf("chmod -R u+rwX '%s' && rm -rf '%s'/*", unit_temp_dir(), unit_temp_dir());

    ck_assert_int_eq(system(command), 0);
    free(command);
}

void rig_close(struct rig *rig)
{
    remove_trees();
    rig->store.table->conn_close(rig->base.conn);
    store_cleanup(&rig->store);
    if (rig->manifest_fd >= 0)
        close(rig->manifest_fd);
    patterns_cleanup(&rig->only);
    free(rig->logged);
}

const char *rig_key(const struct rig *rig, const char *path)
{
    static struct buf key;

    key_object(&rig->base, RIG_TIME_DIR, "data", path, &key);
    return buf_text(&key);
}

static void put(struct rig *rig, const char *path, const void *data, size_t bytes)
{
    struct sf_body body = {.size = sizeof(body), .kind = SF_BODY_MEMORY, .length = bytes, .data = data, .fd = -1};
    struct sf_put args = {.size = sizeof(args), .key = rig_key(rig, path), .body = &body};
    struct sf_object object = {.size = sizeof(object)};
    struct sf_error err = SF_ERROR_INIT;

    if (memory->put(&rig->run.call, rig->base.conn, &args, &object, &err) < 0)
        ck_abort_msg("put %s: %s", path, err.text);
}

static void removed(void *ctx, uint32_t index, int32_t cls, const char *text)
{
    (void)ctx;
    (void)index;
    ck_assert_msg(cls == SF_OK, "%s", text);
}

void rig_remove_object(struct rig *rig, const char *path)
{
    struct sf_remove item = {.size = sizeof(item), .key = rig_key(rig, path)};
    struct sf_remove_sink sink = {.size = sizeof(sink), .result = removed};
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_int_eq(memory->remove(&rig->run.call, rig->base.conn, &item, 1, sizeof(item), &sink, &err), 0);
}

/* ---- points ---- */

/* What a name asks for that this user could not give to a tree that must be read again. */
static void apply_name(struct entry *entry)
{
    const char *slash = strrchr(entry->path, '/');
    const char *leaf = slash != NULL ? slash + 1 : entry->path;
    unsigned mode;

    if (entry->type != ENTRY_LINK && sscanf(leaf, "m%o-", &mode) == 1)
        entry->mode = mode;
    if (strncmp(leaf, "u-", 2) == 0 && geteuid() == 0) {
        entry->uid = 12345;
        entry->gid = 54321;
    }
}

static void store_file(struct rig *rig, int rootfd, struct entry *entry)
{
    AUTO_FD fd = beneath_open(rootfd, entry->path, O_RDONLY, 0);
    AUTO_FREE unsigned char *data = mem_alloc(entry->size + 1);

    ck_assert(fd >= 0);
    ck_assert_int_eq(read(fd, data, entry->size + 1), (ssize_t)entry->size);
    sha256_of(data, entry->size, entry->sha256);
    snprintf(entry->tag, sizeof(entry->tag), "any");
    snprintf(entry->time_dir, sizeof(entry->time_dir), RIG_TIME_DIR);
    put(rig, entry->path, data, entry->size);
}

void rig_store_tree(struct rig *rig, const char *folder)
{
    const struct walk_options options = {.temp_dir = unit_temp_dir(), .name = folder};
    struct manifest_header header = {.source = "data",
                                     .time_dir = RIG_TIME_DIR,
                                     .run = RUN,
                                     .started_ms = 1700000000000,
                                     .walked_ms = 1700000000000};
    AUTO_FD rootfd = rig_open_tree(folder);
    struct sf_error err = SF_ERROR_INIT;
    struct manifest_writer *writer;
    struct manifest_summary summary;
    struct entry entry = ENTRY_INIT;
    struct walk *walk;
    int result;

    if (rig->manifest_fd >= 0)
        close(rig->manifest_fd);
    rig->plan.manifest_fd = rig->manifest_fd = spill_temp_file(unit_temp_dir(), &err);
    ck_assert_int_ge(rig->manifest_fd, 0);
    ck_assert_int_eq(manifest_writer_open(&writer, rig->manifest_fd, &header, &err), 0);
    ck_assert_int_eq(walk_open(&walk, rootfd, &options, &err), 0);
    while ((result = walk_next(walk, &entry, &err)) == 1) {
        apply_name(&entry);
        if (entry.type == ENTRY_FILE)
            store_file(rig, rootfd, &entry);
        if (manifest_writer_add(writer, &entry, &err) < 0)
            ck_abort_msg("%s", err.text);
    }
    ck_assert_msg(result == 0, "%s", err.text);
    ck_assert_int_eq(manifest_writer_finish(writer, 1700000001000, &summary, &err), 0);
    manifest_writer_free(writer);
    walk_close(walk);
    entry_cleanup(&entry);
}

/* ---- restores ---- */

static void capture(struct rig *rig, int fd)
{
    off_t bytes = lseek(fd, 0, SEEK_END);

    free(rig->logged);
    rig->logged = mem_alloc((size_t)bytes + 1);
    ck_assert_int_eq(pread(fd, rig->logged, (size_t)bytes, 0), bytes);
}

static int take_steps(struct rig *rig)
{
    struct restore *restore = restore_new(&rig->plan);
    bool failed =
        restore_open(restore, &rig->err) < 0 || restore_fetch(restore, &rig->err) < 0 ||
        (!rig->plan.dry_run && (restore_place(restore, &rig->err) < 0 || restore_finish(restore, &rig->err) < 0));

    rig->fault = restore_fault(restore);
    rig->counts = restore_counts(restore);
    restore_free(restore);
    return failed ? -1 : 0;
}

int rig_restore(struct rig *rig, const char *target)
{
    struct sf_error temp = SF_ERROR_INIT;
    AUTO_FD said = spill_temp_file("/tmp", &temp);
    AUTO_FD before = fcntl(2, F_DUPFD_CLOEXEC, 3);
    struct pool *pool = NULL;
    int result;

    ck_assert_int_ge(said, 0);
    rig->err = (struct sf_error)SF_ERROR_INIT;
    memset(&rig->meter, 0, sizeof(rig->meter));
    run_call_init(&rig->run, 0);
    ck_assert_int_eq(pool_open(&pool, &rig->store, &rig->run, 4, 1, &rig->err), 0);
    rig->plan.pool = pool;
    rig->plan.target = target[0] == '/' ? target : rig_path(target);
    dup2(said, 2);
    result = take_steps(rig);
    dup2(before, 2);
    pool_close(pool);
    capture(rig, said);
    ck_assert_int_eq(result == 0, rig->fault == RESTORE_FAULT_NONE);
    return result;
}

void rig_restore_well(struct rig *rig, const char *target)
{
    if (rig_restore(rig, target) < 0)
        ck_abort_msg("restore: %s\n%s", rig->err.text, rig->logged);
}

/* ---- comparison ---- */

static int from_manifest(void *stream, struct entry *entry, struct sf_error *err)
{
    return manifest_reader_next(stream, entry, err);
}

static int from_walk(void *stream, struct entry *entry, struct sf_error *err)
{
    return walk_next(stream, entry, err);
}

static void check_content(int rootfd, const struct entry *entry)
{
    const char *name;
    AUTO_FD parent = beneath_parent(rootfd, entry->path, &name);
    AUTO_FREE unsigned char *data = mem_alloc(entry->size + 1);
    uint8_t sum[SHA256_BYTES];
    AUTO_FD fd = -1;

    if (geteuid() != 0)
        ck_assert_int_eq(fchmodat(parent, name, 0400, 0), 0);
    fd = openat(parent, name, O_RDONLY | O_CLOEXEC);
    ck_assert_msg(fd >= 0, "%s: %s", entry->path, strerror(errno));
    ck_assert_int_eq(read(fd, data, entry->size + 1), (ssize_t)entry->size);
    sha256_of(data, entry->size, sum);
    ck_assert_msg(memcmp(sum, entry->sha256, sizeof(sum)) == 0, "%s: other content", entry->path);
}

static void check_row(int rootfd, const struct merge_row *row)
{
    const struct entry *want = row->left, *have = row->right;

    ck_assert_msg(want != NULL, "%s is not in the point", have != NULL ? have->path : "");
    ck_assert_msg(have != NULL, "%s is not in the target", want->path);
    ck_assert_int_eq(want->type, have->type);
    if (want->type != ENTRY_LINK)
        ck_assert_msg(want->mode == have->mode, "%s: mode %o, not %o", want->path, have->mode, want->mode);
    ck_assert_msg(want->mtime_ns == have->mtime_ns, "%s: mtime", want->path);
    ck_assert_msg(want->uid == have->uid && want->gid == have->gid, "%s: owner", want->path);
    ck_assert_uint_eq(want->size, have->size);
    if (want->type == ENTRY_LINK)
        ck_assert_str_eq(want->target, have->target);
    if (want->type == ENTRY_FILE)
        check_content(rootfd, want);
    if (want->type == ENTRY_DIR && want->path[0] != '\0' && geteuid() != 0) { /* so that the walk gets in */
        const char *name;
        AUTO_FD parent = beneath_parent(rootfd, want->path, &name);

        ck_assert_int_eq(fchmodat(parent, name, 0700, 0), 0);
    }
}

void rig_check(struct rig *rig, const char *folder)
{
    const struct walk_options options = {.temp_dir = unit_temp_dir(), .name = folder, .yield_others = true};
    AUTO_FD rootfd = rig_open_tree(folder);
    struct sf_error err = SF_ERROR_INIT;
    struct manifest_reader *reader;
    struct merge_row row;
    struct merge *merge;
    struct walk *walk;
    int result;

    ck_assert_int_eq(manifest_reader_open(&reader, rig->manifest_fd, "the manifest", &err), 0);
    ck_assert_int_eq(walk_open(&walk, rootfd, &options, &err), 0);
    merge = merge_new(from_manifest, reader, "the manifest", from_walk, walk, folder);
    while ((result = merge_next(merge, &row, &err)) == 1)
        check_row(rootfd, &row);
    ck_assert_msg(result == 0, "%s", err.text);
    merge_free(merge);
    walk_close(walk);
    manifest_reader_free(reader);
}
