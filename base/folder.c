/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a folder's names once and hands them out sorted. Each name becomes a spill record: the key, and as its value the kind
 * ('d' for a folder) and, where the key is not the name itself, the name.
 */
#include "base/folder.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

struct folder {
    struct spill *spill;
    struct buf name;
};

static void dir_close(DIR **dir)
{
    if (*dir != NULL)
        closedir(*dir);
}

static bool is_folder(int dirfd, const struct dirent *item)
{
    struct stat st;

    if (item->d_type != DT_UNKNOWN)
        return item->d_type == DT_DIR;
    /* A name that is gone by now is for the caller to notice, as it is where the type was known. */
    return fstatat(dirfd, item->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int add_name(struct folder *folder, int dirfd, const struct dirent *item, folder_key_fn key_of, struct buf *key,
                    struct sf_error *err)
{
    SF_AUTO(buf) value = BUF_INIT;
    bool is_dir = is_folder(dirfd, item);

    buf_clear(key);
    if (key_of != NULL)
        key_of(item->d_name, key);
    else
        buf_add_text(key, item->d_name);
    buf_add_byte(&value, is_dir ? 'd' : 'f');
    if (key_of != NULL && strcmp(buf_text(key), item->d_name) != 0)
        buf_add_text(&value, item->d_name);
    if (is_dir)
        buf_add_byte(key, '/');
    return spill_add(folder->spill, key->data, key->length, value.data, value.length, err);
}

static int read_names(struct folder *folder, int dirfd, folder_key_fn key_of, struct sf_error *err)
{
    SF_AUTO(buf) key = BUF_INIT;
    __attribute__((cleanup(dir_close))) DIR *dir = NULL;
    /* A descriptor of its own: closedir closes it, its offset is ours, and dirfd may be O_PATH. */
    AUTO_FD fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return err_errno(err, errno, "cannot open the folder");
    dir = fdopendir(fd);
    if (dir == NULL)
        return err_errno(err, errno, "cannot open the folder");
    (void)fd_take(&fd);
    for (;;) {
        const struct dirent *item;

        errno = 0;
        item = readdir(dir);
        if (item == NULL)
            return errno == 0 ? 0 : err_errno(err, errno, "cannot read the folder");
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
            continue;
        if (add_name(folder, dirfd, item, key_of, &key, err) < 0)
            return -1;
    }
}

int folder_open(struct folder **folder, int dirfd, folder_key_fn key, const char *temp_dir, struct sf_error *err)
{
    struct folder *made = mem_alloc(sizeof(*made));

    made->spill = spill_new(temp_dir);
    if (read_names(made, dirfd, key, err) < 0 || spill_sort(made->spill, err) < 0) {
        folder_close(made);
        return -1;
    }
    *folder = made;
    return 0;
}

int folder_next(struct folder *folder, const char **name, int *is_dir, struct sf_error *err)
{
    const char *key, *value;
    size_t key_bytes, value_bytes;
    int got = spill_next(folder->spill, &key, &key_bytes, &value, &value_bytes, err);

    if (got <= 0)
        return got;
    *is_dir = value[0] == 'd';
    buf_clear(&folder->name);
    if (value_bytes > 1)
        buf_add(&folder->name, value + 1, value_bytes - 1);
    else
        buf_add(&folder->name, key, key_bytes - (*is_dir != 0));
    *name = buf_text(&folder->name);
    return 1;
}

void folder_close(struct folder *folder)
{
    if (folder == NULL)
        return;
    spill_free(folder->spill);
    buf_cleanup(&folder->name);
    free(folder);
}
