/* SPDX-License-Identifier: Apache-2.0
 *
 * The effective settings of a run: defaults, then the config file, then flags. Every key stands once, in keys.c, with type,
 * default and help; config show, config schema, docs/config.md and the did-you-mean come from that table. Main thread.
 */
#ifndef CORE_CONFIG_CONFIG_H
#define CORE_CONFIG_CONFIG_H

#include "base/auto.h"
#include "core/cli/names.h"
#include "core/manifest/manifest.h"
#include "core/plan/plan.h"
#include "core/walk/pattern.h"
#include "snapferry/plugin.h"

struct json_t;
struct options;

#define CONFIG_FILE_DEFAULT "/etc/snapferry/snapferry.json"
#define CONFIG_BYTES_MAX (1024u * 1024u)

enum time_style { TIME_STYLE_DAILY, TIME_STYLE_HOURLY, TIME_STYLE_RUN };

struct source {
    char name[SOURCE_NAME_MAX + 1]; /* [A-Za-z0-9_][A-Za-z0-9._-]{0,63}, unique without regard to case */
    char *path;
    char *restore_to; /* path if not set */
    struct patterns exclude;
};

/* A destination as the config or --dest gives it; its plugin's own keys are checked once the plugin is loaded. */
struct destination {
    char *plugin; /* NULL if only a URL is known, or nothing */
    char *url;    /* --dest, or NULL */
    char *scheme; /* of url, lower case, or NULL */
    char *
        prefix; /* as the file has it, normalised; "". What counts is that of setting_list: a URL or -o may set another */
    struct json_t *keys;  /* all other members of "destination", owned; NULL with a URL */
    struct json_t *lines; /* key: its line in the file */
    char **overrides;     /* -o key=value */
    size_t override_count;
};

struct config {
    char *file; /* that was read, NULL if none */
    struct destination destination;
    struct source *sources;
    size_t source_count;
    char **plugin_dirs; /* --plugin-dir, then the file's; absolute */
    size_t plugin_dir_count;
    int64_t timeout_ms;
    int64_t grace_ms;
    enum time_style time_style;
    enum plan_incremental incremental;
    enum plan_compare compare;
    unsigned concurrency;
    unsigned large_file_concurrency; /* 0: by the backend: 2 with parallel parts, else half of concurrency */
    uint64_t small_file_threshold;
    uint64_t part_size;
    uint64_t memory_max; /* 0: the control group's limit, if there is one */
    uint64_t bandwidth;  /* bytes a second; 0: no limit */
};

/* Reads --config, else $SNAPFERRY_CONFIG, else CONFIG_FILE_DEFAULT (which may be absent if --dest is given or nothing needs a
 * destination), and applies the flags. Unknown keys are SF_INVALID with file, line, dotted key and the nearest name. Every failure
 * is exit code 2. *config is zero before; config_cleanup is due on failure too.
 * --source is applied for backup only: with it, exactly the named sources are taken, in its order; =DIR sets or overrides the folder
 * (made absolute), without it the name must be in the file. A restore maps options->sources itself: there =DIR is a target, and
 * the name need not be in the file. */
MUST_CHECK int config_load(struct config *config, const struct options *options, struct sf_error *err);
void config_cleanup(struct config *config);

/* The scheme of --dest, by which the caller finds the plugin; NULL if the plugin is named (or nothing is). */
const char *config_scheme(const struct config *config);

/* The destination's settings, checked against the plugin's options and normalised; secrets read from their file or
 * environment variable. A URL is mapped here, since only the plugin knows what its parts are: host and path go to the options
 * flagged SF_OPTION_URL_HOST and SF_OPTION_URL_PATH, the rest to the prefix. -o comes on top. *values is zero before;
 * setting_list_cleanup is due on failure too. The items' keys are the plugin's own strings. */
struct setting_list {
    struct sf_settings settings; /* points to items; pass it to store_open */
    struct sf_setting *items;
    char **texts; /* owned values, one an item */
    char *prefix; /* of all keys in the store: no leading, trailing or doubled slash; "" */
};
MUST_CHECK int config_settings(const struct config *config, const struct sf_plugin *plugin, struct setting_list *values,
                               struct sf_error *err);
void setting_list_cleanup(struct setting_list *values);

/* scheme://host/path. No query, fragment or user; "." and "..", control characters and what is not UTF-8 are refused. A '?', '#' or '%'
 * in a path is written %3F, %23, %25. */
struct url {
    char *scheme; /* lower case */
    char *host;   /* "" if none */
    char *path;   /* without leading slash, percent-decoded, slashes normalised; "" */
};
MUST_CHECK int url_parse(struct url *url, const char *text, struct sf_error *err);
void url_cleanup(struct url *url);

/* One line that names the base: for messages and for the guard's file: "localfs path=/backup prefix=prod". Made of the options that
 * say where (URL_HOST, URL_PATH, required), not of secrets. To free. */
char *config_base_name(const struct config *config, const struct sf_plugin *plugin, const struct setting_list *values);

/* JSON texts for `config show` (effective, in the order of keys.c; can be a config file again; secrets as {"env": ...} or {"file": ...})
 * and `config schema` (JSON Schema 2020-12). plugin and values may be NULL: then strings of the destination become "***", since nobody
 * knows which are secrets. To free. */
char *config_show(const struct config *config, const struct sf_plugin *plugin, const struct setting_list *values);
char *config_schema(const struct sf_plugin *const *plugins, size_t count);

/* "5MiB", "64 KiB", "1000": bytes, in B, kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB. "90s", "2h", "1h30m", "250ms": ms,
 * in d, h, m, s, ms, each at most once, the largest first. */
bool parse_bytes(const char *text, uint64_t *bytes);
bool parse_duration(const char *text, int64_t *ms);

#define FORMAT_TEXT 64
/* The shortest text that the functions above read back as the same number. Return out. */
char *format_bytes(uint64_t bytes, char out[FORMAT_TEXT]);
char *format_duration(int64_t ms, char out[FORMAT_TEXT]);

#endif
