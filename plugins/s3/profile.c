/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads AWS' INI files as AWS' own tools do: comments by '#' and ';' on lines of their own or after white space, lines that are
 * indented below a key (nested settings as those of "s3 =") belong to it and are skipped, '\r' and a byte order mark too.
 */
#include "plugins/s3/profile.h"

#include "base/err.h"
#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>

#define FILE_MAX_BYTES (1 << 20)
#define BLANKS " \t\r\v\f"

/* --- where the files are */

static char *home_folder(void)
{
    const char *home = getenv("HOME");
    struct passwd entry, *found = NULL;
    char text[4096];

    if (home != NULL && home[0] != '\0')
        return mem_text(home);
    if (getpwuid_r(getuid(), &entry, text, sizeof(text), &found) != 0 || found == NULL || found->pw_dir == NULL)
        return NULL;
    return mem_text(found->pw_dir);
}

/* What the variable says, "~/" being the home, else usual below the home. NULL without a home. */
static char *file_path(const char *variable, const char *usual)
{
    const char *given = getenv(variable);
    AUTO_FREE char *home = NULL;

    if (given != NULL && given[0] != '\0' && strncmp(given, "~/", 2) != 0)
        return mem_text(given);
    home = home_folder();
    if (home == NULL)
        return NULL;
    return mem_printf("%s/%s", home, given != NULL && given[0] != '\0' ? given + 2 : usual);
}

/* --- lines */

struct parser {
    struct profile *profile;
    const char *file;
    bool is_config;  /* sections are called "profile name" but for the default's */
    bool in_section; /* the wanted one */
    bool found;      /* it was there */
    size_t indent;   /* of the key above; SIZE_MAX: none yet */
};

static void cut_blanks_at_end(char *text)
{
    size_t bytes = strlen(text);

    while (bytes > 0 && strchr(BLANKS, text[bytes - 1]) != NULL)
        bytes--;
    text[bytes] = '\0';
}

/* A '#' or ';' after white space begins a comment. */
static void cut_comment(char *text)
{
    char *at;

    for (at = text; *at != '\0'; at++) {
        if ((*at == '#' || *at == ';') && at > text && strchr(BLANKS, at[-1]) != NULL) {
            *at = '\0';
            return;
        }
    }
}

/* Without blanks around it, and without quotes around that. */
static char *section_name(char *text)
{
    size_t bytes;

    text += strspn(text, BLANKS);
    cut_blanks_at_end(text);
    bytes = strlen(text);
    if (bytes >= 2 && (text[0] == '"' || text[0] == '\'') && text[bytes - 1] == text[0]) {
        text[bytes - 1] = '\0';
        text++;
    }
    return text;
}

/* line: from '[' on */
static void take_section(struct parser *parser, char *line)
{
    char *name = line + 1 + strspn(line + 1, BLANKS), *end = strchr(line, ']');
    bool has_prefix;

    parser->in_section = false;
    parser->indent = SIZE_MAX;
    if (end == NULL)
        return;
    *end = '\0';
    has_prefix = strncmp(name, "profile", 7) == 0 && name[7] != '\0' && strchr(BLANKS, name[7]) != NULL;
    name = section_name(has_prefix ? name + 7 : name);
    if (strcmp(name, parser->profile->name) != 0)
        return;
    parser->in_section = has_prefix == parser->is_config || (parser->is_config && strcmp(name, "default") == 0);
    parser->found = parser->found || parser->in_section;
}

static void set_value(char **value, const char *text)
{
    if (*value != NULL)
        OPENSSL_cleanse(*value, strlen(*value));
    free(*value);
    *value = mem_text(text);
}

/* A key that comes again in the same file counts as it stands last. */
static void add_item(struct parser *parser, const char *key, const char *value)
{
    struct profile *profile = parser->profile;
    size_t i;

    for (i = 0; i < profile->count; i++) {
        if (profile->items[i].file == parser->file && strcmp(profile->items[i].key, key) == 0) {
            set_value(&profile->items[i].value, value);
            return;
        }
    }
    profile->items = mem_resize(profile->items, (profile->count + 1) * sizeof(profile->items[0]));
    profile->items[profile->count++] =
        (struct profile_item){.key = mem_text(key), .value = mem_text(value), .file = parser->file};
}

