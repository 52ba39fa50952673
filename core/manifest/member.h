/* SPDX-License-Identifier: Apache-2.0
 *
 * Members of JSON objects that come from a store: each has its type and range checked before it is used. Failures are SF_CORRUPT
 * and name the member. Used by the parsers of manifests and points. Pure functions.
 */
#ifndef CORE_MANIFEST_MEMBER_H
#define CORE_MANIFEST_MEMBER_H

#include "core/manifest/manifest.h"

#include <jansson.h>

static inline void auto_decref(json_t **json)
{
    json_decref(*json);
}

#define AUTO_JSON __attribute__((cleanup(auto_decref))) json_t

/* A line that must be one JSON object, no member twice; NULL: *err says why not. The caller's to json_decref. */
MUST_CHECK json_t *member_load(const char *line, size_t bytes, struct sf_error *err);

/* NULL: missing, or no string. Lives as long as the object. */
MUST_CHECK const char *member_text(const json_t *object, const char *name, struct sf_error *err);
MUST_CHECK int member_integer(const json_t *object, const char *name, int64_t least, int64_t most, int64_t *number,
                              struct sf_error *err);
MUST_CHECK int member_count(const json_t *object, const char *name, uint64_t *count, struct sf_error *err);
MUST_CHECK int member_time(const json_t *object, const char *name, int64_t *ms, struct sf_error *err);
MUST_CHECK int member_digest(const json_t *object, const char *name, uint8_t sha256[SHA256_BYTES],
                             struct sf_error *err);
MUST_CHECK int member_run(const json_t *object, char run[RUN_ID_HEX + 1], struct sf_error *err); /* "run" */

/* "format" is this one and "version" is 1; a newer version is SF_UNSUPPORTED. */
MUST_CHECK int member_format(const json_t *object, const char *format, struct sf_error *err);
/* "features" is an empty list; SF_UNSUPPORTED names the first that is not known. */
MUST_CHECK int member_features(const json_t *object, struct sf_error *err);

#endif
