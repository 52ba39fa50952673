/* SPDX-License-Identifier: Apache-2.0
 *
 * The effective settings of a run: defaults, then the config file, then flags. Every key stands once, in keys.c, with type,
 * default and help; config show, config schema, docs/config.md and the did-you-mean come from that table. Main thread.
 */
#ifndef CORE_CONFIG_CONFIG_H
#define CORE_CONFIG_CONFIG_H

#include "base/auto.h"
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
    char *plugin; /* NULL if only a URL is known */
    char *url;    /* --dest, or NULL */
    char *prefix; /* normalised: no leading, trailing or doubled slash; "" */
    struct json_t *keys; /* all other members of "destination", owned; NULL with a URL */
    char **overrides;    /* -o key=value */
    size_t override_count;
};

struct config {
    char *file; /* that was read, NULL if none */
    struct destination destination;
    struct source *sources;
    size_t source_count;
    char **plugin_dirs;
    size_t plugin_dir_count;
    int64_t timeout_ms;
    enum time_style time_style;
    enum plan_incremental incremental;
    enum plan_compare compare;
    unsigned concurrency;
    unsigned large_file_concurrency; /* 0: by the backend: 1 with parallel parts, else half of concurrency */
    uint64_t small_file_threshold;
};

/* Reads --config, else $SNAPFERRY_CONFIG, else CONFIG_FILE_DEFAULT (which may be absent if --dest is given or nothing needs a
 * destination), and applies the flags. Unknown keys are SF_INVALID with file, line, dotted key and the nearest name. */
MUST_CHECK int config_load(struct config *config, const struct options *options, struct sf_error *err);
void config_cleanup(struct config *config);

/* The destination's settings, checked against the plugin's options and normalised; secrets read from their file or
 * environment variable. *settings points into *values. */
struct setting_list {
    struct sf_settings settings;
    struct sf_setting *items;
    char **texts; /* owned values */
};
MUST_CHECK int config_settings(const struct config *config, const struct sf_plugin *plugin, struct setting_list *values,
                               struct sf_error *err);
void setting_list_cleanup(struct setting_list *values);

/* scheme://host/path. */
struct url {
    char *scheme;
    char *host; /* "" if none */
    char *path; /* without leading slash, percent-decoded, slashes normalised; "" */
};
MUST_CHECK int url_parse(struct url *url, const char *text, struct sf_error *err);
void url_cleanup(struct url *url);

/* One line that names the base: for messages and for the guard's file: "localfs path=/backup prefix=prod". No secrets. */
char *config_base_name(const struct config *config, const struct sf_plugin *plugin, const struct setting_list *values);

/* JSON texts for `config show` (effective, secrets as {"env": ...} or "***") and `config schema`. plugin may be NULL. To free. */
char *config_show(const struct config *config, const struct sf_plugin *plugin, const struct setting_list *values);
char *config_schema(const struct sf_plugin *const *plugins, size_t count);

/* "5MiB", "64 KiB", "1000": bytes; "90s", "2h", "1h30m", "250ms": ms. */
bool parse_bytes(const char *text, uint64_t *bytes);
bool parse_duration(const char *text, int64_t *ms);
/* The candidate nearest to word by edit distance, NULL if none is near (over a third of its length, at least 2). */
const char *nearest_name(const char *word, const char *const *candidates, size_t count);

#endif
