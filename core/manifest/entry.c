/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a struct entry. Called by every stage that hands entries on; any thread, one at a time for each entry.
 */
#include "core/manifest/entry.h"

#include "base/mem.h"

#include <stdlib.h>

void entry_cleanup(struct entry *entry)
{
    free(entry->path);
    free(entry->target);
    *entry = (struct entry)ENTRY_INIT;
}

void entry_copy(struct entry *to, const struct entry *from)
{
    if (to == from)
        return;
    entry_cleanup(to);
    *to = *from;
    if (from->path != NULL)
        to->path = mem_text(from->path);
    if (from->target != NULL)
        to->target = mem_text(from->target);
}

void entry_move(struct entry *to, struct entry *from)
{
    if (to == from)
        return;
    entry_cleanup(to);
    *to = *from;
    *from = (struct entry)ENTRY_INIT;
}
