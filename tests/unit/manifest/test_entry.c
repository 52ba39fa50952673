/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "core/manifest/entry.h"
#include "tests/kit/unit.h"

#include <string.h>

static struct entry make_link(void)
{
    struct entry entry = ENTRY_INIT;

    entry.path = mem_text("a/link");
    entry.type = ENTRY_LINK;
    entry.mode = 0777;
    entry.uid = 1;
    entry.gid = 2;
    entry.mtime_ns = -5;
    entry.size = 7;
    entry.target = mem_text("../x");
    memset(entry.sha256, 0xab, sizeof(entry.sha256));
    strcpy(entry.tag, "tag");
    strcpy(entry.time_dir, "2026-11-22");
    return entry;
}

static void expect_link(const struct entry *entry)
{
    ck_assert_str_eq(entry->path, "a/link");
    ck_assert_int_eq(entry->type, ENTRY_LINK);
    ck_assert_uint_eq(entry->mode, 0777);
    ck_assert_uint_eq(entry->uid, 1);
    ck_assert_uint_eq(entry->gid, 2);
    ck_assert_int_eq(entry->mtime_ns, -5);
    ck_assert_uint_eq(entry->size, 7);
    ck_assert_str_eq(entry->target, "../x");
    ck_assert_uint_eq(entry->sha256[SHA256_BYTES - 1], 0xab);
    ck_assert_str_eq(entry->tag, "tag");
    ck_assert_str_eq(entry->time_dir, "2026-11-22");
}

static void expect_zero(const struct entry *entry)
{
    const struct entry zero = ENTRY_INIT;

    ck_assert_ptr_null(entry->path);
    ck_assert_ptr_null(entry->target);
    ck_assert_int_eq(entry->type, ENTRY_FILE);
    ck_assert_uint_eq(entry->mode | entry->uid | entry->gid, 0);
    ck_assert_int_eq(entry->mtime_ns, 0);
    ck_assert_mem_eq(entry->sha256, zero.sha256, sizeof(zero.sha256));
    ck_assert_str_eq(entry->tag, "");
    ck_assert_str_eq(entry->time_dir, "");
}

START_TEST(copy_is_deep)
{
    SF_AUTO(entry) from = make_link();
    SF_AUTO(entry) to = make_link(); /* what it held is released */

    entry_copy(&to, &from);
    expect_link(&to);
    ck_assert_ptr_ne(to.path, from.path);
    ck_assert_ptr_ne(to.target, from.target);
    entry_copy(&to, &to);
    expect_link(&to);
    entry_cleanup(&from);
    expect_zero(&from);
    expect_link(&to);
    entry_copy(&to, &from); /* a zero entry has no path */
    expect_zero(&to);
}
END_TEST

START_TEST(move_leaves_nothing)
{
    SF_AUTO(entry) from = make_link();
    SF_AUTO(entry) to = make_link();

    entry_move(&to, &from);
    expect_link(&to);
    expect_zero(&from);
    entry_move(&to, &to);
    expect_link(&to);
}
END_TEST

static void expect_key(const char *path, enum entry_type type, const char *key)
{
    SF_AUTO(buf) out = BUF_INIT;
    struct entry entry = ENTRY_INIT;

    buf_add_text(&out, "what was there before");
    entry.path = mem_text(path);
    entry.type = type;
    entry_key(&entry, &out);
    ck_assert_str_eq(buf_text(&out), key);
    ck_assert_uint_eq(out.length, strlen(key));
    entry_cleanup(&entry);
}

START_TEST(key_of_an_entry)
{
    expect_key("", ENTRY_DIR, ""); /* the root is first */
    expect_key("a", ENTRY_DIR, "a/");
    expect_key("a", ENTRY_FILE, "a");
    expect_key("a", ENTRY_LINK, "a");
    expect_key("a", ENTRY_OTHER, "a");
    expect_key("a/b\n", ENTRY_DIR, "a/b%0A/");
}
END_TEST

UNIT_MAIN("entry", &copy_is_deep, &move_leaves_nothing, &key_of_an_entry)
