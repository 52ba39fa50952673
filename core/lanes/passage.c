/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lanes/passage.h"

#include "base/beneath.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/store/store.h"
#include "core/walk/walk.h"

#include <errno.h>
#include <fcntl.h>

#define NAME_TEXT 320 /* of a path in a message; leaves room for the reason in SF_ERROR_TEXT */

/* ---- the file ---- */

static int source_error(struct sf_error *err, int number, const char *what)
{
    if (number == ENOENT || number == ENOTDIR)
        return sf_fail(err, SF_CONFLICT, "vanished while the source was being read; back up a snapshot, not live data");
    if (number == ELOOP || number == EXDEV)
        return sf_fail(err, SF_CONFLICT, "became a symlink while the source was being read");
    return err_errno(err, number, "%s", what);
}

int passage_open(struct passage *passage, struct sf_error *err)
{
    passage->digests = (struct sf_digests){.size = sizeof(passage->digests)};
    passage->object = (struct sf_object){.size = sizeof(passage->object)};
    passage->fd = beneath_open(passage->send->rootfd, passage->entry->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0);
    if (passage->fd < 0)
        return source_error(err, errno, "cannot open");
    if (fstat(passage->fd, &passage->st) != 0)
        return err_errno(err, errno, "cannot stat");
    if (!S_ISREG(passage->st.st_mode))
        return sf_fail(err, SF_CONFLICT, "is no longer a regular file");
    return 0;
}

void passage_close(struct passage *passage)
{
    auto_close(&passage->fd); /* only read from: nothing is lost by a failing close */
    passage->fd = -1;
}

ssize_t passage_read(const struct passage *passage, unsigned char *buffer, size_t bytes, uint64_t position,
                     struct sf_error *err)
{
    size_t done = 0;

    while (done < bytes) {
        ssize_t got = pread(passage->fd, buffer + done, bytes - done, (off_t)(position + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, "cannot read");
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

/* One call for most files: a read that ends where the file should end, and asked for more, has seen its end. */
int passage_read_whole(const struct passage *passage, unsigned char *buffer, size_t size, struct sf_error *err)
{
    size_t done = 0;

    while (done <= size) {
        size_t wanted = size + 1 - done;
        ssize_t got = pread(passage->fd, buffer + done, wanted, (off_t)done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, "cannot read");
        done += (size_t)got;
        if (got == 0 || (done == size && (size_t)got < wanted))
            return done == size;
    }
    return 0;
}

int passage_is_unchanged(const struct passage *passage, struct sf_error *err)
{
    struct stat now;

    if (fstat(passage->fd, &now) != 0)
        return err_errno(err, errno, "cannot stat");
    return now.st_size == passage->st.st_size && now.st_mtim.tv_sec == passage->st.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == passage->st.st_mtim.tv_nsec;
}

/* An object that an earlier try left behind has to be replaced, whatever the file is now. */
bool passage_is_known(const struct passage *passage)
{
    return passage->send->known != NULL && passage->own_tag[0] == '\0' &&
           memcmp(passage->send->known, passage->digests.sha256, sizeof(passage->digests.sha256)) == 0;
}

/* ---- the object ---- */

void passage_meta(const struct passage *passage, struct passage_meta *meta)
{
    *meta = (struct passage_meta){{{.size = sizeof(meta->items[0]), .key = "run", .value = passage->send->run},
                                   {.size = sizeof(meta->items[0]), .key = SF_META_SHA256, .value = meta->sha256}},
                                  {0},
                                  0};
    hex_encode(passage->digests.sha256, SHA256_BYTES, meta->sha256);
    if ((passage->store->info.capabilities & SF_CAP_METADATA) != 0)
        meta->count = passage->digests.have != 0 ? 2 : 1;
}

enum sf_precondition passage_precondition(const struct passage *passage, const char **if_tag)
{
    *if_tag = passage->own_tag[0] != '\0' ? passage->own_tag : passage->send->if_tag;
    return *if_tag != NULL ? SF_IF_TAG : SF_IF_ABSENT;
}

static void copy_tag(char to[SF_TAG_MAX + 1], const struct sf_object *object)
{
    memcpy(to, object->tag, SF_TAG_MAX);
    to[SF_TAG_MAX] = '\0';
}

enum outcome passage_check_answer(struct passage *passage, struct sf_error *err)
{
    const struct sf_object *object = &passage->object;

    if (object->tag[0] != '\0')
        copy_tag(passage->own_tag, object);
    if (object->bytes != 0 && object->bytes != (uint64_t)passage->st.st_size) {
        sf_fail(err, SF_CORRUPT, "%lld bytes were sent, %llu are stored", (long long)passage->st.st_size,
                (unsigned long long)object->bytes);
        return CHANGED;
    }
    if ((passage->digests.have & object->digests.have & SF_DIGEST_SHA256) != 0 &&
        memcmp(passage->digests.sha256, object->digests.sha256, sizeof(object->digests.sha256)) != 0) {
        sf_fail(err, SF_CORRUPT, "what is stored has another SHA-256 than what was read");
        return CHANGED;
    }
    return DONE_STORED;
}

/* ---- how it ends ---- */

int passage_prefix(const struct passage *passage, struct sf_error *err)
{
    AUTO_FREE char *whole = mem_printf("%s/%s", passage->send->root, passage->entry->path);
    char name[NAME_TEXT];

    return err_prefix(err, "%s", err_printable(whole, name, sizeof(name)));
}

void passage_give_up(struct sf_error *err)
{
    if (err->cls == SF_OK)
        sf_fail(err, SF_CONFLICT, "changes while it is read (%d times); back up a snapshot, not live data", SEND_TRIES);
}

void passage_fill_entry(const struct passage *passage, bool stored)
{
    struct entry *entry = passage->entry;

    walk_entry_stat(entry, &passage->st); /* as the next run's walk will see the same file */
    memcpy(entry->sha256, passage->digests.sha256, sizeof(entry->sha256));
    if (stored)
        copy_tag(entry->tag, &passage->object);
}
