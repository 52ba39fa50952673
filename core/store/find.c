/* SPDX-License-Identifier: Apache-2.0
 *
 * Where plugins are. A folder that does not exist holds none; whether one may be trusted is load.c's question.
 */
#include "core/store/load_priv.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* Set by core/store/meson.build. */
#ifndef SF_LIBDIR
#error "SF_LIBDIR is not defined"
#endif

bool plugin_is_name(const char *name)
{
    return *name != '\0' && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == '\0';
}

char *plugin_stem(const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *base = slash != NULL ? slash + 1 : file;
    size_t length = strlen(base);
    char *stem;

    if (length <= 3 || strcmp(base + length - 3, ".so") != 0)
        return NULL;
    stem = mem_text(base);
    stem[length - 3] = '\0';
    return stem;
}

static void add_folder(struct plugin_path *path, char *folder)
{
    path->folders = mem_resize(path->folders, (path->count + 1) * sizeof(path->folders[0]));
    path->folders[path->count++] = folder;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A build leaves each plugin in a folder of its own: plugins/localfs/localfs.so. */
static void add_build_tree(struct plugin_path *path)
{
    char exe[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    AUTO_FREE char *ninja = NULL;
    struct dirent **entries;
    char *top;
    int i, count;

    if (length <= 0)
        return;
    exe[length] = '\0';
    *strrchr(exe, '/') = '\0';
    ninja = mem_printf("%s/build.ninja", exe);
    if (access(ninja, F_OK) != 0)
        return;
    top = mem_printf("%s/plugins", exe);
    add_folder(path, top);
    count = scandir(top, &entries, visible, by_bytes);
    for (i = 0; i < count; i++) {
        char *folder = mem_printf("%s/%s", top, entries[i]->d_name);

        if (is_folder(folder))
            add_folder(path, folder);
        else
            free(folder);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

void plugin_path_init(struct plugin_path *path, const char *const *extra, size_t extra_count)
{
    size_t i;

    *path = (struct plugin_path){NULL, 0};
    for (i = 0; i < extra_count; i++)
        add_folder(path, mem_text(extra[i]));
    add_build_tree(path);
    add_folder(path, mem_text(SF_LIBDIR "/snapferry"));
}

void plugin_path_cleanup(struct plugin_path *path)
{
    size_t i;

    for (i = 0; i < path->count; i++)
        free(path->folders[i]);
    free(path->folders);
    *path = (struct plugin_path){NULL, 0};
}

/* Only what surely is not there counts as absent: the rest is told by the one who opens it. */
static bool is_there(const char *file)
{
    struct stat st;

    return lstat(file, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

char *plugin_locate(const struct plugin_path *path, const char *name)
{
    static const char *const forms[] = {"", "lib"};
    size_t i, form;

    for (i = 0; i < path->count; i++) {
        for (form = 0; form < 2; form++) {
            char *file = mem_printf("%s/%s%s.so", path->folders[i], forms[form], name);

            if (is_there(file))
                return file;
            free(file);
        }
    }
    return NULL;
}

static bool is_known(const struct plugin_found *found, size_t count, const char *name)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (strcmp(found[i].name, name) == 0)
            return true;
    return false;
}

static void find_in(const char *folder, struct plugin_found **found, size_t *count)
{
    struct dirent **entries;
    int i, entry_count = scandir(folder, &entries, visible, by_bytes);

    for (i = 0; i < entry_count; i++) {
        AUTO_FREE char *stem = plugin_stem(entries[i]->d_name);
        const char *name = stem;

        if (stem != NULL && strncmp(stem, "lib", 3) == 0 && stem[3] != '\0')
            name = stem + 3;
        if (stem != NULL && plugin_is_name(name) && !is_known(*found, *count, name)) {
            *found = mem_resize(*found, (*count + 1) * sizeof((*found)[0]));
            (*found)[*count].name = mem_text(name);
            (*found)[*count].path = mem_printf("%s/%s", folder, entries[i]->d_name);
            (*count)++;
        }
        free(entries[i]);
    }
    if (entry_count >= 0)
        free(entries);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct plugin_found *)a)->name, ((const struct plugin_found *)b)->name);
}

void plugin_find_all(const struct plugin_path *path, struct plugin_found **found, size_t *count)
{
    size_t i;

    *found = NULL;
    *count = 0;
    for (i = 0; i < path->count; i++)
        find_in(path->folders[i], found, count);
    if (*count > 1)
        qsort(*found, *count, sizeof((*found)[0]), by_name);
}

void plugin_found_free(struct plugin_found *found, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        free(found[i].name);
        free(found[i].path);
    }
    free(found);
}
