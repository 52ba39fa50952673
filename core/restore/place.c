/* SPDX-License-Identifier: Apache-2.0
 *
 * The pass that changes the target: in the manifest's order, folders are made, staged files and links renamed into
 * place. What stands in the way goes to the trash, kept files get their metadata. No name is ever resolved through a
 * symlink.
 */
#include "core/restore/restore_priv.h"

#include "base/beneath.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RWX 0700u
#define NEW_LINK "link" /* in RESTORE_FOLDER, until it is renamed */

struct place {
    struct restore *restore;
    struct manifest_reader *reader;
    struct trail trail;
    struct choose choose;
    int shard_fd; /* of shard; -1: no file of it was staged */
    uint64_t shard;
    bool shard_known;
};

static void place_cleanup(struct place *place)
{
    if (place->shard_fd >= 0)
        close(place->shard_fd);
    manifest_reader_free(place->reader);
    choose_cleanup(&place->choose);
    trail_cleanup(&place->trail);
}

static int failed(struct sf_error *err, const char *what, const char *path)
{
    int number = errno;
    char shown[SHOWN_MAX];

    return err_errno(err, number, "%s %s", what, err_printable(path, shown, sizeof(shown)));
}

static int move_away(struct restore *restore, int dirfd, const char *name, const char *path, struct sf_error *err)
{
    char shown[SHOWN_MAX];

    return trash_move(restore, dirfd, name, err_printable(path, shown, sizeof(shown)), err);
}

/* ---- folders ---- */

/* A folder that is there stays. With --only it keeps its metadata, too: what opening it up changes is set back at
 * the end. */
static int use_folder(struct place *place, struct trail_level *level, int parent, const char *name,
                      const struct stat *st, const char *path, struct sf_error *err)
{
    struct restore *restore = place->restore;

    if (restore->owners || (st->st_mode & RWX) == RWX)
        return 0;
    if (fchmodat(parent, name, (st->st_mode & 07777) | RWX, AT_SYMLINK_NOFOLLOW) < 0)
        return failed(err, "make writable", path);
    if (restore->only) {
        SF_AUTO(entry) before = ENTRY_INIT;

        walk_entry_stat(&before, st);
        level->meta = meta_of(&before);
        level->settle = true;
    }
    return 0;
}

static int make_folder(struct place *place, struct trail_level *level, const char *path, struct sf_error *err)
{
    struct restore *restore = place->restore;
    const char *name;
    AUTO_FD parent = beneath_parent(restore->target.fd, path, &name);
    struct stat st;

    if (parent < 0)
        return failed(err, "open the folder of", path);
    level->made = true;
    if (mkdirat(parent, name, RWX) < 0) {
        if (errno != EEXIST || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return failed(err, "make the folder", path);
        if (S_ISDIR(st.st_mode))
            return use_folder(place, level, parent, name, &st, path, err);
        if (move_away(restore, parent, name, path, err) < 0)
            return -1;
        if (mkdirat(parent, name, RWX) < 0)
            return failed(err, "make the folder", path);
    }
    level->settle = true;
    return 0;
}

/* With --only the folders above a match are made when the match comes. */
static int make_folders(struct place *place, struct sf_error *err)
{
    struct trail *trail = &place->trail;
    size_t i;

    for (i = 0; i < trail->depth; i++) {
        struct trail_level *level = &trail->levels[i];
        char *end = trail->path.data + level->length;
        char cut = *end;
        int result;

        if (level->made)
            continue;
        *end = '\0';
        result = make_folder(place, level, trail->path.data, err);
        *end = cut;
        if (result < 0)
            return -1;
    }
    return 0;
}

static int place_folder(struct place *place, const struct entry *entry, bool wanted, struct sf_error *err)
{
    struct trail_level level = {.meta = meta_of(entry), .made = entry->path[0] == '\0'};

    if (wanted)
        meta_note_owner(place->restore, &level.meta);
    trail_enter(&place->trail, entry->path, &level);
    return wanted ? make_folders(place, err) : 0;
}

/* ---- files ---- */

static int open_shard(struct place *place, uint64_t number, struct sf_error *err)
{
    char name[32];

    if (place->shard_known && place->shard == number)
        return 0;
    if (place->shard_fd >= 0)
        close(fd_take(&place->shard_fd));
    snprintf(name, sizeof(name), "%" PRIx64, number);
    place->shard_fd = openat(place->restore->staging_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (place->shard_fd < 0 && errno != ENOENT)
        return err_errno(err, errno, "open %s/" RESTORE_FOLDER "/" STAGING_FOLDER "/%s", place->restore->shown, name);
    place->shard = number;
    place->shard_known = true;
    return 0;
}

/* The worker found it in place and left nothing staged. */
static int keep_file(struct place *place, int dirfd, const char *name, const struct entry *entry, struct sf_error *err)
{
    const struct meta meta = meta_of(entry);
    char shown[SHOWN_MAX];
    struct stat st;

    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return failed(err, "stat", entry->path);
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != entry->size)
        return sf_fail(err, SF_CONFLICT, "%s was changed while it was restored",
                       err_printable(entry->path, shown, sizeof(shown)));
    return meta_set_at(place->restore, dirfd, name, &meta, &st, entry->path, err);
}

/* Renames over whatever has the name, a folder aside: that is moved away first. 1: from does not exist. */
static int rename_over(struct place *place, int from_fd, const char *from, int dirfd, const char *name,
                       const char *path, struct sf_error *err)
{
    if (renameat(from_fd, from, dirfd, name) == 0)
        return 0;
    if (errno == ENOENT)
        return 1;
    if (errno == EISDIR) {
        if (move_away(place->restore, dirfd, name, path, err) < 0)
            return -1;
        if (renameat(from_fd, from, dirfd, name) == 0)
            return 0;
    }
    return failed(err, "put into place", path);
}

static int place_file(struct place *place, int dirfd, const char *name, const struct entry *entry, uint64_t ordinal,
                      struct sf_error *err)
{
    char staged[32];
    int result = 1;

    if (open_shard(place, ordinal / STAGING_SHARD, err) < 0)
        return -1;
    snprintf(staged, sizeof(staged), "%" PRIx64, ordinal);
    if (place->shard_fd >= 0)
        result = rename_over(place, place->shard_fd, staged, dirfd, name, entry->path, err);
    return result == 1 ? keep_file(place, dirfd, name, entry, err) : result;
}

/* ---- links ---- */

static bool is_same_link(const struct restore *restore, int dirfd, const char *name, const struct entry *entry)
{
    const size_t length = strlen(entry->target);
    struct meta meta = meta_of(entry);
    SF_AUTO(buf) there = BUF_INIT;
    struct stat st;
    ssize_t got;

    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK(st.st_mode))
        return false;
    meta.mode = st.st_mode & 07777; /* a link has none that could be set */
    if (!meta_same(restore, &meta, &st))
        return false;
    buf_reserve(&there, length + 1);
    got = readlinkat(dirfd, name, there.data, length + 1);
    return got >= 0 && (size_t)got == length && memcmp(there.data, entry->target, length) == 0;
}

