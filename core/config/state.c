/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config/state.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID_HEX 32

void state_random_hex(char *out, size_t digits)
{
    uint8_t bytes[32];
    char hex[sizeof(bytes) * 2 + 1];

    while (digits > 0) {
        size_t some = digits < sizeof(bytes) * 2 ? digits : sizeof(bytes) * 2;
        ssize_t got = getrandom(bytes, sizeof(bytes), 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got != (ssize_t)sizeof(bytes)) {
            /* No kernel that this runs on fails here; an id that is not random would break every promise. */
            perror("snapferry: getrandom");
            abort();
        }
        hex_encode(bytes, sizeof(bytes), hex);
        memcpy(out, hex, some);
        out += some;
        digits -= some;
    }
    *out = '\0';
}

static int make_folder(const char *path)
{
    int why;

    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return 0;
    /* On a read-only file system, or below a folder that is not ours, one that exists may answer so too. */
    why = errno;
    if (access(path, F_OK) == 0)
        return 0;
    errno = why;
    return -1;
}

/* mkdir -p, each new folder 0700. */
static int make_folders(const char *path)
{
    AUTO_FREE char *copy = mem_text(path);
    char *slash;

    for (slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (make_folder(copy) < 0)
            return -1;
        *slash = '/';
    }
    return make_folder(copy);
}

static int check_folder(int fd, const char *shown, struct sf_error *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_errno(err, errno, "%s", shown);
    if (st.st_uid != geteuid())
        return sf_fail(err, SF_INVALID, "%s: owned by user %u, not by user %u, who runs this", shown,
                       (unsigned)st.st_uid, (unsigned)geteuid());
    if ((st.st_mode & 022) != 0)
        return sf_fail(err, SF_INVALID, "%s: writable by others (mode %04o): chmod go-w it", shown,
                       (unsigned)st.st_mode & 07777u);
    if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
        return err_errno(err, errno, "%s", shown);
    return 0;
}

/* --- the id --- */

