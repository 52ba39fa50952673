/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share: the text of the config file with the place of its keys, checked prefixes, secrets.
 */
#ifndef CORE_CONFIG_CONFIG_PRIV_H
#define CORE_CONFIG_CONFIG_PRIV_H

#include "core/config/config.h"

#include "base/buf.h"

#include <jansson.h>

#define SHOWN_BYTES 200 /* of something foreign in a message */

static inline void json_cleanup(json_t **json)
{
    json_decref(*json);
}

#define AUTO_JSON __attribute__((cleanup(json_cleanup))) json_t

/* --- text.c: the file --- */

struct config_text {
    const char *file; /* as it was named */
    struct buf text;
    json_t *root;
};

/* Reads and parses file: at most CONFIG_BYTES_MAX, one object, no key twice. */
MUST_CHECK int config_text_read(struct config_text *in, const char *file, struct sf_error *err);
void config_text_cleanup(struct config_text *in);

/* The line on which the dotted key ("sources[0].path", "sources[0]") stands, 0 if it cannot be found. Best effort: jansson does not
 * tell. One pass over the text. */
size_t config_text_line(const struct config_text *in, const char *dotted);

/* "FILE:LINE: " and the formatted text; the line is that of dotted. SF_INVALID, -1. */
int config_text_fail(const struct config_text *in, const char *dotted, struct sf_error *err, const char *fmt, ...)
    SF_PRINTF(4, 5);

/* What value is, for messages: a short scalar as it is written, else "an object". Returns out. */
char *json_shown(const json_t *value, char out[SHOWN_BYTES]);

/* --- flags.c --- */

/* --dest and -o; before the file is read. */
MUST_CHECK int config_apply_dest(struct config *config, const struct options *options, struct sf_error *err);
/* --plugin-dir and --source (backup only); after it. */
MUST_CHECK int config_apply_plugin_dirs(struct config *config, const struct options *options, struct sf_error *err);
MUST_CHECK int config_apply_sources(struct config *config, const struct options *options, struct sf_error *err);
void config_source_cleanup(struct source *source);

/* --- url.c --- */

bool text_is_utf8(const char *text);
/* Sets *prefix (owned) to text without leading, trailing and doubled slashes, if that can be part of keys. */
MUST_CHECK int prefix_normalise(char **prefix, const char *text, struct sf_error *err);

/* --- secret.c --- */

/* Reads what {"env": NAME} or {"file": PATH} means; *text is owned. key is what messages call it. */
MUST_CHECK int secret_read(char **text, const char *key, const json_t *value, struct sf_error *err);

/* --- settings.c --- */

/* The core's own copy of an option in a plugin's table, whatever its size there. */
struct sf_option plugin_option(const struct sf_plugin *plugin, uint32_t index);

#endif