static int place_link(struct place *place, int dirfd, const char *name, const struct entry *entry, struct sf_error *err)
{
    struct restore *restore = place->restore;
    struct meta meta = meta_of(entry);
    int from = restore->target.restore_fd;
    struct stat st;
    int result;

    if (is_same_link(restore, dirfd, name, entry))
        return 0;
    if ((unlinkat(from, NEW_LINK, 0) < 0 && errno != ENOENT) || symlinkat(entry->target, from, NEW_LINK) < 0 ||
        fstatat(from, NEW_LINK, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return failed(err, "make the link", entry->path);
    if (restore->owners && fchownat(from, NEW_LINK, meta.uid, meta.gid, AT_SYMLINK_NOFOLLOW) < 0)
        return failed(err, "set the owner of", entry->path);
    st.st_uid = meta.uid; /* that is done, and a link has no mode that could be set */
    st.st_gid = meta.gid;
    meta.mode = st.st_mode & 07777;
    if (meta_set_at(restore, from, NEW_LINK, &meta, &st, entry->path, err) < 0)
        return -1;
    result = rename_over(place, from, NEW_LINK, dirfd, name, entry->path, err);
    if (result != 1)
        return result;
    errno = ENOENT;
    return failed(err, "put into place", entry->path);
}

/* ---- the pass ---- */

static int place_entry(struct place *place, const struct entry *entry, uint64_t ordinal, struct sf_error *err)
{
    const char *slash = strrchr(entry->path, '/');
    const char *name = slash != NULL ? slash + 1 : entry->path;
    const struct meta meta = meta_of(entry);
    int dirfd;

    if (trail_leave(&place->trail, entry->path, err) < 0)
        return -1;
    if (entry->type == ENTRY_DIR)
        return place_folder(place, entry, choose_wants(&place->choose, entry), err);
    if (!choose_wants(&place->choose, entry))
        return 0;
    if (make_folders(place, err) < 0)
        return -1;
    dirfd = trail_fd(&place->trail, err);
    if (dirfd < 0)
        return -1;
    meta_note_owner(place->restore, &meta);
    if (entry->type == ENTRY_LINK)
        return place_link(place, dirfd, name, entry, err);
    return place_file(place, dirfd, name, entry, ordinal, err);
}

int place_all(struct restore *restore, struct sf_error *err)
{
    SF_AUTO(place) place = {.restore = restore, .trail = {.restore = restore, .fd = -1}, .shard_fd = -1};
    SF_AUTO(entry) entry = ENTRY_INIT;
    uint64_t ordinal = 0;
    int result;

    atomic_store(&restore->plan.meter->stage, "place");
    place.choose.only = restore->plan.only;
    if (manifest_reader_open(&place.reader, restore->plan.manifest_fd, restore->plan.manifest_name, err) < 0)
        return -1;
    while ((result = manifest_reader_next(place.reader, &entry, err)) == 1)
        if (restore_go_on(restore, err) < 0 || place_entry(&place, &entry, ordinal++, err) < 0)
            return -1;
    return result < 0 ? -1 : trail_leave(&place.trail, NULL, err);
}