static int read_id(int folder, const char *shown, char id[ID_HEX + 1], struct sf_error *err)
{
    uint8_t bytes[ID_HEX / 2];
    char text[ID_HEX + 2];
    AUTO_FD fd = openat(folder, "id", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t got;

    if (fd < 0)
        return err_errno(err, errno, "%s/id", shown);
    do
        got = read(fd, text, sizeof(text));
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_errno(err, errno, "%s/id", shown);
    if (got == ID_HEX + 1 && text[ID_HEX] == '\n') {
        text[ID_HEX] = '\0';
        if (hex_decode(text, bytes, sizeof(bytes))) {
            memcpy(id, text, ID_HEX + 1);
            return 0;
        }
    }
    return sf_fail(err, SF_INVALID, "%s/id: does not hold an id of %d hex digits: remove it, a new one is made then",
                   shown, ID_HEX);
}

static int write_id(int folder, const char *name, struct sf_error *err)
{
    char text[ID_HEX + 2];
    AUTO_FD fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    size_t done = 0;

    if (fd < 0)
        return err_errno(err, errno, "create");
    state_random_hex(text, ID_HEX);
    text[ID_HEX] = '\n';
    while (done < ID_HEX + 1) {
        ssize_t put = write(fd, text + done, ID_HEX + 1 - done);

        if (put < 0 && errno != EINTR)
            return err_errno(err, errno, "write");
        if (put > 0)
            done += (size_t)put;
    }
    if (fsync(fd) < 0)
        return err_errno(err, errno, "sync");
    return 0;
}

/* Of two that make the id at once, the first wins and both read the same. */
static int make_id(int folder, const char *shown, struct sf_error *err)
{
    char name[40] = "id.";
    int result = 0;

    state_random_hex(name + 3, 16);
    if (write_id(folder, name, err) < 0) {
        unlinkat(folder, name, 0);
        return err_prefix(err, "%s/%s", shown, name);
    }
    if (renameat2(folder, name, folder, "id", RENAME_NOREPLACE) < 0) {
        /* A file system without that flag has hard links, or nobody else in the folder at the first start. */
        if (errno == EINVAL && linkat(folder, name, folder, "id", 0) < 0 && errno != EEXIST)
            result = renameat(folder, name, folder, "id") < 0 ? err_errno(err, errno, "%s/id", shown) : 0;
        else if (errno != EINVAL && errno != EEXIST)
            result = err_errno(err, errno, "%s/id", shown);
        unlinkat(folder, name, 0);
    }
    if (result == 0 && fsync(folder) < 0)
        result = err_errno(err, errno, "sync %s", shown);
    return result;
}

static int open_folder(const char *path, char id[ID_HEX + 1], struct sf_error *err)
{
    char shown[200];
    AUTO_FD folder = -1;
    struct stat st;

    err_printable(path, shown, sizeof(shown));
    if (make_folders(path) < 0)
        return err_errno(err, errno, "%s", shown);
    folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return err_errno(err, errno, "%s", shown);
    if (check_folder(folder, shown, err) < 0)
        return -1;
    if (mkdirat(folder, "tmp", 0700) < 0 && errno != EEXIST)
        return err_errno(err, errno, "%s/tmp", shown);
    if (fstatat(folder, "tmp", &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
        return sf_fail(err, SF_INVALID, "%s/tmp: not a folder", shown);
    if (read_id(folder, shown, id, err) == 0)
        return 0;
    if (err->status != ENOENT)
        return -1;
    return make_id(folder, shown, err) < 0 ? -1 : read_id(folder, shown, id, err);
}

/* --- where --- */

struct places {
    char *paths[4];
    size_t count;
};

static void places_cleanup(struct places *places)
{
    size_t i;

    for (i = 0; i < places->count; i++)
        free(places->paths[i]);
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] == '/' ? value : NULL;
}

/* A named place stands alone: two runs that fell back to different folders would not see each other's guard. */
static void find_places(struct places *places, const char *flag)
{
    const char *text;

    if (flag != NULL) {
        AUTO_FREE char *cwd = flag[0] == '/' ? NULL : getcwd(NULL, 0);

        places->paths[places->count++] =
            cwd != NULL ? mem_printf("%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, flag) : mem_text(flag);
        return;
    }
    text = environment("STATE_DIRECTORY"); /* systemd may name several, colons between them */
    if (text != NULL) {
        places->paths[places->count++] = mem_printf("%.*s", (int)strcspn(text, ":"), text);
        return;
    }
    if (geteuid() == 0)
        places->paths[places->count++] = mem_text("/var/lib/snapferry");
    text = environment("XDG_STATE_HOME");
    if (text != NULL)
        places->paths[places->count++] = mem_printf("%s/snapferry", text);
    else if ((text = environment("HOME")) != NULL)
        places->paths[places->count++] = mem_printf("%s/.local/state/snapferry", strcmp(text, "/") == 0 ? "" : text);
}

static char *fallback_temp_dir(void)
{
    const char *text = environment("TMPDIR");

    return mem_text(text != NULL ? text : "/tmp");
}

int state_open(struct state *state, const char *flag, bool required, struct sf_error *err)
{
    SF_AUTO(places) places = {{NULL}, 0};
    SF_AUTO(buf) tried = BUF_INIT;
    size_t i;

    *state = (struct state){NULL, NULL, {0}};
    find_places(&places, flag);
    for (i = 0; i < places.count; i++) {
        struct sf_error why = SF_ERROR_INIT;

        if (open_folder(places.paths[i], state->id, &why) == 0) {
            state->folder = ptr_take(&places.paths[i]);
            state->temp_dir = mem_printf("%s/tmp", state->folder);
            return 0;
        }
        state->id[0] = '\0';
        buf_printf(&tried, "%s%s", tried.length > 0 ? "; " : "", why.text);
        if (why.cls != SF_DENIED)
            break; /* a full disk is no reason to leave the usual place, and its guard */
    }
    if (!required) {
        state->temp_dir = fallback_temp_dir();
        return 0;
    }
    if (tried.length == 0)
        buf_add_text(&tried, "neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME is set");
    return sf_fail(err, SF_INVALID, "no state folder: %s: name another with --state-dir", buf_text(&tried));
}

void state_cleanup(struct state *state)
{
    free(state->folder);
    free(state->temp_dir);
    *state = (struct state){NULL, NULL, {0}};
}

/* "0123...\n" of 32 hex digits (machine-id(5)); false if there is none, or it is "uninitialized". */
static bool read_machine_id(char id[ID_HEX + 1])
{
    uint8_t bytes[ID_HEX / 2];
    AUTO_FD fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t got;

    if (fd < 0)
        return false;
    do
        got = read(fd, id, ID_HEX);
    while (got < 0 && errno == EINTR);
    if (got != ID_HEX)
        return false;
    id[ID_HEX] = '\0';
    return hex_decode(id, bytes, sizeof(bytes));
}

void state_identity(const struct state *state, char out[33])
{
    static const char salt[] = "snapferry identity v1:";
    char text[sizeof(salt) + ID_HEX];
    uint8_t sum[SHA256_BYTES];
    char hex[SHA256_HEX + 1];

    memcpy(text, salt, sizeof(salt));
    if (!read_machine_id(text + sizeof(salt) - 1)) {
        memcpy(out, state->id, sizeof(state->id));
        return;
    }
    sha256_of(text, strlen(text), sum);
    hex_encode(sum, sizeof(sum), hex);
    memcpy(out, hex, ID_HEX);
    out[ID_HEX] = '\0';
}
