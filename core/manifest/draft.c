/* SPDX-License-Identifier: Apache-2.0
 *
 * A record is a fixed part, the path, and a link's target, each with its NUL. What is appended gathers in memory until
 * there is enough for one write; an update finds its record there or in the file.
 */
#include "core/manifest/draft.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/spill.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define APPEND_BYTES (64u * 1024u)

/* What update may change. */
struct fixed {
    uint32_t state;
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    int64_t mtime_ns;
    uint64_t size;
    uint8_t sha256[SHA256_BYTES];
    char tag[SF_TAG_MAX + 1];
    char time_dir[TIME_DIR_MAX + 1];
};

struct record {
    uint32_t path_bytes;   /* NUL included */
    uint32_t target_bytes; /* 0: none */
    uint32_t type;
    uint32_t reserved;
    struct fixed fixed;
};

struct draft {
    int fd;
    struct {
        pthread_mutex_t mutex;
        struct buf tail; /* records from offset `stored` on */
        uint64_t stored; /* bytes in the file */
    } locked;
};

struct draft_cursor {
    struct draft *draft;
    uint64_t offset; /* of the next read */
    uint64_t end;
    struct buf ahead;
    size_t at; /* of the next record in ahead */
};

int draft_open(struct draft **out, const char *temp_dir, struct sf_error *err)
{
    int fd = spill_temp_file(temp_dir, err);
    struct draft *draft;

    if (fd < 0)
        return -1;
    draft = mem_alloc(sizeof(*draft));
    draft->fd = fd;
    pthread_mutex_init(&draft->locked.mutex, NULL);
    *out = draft;
    return 0;
}

void draft_close(struct draft *draft)
{
    if (draft == NULL)
        return;
    close(draft->fd);
    pthread_mutex_destroy(&draft->locked.mutex);
    buf_cleanup(&draft->locked.tail);
    free(draft);
}

static int write_at(int fd, const void *data, size_t bytes, uint64_t offset, struct sf_error *err)
{
    const char *at = data;

    while (bytes > 0) {
        ssize_t put = pwrite(fd, at, bytes, (off_t)offset);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return err_errno(err, errno, "cannot write to the temporary folder");
        at += put;
        bytes -= (size_t)put;
        offset += (uint64_t)put;
    }
    return 0;
}

static int flush_locked(struct draft *draft, struct sf_error *err)
{
    struct buf *tail = &draft->locked.tail;

    if (write_at(draft->fd, tail->data, tail->length, draft->locked.stored, err) < 0)
        return -1;
    draft->locked.stored += tail->length;
    buf_clear(tail);
    return 0;
}

static void fill_fixed(struct fixed *fixed, const struct entry *entry, enum draft_state state)
{
    memset(fixed, 0, sizeof(*fixed)); /* padding too: it goes into the file */
    fixed->state = (uint32_t)state;
    fixed->mode = entry->mode;
    fixed->uid = entry->uid;
    fixed->gid = entry->gid;
    fixed->mtime_ns = entry->mtime_ns;
    fixed->size = entry->size;
    memcpy(fixed->sha256, entry->sha256, sizeof(fixed->sha256));
    memcpy(fixed->tag, entry->tag, sizeof(fixed->tag));
    memcpy(fixed->time_dir, entry->time_dir, sizeof(fixed->time_dir));
}

int draft_append(struct draft *draft, const struct entry *entry, enum draft_state state, uint64_t *at,
                 struct sf_error *err)
{
    size_t path_bytes = strlen(entry->path) + 1;
    size_t target_bytes = entry->target != NULL ? strlen(entry->target) + 1 : 0;
    struct record record;
    struct buf *tail = &draft->locked.tail;
    int result = 0;

    if (path_bytes > UINT32_MAX || target_bytes > UINT32_MAX)
        return sf_fail(err, SF_TOO_LARGE, "a path of %zu bytes is too long", path_bytes);
    memset(&record, 0, sizeof(record));
    record.path_bytes = (uint32_t)path_bytes;
    record.target_bytes = (uint32_t)target_bytes;
    record.type = (uint32_t)entry->type;
    fill_fixed(&record.fixed, entry, state);
    pthread_mutex_lock(&draft->locked.mutex);
    *at = draft->locked.stored + tail->length;
    buf_add(tail, &record, sizeof(record));
    buf_add(tail, entry->path, path_bytes);
    if (target_bytes > 0)
        buf_add(tail, entry->target, target_bytes);
    if (tail->length >= APPEND_BYTES)
        result = flush_locked(draft, err);
    pthread_mutex_unlock(&draft->locked.mutex);
    return result;
}

