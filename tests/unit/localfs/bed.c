/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/localfs/bed.h"

#include "plugins/localfs/localfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int say_cancelled(const struct sf_call *call)
{
    struct bed *bed = call->ctx;
    uint64_t count = atomic_fetch_add(&bed->asked, 1) + 1;

    return bed->if_cancelled != 0 && count % bed->if_cancelled == 0;
}

static void account(const struct sf_call *call, uint64_t bytes)
{
    struct bed *bed = call->ctx;

    atomic_fetch_add(&bed->accounted, bytes);
}

static void report(const struct sf_call *call, uint32_t kind, int32_t status, uint64_t bytes)
{
    struct bed *bed = call->ctx;

    (void)kind;
    (void)bytes;
    atomic_fetch_add(&bed->reports, 1);
    atomic_store(&bed->last_status, status);
}

static int answer(const struct bed *bed, int result)
{
    if (result == 0)
        return SF_OK;
    ck_assert_int_eq(result, -1);
    ck_assert_int_ne(bed->err.cls, SF_OK);
    ck_assert_msg(bed->err.text[0] != '\0', "a failure without a message");
    return bed->err.cls;
}

int bed_try_open(struct bed *bed, const char *path, const char *durability)
{
    const struct sf_setting items[] = {{sizeof(items[0]), 0, "path", path},
                                       {sizeof(items[0]), 0, "durability", durability}};
    const struct sf_settings settings = {sizeof(settings), durability != NULL ? 2 : 1, sizeof(items[0]), 0, items};
    int result;

    memset(bed, 0, sizeof(*bed));
    bed->plugin = &localfs_plugin;
    bed->call = (struct sf_call){sizeof(bed->call), 0, bed, 0, say_cancelled, account, report};
    bed->err.size = sizeof(bed->err);
    bed->object.size = sizeof(bed->object);
    bed->info.size = sizeof(bed->info);
    result = bed->plugin->store_open(&bed->call, &settings, &bed->info, &bed->store, &bed->err);
    if (result == 0)
        bed->conn = bed_connect(bed);
    return answer(bed, result);
}

void bed_open(struct bed *bed, const char *name, const char *durability)
{
    int result = bed_try_open(bed, bed_path(name), durability);

    ck_assert_msg(result == SF_OK, "open %s: %s", name, bed->err.text);
}

struct sf_conn *bed_connect(struct bed *bed)
{
    struct sf_conn *conn = NULL;

    ck_assert_int_eq(bed->plugin->conn_open(&bed->call, bed->store, &conn, &bed->err), 0);
    return conn;
}

void bed_close(struct bed *bed)
{
    bed->plugin->conn_close(bed->conn);
    bed->plugin->store_close(bed->store);
}

struct sf_body bed_text(const char *text)
{
    return (struct sf_body){
        .size = sizeof(struct sf_body), .kind = SF_BODY_MEMORY, .length = strlen(text), .data = text};
}

int bed_put_args(struct bed *bed, const struct sf_put *put)
{
    return answer(bed, bed->plugin->put(&bed->call, bed->conn, put, &bed->object, &bed->err));
}

static int put_text(struct bed *bed, const char *key, const char *text, uint32_t precondition, const char *tag)
{
    struct sf_body body = bed_text(text);
    struct sf_put put = {.size = sizeof(put), .key = key, .body = &body, .precondition = precondition, .if_tag = tag};

    return bed_put_args(bed, &put);
}

int bed_put(struct bed *bed, const char *key, const char *text)
{
    return put_text(bed, key, text, SF_IF_ABSENT, NULL);
}

int bed_replace(struct bed *bed, const char *key, const char *text)
{
    return put_text(bed, key, text, SF_IF_ANY, NULL);
}

int bed_put_if(struct bed *bed, const char *key, const char *text, const char *tag)
{
    return put_text(bed, key, text, SF_IF_TAG, tag);
}

int bed_stat(struct bed *bed, const char *key)
{
    return answer(bed, bed->plugin->stat(&bed->call, bed->conn, key, &bed->object, &bed->err));
}

static int add_to_buf(void *ctx, uint64_t position, const void *bytes, size_t length, struct sf_error *err)
{
    struct buf *out = ctx;

    (void)err;
    ck_assert_uint_eq(position, out->length);
    buf_add(out, bytes, length);
    return 0;
}

