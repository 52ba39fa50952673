/* SPDX-License-Identifier: Apache-2.0
 *
 * A manifest with any byte cut off, any bit flipped, or anything added is not whole, or reads the same.
 */
#include "base/mem.h"
#include "tests/kit/unit.h"
#include "tests/unit/manifest/made.h"

#include <string.h>
#include <unistd.h>

/* Reads all of fd: whether it is whole, and all that the reader said, as a text. */
static bool read_text(int fd, struct buf *out)
{
    SF_AUTO(entry) entry = ENTRY_INIT;
    struct sf_error err = SF_ERROR_INIT;
    struct manifest_reader *reader;
    const struct manifest_header *got;
    int result;

    buf_clear(out);
    if (manifest_reader_open(&reader, fd, "m", &err) != 0) {
        MUST(err.cls == SF_CORRUPT || err.cls == SF_UNSUPPORTED);
        MUST(strstr(err.text, "m: line 1: ") == err.text);
        return false;
    }
    got = manifest_reader_header(reader);
    buf_printf(out, "%s %s %s %lld %lld\n", got->source, got->time_dir, got->run, (long long)got->started_ms,
               (long long)got->walked_ms);
    while ((result = manifest_reader_next(reader, &entry, &err)) == 1) {
        char hex[SHA256_HEX + 1];

        hex_encode(entry.sha256, SHA256_BYTES, hex);
        buf_printf(out, "%s %d %o %u %u %lld %llu %s %s %s %s\n", entry.path, (int)entry.type, entry.mode, entry.uid,
                   entry.gid, (long long)entry.mtime_ns, (unsigned long long)entry.size,
                   entry.target != NULL ? entry.target : "-", hex, entry.tag, entry.time_dir);
    }
    MUST(result == 0 || err.cls == SF_CORRUPT);
    MUST(result == 0 || strstr(err.text, "m: line ") == err.text);
    manifest_reader_free(reader);
    return result == 0;
}

static void put_file(int fd, const struct buf *bytes, size_t length)
{
    MUST(ftruncate(fd, 0) == 0);
    MUST(pwrite(fd, bytes->data, length, 0) == (ssize_t)length);
}

START_TEST(cut_off_anywhere_it_is_not_whole)
{
    struct made_list list = made_small();
    struct manifest_summary summary;
    SF_AUTO(buf) object = BUF_INIT;
    SF_AUTO(buf) text = BUF_INIT;
    int fd = made_write(&list, &summary);
    size_t length;

    made_read(fd, &object);
    MUST(read_text(fd, &text));
    for (length = 0; length < object.length; length++) {
        put_file(fd, &object, length);
        if (read_text(fd, &text))
            ck_abort_msg("cut off after %zu of %zu bytes, yet accepted", length, object.length);
    }
    made_list_cleanup(&list);
    close(fd);
}
END_TEST

START_TEST(no_flipped_bit_changes_what_is_read)
{
    struct made_list list = made_small();
    struct manifest_summary summary;
    SF_AUTO(buf) object = BUF_INIT;
    SF_AUTO(buf) whole = BUF_INIT;
    SF_AUTO(buf) text = BUF_INIT;
    int fd = made_write(&list, &summary);
    size_t bit, accepted = 0;

    made_read(fd, &object);
    MUST(read_text(fd, &whole));
    for (bit = 0; bit < object.length * 8; bit++) {
        object.data[bit / 8] ^= (char)(1 << bit % 8);
        put_file(fd, &object, object.length);
        if (read_text(fd, &text)) {
            accepted++;
            if (strcmp(text.data, whole.data) != 0)
                ck_abort_msg("bit %zu: accepted with other content", bit);
        }
        object.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    /* zstd ignores some bits of its frame headers (unused ones, a larger window). */
    ck_assert_uint_lt(accepted * 100, object.length * 8);
    made_list_cleanup(&list);
    close(fd);
}
END_TEST

START_TEST(bytes_after_it_are_refused)
{
    static const char empty_skippable[8] = {0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0};
    struct made_list list = made_small();
    struct manifest_summary summary;
    SF_AUTO(buf) object = BUF_INIT;
    SF_AUTO(buf) text = BUF_INIT;
    int fd = made_write(&list, &summary);
    size_t whole;

    made_read(fd, &object);
    whole = object.length;
    buf_add_byte(&object, 0);
    put_file(fd, &object, object.length);
    ck_assert(!read_text(fd, &text));
    object.length = whole;
    buf_add(&object, empty_skippable, sizeof(empty_skippable));
    put_file(fd, &object, object.length);
    ck_assert(!read_text(fd, &text));
    object.length = whole;
    buf_add(&object, object.data, whole); /* the same manifest again */
    put_file(fd, &object, object.length);
    ck_assert(!read_text(fd, &text));
    made_list_cleanup(&list);
    close(fd);
}
END_TEST

UNIT_MAIN("manifest/damage", &cut_off_anywhere_it_is_not_whole, &no_flipped_bit_changes_what_is_read,
          &bytes_after_it_are_refused)
