/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "tests/kit/unit.h"
#include "tests/unit/manifest/made.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <zstd.h>

static void expect_same(const struct entry *got, const struct entry *want)
{
    MUST(strcmp(got->path, want->path) == 0);
    MUST(got->type == want->type && got->mode == want->mode && got->uid == want->uid && got->gid == want->gid);
    MUST(got->mtime_ns == want->mtime_ns && got->size == want->size);
    MUST((got->target == NULL) == (want->target == NULL));
    MUST(want->target == NULL || strcmp(got->target, want->target) == 0);
    MUST(memcmp(got->sha256, want->sha256, SHA256_BYTES) == 0 && strcmp(got->tag, want->tag) == 0);
    MUST(strcmp(got->time_dir, want->time_dir) == 0);
}

static struct manifest_reader *open_reader(int fd)
{
    struct sf_error err = SF_ERROR_INIT;
    struct manifest_reader *reader = NULL;

    ck_assert_msg(manifest_reader_open(&reader, fd, "the manifest", &err) == 0, "%s", err.text);
    return reader;
}

static void expect_list(int fd, const struct made_list *list)
{
    struct manifest_reader *reader = open_reader(fd);
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct sf_error err = SF_ERROR_INIT;
    size_t i;

    for (i = 0; i < list->count; i++) {
        if (manifest_reader_next(reader, &entry, &err) != 1)
            ck_abort_msg("%s", err.text);
        expect_same(&entry, &list->items[i]);
    }
    MUST(manifest_reader_next(reader, &entry, &err) == 0);
    MUST(manifest_reader_next(reader, &entry, &err) == 0);
    manifest_reader_free(reader);
}

START_TEST(nasty_entries_come_back)
{
    static const char *const names[] = {
        "plain",
        "with space",
        "new\nline",
        "tab\tand\x01\x1f\x7f",
        "quote\"back\\slash/not",
        "%2F",
        "%",
        "%%41",
        "+%#?",
        "caf\xc3\xa9",
        "cafe\xcc\x81",
        "\xff\xfe",
        "half\xe2\x82",
        "\xed\xa0\x80",
        "\xc2\x80",
        "\xef\xbf\xbe",
        "\xf0\x9f\x9a\xa2",
        "-x",
        "x",
        "x-",
        "x.y",
        "x0",
        "\xe2\x80\xa8",
    };
    struct made_list list = {NULL, 0};
    struct manifest_summary summary;
    struct manifest_header got;
    struct manifest_counts counts;
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(buf) object = BUF_INIT;
    uint8_t sha256[SHA256_BYTES];
    struct entry *entry;
    size_t i;
    int fd;

    made_add(&list, "", ENTRY_DIR)->mode = 07777;
    made_add(&list, "quote\"back\\slash", ENTRY_DIR)->mtime_ns = INT64_MIN;
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        entry = made_add(&list, names[i], ENTRY_FILE);
        entry->size = i == 0 ? 0 : (uint64_t)1 << (2 * i);
        entry->mode = (uint32_t)i * 97 & 07777;
        entry->mtime_ns = i % 2 ? -(int64_t)i * 1000000007 : INT64_MAX - (int64_t)i;
        entry->uid = UINT32_MAX - (uint32_t)i;
        entry->gid = (uint32_t)i;
        if (i % 3 == 0)
            snprintf(entry->time_dir, sizeof(entry->time_dir), "2025-01-%02u-07", (unsigned)i + 1);
    }
    memset(entry->tag, '~', SF_TAG_MAX);
    entry->tag[SF_TAG_MAX] = '\0';
    made_add(&list, "empty", ENTRY_DIR);
    made_add(&list, "link", ENTRY_LINK);
    entry = made_add(&list, "link to bytes", ENTRY_LINK);
    free(entry->target);
    entry->target = mem_text("../\xff\n\"\\");
    made_add(&list, "x-dir", ENTRY_DIR);
    made_add(&list, "x-dir/x", ENTRY_FILE);
    fd = made_write(&list, &summary);
    expect_list(fd, &list);
    ck_assert_int_eq(manifest_check(fd, "m", &got, &counts, &err), 0);
    ck_assert_str_eq(got.source, made_header.source);
    ck_assert_str_eq(got.time_dir, made_header.time_dir);
    ck_assert_str_eq(got.run, made_header.run);
    ck_assert(got.started_ms == made_header.started_ms && got.walked_ms == made_header.walked_ms);
    ck_assert_uint_eq(counts.entries, list.count);
    ck_assert_uint_eq(counts.files, list.count - 6);
    ck_assert(memcmp(&counts, &summary.counts, sizeof(counts)) == 0);
    ck_assert_int_eq(manifest_check(fd, "m", NULL, NULL, &err), 0);
    made_read(fd, &object);
    sha256_of(object.data, object.length, sha256);
    ck_assert_uint_eq(object.length, summary.object_bytes);
    ck_assert_mem_eq(sha256, summary.sha256, SHA256_BYTES);
    made_list_cleanup(&list);
    close(fd);
}
END_TEST

