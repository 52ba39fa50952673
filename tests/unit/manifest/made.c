/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/manifest/made.h"

#include "base/mem.h"
#include "base/spill.h"
#include "tests/kit/unit.h"

#include <stdio.h>
#include <string.h>

const struct manifest_header made_header = {"stream", "2026-11-22", "00112233445566778899aabbccddeeff", 1795359845123,
                                            1795359846000};

int made_file(void)
{
    struct sf_error err = SF_ERROR_INIT;
    int fd = spill_temp_file(unit_temp_dir(), &err);

    ck_assert_msg(fd >= 0, "%s", err.text);
    return fd;
}

struct entry made_entry(const char *path, enum entry_type type)
{
    struct entry entry = ENTRY_INIT;

    entry.path = mem_text(path);
    entry.type = type;
    entry.mode = type == ENTRY_DIR ? 0755 : 0644;
    entry.uid = 1000;
    entry.gid = 100;
    entry.mtime_ns = 1700000000123456789;
    if (type == ENTRY_FILE) {
        entry.size = 42;
        memset(entry.sha256, 0xa5, sizeof(entry.sha256));
        snprintf(entry.tag, sizeof(entry.tag), "\"etag-1\"");
        snprintf(entry.time_dir, sizeof(entry.time_dir), "%s", made_header.time_dir);
    } else if (type == ENTRY_LINK) {
        entry.target = mem_text("target");
    }
    return entry;
}

struct entry *made_add(struct made_list *list, const char *path, enum entry_type type)
{
    list->items = mem_resize(list->items, (list->count + 1) * sizeof(*list->items));
    list->items[list->count] = made_entry(path, type);
    return &list->items[list->count++];
}

void made_list_cleanup(struct made_list *list)
{
    size_t i;

    for (i = 0; i < list->count; i++)
        entry_cleanup(&list->items[i]);
    free(list->items);
}

static int compare_keys(const void *a, const void *b)
{
    SF_AUTO(buf) left = BUF_INIT;
    SF_AUTO(buf) right = BUF_INIT;

    entry_key(a, &left);
    entry_key(b, &right);
    return strcmp(buf_text(&left), buf_text(&right));
}

/* Writes the list, in key order. */
int made_write(struct made_list *list, struct manifest_summary *summary)
{
    struct sf_error err = SF_ERROR_INIT;
    struct manifest_writer *writer = NULL;
    int fd = made_file();
    size_t i;

    qsort(list->items, list->count, sizeof(*list->items), compare_keys);
    ck_assert_msg(manifest_writer_open(&writer, fd, &made_header, &err) == 0, "%s", err.text);
    for (i = 0; i < list->count; i++)
        if (manifest_writer_add(writer, &list->items[i], &err) != 0)
            ck_abort_msg("%s", err.text);
    ck_assert_msg(manifest_writer_finish(writer, 1795359999999, summary, &err) == 0, "%s", err.text);
    manifest_writer_free(writer);
    return fd;
}

struct made_list made_small(void)
{
    struct made_list list = {NULL, 0};

    made_add(&list, "", ENTRY_DIR);
    made_add(&list, "a", ENTRY_DIR);
    made_add(&list, "a/f", ENTRY_FILE);
    made_add(&list, "b", ENTRY_LINK);
    snprintf(made_add(&list, "c\xff", ENTRY_FILE)->time_dir, TIME_DIR_MAX + 1, "2026-11-21");
    return list;
}

void made_read(int fd, struct buf *out)
{
    char bytes[4096];
    ssize_t got;

    buf_clear(out);
    while ((got = pread(fd, bytes, sizeof(bytes), (off_t)out->length)) > 0)
        buf_add(out, bytes, (size_t)got);
    MUST(got == 0);
}
