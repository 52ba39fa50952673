/* SPDX-License-Identifier: Apache-2.0
 *
 * The headers of one request, texts and all, on the stack of the slot.
 */
#include "plugins/s3/s3.h"

#include <string.h>

void headers_init(struct headers *headers)
{
    headers->count = 0;
    headers->used = 0;
    headers->is_full = false;
}

/* Room for bytes of text, or NULL. */
static char *take(struct headers *headers, size_t bytes)
{
    char *text = headers->text + headers->used;

    if (bytes > sizeof(headers->text) - headers->used) {
        headers->is_full = true;
        return NULL;
    }
    headers->used += bytes;
    return text;
}

static void add(struct headers *headers, const char *name, const char *value)
{
    if (headers->count == SIGN_HEADERS_MAX) {
        headers->is_full = true;
        return;
    }
    headers->items[headers->count++] = (struct http_header){name, value};
}

void headers_add(struct headers *headers, const char *name, const char *value)
{
    size_t name_bytes = strlen(name) + 1, value_bytes = strlen(value) + 1;
    char *text = take(headers, name_bytes + value_bytes);

    if (text == NULL)
        return;
    memcpy(text, name, name_bytes);
    memcpy(text + name_bytes, value, value_bytes);
    add(headers, text, text + name_bytes);
}

void headers_add_meta(struct headers *headers, const struct sf_meta *meta, uint32_t count, uint32_t element_size)
{
    uint32_t i;

    for (i = 0; i < count; i++) {
        struct sf_meta item;
        char name[256];
        char *at;

        sf_take(&item, sizeof(item), (const char *)meta + (size_t)i * element_size);
        if (snprintf(name, sizeof(name), "x-amz-meta-%s", item.key) >= (int)sizeof(name)) {
            headers->is_full = true;
            return;
        }
        for (at = name; *at != '\0'; at++)
            if (*at == '_')
                *at = '-';
        headers_add(headers, name, item.value);
    }
}

void headers_add_new(struct headers *headers, const struct sf_store *store, const char *storage_class)
{
    if (storage_class == NULL)
        storage_class = store->storage_class;
    if (storage_class != NULL)
        headers_add(headers, "x-amz-storage-class", storage_class);
    if (store->sse != NULL)
        headers_add(headers, "x-amz-server-side-encryption", store->sse);
    if (store->sse_kms_key_id != NULL)
        headers_add(headers, "x-amz-server-side-encryption-aws-kms-key-id", store->sse_kms_key_id);
}

void headers_add_tag(struct headers *headers, const char *name, const char *tag)
{
    char quoted[SF_TAG_MAX + 3];

    snprintf(quoted, sizeof(quoted), "\"%s\"", tag);
    headers_add(headers, name, quoted);
}

void headers_add_precondition(struct headers *headers, uint32_t precondition, const char *if_tag)
{
    if (precondition == SF_IF_ABSENT)
        headers_add(headers, "if-none-match", "*");
    else if (precondition == SF_IF_TAG)
        headers_add_tag(headers, "if-match", if_tag);
}
