/* SPDX-License-Identifier: Apache-2.0 */
#include "core/manifest/member.h"

#include "base/clock.h"
#include "base/err.h"

#include <string.h>

json_t *member_load(const char *line, size_t bytes, struct sf_error *err)
{
    json_error_t reason;
    char shown[160];
    json_t *json = json_loadb(line, bytes, JSON_REJECT_DUPLICATES, &reason);

    if (json == NULL) {
        sf_fail(err, SF_CORRUPT, "not JSON: %s", err_printable(reason.text, shown, sizeof(shown)));
        return NULL;
    }
    if (!json_is_object(json)) {
        json_decref(json);
        sf_fail(err, SF_CORRUPT, "not a JSON object");
        return NULL;
    }
    return json;
}

const char *member_text(const json_t *object, const char *name, struct sf_error *err)
{
    const json_t *member = json_object_get(object, name);

    if (!json_is_string(member)) {
        sf_fail(err, SF_CORRUPT, "'%s' is %s", name, member == NULL ? "missing" : "not a string");
        return NULL;
    }
    return json_string_value(member);
}

int member_integer(const json_t *object, const char *name, int64_t least, int64_t most, int64_t *number,
                   struct sf_error *err)
{
    const json_t *member = json_object_get(object, name);

    if (!json_is_integer(member))
        return sf_fail(err, SF_CORRUPT, "'%s' is %s", name, member == NULL ? "missing" : "not an integer");
    *number = json_integer_value(member);
    if (*number < least || *number > most)
        return sf_fail(err, SF_CORRUPT, "'%s' is out of range: %lld", name, (long long)*number);
    return 0;
}

int member_count(const json_t *object, const char *name, uint64_t *count, struct sf_error *err)
{
    int64_t number;

    if (member_integer(object, name, 0, INT64_MAX, &number, err) < 0)
        return -1;
    *count = (uint64_t)number;
    return 0;
}

int member_time(const json_t *object, const char *name, int64_t *ms, struct sf_error *err)
{
    const char *text = member_text(object, name, err);

    if (text == NULL)
        return -1;
    if (!clock_parse(text, ms))
        return sf_fail(err, SF_CORRUPT, "'%s' is not a time", name);
    return 0;
}

int member_digest(const json_t *object, const char *name, uint8_t sha256[SHA256_BYTES], struct sf_error *err)
{
    const char *text = member_text(object, name, err);

    if (text == NULL)
        return -1;
    if (!hex_decode(text, sha256, SHA256_BYTES))
        return sf_fail(err, SF_CORRUPT, "'%s' is not 64 lower-case hex digits", name);
    return 0;
}

int member_run(const json_t *object, char run[RUN_ID_HEX + 1], struct sf_error *err)
{
    const char *text = member_text(object, "run", err);
    uint8_t bytes[RUN_ID_HEX / 2];

    if (text == NULL)
        return -1;
    if (!hex_decode(text, bytes, sizeof(bytes)))
        return sf_fail(err, SF_CORRUPT, "'run' is not a run's id");
    memcpy(run, text, RUN_ID_HEX + 1);
    return 0;
}

int member_features(const json_t *object, struct sf_error *err)
{
    const json_t *features = json_object_get(object, "features");
    char shown[80];
    const char *name;

    if (!json_is_array(features))
        return sf_fail(err, SF_CORRUPT, "'features' is not a list");
    if (json_array_size(features) == 0)
        return 0;
    name = json_string_value(json_array_get(features, 0));
    if (name == NULL)
        return sf_fail(err, SF_CORRUPT, "'features' holds something other than names");
    return sf_fail(
        err, SF_UNSUPPORTED,
        "needs feature '%s', which this version does not have: use the Snapferry that wrote it, or a newer one",
        err_printable(name, shown, sizeof(shown)));
}

int member_format(const json_t *object, const char *format, struct sf_error *err)
{
    const char *said = member_text(object, "format", err);
    int64_t version;

    if (said == NULL)
        return -1;
    if (strcmp(said, format) != 0)
        return sf_fail(err, SF_CORRUPT, "'format' is not %s", format);
    if (member_integer(object, "version", 1, INT64_MAX, &version, err) < 0)
        return -1;
    if (version != 1)
        return sf_fail(err, SF_UNSUPPORTED, "is of version %lld, which this version cannot read: use a newer Snapferry",
                       (long long)version);
    return 0;
}
