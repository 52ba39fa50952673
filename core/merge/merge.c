/* SPDX-License-Identifier: Apache-2.0
 *
 * The join holds one entry and one key a side, and the key before it, by which a stream that steps back or repeats itself is
 * noticed. Called by the pipeline's thread.
 */
#include "core/merge/merge.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct side {
    merge_next_fn next;
    void *stream;
    const char *name;
    struct entry entry;
    struct buf key;      /* of entry; outlives it when the caller moves the entry away */
    struct buf previous; /* key of the entry before */
    bool has_previous;
    bool is_wanted; /* the entry was in the last row: fetch the next one */
    bool is_ended;
};

struct merge {
    struct side left;
    struct side right;
};

static void side_init(struct side *side, merge_next_fn next, void *stream, const char *name)
{
    side->next = next;
    side->stream = stream;
    side->name = name;
    side->is_wanted = true;
    side->is_ended = next == NULL;
}

struct merge *merge_new(merge_next_fn left_next, void *left, const char *left_name, merge_next_fn right_next,
                        void *right, const char *right_name)
{
    struct merge *merge = mem_alloc(sizeof(*merge));

    side_init(&merge->left, left_next, left, left_name);
    side_init(&merge->right, right_next, right, right_name);
    return merge;
}

static int fail_order(const struct side *side, int order, struct sf_error *err)
{
    char key[160], previous[160];

    err_printable(buf_text(&side->key), key, sizeof(key));
    err_printable(buf_text(&side->previous), previous, sizeof(previous));
    if (order == 0)
        return sf_fail(err, SF_CORRUPT, "%s: out of order: \"%s\" comes twice", side->name, key);
    return sf_fail(err, SF_CORRUPT, "%s: out of order: \"%s\" comes after \"%s\"", side->name, key, previous);
}

/* Brings the side's next entry up if the last one was used. */
static int fetch(struct side *side, struct sf_error *err)
{
    struct buf swap = side->previous;
    int got, order;

    if (side->is_ended || !side->is_wanted)
        return 0;
    got = side->next(side->stream, &side->entry, err);
    if (got < 0)
        return -1;
    if (got == 0) {
        side->is_ended = true;
        entry_cleanup(&side->entry);
        return 0;
    }
    side->previous = side->key;
    side->key = swap;
    entry_key(&side->entry, &side->key);
    order = side->has_previous ? strcmp(buf_text(&side->previous), buf_text(&side->key)) : -1;
    if (order >= 0)
        return fail_order(side, order, err);
    side->has_previous = true;
    side->is_wanted = false;
    return 0;
}

int merge_next(struct merge *merge, struct merge_row *row, struct sf_error *err)
{
    struct side *left = &merge->left, *right = &merge->right;
    int order;

    if (fetch(left, err) < 0 || fetch(right, err) < 0)
        return -1;
    if (left->is_ended && right->is_ended)
        return 0;
    if (left->is_ended)
        order = 1;
    else if (right->is_ended)
        order = -1;
    else
        order = strcmp(buf_text(&left->key), buf_text(&right->key));
    left->is_wanted = order <= 0;
    right->is_wanted = order >= 0;
    row->left = order <= 0 ? &left->entry : NULL;
    row->right = order >= 0 ? &right->entry : NULL;
    return 1;
}

static void side_cleanup(struct side *side)
{
    entry_cleanup(&side->entry);
    buf_cleanup(&side->key);
    buf_cleanup(&side->previous);
}

void merge_free(struct merge *merge)
{
    if (merge == NULL)
        return;
    side_cleanup(&merge->left);
    side_cleanup(&merge->right);
    free(merge);
}
