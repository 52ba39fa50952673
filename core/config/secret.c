/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets: from an environment variable or a file that only its owner can read, never from the config itself.
 */
#include "core/config/config_priv.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MAX (64u * 1024u)

static int read_file(char **text, const char *key, const char *path, struct sf_error *err)
{
    char shown[SHOWN_BYTES], *secret;
    AUTO_FD fd = -1;
    struct stat st;
    size_t used = 0;

    err_printable(path, shown, sizeof(shown));
    if (path[0] != '/')
        return sf_fail(err, SF_INVALID, "%s: secret file %s: expected an absolute path", key, shown);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, errno, "%s: open secret file %s", key, shown);
    if (!S_ISREG(st.st_mode))
        return sf_fail(err, SF_INVALID, "%s: secret file %s is not a regular file", key, shown);
    if ((st.st_mode & 077) != 0)
        return sf_fail(err, SF_INVALID, "%s: secret file %s can be used by group or others (mode %04o): chmod 600 it",
                       key, shown, (unsigned)st.st_mode & 07777u);
    secret = mem_alloc(SECRET_MAX + 1);
    *text = secret;
    while (used <= SECRET_MAX) {
        ssize_t got = read(fd, secret + used, SECRET_MAX + 1 - used);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, "%s: read secret file %s", key, shown);
        if (got == 0)
            break;
        used += (size_t)got;
    }
    if (used > SECRET_MAX)
        return sf_fail(err, SF_INVALID, "%s: secret file %s is larger than 64 KiB", key, shown);
    if (memchr(secret, '\0', used) != NULL)
        return sf_fail(err, SF_INVALID, "%s: secret file %s holds a NUL byte", key, shown);
    secret[used] = '\0';
    if (used > 0 && secret[used - 1] == '\n')
        secret[--used] = '\0';
    if (used > 0 && secret[used - 1] == '\r')
        secret[--used] = '\0';
    if (used == 0)
        return sf_fail(err, SF_INVALID, "%s: secret file %s is empty", key, shown);
    return 0;
}

int secret_read(char **text, const char *key, const json_t *value, struct sf_error *err)
{
    const char *name = json_string_value(json_object_get(value, "env"));
    const char *path = json_string_value(json_object_get(value, "file"));
    const char *secret;
    char shown[SHOWN_BYTES];

    if (json_is_string(value))
        return sf_fail(err, SF_INVALID,
                       "%s: a secret does not belong into the config: write {\"env\": NAME} or {\"file\": PATH}", key);
    if (json_object_size(value) != 1 || (name == NULL && path == NULL))
        return sf_fail(err, SF_INVALID, "%s: expected {\"env\": NAME} or {\"file\": PATH}", key);
    if (path != NULL) {
        if (read_file(text, key, path, err) == 0)
            return 0;
        if (*text != NULL)
            explicit_bzero(*text, SECRET_MAX + 1);
        free(ptr_take(text));
        return -1;
    }
    secret = getenv(name);
    if (secret == NULL || secret[0] == '\0')
        return sf_fail(err, SF_INVALID, "%s: environment variable %s is %s", key,
                       err_printable(name, shown, sizeof(shown)), secret == NULL ? "not set" : "empty");
    *text = mem_text(secret);
    return 0;
}
