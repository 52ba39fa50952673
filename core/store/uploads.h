/* SPDX-License-Identifier: Apache-2.0
 *
 * What one uploads_list yields, kept until it has succeeded. Checks what the plugin says: keys under the prefix, tokens that fit.
 * Private to core/store; one per call.
 */
#ifndef CORE_STORE_UPLOADS_H
#define CORE_STORE_UPLOADS_H

#include "base/auto.h"
#include "base/buf.h"
#include "snapferry/plugin.h"

struct uploads {
    const struct sf_plugin *table; /* of the store, for messages */
    const char *prefix;
    struct buf records;
    struct sf_error error; /* the first thing wrong; cls 0: nothing */
};

void uploads_init(struct uploads *uploads, const struct sf_plugin *table, const char *prefix);
void uploads_cleanup(struct uploads *uploads);

/* Forgets what a failed try may have yielded, and gives the sink for the next one. */
struct sf_uploads_sink uploads_begin(struct uploads *uploads);
/* Hands all of them on, in order; -1 and nothing delivered if something was wrong with one. */
MUST_CHECK int uploads_deliver(const struct uploads *uploads, const struct sf_uploads_sink *sink, struct sf_error *err);

#endif
