/* SPDX-License-Identifier: Apache-2.0 */
#include "core/manifest/line.h"

#include "tests/kit/unit.h"

#include <string.h>

static const struct manifest_header header = {
    .source = "db", .time_dir = "2026-11-22", .run = "00112233445566778899aabbccddeeff"};

static struct entry plain(enum entry_type type)
{
    static char path[] = "part-000/data (1).bin";
    struct entry entry = {.path = path,
                          .type = type,
                          .mode = 0640,
                          .uid = 1000,
                          .gid = UINT32_MAX,
                          .mtime_ns = INT64_C(-1795359845123456789),
                          .size = type == ENTRY_FILE ? 123456789012345 : 0};

    if (type == ENTRY_FILE) {
        memset(entry.sha256, 0x5a, sizeof(entry.sha256));
        strcpy(entry.tag, "\"etag-1/2\"" + 1);
        entry.tag[strlen(entry.tag) - 1] = '\0';
        strcpy(entry.time_dir, "2026-11-22");
    }
    return entry;
}

static bool same(const struct entry *a, const struct entry *b)
{
    return strcmp(a->path, b->path) == 0 && a->type == b->type && a->mode == b->mode && a->uid == b->uid &&
           a->gid == b->gid && a->mtime_ns == b->mtime_ns && a->size == b->size &&
           memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0 && strcmp(a->tag, b->tag) == 0 &&
           strcmp(a->time_dir, b->time_dir) == 0 && a->target == NULL && b->target == NULL;
}

static bool take(const struct buf *line, struct entry *entry)
{
    return line_take_usual(&header, line->data, line->length - 1, entry);
}

START_TEST(test_takes_what_the_writer_writes)
{
    struct entry entries[3] = {plain(ENTRY_FILE), plain(ENTRY_DIR), plain(ENTRY_FILE)};
    size_t i;

    strcpy(entries[2].time_dir, "2026-11-21T01-02-03Z");
    for (i = 0; i < 3; i++) {
        SF_AUTO(buf) line = BUF_INIT;
        SF_AUTO(entry) taken = ENTRY_INIT;

        line_add_entry(&line, &entries[i], &header);
        ck_assert_msg(take(&line, &taken), "%s", line.data);
        ck_assert(same(&taken, &entries[i]));
    }
}
END_TEST

START_TEST(test_leaves_the_rest_alone)
{
    static const char *const paths[] = {"a\"b", "a\\b", "a%41", "a\nb", "\xc3\xa9", "\xff", "a\x7f"};
    struct entry link = plain(ENTRY_LINK), file = plain(ENTRY_FILE);
    SF_AUTO(entry) taken = ENTRY_INIT;
    SF_AUTO(buf) line = BUF_INIT;
    char path[16], target[] = "to";
    size_t i;

    link.target = target;
    line_add_entry(&line, &link, &header);
    ck_assert(!take(&line, &taken));
    file.path = path;
    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        strcpy(path, paths[i]);
        buf_clear(&line);
        line_add_entry(&line, &file, &header);
        ck_assert_msg(!take(&line, &taken), "%s", line.data);
    }
    ck_assert_ptr_null(taken.path);
}
END_TEST

/* Whatever it takes of lines that somebody has tampered with, the JSON parser takes with the same result. */
START_TEST(test_agrees_with_the_parser)
{
    static const char bytes[] = "0123456789abcf-+.eE\"\\/%{}[]:, \t\x01\x7f\xc3T";
    struct entry file = plain(ENTRY_FILE);
    SF_AUTO(buf) line = BUF_INIT;
    unsigned seed = 1, round, both = 0;

    strcpy(file.time_dir, "2026-11-21");
    for (round = 0; round < 200000; round++) {
        SF_AUTO(entry) taken = ENTRY_INIT;
        SF_AUTO(entry) parsed = ENTRY_INIT;
        struct sf_error err = SF_ERROR_INIT;
        struct line_trailer trailer;
        enum line_kind kind;
        size_t at;

        buf_clear(&line);
        line_add_entry(&line, &file, &header);
        at = (size_t)rand_r(&seed) % (line.length - 1);
        switch (rand_r(&seed) % 3) {
        case 0: /* replace */
            line.data[at] = bytes[(size_t)rand_r(&seed) % (sizeof(bytes) - 1)];
            break;
        case 1: /* drop */
            memmove(line.data + at, line.data + at + 1, line.length - at);
            line.length--;
            break;
        default: /* double */
            buf_add_byte(&line, '\n');
            memmove(line.data + at + 1, line.data + at, line.length - at - 1);
            break;
        }
        if (!take(&line, &taken))
            continue;
        both++;
        if (line_parse(&header, line.data, line.length - 1, &kind, &parsed, &trailer, &err) < 0 || kind != LINE_ENTRY ||
            !same(&taken, &parsed))
            ck_abort_msg("taken, but parsed differently (%s): %s", err.text, line.data);
    }
    ck_assert_uint_gt(both, 1000);
}
END_TEST

UNIT_MAIN("usual", &test_takes_what_the_writer_writes, &test_leaves_the_rest_alone, &test_agrees_with_the_parser)