START_TEST(forty_levels_of_long_names)
{
    struct made_list list = {NULL, 0};
    SF_AUTO(buf) path = BUF_INIT;
    struct manifest_summary summary;
    char name[256];
    int level, fd;

    made_add(&list, "", ENTRY_DIR);
    for (level = 0; level < 40; level++) {
        memset(name, level % 2 ? 0xff : 'n', 255); /* half of them three times as long as a key */
        name[255] = '\0';
        if (level > 0)
            buf_add_byte(&path, '/');
        buf_add_text(&path, name);
        made_add(&list, path.data, level == 39 ? ENTRY_FILE : ENTRY_DIR);
    }
    snprintf(list.items[list.count - 1].time_dir, TIME_DIR_MAX + 1, "2026-01-02T03-04-05Z");
    fd = made_write(&list, &summary);
    expect_list(fd, &list);
    made_list_cleanup(&list);
    close(fd);
}
END_TEST

/* What docs/format.md promises to those who read with zstdcat and jq. */
START_TEST(the_text_is_as_documented)
{
    static const char want[] =
        "{\"format\":\"snapferry-manifest\",\"version\":1,\"features\":[],\"source\":\"stream\",\"time_dir\":\"2026-11-22\","
        "\"run\":\"00112233445566778899aabbccddeeff\",\"started\":\"2026-11-22T15:04:05.123Z\","
        "\"walked\":\"2026-11-22T15:04:06.000Z\",\"tool\":\"snapferry " SF_VERSION "\"}\n"
        "{\"path\":\"\",\"type\":\"dir\",\"mtime_ns\":1700000000123456789,\"mode\":\"0755\",\"uid\":1000,\"gid\":100}\n"
        "{\"path\":\"a\",\"type\":\"dir\",\"mtime_ns\":1700000000123456789,\"mode\":\"0755\",\"uid\":1000,\"gid\":100}\n"
        "{\"path\":\"a/f\",\"type\":\"file\",\"size\":42,\"mtime_ns\":1700000000123456789,\"mode\":\"0644\",\"uid\":1000,"
        "\"gid\":100,\"sha256\":\"a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5\","
        "\"tag\":\"\\\"etag-1\\\"\"}\n"
        "{\"path\":\"b\",\"type\":\"link\",\"mtime_ns\":1700000000123456789,\"mode\":\"0644\",\"uid\":1000,\"gid\":100,"
        "\"target\":\"target\"}\n"
        "{\"path_b64\":\"Y/8=\",\"type\":\"file\",\"size\":42,\"mtime_ns\":1700000000123456789,\"mode\":\"0644\","
        "\"uid\":1000,\"gid\":100,\"sha256\":\"a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5\","
        "\"tag\":\"\\\"etag-1\\\"\",\"key\":\"2026-11-21/stream/c%FF\"}\n";
    struct made_list list = made_small();
    struct manifest_summary summary;
    SF_AUTO(buf) object = BUF_INIT;
    SF_AUTO(buf) trailer = BUF_INIT;
    uint8_t sha256[SHA256_BYTES];
    char hex[SHA256_HEX + 1], text[8192], *first_end;
    size_t first, length;
    int fd = made_write(&list, &summary);

    made_read(fd, &object);
    /* The first frame is the header alone. */
    first = ZSTD_findFrameCompressedSize(object.data, object.length);
    ck_assert(!ZSTD_isError(first) && first < object.length);
    length = ZSTD_decompress(text, sizeof(text), object.data, first);
    ck_assert(!ZSTD_isError(length));
    first_end = memchr(want, '\n', sizeof(want));
    ck_assert_uint_eq(length, (size_t)(first_end + 1 - want));
    ck_assert_mem_eq(text, want, length);

    length = ZSTD_decompress(text, sizeof(text) - 1, object.data, object.length);
    ck_assert(!ZSTD_isError(length));
    text[length] = '\0';
    sha256_of(want, strlen(want), sha256);
    hex_encode(sha256, SHA256_BYTES, hex);
    buf_printf(&trailer,
               "%s{\"end\":true,\"entries\":5,\"files\":2,\"bytes\":84,\"finished\":\"2026-11-22T15:06:39.999Z\","
               "\"sha256\":\"%s\"}\n",
               want, hex);
    ck_assert_str_eq(text, trailer.data);
    made_list_cleanup(&list);
    close(fd);
}
END_TEST

