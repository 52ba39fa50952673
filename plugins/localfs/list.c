/* SPDX-License-Identifier: Apache-2.0
 *
 * Slots list_*: pages out of the tree. A page that fails is forgotten, and the next call begins behind the last
 * one that did not.
 */
#include "plugins/localfs/tree.h"

#include "base/mem.h"

#include <string.h>

enum { PAGE_DEFAULT = 1000 };

struct sf_list {
    struct tree tree;
    char *prefix;
    char *start_after;
    char *temp_dir;
    struct buf resume_after;
    uint32_t page_max;
    bool is_begun;
    bool is_ended;
    bool has_item; /* the tree stands on an item that was not delivered yet */
};

/* Where the names of a very large folder are sorted: in the destination only if nothing else can be written to. */
static char *temp_dir(const struct sf_store *store)
{
    const char *const places[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};
    size_t i;

    for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (places[i] != NULL && places[i][0] == '/' && access(places[i], W_OK | X_OK) == 0)
            return mem_text(places[i]);
    return mem_printf("%s/%s", store->path, TEMP_FOLDER);
}

int localfs_list_open(const struct sf_call *call, struct sf_conn *conn, const struct sf_list_query *query,
                      struct sf_list **list, struct sf_error *err)
{
    struct sf_list_query args;
    struct sf_list *made;

    (void)call;
    sf_take(&args, sizeof(args), query);
    if (args.delimiter != NULL && strcmp(args.delimiter, "/") != 0)
        return sf_fail(err, SF_UNSUPPORTED, "list: the only delimiter is \"/\"");
    made = mem_alloc(sizeof(*made));
    made->prefix = mem_text(args.prefix != NULL ? args.prefix : "");
    made->start_after = mem_text(args.start_after != NULL ? args.start_after : "");
    made->page_max = args.page_max != 0 && args.page_max < PAGE_DEFAULT ? args.page_max : PAGE_DEFAULT;
    made->tree.conn = conn;
    made->temp_dir = temp_dir(conn->store);
    made->tree.temp_dir = made->temp_dir;
    made->tree.prefix = made->prefix;
    made->tree.start_after = made->start_after;
    made->tree.folds = args.delimiter != NULL;
    *list = made;
    return 0;
}

static void start_over(struct sf_list *list)
{
    tree_end(&list->tree);
    list->is_begun = false;
    list->has_item = false;
}

/* 1: the tree stands on an item; 0: the list is at its end. */
static int find_item(struct sf_list *list, struct sf_error *err)
{
    int got = 1;

    if (list->has_item)
        return 1;
    if (!list->is_begun) {
        list->tree.resume_after = buf_text(&list->resume_after);
        if (tree_begin(&list->tree, err) < 0)
            return -1;
        list->is_begun = true;
    }
    got = tree_next(&list->tree, err);
    list->has_item = got > 0;
    list->is_ended = got == 0;
    return got;
}

static void deliver(struct sf_list *list, const struct sf_list_sink *sink)
{
    if (list->tree.is_folder)
        sink->prefix(sink->ctx, list->tree.path.data);
    else
        sink->object(sink->ctx, &list->tree.object);
    list->has_item = false;
}

static int fill_page(struct sf_list *list, const struct sf_list_sink *sink, int *more, struct sf_error *err)
{
    struct sf_error ahead = SF_ERROR_INIT;
    uint32_t count;
    int got = 1;

    for (count = 0; count < list->page_max; count++) {
        got = find_item(list, err);
        if (got <= 0)
            break;
        deliver(list, sink);
    }
    if (got < 0)
        return -1;
    if (got == 0) {
        *more = 0;
        return 0;
    }
    buf_clear(&list->resume_after);
    buf_add(&list->resume_after, list->tree.path.data, list->tree.path.length);
    list->tree.resume_after = list->resume_after.data;
    /* Whatever goes wrong beyond this page is for the next call to find. */
    got = find_item(list, &ahead);
    if (got < 0)
        start_over(list);
    *more = got != 0;
    return 0;
}

int localfs_list_next(const struct sf_call *call, struct sf_list *list, const struct sf_list_sink *sink, int *more,
                      struct sf_error *err)
{
    struct sf_list_sink into;
    int result = 0;

    sf_take(&into, sizeof(into), sink);
    list->tree.call = call;
    if (list->is_ended)
        *more = 0;
    else
        result = fill_page(list, &into, more, err);
    if (result < 0)
        start_over(list);
    list->tree.call = NULL;
    return call_report(call, SF_REQUEST_LIST, result, 0, err);
}

void localfs_list_close(struct sf_list *list)
{
    tree_end(&list->tree);
    buf_cleanup(&list->resume_after);
    free(list->prefix);
    free(list->start_after);
    free(list->temp_dir);
    free(list);
}