int bed_get(struct bed *bed, const char *key, struct buf *out)
{
    SF_AUTO(buf) own = BUF_INIT;
    struct sf_get get = {.size = sizeof(get), .key = key, .length = UINT64_MAX};
    struct sf_sink sink = {
        .size = sizeof(sink), .kind = SF_SINK_CALLBACK, .ctx = out != NULL ? out : &own, .write = add_to_buf};

    return answer(bed, bed->plugin->get(&bed->call, bed->conn, &get, &sink, &bed->object, &bed->err));
}

struct removed {
    int calls;
    int32_t cls;
    struct bed *bed;
};

static void note_removed(void *ctx, uint32_t index, int32_t cls, const char *text)
{
    struct removed *removed = ctx;

    ck_assert_uint_eq(index, 0);
    removed->calls++;
    removed->cls = cls;
    ck_assert(cls == SF_OK || text[0] != '\0');
    snprintf(removed->bed->err.text, sizeof(removed->bed->err.text), "%s", text);
}

int bed_remove(struct bed *bed, const char *key, const char *tag)
{
    struct removed removed = {0, 0, bed};
    const struct sf_remove item = {sizeof(item), 0, key, tag};
    const struct sf_remove_sink sink = {sizeof(sink), 0, &removed, note_removed};
    int result = bed->plugin->remove(&bed->call, bed->conn, &item, 1, sizeof(item), &sink, &bed->err);

    if (result < 0)
        return answer(bed, result);
    ck_assert_int_eq(removed.calls, 1);
    return removed.cls;
}

struct page {
    struct buf text;
    uint32_t count;
};

static void add_object(void *ctx, const struct sf_object *object)
{
    struct page *page = ctx;

    buf_printf(&page->text, "%s\n", object->key);
    ck_assert_uint_ne(strlen(object->tag), 0);
    page->count++;
}

static void add_prefix(void *ctx, const char *prefix)
{
    struct page *page = ctx;

    ck_assert_int_eq(prefix[strlen(prefix) - 1], '/');
    buf_printf(&page->text, "%s\n", prefix);
    page->count++;
}

int bed_list(struct bed *bed, const char *prefix, const char *start_after, bool folds, uint32_t page_max,
             struct buf *out)
{
    const struct sf_list_query query = {sizeof(query), page_max, prefix, start_after, folds ? "/" : NULL};
    struct page page = {BUF_INIT, 0};
    const struct sf_list_sink sink = {sizeof(sink), 0, &page, add_object, add_prefix};
    struct sf_list *list = NULL;
    int more = 1, failures = 0, result = 0;

    buf_clear(out);
    ck_assert_int_eq(bed->plugin->list_open(&bed->call, bed->conn, &query, &list, &bed->err), 0);
    while (more && failures < 1000) {
        buf_clear(&page.text);
        page.count = 0;
        result = bed->plugin->list_next(&bed->call, list, &sink, &more, &bed->err);
        if (result < 0 && bed->err.cls != SF_CANCELLED)
            break;
        failures += result < 0;
        if (result < 0)
            continue; /* what the page had is forgotten */
        ck_assert_uint_le(page.count, page_max != 0 ? page_max : UINT32_MAX);
        ck_assert(!more || page.count > 0);
        buf_add_text(out, buf_text(&page.text));
    }
    bed->plugin->list_close(list);
    buf_cleanup(&page.text);
    return answer(bed, result);
}

const char *bed_path(const char *name)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", unit_temp_dir(), name);
    return path;
}

bool bed_exists(const char *name)
{
    struct stat st;

    return lstat(bed_path(name), &st) == 0;
}

int bed_count_temps(const char *name)
{
    char path[PATH_MAX];
    DIR *dir;
    int count = 0;

    snprintf(path, sizeof(path), "%s/%s/.snapferry/tmp", unit_temp_dir(), name);
    dir = opendir(path);
    if (dir == NULL)
        return 0;
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count - 2;
}

void bed_read(const char *name, struct buf *out)
{
    int fd = open(bed_path(name), O_RDONLY | O_CLOEXEC);
    char data[4096];
    ssize_t got;

    ck_assert_msg(fd >= 0, "open %s", name);
    buf_clear(out);
    while ((got = read(fd, data, sizeof(data))) > 0)
        buf_add(out, data, (size_t)got);
    ck_assert_int_eq(got, 0);
    close(fd);
}
