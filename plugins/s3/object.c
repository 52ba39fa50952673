/* SPDX-License-Identifier: Apache-2.0
 *
 * What the store's answers say of an object. A tag is the ETag without its quotes: some servers leave them out in some answers.
 */
#include "plugins/s3/s3.h"

#include "plugins/common/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define META_PREFIX "x-amz-meta-"

void object_tag(struct sf_object *object, const char *etag)
{
    size_t length = strlen(etag);

    if (length >= 2 && etag[0] == '"' && etag[length - 1] == '"') {
        etag++;
        length -= 2;
    }
    if (length > SF_TAG_MAX + 1)
        length = SF_TAG_MAX +
                 1; /* over the limit: the host refuses it, rather than that half a tag is taken for a whole one */
    memcpy(object->tag, etag, length);
    object->tag[length] = '\0';
}

static bool read_number(const char *text, uint64_t *number)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

/* "bytes 0-9/1234": the object's size stands behind the slash. */
static bool read_size(const struct http_response *response, uint64_t *bytes)
{
    const char *range = http_response_header(response, "content-range");
    const char *slash = range != NULL ? strrchr(range, '/') : NULL;

    if (response->status == 206 || response->status == 416)
        return slash != NULL && read_number(slash + 1, bytes);
    *bytes = response->length;
    return response->length != UINT64_MAX;
}

static void add_meta(struct sf_object *object, const char *name, const char *value)
{
    char key[256];
    char *at;

    if (snprintf(key, sizeof(key), "%s", name) >= (int)sizeof(key))
        return;
    for (at = key; *at != '\0'; at++)
        if (*at == '-')
            *at = '_';
    (void)sf_object_add_meta(object, key, value); /* what others added beyond our limit is not needed */
}

static void read_meta(struct sf_object *object, const struct http_response *response)
{
    const char *at = response->headers.data, *end = at != NULL ? at + response->headers.length : NULL;

    while (at != NULL && at < end) {
        const char *value = at + strlen(at) + 1;

        if (strncmp(at, META_PREFIX, sizeof(META_PREFIX) - 1) == 0)
            add_meta(object, at + sizeof(META_PREFIX) - 1, value);
        at = value + strlen(value) + 1;
    }
}

int object_read(struct sf_object *object, const struct http_response *response, const char *what, struct sf_error *err)
{
    const char *etag = http_response_header(response, "etag");
    const char *modified = http_response_header(response, "last-modified");

    *object = (struct sf_object){.size = sizeof(*object), .server_time_ms = response->server_time_ms};
    object->digests.size = sizeof(object->digests);
    if (etag == NULL || *etag == '\0')
        return sf_fail(err, SF_PERMANENT, "%s: the store answers without an ETag, by which a change could be seen",
                       what);
    object_tag(object, etag);
    if (modified != NULL)
        (void)http_date_parse(modified, &object->modified_ms);
    read_meta(object, response);
    if (!read_size(response, &object->bytes))
        object->bytes = 0;
    return 0;
}
