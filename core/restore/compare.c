/* SPDX-License-Identifier: Apache-2.0
 *
 * The point's manifest and the target's tree as one stream of rows, in constant memory. Each pass that needs both
 * opens its own.
 */
#include "core/restore/restore_priv.h"

#include "base/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RWX 0700u

static int next_of_point(void *stream, struct entry *entry, struct sf_error *err)
{
    struct compare *compare = stream;

    return manifest_reader_next(compare->reader, entry, err);
}

/* Whether the walk may go on into the folder. A folder that only its mode closes is opened up where the target is
 * being changed anyway; before that it counts as empty, and what it should hold is fetched. */
static bool may_enter(struct compare *compare, const struct entry *entry)
{
    struct restore *restore = compare->restore;
    AUTO_FD fd = -1;

    if (restore->owners || entry->path[0] == '\0')
        return true;
    if (compare->open_up && (entry->mode & RWX) != RWX) {
        const char *name;
        AUTO_FD parent = beneath_parent(restore->target.fd, entry->path, &name);

        if (parent >= 0 && fchmodat(parent, name, entry->mode | RWX, AT_SYMLINK_NOFOLLOW) == 0)
            return true;
    }
    fd = beneath_open(restore->target.fd, entry->path, O_RDONLY | O_DIRECTORY, 0);
    if (fd >= 0)
        return faccessat(fd, ".", R_OK | X_OK, AT_EACCESS) == 0;
    return errno != EACCES; /* the walk says what else is wrong */
}

static int next_of_target(void *stream, struct entry *entry, struct sf_error *err)
{
    struct compare *compare = stream;
    int result = walk_next(compare->walk, entry, err);

    if (result == 1 && entry->type == ENTRY_DIR && !may_enter(compare, entry))
        walk_skip(compare->walk);
    return result;
}

int compare_open(struct compare *compare, struct restore *restore, bool open_up, struct sf_error *err)
{
    const struct restore_plan *plan = &restore->plan;

    compare->restore = restore;
    compare->open_up = open_up;
    compare->choose.only = plan->only;
    if (manifest_reader_open(&compare->reader, plan->manifest_fd, plan->manifest_name, err) < 0)
        return -1;
    if (restore->target.fd >= 0 && !restore->target.empty) {
        patterns_add(&compare->exclude, "/" RESTORE_FOLDER);
        patterns_add(&compare->exclude, "/" RESTORE_KEPT_FOLDER);
        compare->options.exclude = &compare->exclude;
        compare->options.temp_dir = plan->temp_dir;
        compare->options.yield_others = true;
        compare->options.name = plan->target;
        if (walk_open(&compare->walk, restore->target.fd, &compare->options, err) < 0)
            return -1;
    }
    compare->merge = merge_new(next_of_point, compare, plan->manifest_name,
                               compare->walk != NULL ? next_of_target : NULL, compare, plan->target);
    return 0;
}

int compare_next(struct compare *compare, struct compare_row *row, struct sf_error *err)
{
    struct merge_row both;
    int result;

    while ((result = merge_next(compare->merge, &both, err)) == 1) {
        row->ordinal = compare->next;
        row->wanted = NULL;
        row->found = both.right;
        if (both.left != NULL) {
            compare->next++;
            if (choose_wants(&compare->choose, both.left))
                row->wanted = both.left;
        }
        if (row->wanted != NULL || row->found != NULL)
            return 1;
    }
    return result;
}

void compare_cleanup(struct compare *compare)
{
    merge_free(compare->merge);
    walk_close(compare->walk);
    manifest_reader_free(compare->reader);
    patterns_cleanup(&compare->exclude);
    choose_cleanup(&compare->choose);
}