/* Who restores with jq alone cannot encode a key. */
START_TEST(keys_are_written_where_they_are_not_the_path)
{
    static const char *const paths[] = {"100%", "50%41", "a\n", "b\xff", "caf\xc3\xa9"};
    static const char *const keys[] = {NULL, "50%2541", "a%0A", "b%FF", NULL};
    struct made_list list = {NULL, 0};
    struct manifest_summary summary;
    SF_AUTO(buf) object = BUF_INIT;
    char text[8192], *line;
    size_t i, length;
    int fd;

    made_add(&list, "", ENTRY_DIR);
    for (i = 0; i < 5; i++)
        made_add(&list, paths[i], ENTRY_FILE);
    fd = made_write(&list, &summary);
    expect_list(fd, &list);
    made_read(fd, &object);
    length = ZSTD_decompress(text, sizeof(text) - 1, object.data, object.length);
    ck_assert(!ZSTD_isError(length));
    text[length] = '\0';
    line = strtok(text, "\n");
    line = strtok(NULL, "\n"); /* the root folder */
    for (i = 0; i < 5; i++) {
        char want[80];

        line = strtok(NULL, "\n");
        ck_assert_ptr_nonnull(line);
        snprintf(want, sizeof(want), ",\"key\":\"2026-11-22/stream/%s\"}", keys[i] != NULL ? keys[i] : "");
        ck_assert_msg((strstr(line, keys[i] != NULL ? want : "\"key\"") != NULL) == (keys[i] != NULL), "%s", line);
    }
    made_list_cleanup(&list);
    close(fd);
}
END_TEST

/* More lines than any buffer; two readers take turns on one descriptor whose own offset nobody moves. */
START_TEST(many_entries_two_readers)
{
    struct made_list list = {NULL, 0};
    SF_AUTO(entry) left = ENTRY_INIT;
    SF_AUTO(entry) right = ENTRY_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct manifest_reader *one, *two;
    struct manifest_summary summary;
    char path[64];
    size_t i;
    int fd;

    made_add(&list, "", ENTRY_DIR);
    for (i = 0; i < 20000; i++) {
        snprintf(path, sizeof(path), "file %zu", i * UINT64_C(2654435761) % 4294967296);
        made_add(&list, path, ENTRY_FILE)->sha256[i % SHA256_BYTES] = (uint8_t)i;
    }
    fd = made_write(&list, &summary);
    ck_assert(lseek(fd, 3, SEEK_SET) == 3);
    one = open_reader(fd);
    two = open_reader(fd);
    for (i = 0; i < list.count; i++) {
        MUST(manifest_reader_next(one, &left, &err) == 1);
        expect_same(&left, &list.items[i]);
        MUST(manifest_reader_next(two, &right, &err) == 1);
        expect_same(&right, &list.items[i]);
    }
    MUST(manifest_reader_next(one, &left, &err) == 0);
    MUST(manifest_reader_next(two, &right, &err) == 0);
    ck_assert(lseek(fd, 0, SEEK_CUR) == 3);
    manifest_reader_free(one);
    manifest_reader_free(two);
    made_list_cleanup(&list);
    close(fd);
}
END_TEST

/* What the reader would refuse is not written in the first place. */
static void expect_refused(struct entry *entries, size_t count, enum sf_class cls, const char *reason)
{
    struct sf_error err = SF_ERROR_INIT;
    struct manifest_writer *writer = NULL;
    struct manifest_summary summary;
    int fd = made_file(), result = 0;
    size_t i;

    MUST(manifest_writer_open(&writer, fd, &made_header, &err) == 0);
    for (i = 0; i < count && result == 0; i++)
        result = manifest_writer_add(writer, &entries[i], &err);
    if (result == 0)
        result = manifest_writer_finish(writer, 0, &summary, &err);
    ck_assert_int_eq(result, -1);
    ck_assert_msg(err.cls == (int)cls && strstr(err.text, reason) != NULL, "%d %s", err.cls, err.text);
    ck_assert_msg(strstr(err.text, "manifest of source stream: ") == err.text, "%s", err.text);
    ck_assert_int_eq(manifest_writer_finish(writer, 0, &summary, &err), -1);
    ck_assert_int_eq(manifest_writer_add(writer, &entries[0], &err), -1);
    manifest_writer_free(writer);
    for (i = 0; i < count; i++)
        entry_cleanup(&entries[i]);
    close(fd);
}