int draft_update(struct draft *draft, uint64_t at, const struct entry *entry, enum draft_state state,
                 struct sf_error *err)
{
    uint64_t offset = at + offsetof(struct record, fixed);
    struct fixed fixed;
    int result = 0;

    fill_fixed(&fixed, entry, state);
    pthread_mutex_lock(&draft->locked.mutex);
    if (at >= draft->locked.stored)
        memcpy(draft->locked.tail.data + (offset - draft->locked.stored), &fixed, sizeof(fixed));
    else
        result = write_at(draft->fd, &fixed, sizeof(fixed), offset, err);
    pthread_mutex_unlock(&draft->locked.mutex);
    return result;
}

int draft_cursor_open(struct draft_cursor **out, struct draft *draft, struct sf_error *err)
{
    struct draft_cursor *cursor;
    uint64_t end;
    int result;

    pthread_mutex_lock(&draft->locked.mutex);
    result = flush_locked(draft, err);
    end = draft->locked.stored;
    pthread_mutex_unlock(&draft->locked.mutex);
    if (result < 0)
        return -1;
    cursor = mem_alloc(sizeof(*cursor));
    cursor->draft = draft;
    cursor->end = end;
    *out = cursor;
    return 0;
}

void draft_cursor_close(struct draft_cursor *cursor)
{
    if (cursor == NULL)
        return;
    buf_cleanup(&cursor->ahead);
    free(cursor);
}

static int read_at(int fd, char *data, size_t bytes, uint64_t offset, struct sf_error *err)
{
    while (bytes > 0) {
        ssize_t got = pread(fd, data, bytes, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, "cannot read from the temporary folder");
        if (got == 0)
            return sf_fail(err, SF_CORRUPT, "a file in the temporary folder was cut short");
        data += got;
        bytes -= (size_t)got;
        offset += (uint64_t)got;
    }
    return 0;
}

/* Makes sure that `bytes` from cursor->at on are in memory. A record is always read again from its beginning, in one go under
 * the lock, so that no half of an update is seen. */
static int read_ahead(struct draft_cursor *cursor, size_t bytes, struct sf_error *err)
{
    struct buf *ahead = &cursor->ahead;
    uint64_t start = cursor->offset - (ahead->length - cursor->at), take;
    int result;

    if (ahead->length - cursor->at >= bytes)
        return 0;
    if (cursor->end - start < bytes)
        return sf_fail(err, SF_CORRUPT, "a file in the temporary folder was changed");
    take = cursor->end - start < DRAFT_READ_AHEAD ? cursor->end - start : DRAFT_READ_AHEAD;
    if (take < bytes)
        take = bytes;
    buf_clear(ahead);
    buf_reserve(ahead, (size_t)take);
    pthread_mutex_lock(&cursor->draft->locked.mutex);
    result = read_at(cursor->draft->fd, ahead->data, (size_t)take, start, err);
    pthread_mutex_unlock(&cursor->draft->locked.mutex);
    if (result == 0)
        ahead->length = (size_t)take;
    cursor->offset = start + ahead->length;
    cursor->at = 0;
    return result;
}

static void take_record(const struct record *record, const char *texts, struct entry *entry)
{
    const struct fixed *fixed = &record->fixed;

    entry_cleanup(entry);
    entry->path = mem_text(texts);
    if (record->target_bytes > 0)
        entry->target = mem_text(texts + record->path_bytes);
    entry->type = (enum entry_type)record->type;
    entry->mode = fixed->mode;
    entry->uid = fixed->uid;
    entry->gid = fixed->gid;
    entry->mtime_ns = fixed->mtime_ns;
    entry->size = fixed->size;
    memcpy(entry->sha256, fixed->sha256, sizeof(entry->sha256));
    memcpy(entry->tag, fixed->tag, sizeof(entry->tag));
    memcpy(entry->time_dir, fixed->time_dir, sizeof(entry->time_dir));
}

int draft_cursor_next(struct draft_cursor *cursor, struct entry *entry, enum draft_state *state, uint64_t *at,
                      struct sf_error *err)
{
    uint64_t start = cursor->offset - (cursor->ahead.length - cursor->at);
    struct record record;
    size_t whole;

    if (start == cursor->end)
        return 0;
    if (read_ahead(cursor, sizeof(record), err) < 0)
        return -1;
    memcpy(&record, cursor->ahead.data + cursor->at, sizeof(record));
    whole = sizeof(record) + record.path_bytes + record.target_bytes;
    if (read_ahead(cursor, whole, err) < 0)
        return -1;
    memcpy(&record, cursor->ahead.data + cursor->at, sizeof(record)); /* may have been read again */
    take_record(&record, cursor->ahead.data + cursor->at + sizeof(record), entry);
    *state = (enum draft_state)record.fixed.state;
    *at = start;
    cursor->at += whole;
    return 1;
}