/* "key = value"; without '=' it is none, and without a value the key is as good as absent. */
static void take_item(struct parser *parser, char *line)
{
    char *equals = strchr(line, '='), *at;

    if (equals == NULL)
        return;
    *equals = '\0';
    cut_blanks_at_end(line);
    for (at = line; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    if (strcmp(line, "credential_process") != 0) /* a command may well have " ; " in it */
        cut_comment(equals + 1);
    cut_blanks_at_end(equals + 1);
    at = equals + 1 + strspn(equals + 1, BLANKS);
    if (parser->in_section && line[0] != '\0' && at[0] != '\0')
        add_item(parser, line, at);
}

static void take_line(struct parser *parser, char *line)
{
    size_t indent = strspn(line, BLANKS);

    line += indent;
    if (line[0] == '\0' || line[0] == '#' || line[0] == ';')
        return;
    if (parser->indent != SIZE_MAX && indent > parser->indent)
        return; /* of the key above */
    if (line[0] == '[') {
        take_section(parser, line);
        return;
    }
    parser->indent = indent;
    take_item(parser, line);
}

static void take_text(struct parser *parser, char *text)
{
    char *end;

    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    while ((end = strchr(text, '\n')) != NULL) {
        *end = '\0';
        take_line(parser, text);
        text = end + 1;
    }
    take_line(parser, text);
}

/* --- files */

/* Into room that is there from the start: a buffer that grew would leave secrets behind. */
static int read_all(int fd, char *text, const char *path, struct sf_error *err)
{
    size_t used = 0;
    ssize_t bytes;

    do {
        bytes = read(fd, text + used, FILE_MAX_BYTES - used);
        if (bytes > 0)
            used += (size_t)bytes;
    } while (bytes > 0 || (bytes < 0 && errno == EINTR));
    if (bytes < 0)
        return err_errno(err, errno, "%s", path);
    if (used == FILE_MAX_BYTES)
        return sf_fail(err, SF_INVALID, "%s: has more than %d bytes: is it a file of AWS profiles?", path,
                       FILE_MAX_BYTES);
    text[used] = '\0';
    return 0;
}

static int read_file(struct parser *parser, struct sf_error *err)
{
    char printable[256];
    AUTO_FD fd = -1;
    char *text;
    int result;

    if (parser->file == NULL)
        return 0;
    err_printable(parser->file, printable, sizeof(printable));
    fd = open(parser->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : err_errno(err, errno, "%s", printable);
    text = mem_alloc(FILE_MAX_BYTES + 1);
    result = read_all(fd, text, printable, err);
    if (result == 0)
        take_text(parser, text);
    OPENSSL_cleanse(text, FILE_MAX_BYTES + 1);
    free(text);
    return result;
}

static int read_files(struct profile *profile, struct sf_error *err)
{
    struct parser credentials = {.profile = profile, .file = profile->credentials_file, .indent = SIZE_MAX};
    struct parser config = {.profile = profile, .file = profile->config_file, .is_config = true, .indent = SIZE_MAX};
    char name[128];

    if (read_file(&credentials, err) < 0 || read_file(&config, err) < 0)
        return -1;
    if (credentials.found || config.found || strcmp(profile->name, "default") == 0)
        return 0;
    err_printable(profile->name, name, sizeof(name));
    if (profile->config_file == NULL || profile->credentials_file == NULL)
        return sf_fail(err, SF_AUTH,
                       "profile '%s': there is no home folder to look in: set HOME, or AWS_CONFIG_FILE and "
                       "AWS_SHARED_CREDENTIALS_FILE",
                       name);
    return sf_fail(err, SF_AUTH, "profile '%s': there is neither [%s] in %s nor [profile %s] in %s", name, name,
                   profile->credentials_file, name, profile->config_file);
}

int profile_read(struct profile *profile, const char *name, struct sf_error *err)
{
    SF_AUTO(profile) made = {NULL};

    if (name == NULL)
        name = getenv("AWS_PROFILE");
    made.name = mem_text(name != NULL && name[0] != '\0' ? name : "default");
    made.credentials_file = file_path("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
    made.config_file = file_path("AWS_CONFIG_FILE", ".aws/config");
    if (read_files(&made, err) < 0)
        return -1;
    *profile = made;
    made = (struct profile){NULL};
    return 0;
}

void profile_cleanup(struct profile *profile)
{
    size_t i;

    for (i = 0; i < profile->count; i++) {
        OPENSSL_cleanse(profile->items[i].value, strlen(profile->items[i].value));
        free(profile->items[i].value);
        free(profile->items[i].key);
    }
    free(profile->items);
    free(profile->config_file);
    free(profile->credentials_file);
    free(profile->name);
    *profile = (struct profile){NULL};
}

const struct profile_item *profile_find(const struct profile *profile, const char *key)
{
    size_t i;

    for (i = 0; i < profile->count; i++)
        if (strcmp(profile->items[i].key, key) == 0)
            return &profile->items[i];
    return NULL;
}

const char *profile_value(const struct profile *profile, const char *key)
{
    const struct profile_item *item = profile_find(profile, key);

    return item != NULL ? item->value : NULL;
}
