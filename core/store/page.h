/* SPDX-License-Identifier: Apache-2.0
 *
 * One page of a list, kept until list_next has succeeded, packed to what its objects really hold. Checks what the plugin yields:
 * keys under the prefix, ascending, tags and metadata well-formed. Private to core/store; one per list.
 */
#ifndef CORE_STORE_PAGE_H
#define CORE_STORE_PAGE_H

#include "base/auto.h"
#include "base/buf.h"
#include "snapferry/plugin.h"

#include <stdbool.h>

struct page {
    const struct sf_plugin *table; /* of the store, for messages */
    char *prefix;                  /* of the query */
    bool delimited;                /* keys come in any order */
    struct buf records;
    struct buf settled;    /* greatest key of the pages before */
    struct buf last;       /* greatest key so far */
    struct sf_error error; /* the first thing wrong with the page; cls 0: nothing */
};

void page_init(struct page *page, const struct sf_plugin *table, const struct sf_list_query *query);
void page_cleanup(struct page *page);

/* Forgets what a failed list_next may have yielded, and gives the sink for the next one. */
struct sf_list_sink page_begin(struct page *page);
/* Hands the page on, in order; -1 and nothing delivered if something was wrong with it. */
MUST_CHECK int page_deliver(struct page *page, const struct sf_list_sink *sink, struct sf_error *err);

#endif
