/* SPDX-License-Identifier: Apache-2.0
 *
 * All config keys, in the order in which `config show` and the docs have them.
 */
#include "core/config/keys.h"

#include <string.h>

#define IN(member) offsetof(struct config, member)
#define IN_SOURCE(member) offsetof(struct source, member)
#define MS_A_SECOND 1000
#define MS_AN_HOUR 3600000
#define MS_A_DAY 86400000
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

const struct key config_keys[] = {
    {.name = "destination",
     .type = KEY_DESTINATION,
     .help =
         "where restore points go; all other members are settings of the plugin (snapferry plugin info NAME). --dest "
         "replaces it as a whole"},
    {.name = "destination.plugin",
     .type = KEY_PLUGIN,
     .required = true,
     .offset = IN(destination.plugin),
     .help = "the storage plugin"},
    {.name = "destination.prefix",
     .type = KEY_PREFIX,
     .offset = IN(destination.prefix),
     .fallback = "",
     .help = "what the name of every object begins with, so that several hosts can share one place"},
    {.name = "sources",
     .type = KEY_SOURCES,
     .help = "the folders that a backup takes, all of them together; --source takes some, or others"},
    {.name = "sources[].name",
     .type = KEY_NAME,
     .required = true,
     .offset = IN_SOURCE(name),
     .help = "its name in the store, unique without regard to case"},
    {.name = "sources[].path", .type = KEY_PATH, .required = true, .offset = IN_SOURCE(path), .help = "the folder"},
    {.name = "sources[].exclude",
     .type = KEY_PATTERNS,
     .offset = IN_SOURCE(exclude),
     .help = "what to leave out; without '/' the last part of a path is matched, else the whole path below the folder"},
    {.name = "sources[].restore_to",
     .type = KEY_PATH,
     .offset = IN_SOURCE(restore_to),
     .help = "where a restore puts it; default: path"},
    {.name = "plugin_dirs",
     .type = KEY_PATHS,
     .offset = IN(plugin_dirs),
     .help = "folders with plugins, searched after --plugin-dir and before those that came with Snapferry"},
    {.name = "timeout",
     .type = KEY_DURATION,
     .offset = IN(timeout_ms),
     .fallback = "24h",
     .min = MS_A_SECOND,
     .max = UINT64_C(365) * MS_A_DAY,
     .help = "after this a run is cancelled and fails"},
    {.name = "grace",
     .type = KEY_DURATION,
     .offset = IN(grace_ms),
     .fallback = "30s",
     .min = MS_A_SECOND,
     .max = MS_AN_HOUR,
     .help =
         "how long a run that is cancelled (timeout, signal, failure) waits for a plugin that does not return; then the "
         "process ends itself"},
    {.name = "time_style",
     .type = KEY_CHOICE,
     .offset = IN(time_style),
     .fallback = "daily",
     .choices = "daily|hourly|run",
     .help =
         "names of time-dirs: 2026-11-22, 2026-11-22-15 or 2026-11-22T15-04-05Z; the last also if the name is taken"},
    {.name = "incremental",
     .type = KEY_CHOICE,
     .offset = IN(incremental),
     .fallback = "reference",
     .choices = "reference|off",
     .help = "unchanged files: refer to the object in an older time-dir, or send everything again"},
    {.name = "compare",
     .type = KEY_CHOICE,
     .offset = IN(compare),
     .fallback = "stat",
     .choices = "stat|hash",
     .help = "a file is unchanged by size and mtime, or only by its SHA-256"},
    {.name = "memory_max",
     .type = KEY_BYTES,
     .offset = IN(memory_max),
     .fallback = "0",
     .min = 0,
     .max = 1024 * GIB,
     .help =
         "memory that the process may take: with too little for upload.concurrency fewer workers start, with too little for one none "
         "does; 0: the limit of the control group, if there is one"},
    {.name = "upload", .type = KEY_GROUP, .help = "how files are sent"},
    {.name = "upload.concurrency",
     .type = KEY_COUNT,
     .offset = IN(concurrency),
     .fallback = "8",
     .min = 1,
     .max = 256,
     .help = "files below the threshold sent at once, each over a connection of its own"},
    {.name = "upload.large_file_concurrency",
     .type = KEY_COUNT,
     .offset = IN(large_file_concurrency),
     .fallback = "0",
     .min = 0,
     .max = 256,
     .help = "files from the threshold on sent at once; 0: 2 if the backend takes parts in parallel, else half of "
             "concurrency"},
    {.name = "upload.small_file_threshold",
     .type = KEY_BYTES,
     .offset = IN(small_file_threshold),
     .fallback = "5MiB",
     .min = 0,
     .max = 5 * GIB,
     .help = "files below this go in one request; raised to what the backend takes in one"},
    {.name = "upload.part_size",
     .type = KEY_BYTES,
     .offset = IN(part_size),
     .fallback = "16MiB",
     .min = 5 * MIB,
     .max = 5 * GIB,
     .help =
         "files above this and the threshold go in parts of this size, where the backend takes parts; raised so that its largest "
         "number of parts suffices, and kept within its limits"},
    {.name = "upload.bandwidth",
     .type = KEY_BYTES,
     .offset = IN(bandwidth),
     .fallback = "0",
     .min = 0,
     .max = 1024 * GIB,
     .help = "bytes a second at most, of all connections together, when restoring and verifying too; 0: no limit"},
};

const size_t config_key_count = sizeof(config_keys) / sizeof(config_keys[0]);

const char *key_member(const struct key *key)
{
    const char *dot = strrchr(key->name, '.');

    return dot != NULL ? dot + 1 : key->name;
}

const struct key *key_next(const char *scope, size_t *at)
{
    size_t length = strlen(scope);

    while (*at < config_key_count) {
        const struct key *key = &config_keys[(*at)++];

        if (strncmp(key->name, scope, length) == 0 && strchr(key->name + length, '.') == NULL)
            return key;
    }
    return NULL;
}

const struct key *key_find(const char *scope, const char *member)
{
    const struct key *key;
    size_t at = 0;

    while ((key = key_next(scope, &at)) != NULL)
        if (strcmp(key_member(key), member) == 0)
            return key;
    return NULL;
}
