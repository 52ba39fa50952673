/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads one plugin: is the file safe, is it a shared object, has it the symbol, will it run with us, is its table right. The code of
 * a plugin runs as soon as dlopen is called, so that everything that can be known before is checked before.
 */
#include "core/store/load.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/progress/log.h"
#include "core/store/load_priv.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_TEXT 256 /* of a path in a message */

/* ---- the host that a plugin sees ---- */

struct host {
    struct sf_host host;
    struct log *log;
    char *name;
    struct {
        pthread_mutex_t mutex;
        char last[SF_ERROR_TEXT]; /* what the plugin said last: its reason if it refuses to run */
    } locked;
};

static void host_log(const struct sf_host *host, int32_t level, const char *text)
{
    struct host *own = host->ctx;
    AUTO_FREE char *line = mem_printf("plugin %s: %s", own->name, text);

    pthread_mutex_lock(&own->locked.mutex);
    snprintf(own->locked.last, sizeof(own->locked.last), "%s", text);
    pthread_mutex_unlock(&own->locked.mutex);
    if (level < SF_LOG_ERROR)
        level = SF_LOG_ERROR;
    log_write(own->log, level > SF_LOG_DEBUG ? SF_LOG_DEBUG : (enum sf_log_level)level, line);
}

static const struct sf_host *host_new(const char *name, struct log *log)
{
    struct host *own = mem_alloc(sizeof(*own));

    own->host.size = sizeof(own->host);
    own->host.abi_major = SF_ABI_MAJOR;
    own->host.abi_minor = SF_ABI_MINOR;
    own->host.version = SF_VERSION;
    own->host.ctx = own;
    own->host.log = host_log;
    own->host.log_level = log != NULL ? (int32_t)log->level : SF_LOG_ERROR;
    own->log = log;
    own->name = mem_text(name);
    pthread_mutex_init(&own->locked.mutex, NULL);
    return &own->host;
}

static void host_free(const struct sf_host *host)
{
    struct host *own;

    if (host == NULL)
        return;
    own = host->ctx;
    pthread_mutex_destroy(&own->locked.mutex);
    free(own->name);
    free(own);
}

/* ---- the file ---- */

static int check_owner(int fd, const char *what, const char *path, struct stat *st, struct sf_error *err)
{
    char text[PATH_TEXT];

    err_printable(path, text, sizeof(text));
    if (fstat(fd, st) != 0)
        return err_errno(err, errno, "plugin %s %s", what, text);
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return sf_fail(err, SF_DENIED,
                       "plugin %s %s is not safe: it belongs to user %u, not to root or to the user who runs this (%u)",
                       what, text, st->st_uid, geteuid());
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return sf_fail(err, SF_DENIED,
                       "plugin %s %s is not safe: others may write to it (mode %04o); chmod go-w would mend that", what,
                       text, st->st_mode & 07777);
    return 0;
}

/* The folder that file stands in. */
static int check_folder(const char *file, struct sf_error *err)
{
    const char *slash = strrchr(file, '/');
    AUTO_FREE char *folder = mem_text(slash != NULL ? file : ".");
    AUTO_FD fd = -1;
    struct stat st;
    char text[PATH_TEXT];

    if (slash != NULL)
        folder[slash == file ? 1 : slash - file] = '\0';
    fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "plugin folder %s", err_printable(folder, text, sizeof(text)));
    return check_owner(fd, "folder", folder, &st, err);
}

