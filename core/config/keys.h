/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of all config keys. To add one: a row in keys.c, a member in struct config, a row in docs/config.md (a test compares the
 * two), and its consumer.
 */
#ifndef CORE_CONFIG_KEYS_H
#define CORE_CONFIG_KEYS_H

#include "core/config/config_priv.h"

enum key_type {
    KEY_DESTINATION, /* an object: its rows, and the plugin's own options */
    KEY_SOURCES,     /* a list of objects: struct source */
    KEY_GROUP,       /* an object: its rows */
    KEY_PLUGIN,      /* char *: a plugin's name */
    KEY_PREFIX,      /* char *: prefix of keys */
    KEY_NAME,        /* char[SOURCE_NAME_MAX + 1] */
    KEY_PATH,        /* char *: an absolute path */
    KEY_PATHS,       /* char **, count beside it */
    KEY_PATTERNS,    /* struct patterns */
    KEY_CHOICE,      /* an enum in the order of choices */
    KEY_COUNT,       /* unsigned */
    KEY_BYTES,       /* uint64_t */
    KEY_DURATION,    /* int64_t, ms */
};

struct key {
    const char *name; /* dotted, "[]" after a list: "sources[].path" */
    enum key_type type;
    bool required;
    size_t offset;        /* in struct config, of "sources[]..." in struct source */
    const char *fallback; /* as it would stand in a file, NULL: none */
    const char *choices;  /* "a|b|c" */
    uint64_t min, max;    /* of KEY_COUNT, KEY_BYTES, KEY_DURATION (ms) */
    const char *help;     /* one line */
};

extern const struct key config_keys[];
extern const size_t config_key_count;

/* The row of member in scope ("", "upload.", "sources[]."), or NULL. */
const struct key *key_find(const char *scope, const char *member);
/* The rows directly in scope: the next after *at (0 to begin), NULL after the last. */
const struct key *key_next(const char *scope, size_t *at);
/* The last part of a dotted name. */
const char *key_member(const struct key *key);

/* "a whole number from 1 to 256": what is expected, for messages and docs. */
void key_describe(const struct key *key, struct buf *out);

/* Sets the member of base that key is for. dotted is the place for messages. Objects (KEY_DESTINATION, KEY_SOURCES, KEY_GROUP)
 * are refused. */
MUST_CHECK int key_set(const struct key *key, void *base, const json_t *value, const struct config_text *in,
                       const char *dotted, struct sf_error *err);
/* The same from key->fallback. */
void key_set_fallback(const struct key *key, void *base);

/* The value as it can stand in a file; NULL if there is none. Owned by the caller. */
json_t *key_get(const struct key *key, const void *base);
/* Its JSON Schema. Owned by the caller. */
json_t *key_schema(const struct key *key);

/* A new reference; text that is not UTF-8 is made printable. */
json_t *json_text(const char *text);

#endif
