/* SPDX-License-Identifier: Apache-2.0
 *
 * The pass after placing, where the target held something before: removes what is not in the point, and settles every
 * folder once all that was to change in it has changed.
 */
#include "core/restore/restore_priv.h"

#include "base/err.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int remove_name(struct restore *restore, struct trail *trail, const char *path, struct sf_error *err)
{
    const char *slash = strrchr(path, '/');
    int dirfd = trail_fd(trail, err);
    char shown[SHOWN_MAX];

    if (dirfd < 0)
        return -1;
    if (unlinkat(dirfd, slash != NULL ? slash + 1 : path, 0) < 0)
        return err_errno(err, errno, "remove %s", err_printable(path, shown, sizeof(shown)));
    restore->removed++;
    return 0;
}

static int take_row(struct restore *restore, struct trail *trail, const struct compare_row *row, struct sf_error *err)
{
    const struct entry *entry = row->wanted != NULL ? row->wanted : row->found;
    struct trail_level level = {.made = true};

    if (trail_leave(trail, entry->path, err) < 0)
        return -1;
    if (entry->type != ENTRY_DIR)
        return row->wanted != NULL ? 0 : remove_name(restore, trail, entry->path, err);
    level.meta = meta_of(entry);
    level.settle = row->wanted != NULL && entry->path[0] != '\0'; /* the root comes last of all, in finish.c */
    level.surplus = row->wanted == NULL;
    trail_enter(trail, entry->path, &level);
    return 0;
}

int surplus_remove(struct restore *restore, struct sf_error *err)
{
    SF_AUTO(compare) compare = {0};
    SF_AUTO(trail) trail = {.restore = restore, .fd = -1};
    struct compare_row row;
    int result;

    if (restore->target.empty || restore->only)
        return 0;
    if (compare_open(&compare, restore, true, err) < 0)
        return -1;
    while ((result = compare_next(&compare, &row, err)) == 1)
        if (restore_go_on(restore, err) < 0 || take_row(restore, &trail, &row, err) < 0)
            return -1;
    return result < 0 ? -1 : trail_leave(&trail, NULL, err);
}