START_TEST(the_writer_refuses_what_cannot_be_read)
{
    struct entry none[] = {made_entry("", ENTRY_DIR)};
    struct entry first[] = {made_entry("a", ENTRY_FILE)};
    struct entry order[] = {made_entry("", ENTRY_DIR), made_entry("b", ENTRY_FILE), made_entry("a", ENTRY_FILE)};
    struct entry twice[] = {made_entry("", ENTRY_DIR), made_entry("b", ENTRY_FILE), made_entry("b", ENTRY_FILE)};
    struct entry orphan[] = {made_entry("", ENTRY_DIR), made_entry("b/c", ENTRY_FILE)};
    struct entry other[] = {made_entry("", ENTRY_DIR), made_entry("b", ENTRY_OTHER)};
    struct entry unknown[] = {made_entry("", ENTRY_DIR), made_entry("b", ENTRY_FILE)};
    struct entry nowhere[] = {made_entry("", ENTRY_DIR), made_entry("b", ENTRY_FILE)};
    struct entry longest[] = {made_entry("", ENTRY_DIR), made_entry("b", ENTRY_LINK)};

    expect_refused(none, 0, SF_PERMANENT, "no entry");
    entry_cleanup(&none[0]);
    expect_refused(first, 1, SF_CORRUPT, "root folder");
    expect_refused(order, 3, SF_CORRUPT, "out of order");
    expect_refused(twice, 3, SF_CORRUPT, "twice");
    expect_refused(orphan, 2, SF_CORRUPT, "folder");
    expect_refused(other, 2, SF_PERMANENT, "nothing that a manifest can hold");
    memset(unknown[1].sha256, 0, SHA256_BYTES);
    expect_refused(unknown, 2, SF_PERMANENT, "no object");
    nowhere[1].time_dir[0] = '\0';
    expect_refused(nowhere, 2, SF_PERMANENT, "no object");
    longest[1].target = mem_resize(longest[1].target, MANIFEST_LINE_MAX + 1);
    memset(longest[1].target, 't', MANIFEST_LINE_MAX);
    longest[1].target[MANIFEST_LINE_MAX] = '\0';
    expect_refused(longest, 2, SF_TOO_LARGE, "too long");
}
END_TEST

START_TEST(a_full_disk_is_named)
{
    struct sf_error err = SF_ERROR_INIT;
    struct manifest_writer *writer = NULL;
    int fd = open("/dev/full", O_RDWR | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(manifest_writer_open(&writer, fd, &made_header, &err), -1);
    ck_assert_int_eq(err.cls, SF_NO_SPACE);
    ck_assert_msg(strstr(err.text, "temporary folder") != NULL, "%s", err.text);
    close(fd);
    manifest_writer_free(NULL);
    manifest_reader_free(NULL);
}
END_TEST

START_TEST(names_of_time_dirs_and_sources)
{
    static const char *const good[] = {"2026-11-22", "2026-11-22-15", "2026-11-22T15-04-05Z", "2024-02-29",
                                       "2026-01-01-00"};
    static const char *const bad[] = {"",
                                      "2026-11-2",
                                      "2026-11-22-",
                                      "2026-11-22-1",
                                      "2026-11-22-24",
                                      "2026-02-29",
                                      "2026-13-01",
                                      "2026-00-01",
                                      "2026-11-22T15-04-05",
                                      "2026-11-22T15:04:05Z",
                                      "2026-11-22t15-04-05Z",
                                      "x026-11-22",
                                      "2026-11-22 ",
                                      "2026-11-22T15-04-60Z",
                                      "2026/11/22",
                                      "2026-11-22/",
                                      "2026-11-22_15",
                                      "../../../..",
                                      ".snapferry",
                                      "2026-11-22T15-04-05ZZ"};
    static const char *const sources[] = {"a", "_", "0", "stream", "A.b-c_d", "a..", "9"};
    static const char *const no_sources[] = {"",    ".",   "..",  ".snapferry", "-a",
                                             "a/b", "a b", "a\n", "a=b",        "caf\xc3\xa9"};
    char longest[SOURCE_NAME_MAX + 2];
    size_t i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(time_dir_is_valid(good[i]), "%s", good[i]);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!time_dir_is_valid(bad[i]), "%s", bad[i]);
    for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
        ck_assert_msg(source_name_is_valid(sources[i]), "%s", sources[i]);
    for (i = 0; i < sizeof(no_sources) / sizeof(no_sources[0]); i++)
        ck_assert_msg(!source_name_is_valid(no_sources[i]), "%s", no_sources[i]);
    memset(longest, 'a', sizeof(longest));
    longest[SOURCE_NAME_MAX + 1] = '\0';
    ck_assert(!source_name_is_valid(longest));
    longest[SOURCE_NAME_MAX] = '\0';
    ck_assert(source_name_is_valid(longest));
}
END_TEST

UNIT_MAIN("manifest/manifest", &nasty_entries_come_back, &forty_levels_of_long_names, &the_text_is_as_documented,
          &keys_are_written_where_they_are_not_the_path, &many_entries_two_readers,
          &the_writer_refuses_what_cannot_be_read, &a_full_disk_is_named, &names_of_time_dirs_and_sources)
