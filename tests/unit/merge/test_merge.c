/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "core/merge/merge.h"
#include "tests/kit/unit.h"

#include <string.h>

/* Paths up to a NULL; a '/' at the end makes a folder, "!" a failure. */
struct script {
    const char *const *at;
};

static int script_next(void *stream, struct entry *entry, struct sf_error *err)
{
    struct script *script = stream;
    const char *path = *script->at;
    size_t bytes;

    entry_cleanup(entry);
    if (path == NULL)
        return 0;
    if (strcmp(path, "!") == 0)
        return sf_fail(err, SF_DENIED, "no more of this");
    script->at++;
    bytes = strlen(path);
    entry->path = mem_text(path);
    if (bytes == 0 || path[bytes - 1] == '/') {
        entry->type = ENTRY_DIR;
        if (bytes != 0)
            entry->path[bytes - 1] = '\0';
    }
    return 1;
}

/* "<a a< =b >c": which side has what, in order. */
static int join(const char *const *left, const char *const *right, struct buf *out, struct sf_error *err)
{
    struct script left_script = {left}, right_script = {right};
    struct merge *merge = merge_new(script_next, &left_script, "the walk", right == NULL ? NULL : script_next,
                                    &right_script, "manifest m");
    struct merge_row row;
    int got;

    while ((got = merge_next(merge, &row, err)) > 0) {
        const struct entry *some = row.left != NULL ? row.left : row.right;

        ck_assert_ptr_nonnull(some);
        if (row.left != NULL && row.right != NULL)
            ck_assert_str_eq(row.left->path, row.right->path);
        buf_printf(out, "%s%s%s ",
                   row.right == NULL  ? "<"
                   : row.left == NULL ? ">"
                                      : "=",
                   some->path, some->type == ENTRY_DIR ? "/" : "");
    }
    merge_free(merge);
    return got;
}

static void expect(const char *const *left, const char *const *right, const char *rows)
{
    SF_AUTO(buf) out = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_msg(join(left, right, &out, &err) == 0, "%s", err.text);
    ck_assert_str_eq(buf_text(&out), rows);
}

static void refuse(const char *const *left, const char *const *right, enum sf_class cls, const char *text)
{
    SF_AUTO(buf) out = BUF_INIT;
    struct sf_error err = SF_ERROR_INIT;

    ck_assert_int_eq(join(left, right, &out, &err), -1);
    ck_assert_int_eq(err.cls, (int)cls);
    ck_assert_str_eq(err.text, text);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NONE ((const char *const[]){NULL})

START_TEST(joins)
{
    expect(NONE, NONE, "");
    expect(LIST("", "a"), NULL, "</ <a ");
    expect(LIST("", "a"), NONE, "</ <a ");
    expect(NONE, LIST("", "a"), ">/ >a ");
    expect(LIST("", "a", "b"), LIST("", "a", "b"), "=/ =a =b ");
    expect(LIST("", "a", "c", "e"), LIST("", "b", "c", "d", "f"), "=/ <a >b =c >d <e >f ");
}
END_TEST

START_TEST(order_is_by_key)
{
    expect(LIST("", "a.b", "a/", "a/x", "a0"), LIST("", "a.b", "a/", "a/x", "a0"), "=/ =a.b =a/ =a/x =a0 ");
    expect(LIST("", "a-", "a/", "a/x"), LIST("", "a/", "a/y"), "=/ <a- =a/ <a/x >a/y ");
    expect(LIST("#x", "\x01", "a"), LIST("\x01", "b"), "<#x =\x01 <a >b "); /* %01 sorts after # */
}
END_TEST

START_TEST(file_and_folder_of_a_name_are_two)
{
    expect(LIST("", "a"), LIST("", "a/", "a/x"), "=/ <a >a/ >a/x ");
    expect(LIST("", "a/", "a/x"), LIST("", "a", "a.b"), "=/ >a >a.b <a/ <a/x ");
}
END_TEST

START_TEST(streams_that_lie)
{
    refuse(LIST("", "b", "a"), NONE, SF_CORRUPT, "the walk: out of order: \"a\" comes after \"b\"");
    refuse(NONE, LIST("", "b", "a"), SF_CORRUPT, "manifest m: out of order: \"a\" comes after \"b\"");
    refuse(LIST("", "b"), LIST("", "b", "b"), SF_CORRUPT, "manifest m: out of order: \"b\" comes twice");
    refuse(LIST("", ""), NONE, SF_CORRUPT, "the walk: out of order: \"\" comes twice");
    refuse(LIST("a/", "a.b"), NONE, SF_CORRUPT, "the walk: out of order: \"a.b\" comes after \"a/\"");
}
END_TEST

START_TEST(streams_that_fail)
{
    refuse(LIST("", "!"), LIST("", "a"), SF_DENIED, "no more of this");
    refuse(LIST("", "a"), LIST("", "!"), SF_DENIED, "no more of this");
    refuse(LIST("!"), NULL, SF_DENIED, "no more of this");
}
END_TEST

START_TEST(entries_may_be_moved_away)
{
    struct script left = {LIST("", "a", "b")}, right = {LIST("", "b", "a")};
    struct merge *merge = merge_new(script_next, &left, "left", script_next, &right, "right");
    struct sf_error err = SF_ERROR_INIT;
    SF_AUTO(entry) mine = ENTRY_INIT;
    struct merge_row row;
    int i;

    for (i = 0; i < 2; i++) { /* "" of both, "a" of the left */
        ck_assert_int_eq(merge_next(merge, &row, &err), 1);
        entry_move(&mine, row.left);
        if (row.right != NULL)
            entry_move(&mine, row.right);
    }
    ck_assert_str_eq(mine.path, "a");
    ck_assert_int_eq(merge_next(merge, &row, &err), 1);
    ck_assert_ptr_nonnull(row.right);
    entry_move(&mine, row.right);
    ck_assert_int_eq(merge_next(merge, &row, &err), -1); /* the order is still watched */
    ck_assert_str_eq(err.text, "right: out of order: \"a\" comes after \"b\"");
    merge_free(merge);
    merge_free(NULL);
}
END_TEST

UNIT_MAIN("merge", &joins, &order_is_by_key, &file_and_folder_of_a_name_are_two, &streams_that_lie, &streams_that_fail,
          &entries_may_be_moved_away)