static int check_shared_object(int fd, const char *text, struct sf_error *err)
{
    unsigned char head[offsetof(Elf64_Ehdr, e_machine)]; /* the same in both classes up to here */
    ssize_t got;
    uint16_t type;

    do
        got = pread(fd, head, sizeof(head), 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_errno(err, errno, "plugin file %s", text);
    if (got < (ssize_t)sizeof(head) || memcmp(head, ELFMAG, SELFMAG) != 0)
        return sf_fail(err, SF_UNSUPPORTED, "plugin file %s is not a shared object", text);
    memcpy(&type, head + offsetof(Elf64_Ehdr, e_type), sizeof(type));
    if (type != ET_DYN)
        return sf_fail(err, SF_UNSUPPORTED, "plugin file %s is not a shared object, but another kind of ELF file",
                       text);
    return 0;
}

/* Who can change the file, its folder, or the folder of a symlink to it, can run code as us. real becomes what is to be opened, free of
 * symlinks that could be turned round in between. */
static int check_file(const char *file, char **real, struct sf_error *err)
{
    AUTO_FD fd = -1;
    struct stat st;
    char text[PATH_TEXT];

    err_printable(file, text, sizeof(text));
    *real = realpath(file, NULL);
    if (*real == NULL)
        return err_errno(err, errno, "plugin file %s", text);
    if (check_folder(file, err) < 0 || check_folder(*real, err) < 0)
        return -1;
    /* Neither a FIFO nor a terminal may hold us up. */
    fd = open(*real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "plugin file %s", text);
    if (check_owner(fd, "file", *real, &st, err) < 0)
        return -1;
    if (!S_ISREG(st.st_mode))
        return sf_fail(err, SF_UNSUPPORTED, "plugin file %s is not a regular file", text);
    return check_shared_object(fd, text, err);
}

/* ---- the library ---- */

/* dlerror() begins with the path, which our message has already. */
static const char *reason(const char *path)
{
    const char *text = dlerror();
    size_t length = strlen(path);

    if (text == NULL)
        return "no reason known";
    return strncmp(text, path, length) == 0 && strncmp(text + length, ": ", 2) == 0 ? text + length + 2 : text;
}

static int check_name(const struct sf_plugin *table, const char *stem, const char *file, struct sf_error *err)
{
    if (strcmp(table->name, stem) == 0 || (strncmp(stem, "lib", 3) == 0 && strcmp(table->name, stem + 3) == 0))
        return 0;
    return sf_fail(err, SF_UNSUPPORTED, "plugin file %s holds the plugin '%s': name the file %s.so", file, table->name,
                   table->name);
}

/* What the plugin logged last is its reason. */
static int fail_refused(const struct sf_host *host, const char *file, struct sf_error *err)
{
    struct host *own = host->ctx;
    char text[SF_ERROR_TEXT];

    pthread_mutex_lock(&own->locked.mutex);
    err_printable(own->locked.last, text, sizeof(text));
    pthread_mutex_unlock(&own->locked.mutex);
    return sf_fail(err, SF_UNSUPPORTED, "plugin %s will not run with this version%s%s", file,
                   text[0] == '\0' ? ", and does not say why" : ": ", text);
}

static int open_library(struct plugin *plugin, const char *stem, struct log *log, struct sf_error *err)
{
    const struct sf_plugin *theirs;
    sf_plugin_entry entry;
    void *symbol;
    char text[PATH_TEXT];

    err_printable(plugin->path, text, sizeof(text));
    plugin->handle = dlopen(plugin->path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (plugin->handle == NULL)
        return sf_fail(err, SF_UNSUPPORTED, "plugin file %s cannot be loaded: %s", text, reason(plugin->path));
    symbol = dlsym(plugin->handle, SF_ABI_SYMBOL);
    if (symbol == NULL)
        return sf_fail(err, SF_UNSUPPORTED,
                       "%s is not a plugin for this version: it is a shared object, but does not export " SF_ABI_SYMBOL,
                       text);
    plugin->host = host_new(stem, log);
    memcpy(&entry, &symbol, sizeof(entry)); /* ISO C knows no cast between the two */
    theirs = entry(plugin->host);
    if (theirs == NULL)
        return fail_refused(plugin->host, text, err);
    if (plugin_take_table(&plugin->table, theirs, text, err) < 0)
        return -1;
    return check_name(&plugin->table, stem, text, err);
}

int plugin_load_file(struct plugin *plugin, const char *file, struct log *log, struct sf_error *err)
{
    AUTO_FREE char *stem = plugin_stem(file);
    SF_AUTO(plugin) loading = {0};
    char text[PATH_TEXT];

    *plugin = (struct plugin){0};
    if (stem == NULL || !plugin_is_name(stem))
        return sf_fail(err, SF_INVALID, "plugin file %s does not have a plugin's name: [a-z0-9_-]+ and .so",
                       err_printable(file, text, sizeof(text)));
    if (check_file(file, &loading.path, err) < 0 || open_library(&loading, stem, log, err) < 0)
        return -1;
    log_debug(log, "plugin %s %s, ABI %d.%d: %s", loading.table.name, loading.table.version, loading.table.abi_major,
              loading.table.abi_minor, loading.path);
    *plugin = loading;
    loading = (struct plugin){0};
    return 0;
}

static int fail_not_found(const char *name, const struct plugin_path *path, struct sf_error *err)
{
    SF_AUTO(buf) names = BUF_INIT;
    SF_AUTO(buf) folders = BUF_INIT;
    struct plugin_found *found;
    char text[PATH_TEXT];
    size_t i, count;

    plugin_find_all(path, &found, &count);
    for (i = 0; i < count; i++)
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", found[i].name);
    plugin_found_free(found, count);
    for (i = 0; i < path->count; i++)
        buf_printf(&folders, "%s%s", i > 0 ? ", " : "", err_printable(path->folders[i], text, sizeof(text)));
    return sf_fail(err, SF_NOT_FOUND, "there is no plugin '%s'; %s%s; searched %s", name,
                   count == 0 ? "none was found" : "there are: ", buf_text(&names), buf_text(&folders));
}

int plugin_load(struct plugin *plugin, const char *name, const struct plugin_path *path, struct log *log,
                struct sf_error *err)
{
    AUTO_FREE char *file = NULL;
    char text[PATH_TEXT];

    *plugin = (struct plugin){0};
    if (!plugin_is_name(name))
        return sf_fail(err, SF_INVALID, "'%s' cannot be a plugin's name: it must be [a-z0-9_-]+",
                       err_printable(name, text, sizeof(text)));
    file = plugin_locate(path, name);
    if (file == NULL)
        return fail_not_found(name, path, err);
    return plugin_load_file(plugin, file, log, err);
}

bool plugin_serves(const struct sf_plugin *table, const char *scheme)
{
    uint32_t i;

    for (i = 0; i < table->scheme_count; i++)
        if (strcmp(table->schemes[i], scheme) == 0)
            return true;
    return false;
}

int plugin_load_by_scheme(struct plugin *plugin, const char *scheme, const struct plugin_path *path, struct log *log,
                          struct sf_error *err)
{
    struct plugin_found *found;
    size_t count, i;
    bool loaded = false;

    plugin_find_all(path, &found, &count);
    for (i = 0; i < count && !loaded; i++) {
        struct sf_error why = SF_ERROR_INIT;

        if (plugin_load_file(plugin, found[i].path, log, &why) < 0) {
            log_debug(log, "plugin %s: %s", found[i].name, why.text);
            continue;
        }
        loaded = plugin_serves(&plugin->table, scheme);
        if (!loaded)
            plugin_cleanup(plugin);
    }
    plugin_found_free(found, count);
    if (!loaded)
        return sf_fail(err, SF_INVALID, "no plugin serves %s:// URLs; see snapferry plugin list", scheme);
    return 0;
}

void plugin_cleanup(struct plugin *plugin)
{
    if (plugin->handle != NULL)
        dlclose(plugin->handle);
    host_free(plugin->host);
    free(plugin->path);
    *plugin = (struct plugin){0};
}
