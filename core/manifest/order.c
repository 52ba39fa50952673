/* SPDX-License-Identifier: Apache-2.0
 *
 * All of a folder's entries share its key and the '/' as a prefix, so they stand together, and the open folders are always
 * the last folder's path and its parents. A file `x` and a folder `x` need not be neighbours (`x-y` sorts between `x` and
 * `x/`), which is what the marks are for.
 */
#include "core/manifest/order.h"

#include "base/err.h"

#include <string.h>

#define SHOWN 200 /* bytes of a path in a message */

static int refuse(const struct entry *entry, const char *reason, struct sf_error *err)
{
    char shown[SHOWN];

    return sf_fail(err, SF_CORRUPT, "path '%s' %s", err_printable(entry->path, shown, sizeof(shown)), reason);
}

static int check_parts(const struct entry *entry, struct sf_error *err)
{
    const char *part = entry->path;

    if (*part == '/')
        return refuse(entry, "is absolute", err);
    for (;;) {
        size_t length = strcspn(part, "/");

        if (length == 0)
            return refuse(entry, "has an empty part", err);
        if ((length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.'))
            return refuse(entry, "has a part that is '.' or '..'", err);
        if (part[length] == '\0')
            return 0;
        part += length + 1;
    }
}

static size_t common_bytes(const struct buf *a, const struct buf *b)
{
    size_t most = a->length < b->length ? a->length : b->length, i = 0;

    while (i < most && a->data[i] == b->data[i])
        i++;
    return i;
}

static int check_sequence(const struct order *order, const struct entry *entry, size_t common, struct sf_error *err)
{
    const struct buf *key = &order->key, *next = &order->next;

    if (common == next->length && common == key->length)
        return refuse(entry, "is there twice", err);
    if (common == next->length ||
        (common < key->length && (unsigned char)next->data[common] < (unsigned char)key->data[common]))
        return refuse(entry, "is out of order", err);
    if (entry->type == ENTRY_DIR && common >= next->length - 1 && order->marks.data[next->length - 1] != 0)
        return refuse(entry, "is there twice, as a folder and as something else", err);
    return 0;
}

static int check_folder(struct order *order, const struct entry *entry, struct sf_error *err)
{
    const char *slash = strrchr(entry->path, '/');
    size_t parent = slash != NULL ? (size_t)(slash - entry->path) : 0;
    struct buf *folder = &order->folder;

    if (parent > folder->length || (parent > 0 && memcmp(folder->data, entry->path, parent) != 0) ||
        (parent > 0 && folder->length > parent && folder->data[parent] != '/'))
        return refuse(entry, "has no entry of its folder before it", err);
    folder->length = parent;
    if (entry->type == ENTRY_DIR) {
        buf_clear(folder);
        buf_add_text(folder, entry->path);
    }
    return 0;
}

static void advance(struct order *order, const struct entry *entry, size_t common)
{
    struct buf *marks = &order->marks, swap = order->key;
    size_t length = order->next.length;

    marks->length = order->begun ? common + 1 : 0;
    buf_reserve(marks, length + 1);
    memset(marks->data + marks->length, 0, length + 1 - marks->length);
    marks->length = length + 1;
    marks->data[length] = entry->type != ENTRY_DIR;
    order->key = order->next;
    order->next = swap;
    order->begun = true;
}

int order_check(struct order *order, const struct entry *entry, struct sf_error *err)
{
    size_t common = 0;

    entry_key(entry, &order->next);
    if (!order->begun) {
        if (entry->path[0] != '\0' || entry->type != ENTRY_DIR)
            return refuse(entry, "comes first, where the root folder (an empty path) should be", err);
    } else if (entry->path[0] == '\0') {
        return refuse(entry, "(the root folder) is there twice", err);
    } else {
        common = common_bytes(&order->key, &order->next);
        if (check_parts(entry, err) < 0 || check_sequence(order, entry, common, err) < 0 ||
            check_folder(order, entry, err) < 0)
            return -1;
    }
    advance(order, entry, common);
    return 0;
}

void order_cleanup(struct order *order)
{
    buf_cleanup(&order->key);
    buf_cleanup(&order->marks);
    buf_cleanup(&order->folder);
    buf_cleanup(&order->next);
    order->begun = false;
}
