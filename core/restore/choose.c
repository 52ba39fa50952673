/* SPDX-License-Identifier: Apache-2.0
 *
 * What of the point is wanted (--only), and the survey before anything is fetched: sums, free space, mount points in
 * the way.
 */
#include "core/restore/restore_priv.h"

#include "base/beneath.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* For a file's inode and name; only where something is to be fetched, so a full disk that holds all content is no
 * obstacle. */
#define SPACE_PER_FILE 512u

static bool is_beneath(const char *path, const char *folder, size_t length)
{
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

bool choose_wants(struct choose *choose, const struct entry *entry)
{
    if (is_beneath(entry->path, RESTORE_FOLDER, strlen(RESTORE_FOLDER)))
        return false; /* someone backed up a target that was not finished */
    if (choose->only == NULL || choose->only->count == 0)
        return true;
    if (choose->is_inside && is_beneath(entry->path, choose->inside.data, choose->inside.length))
        return true;
    if (entry->path[0] == '\0' || !patterns_match(choose->only, entry->path))
        return false;
    choose->is_inside = entry->type == ENTRY_DIR;
    if (choose->is_inside) {
        buf_clear(&choose->inside);
        buf_add_text(&choose->inside, entry->path);
    }
    return true;
}

void choose_cleanup(struct choose *choose)
{
    buf_cleanup(&choose->inside);
}

/* A mount point in the target: nothing can be renamed across its border. */
struct mount {
    struct buf path;
    bool seen;
};

static void mount_cleanup(struct mount *mount)
{
    buf_cleanup(&mount->path);
}

static int refuse_mount(struct restore *restore, const struct mount *mount, struct sf_error *err)
{
    char shown[SHOWN_MAX];

    restore->fault = RESTORE_FAULT_USAGE;
    return sf_fail(err, SF_INVALID,
                   "%s in %s is a mount point, which a restore cannot fill or remove: unmount it first",
                   err_printable(buf_text(&mount->path), shown, sizeof(shown)), restore->shown);
}

static int note_mount(struct restore *restore, struct mount *mount, const struct compare_row *row, struct sf_error *err)
{
    AUTO_FD fd = -1;
    struct stat st;

    if (row->found == NULL || row->found->type != ENTRY_DIR || row->found->path[0] == '\0')
        return 0;
    fd = beneath_open(restore->target.fd, row->found->path, O_PATH | O_DIRECTORY, 0);
    if (fd < 0 || fstat(fd, &st) < 0) {
        int number = errno;
        char shown[SHOWN_MAX];

        if (number == EACCES) /* compare does not enter it either */
            return 0;
        return err_errno(err, number, "open %s", err_printable(row->found->path, shown, sizeof(shown)));
    }
    if (st.st_dev == restore->target.before.st_dev)
        return 0;
    mount->seen = true;
    buf_clear(&mount->path);
    buf_add_text(&mount->path, row->found->path);
    return row->wanted == NULL && !restore->only ? refuse_mount(restore, mount, err) : 0;
}

static void count_wanted(struct restore *restore, const struct compare_row *row)
{
    if (row->wanted->type != ENTRY_FILE)
        return;
    restore->files++;
    restore->bytes += row->wanted->size;
    /* one of the same size may turn out to be the same: hashing decides, later */
    if (row->found != NULL && row->found->type == ENTRY_FILE && row->found->size == row->wanted->size)
        return;
    restore->need_files++;
    restore->need_bytes += row->wanted->size;
}

static int survey(struct restore *restore, struct sf_error *err)
{
    SF_AUTO(compare) compare = {0};
    SF_AUTO(mount) mount = {0};
    struct compare_row row;
    bool any = false;
    int result;

    if (compare_open(&compare, restore, false, err) < 0)
        return -1;
    while ((result = compare_next(&compare, &row, err)) == 1) {
        if (restore_go_on(restore, err) < 0 || note_mount(restore, &mount, &row, err) < 0)
            return -1;
        if (row.wanted == NULL)
            continue;
        any = true;
        if (mount.seen && is_beneath(row.wanted->path, mount.path.data, mount.path.length) &&
            row.wanted->path[mount.path.length] != '\0')
            return refuse_mount(restore, &mount, err);
        count_wanted(restore, &row);
    }
    if (result < 0 || any)
        return result;
    restore->fault = RESTORE_FAULT_NO_MATCH;
    return sf_fail(err, SF_INVALID, "nothing in the point matches: %s of %s has no such path", restore->plan.source,
                   restore->plan.point->time_dir);
}

static int check_space(struct restore *restore, struct sf_error *err)
{
    struct target *target = &restore->target;
    uint64_t need = restore->need_bytes + SPACE_PER_FILE * restore->need_files;
    uint64_t space;
    struct statvfs fs;

    if (restore->need_files == 0)
        return 0;
    if (fstatvfs(target->fd >= 0 ? target->fd : target->parent_fd, &fs) < 0)
        return err_errno(err, errno, "free space of %s", restore->shown);
    space = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (need > space)
        return sf_fail(err, SF_NO_SPACE,
                       "%s has %" PRIu64 " bytes free, the restore needs %" PRIu64 ": free at least %" PRIu64,
                       restore->shown, space, need, need - space);
    if (fs.f_files > 0 && restore->need_files > fs.f_favail)
        return sf_fail(err, SF_NO_SPACE, "%s has room for %" PRIu64 " more files, the restore needs %" PRIu64,
                       restore->shown, (uint64_t)fs.f_favail, restore->need_files);
    return 0;
}

int choose_survey(struct restore *restore, const struct manifest_counts *counts, struct sf_error *err)
{
    struct meter *meter = restore->plan.meter;

    atomic_store(&meter->stage, "compare");
    if (restore->only || !restore->target.empty) {
        if (survey(restore, err) < 0)
            return -1;
    } else { /* the trailer has said it all */
        restore->files = restore->need_files = counts->files;
        restore->bytes = restore->need_bytes = counts->bytes;
    }
    atomic_fetch_add(&meter->files_known, restore->files);
    atomic_fetch_add(&meter->bytes_known, restore->bytes);
    atomic_store(&meter->total_known, true);
    return check_space(restore, err);
}
