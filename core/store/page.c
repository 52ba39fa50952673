/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/page.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/store/boundary.h"

#define KEY_TEXT 160 /* of a key in a message */

/* A record: this head, the key with its NUL, tag with its NUL, metadata, digests if there are any. */
struct head {
    uint32_t key_bytes; /* with NUL */
    uint32_t tag_bytes; /* with NUL; 0: this is a prefix, nothing but the key follows */
    uint32_t meta_bytes;
    uint32_t has_digests;
    uint64_t bytes;
    int64_t modified_ms;
    int64_t server_time_ms;
};

void page_init(struct page *page, const struct sf_plugin *table, const struct sf_list_query *query)
{
    *page = (struct page){.table = table, .error = SF_ERROR_INIT};
    page->prefix = mem_text(query->prefix != NULL ? query->prefix : "");
    page->delimited = query->delimiter != NULL;
    buf_add_text(&page->settled, query->start_after != NULL ? query->start_after : "");
}

void page_cleanup(struct page *page)
{
    free(page->prefix);
    buf_cleanup(&page->records);
    buf_cleanup(&page->settled);
    buf_cleanup(&page->last);
    *page = (struct page){0};
}

/* Keys are compared as unsigned bytes, which strcmp does. */
static bool is_key_right(struct page *page, const char *key)
{
    char text[KEY_TEXT], last[KEY_TEXT];

    if (page->error.cls != SF_OK)
        return false;
    if (key == NULL || key[0] == '\0') {
        sf_fail(&page->error, SF_PERMANENT, "plugin %s: list yields an object without a key", page->table->name);
        return false;
    }
    if (strncmp(key, page->prefix, strlen(page->prefix)) != 0) {
        sf_fail(&page->error, SF_PERMANENT, "plugin %s: list of '%s' yields '%s', which is not under it",
                page->table->name, err_printable(page->prefix, last, sizeof(last)),
                err_printable(key, text, sizeof(text)));
        return false;
    }
    if (page->delimited)
        return true;
    if (strcmp(key, buf_text(&page->last)) <= 0) {
        sf_fail(&page->error, SF_PERMANENT, "plugin %s: list yields '%s' after '%s', its order is not ascending",
                page->table->name, err_printable(key, text, sizeof(text)),
                err_printable(buf_text(&page->last), last, sizeof(last)));
        return false;
    }
    buf_clear(&page->last);
    buf_add_text(&page->last, key);
    return true;
}

/* As sf_take() does, but of the metadata only what is used: an object is mostly room for it. */
static void take_object(struct sf_object *own, const struct sf_object *theirs)
{
    if (theirs->size < sizeof(*own) || theirs->meta_bytes > sizeof(own->meta)) {
        sf_take(own, sizeof(*own), theirs); /* boundary_object() judges it */
        return;
    }
    memcpy(own, theirs, offsetof(struct sf_object, meta) + theirs->meta_bytes);
    own->size = sizeof(*own);
}

static void keep_object(void *ctx, const struct sf_object *theirs)
{
    struct page *page = ctx;
    struct sf_object object;
    struct head head;

    take_object(&object, theirs);
    if (!is_key_right(page, object.key) || boundary_object(page->table, "list", &object, &page->error) != 0)
        return;
    head = (struct head){
        .key_bytes = (uint32_t)strlen(object.key) + 1,
        .tag_bytes = (uint32_t)strlen(object.tag) + 1,
        .meta_bytes = object.meta_bytes,
        .has_digests = object.digests.have != 0,
        .bytes = object.bytes,
        .modified_ms = object.modified_ms,
        .server_time_ms = object.server_time_ms,
    };
    buf_add(&page->records, &head, sizeof(head));
    buf_add(&page->records, object.key, head.key_bytes);
    buf_add(&page->records, object.tag, head.tag_bytes);
    buf_add(&page->records, object.meta, head.meta_bytes);
    if (head.has_digests)
        buf_add(&page->records, &object.digests, sizeof(object.digests));
}

static void keep_prefix(void *ctx, const char *prefix)
{
    struct page *page = ctx;
    struct head head = {0};

    if (!is_key_right(page, prefix))
        return;
    head.key_bytes = (uint32_t)strlen(prefix) + 1;
    buf_add(&page->records, &head, sizeof(head));
    buf_add(&page->records, prefix, head.key_bytes);
}

struct sf_list_sink page_begin(struct page *page)
{
    buf_clear(&page->records);
    buf_clear(&page->last);
    buf_add_text(&page->last, buf_text(&page->settled));
    page->error = (struct sf_error)SF_ERROR_INIT;
    return (struct sf_list_sink){
        .size = sizeof(struct sf_list_sink), .ctx = page, .object = keep_object, .prefix = keep_prefix};
}

/* Fills *object, of which nothing counts that an earlier record left, from the record behind head; returns its end. */
static const char *unpack_object(const struct head *head, const char *at, struct sf_object *object)
{
    memset(object, 0, offsetof(struct sf_object, meta));
    object->size = sizeof(*object);
    object->key = at;
    at += head->key_bytes;
    memcpy(object->tag, at, head->tag_bytes);
    at += head->tag_bytes;
    memcpy(object->meta, at, head->meta_bytes);
    at += head->meta_bytes;
    object->meta_bytes = head->meta_bytes;
    object->bytes = head->bytes;
    object->modified_ms = head->modified_ms;
    object->server_time_ms = head->server_time_ms;
    if (head->has_digests) {
        memcpy(&object->digests, at, sizeof(object->digests));
        at += sizeof(object->digests);
    }
    return at;
}

int page_deliver(struct page *page, const struct sf_list_sink *sink, struct sf_error *err)
{
    const char *at = buf_text(&page->records);
    const char *end = at + page->records.length;
    struct sf_object object = {0};

    if (page->error.cls != SF_OK) {
        *err = page->error;
        return -1;
    }
    while (at < end) {
        struct head head;

        memcpy(&head, at, sizeof(head));
        at += sizeof(head);
        if (head.tag_bytes == 0) {
            if (sink->prefix != NULL)
                sink->prefix(sink->ctx, at);
            at += head.key_bytes;
        } else {
            at = unpack_object(&head, at, &object);
            sink->object(sink->ctx, &object);
        }
    }
    buf_clear(&page->settled);
    buf_add_text(&page->settled, buf_text(&page->last));
    return 0;
}
