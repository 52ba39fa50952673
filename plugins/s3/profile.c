/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/s3/profile.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct reading {
    struct profile *profile;
    const char *file;
    bool is_config; /* sections are named "profile NAME" there */
    bool is_inside; /* the section that is read is the one wanted */
    bool was_seen;  /* it was there, in this file or the one before */
};

/* ---- where the files are ---- */

static char *home(void)
{
    const char *set = getenv("HOME");
    struct passwd entry, *found = NULL;
    char text[4096];

    if (set != NULL && *set != '\0')
        return mem_text(set);
    if (getpwuid_r(getuid(), &entry, text, sizeof(text), &found) == 0 && found != NULL)
        return mem_text(found->pw_dir);
    return NULL;
}

static char *file_path(const char *variable, const char *name)
{
    const char *set = getenv(variable);
    AUTO_FREE char *folder = home();

    if (set != NULL && *set != '\0' && (set[0] != '~' || set[1] != '/'))
        return mem_text(set);
    if (folder == NULL)
        return NULL;
    return set != NULL && *set != '\0' ? mem_printf("%s%s", folder, set + 1) : mem_printf("%s/.aws/%s", folder, name);
}

/* ---- lines ---- */

static char *trim(char *text)
{
    size_t length;

    text += strspn(text, " \t\r\n");
    length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL)
        text[--length] = '\0';
    return text;
}

/* "[name]", in the config file "[profile name]"; [default] is the same in both. */
static bool is_wanted(const struct reading *reading, char *section)
{
    const char *wanted = reading->profile->name;

    section = trim(section);
    if (reading->is_config && strncmp(section, "profile", 7) == 0 && strchr(" \t", section[7]) != NULL &&
        section[7] != '\0')
        return strcmp(trim(section + 7), wanted) == 0;
    if (reading->is_config && strcmp(section, "default") != 0)
        return false;
    return strcmp(section, wanted) == 0;
}

static void take_pair(struct reading *reading, char *line)
{
    struct profile *profile = reading->profile;
    char *equals = strchr(line, '='), *key, *at;

    if (equals == NULL)
        return;
    *equals = '\0';
    key = trim(line);
    if (*key == '\0')
        return;
    for (at = key; *at != '\0'; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at + ('a' - 'A')) : *at;
    profile->items = mem_resize(profile->items, (profile->count + 1) * sizeof(*profile->items));
    profile->items[profile->count++] = (struct profile_item){mem_text(key), mem_text(trim(equals + 1)), reading->file};
}

/* A line that begins with white space belongs to the one before ("s3 =" has settings of its own so): not for us. */
static void take_line(struct reading *reading, char *line)
{
    char *end;

    if (*line == '[') {
        end = strchr(line, ']');
        if (end != NULL)
            *end = '\0';
        reading->is_inside = end != NULL && is_wanted(reading, line + 1);
        reading->was_seen = reading->was_seen || reading->is_inside;
    } else if (reading->is_inside && strchr("#; \t\r\n", *line) == NULL) {
        take_pair(reading, line);
    }
}

static int read_file(struct reading *reading, const char *path, bool is_config, struct sf_error *err)
{
    static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8, as some editors put it in front */
    FILE *file = path != NULL ? fopen(path, "re") : NULL;
    char *line = NULL;
    size_t size = 0;
    bool is_first = true;

    if (file == NULL && (path == NULL || errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (file == NULL)
        return err_errno(err, errno, "%s", path);
    reading->file = path;
    reading->is_config = is_config;
    reading->is_inside = false;
    while (getline(&line, &size, file) > 0) {
        take_line(reading, is_first && strncmp(line, mark, 3) == 0 ? line + 3 : line);
        is_first = false;
    }
    if (line != NULL)
        OPENSSL_cleanse(line, size);
    free(line);
    if (ferror(file)) {
        err_errno(err, errno, "%s", path);
        fclose(file);
        return -1;
    }
    fclose(file);
    return 0;
}

/* ---- the profile ---- */

int profile_read(struct profile *profile, const char *name, struct sf_error *err)
{
    struct reading reading = {.profile = profile};
    const char *set = getenv("AWS_PROFILE");
    bool is_named = true;

    if (name == NULL)
        name = set;
    if (name == NULL || *name == '\0') {
        name = "default";
        is_named = false;
    }
    profile->name = mem_text(name);
    profile->credentials_file = file_path("AWS_SHARED_CREDENTIALS_FILE", "credentials");
    profile->config_file = file_path("AWS_CONFIG_FILE", "config");
    if (read_file(&reading, profile->credentials_file, false, err) < 0 ||
        read_file(&reading, profile->config_file, true, err) < 0)
        return -1;
    if (is_named && !reading.was_seen)
        return sf_fail(err, SF_AUTH, "profile '%s' is neither in %s nor in %s", name,
                       profile->credentials_file != NULL ? profile->credentials_file : "~/.aws/credentials",
                       profile->config_file != NULL ? profile->config_file : "~/.aws/config");
    return 0;
}

void profile_cleanup(struct profile *profile)
{
    size_t i;

    for (i = 0; i < profile->count; i++) {
        OPENSSL_cleanse(profile->items[i].value, strlen(profile->items[i].value));
        free(profile->items[i].key);
        free(profile->items[i].value);
    }
    free(profile->items);
    free(profile->name);
    free(profile->credentials_file);
    free(profile->config_file);
    *profile = (struct profile){NULL, NULL, NULL, NULL, 0};
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

    return item != NULL && item->value[0] != '\0' ? item->value : NULL;
}
