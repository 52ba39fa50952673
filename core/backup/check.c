/* SPDX-License-Identifier: Apache-2.0
 *
 * Nothing is committed on trust: what the drafts say is compared with what the store lists, and what is missing there or differs
 * is sent again, into this run's own time-dir.
 */
#include "core/backup/backup.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/check/check.h"
#include "core/progress/log.h"

#include <inttypes.h>
#include <string.h>

/* The first round looks, the second looks at what the first one sent again; a store that still differs keeps nothing. */
#define CHECK_ROUNDS 2

struct checking {
    struct backup *backup;
    struct backup_source *source;
    struct draft_cursor *cursor;
    const char *time_dir;
    int round;
    uint64_t damaged;
};

static int rewind_draft(void *ctx, struct sf_error *err)
{
    struct checking *checking = ctx;

    draft_cursor_close(checking->cursor);
    checking->cursor = NULL;
    return draft_cursor_open(&checking->cursor, checking->source->draft, err);
}

static int next_of_draft(void *ctx, struct entry *entry, uint64_t *at, struct sf_error *err)
{
    struct checking *checking = ctx;
    enum draft_state state;

    return draft_cursor_next(checking->cursor, entry, &state, at, err);
}

static int mark_damaged(void *ctx, enum check_finding finding, const char *key, const struct entry *entry, uint64_t at,
                        const struct sf_object *object, struct sf_error *err)
{
    struct checking *checking = ctx;
    struct tally *tally = &checking->source->tally;
    bool own = strcmp(checking->time_dir, checking->backup->claim.time_dir) == 0;
    struct entry damaged;

    if (finding == CHECK_SURPLUS)
        return 0;
    log_warning(checking->backup->log, "%s: %s; sending it again", key, check_finding_text(finding));
    checking->damaged++;
    if (checking->round == 0 && own) /* in a later round the run fails, and nothing is counted */
        tally->uploaded_files--;
    else if (checking->round == 0)
        tally->referenced_files--;
    damaged = *entry; /* borrows path and target, which an update does not touch */
    memset(damaged.time_dir, 0, sizeof(damaged.time_dir));
    memset(damaged.tag, 0, sizeof(damaged.tag));
    if (own && object != NULL)
        memcpy(damaged.tag, object->tag, sizeof(damaged.tag));
    return draft_update(checking->source->draft, at, &damaged, DRAFT_DAMAGED, err);
}

static void note_time_dir(struct time_dirs *dirs, const char *name)
{
    size_t i;

    for (i = dirs->count; i > 0; i--) /* neighbours mostly lie in the same one, and that was noted last */
        if (strcmp(dirs->items[i - 1], name) == 0)
            return;
    dirs->items = mem_resize(dirs->items, (dirs->count + 1) * sizeof(*dirs->items));
    memset(dirs->items[dirs->count], 0, sizeof(*dirs->items));
    memcpy(dirs->items[dirs->count++], name, strlen(name));
}

/* The time-dirs that a source's draft names now. */
static int find_time_dirs(struct backup_source *source, struct time_dirs *dirs, struct sf_error *err)
{
    struct draft_cursor *cursor = NULL;
    SF_AUTO(entry) entry = ENTRY_INIT;
    enum draft_state state;
    uint64_t at;
    int result;

    if (draft_cursor_open(&cursor, source->draft, err) < 0)
        return -1;
    while ((result = draft_cursor_next(cursor, &entry, &state, &at, err)) > 0)
        if (entry.type == ENTRY_FILE)
            note_time_dir(dirs, entry.time_dir);
    draft_cursor_close(cursor);
    return result;
}

static int check_source(struct backup *backup, struct backup_source *source, int round, uint64_t *damaged,
                        struct sf_error *err)
{
    struct checking checking = {.backup = backup, .source = source, .round = round};
    struct check_stream stream = {.ctx = &checking, .rewind = rewind_draft, .next = next_of_draft};
    struct check_report report = {.ctx = &checking, .found = mark_damaged};
    struct time_dirs dirs = {NULL, 0};
    int result = find_time_dirs(source, &dirs, err);
    size_t i;

    for (i = 0; i < dirs.count && result == 0; i++) {
        checking.time_dir = dirs.items[i];
        if (round > 0 && strcmp(checking.time_dir, backup->claim.time_dir) != 0)
            continue;
        result = check_time_dir(backup->base, checking.time_dir, source->source->name, false, &stream, &report, err);
    }
    draft_cursor_close(checking.cursor);
    free(dirs.items);
    *damaged += checking.damaged;
    return result;
}

static int send_in_state(struct backup *backup, struct backup_source *source, enum draft_state wanted,
                         struct sf_error *err)
{
    struct draft_cursor *cursor = NULL;
    SF_AUTO(entry) entry = ENTRY_INIT;
    enum draft_state state;
    uint64_t at;
    int result;

    if (draft_cursor_open(&cursor, source->draft, err) < 0)
        return -1;
    while ((result = draft_cursor_next(cursor, &entry, &state, &at, err)) > 0)
        if (state == wanted &&
            (result = backup_submit(backup, backup_job(backup, source, &entry, at, wanted == DRAFT_DAMAGED), err)) < 0)
            break;
    draft_cursor_close(cursor);
    return result;
}

int backup_finish_lanes(struct backup *backup, struct sf_error *err)
{
    size_t i;

    for (i = 0; i < backup->source_count; i++)
        if (backup->sources[i].large_waiting && send_in_state(backup, &backup->sources[i], DRAFT_LARGE, err) < 0)
            return -1;
    return pool_wait(backup->pool, err);
}

int backup_check(struct backup *backup, struct sf_error *err)
{
    int round;
    size_t i;

    for (round = 0; round < CHECK_ROUNDS; round++) {
        uint64_t damaged = 0;

        for (i = 0; i < backup->source_count; i++)
            if (check_source(backup, &backup->sources[i], round, &damaged, err) < 0)
                return -1;
        if (damaged == 0)
            break;
        if (round == CHECK_ROUNDS - 1)
            return sf_fail(err, SF_CORRUPT,
                           "the store lost or changed %" PRIu64 " objects right after it had accepted them", damaged);
        for (i = 0; i < backup->source_count; i++)
            if (send_in_state(backup, &backup->sources[i], DRAFT_DAMAGED, err) < 0)
                return -1;
        if (pool_wait(backup->pool, err) < 0)
            return -1;
    }
    for (i = 0; i < backup->source_count; i++)
        if (find_time_dirs(&backup->sources[i], &backup->time_dirs, err) < 0)
            return -1;
    return 0;
}
