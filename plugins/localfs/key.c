/* SPDX-License-Identifier: Apache-2.0
 *
 * Which keys an object can have here, and how a key stands in a message. Called by every slot.
 */
#include "plugins/localfs/localfs.h"

#include "base/err.h"

#include <errno.h>
#include <string.h>

enum { KEY_TEXT = 300 }; /* of a key in a message, so that the reason behind it still fits */

static bool is_or_lies_under(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

bool key_is_reserved(const char *path)
{
    return is_or_lies_under(path, TEMP_FOLDER) || is_or_lies_under(path, LOCK_FILE);
}

int key_fail(struct sf_error *err, enum sf_class cls, const char *key, const char *text)
{
    char printable[KEY_TEXT];

    return sf_fail(err, cls, "%s: %s", err_printable(key, printable, sizeof(printable)), text);
}

int key_errno(struct sf_error *err, int number, const char *key, const char *what)
{
    char printable[KEY_TEXT];

    if (number == ELOOP) {
        key_fail(err, SF_DENIED, key, "a symlink is in the way, which could lead out of the destination; remove it");
        err->status = number;
        return -1;
    }
    if (number == EXDEV) {
        key_fail(err, SF_INVALID, key,
                 "another file system is mounted below the destination folder; use one that is a single file system");
        err->status = number;
        return -1;
    }
    return err_errno(err, number, "%s: %s", err_printable(key, printable, sizeof(printable)), what);
}

static int segment_check(const char *key, const char *segment, size_t length, struct sf_error *err)
{
    if (length == 0)
        return key_fail(err, SF_INVALID, key, "a key has no empty part, and no slash at its start or end");
    if (length <= 2 && memcmp(segment, "..", length) == 0)
        return key_fail(err, SF_INVALID, key, "a key has no part \".\" or \"..\"");
    if (length > SEGMENT_MAX_BYTES)
        return key_fail(err, SF_TOO_LARGE, key, "a part of the key is longer than 255 bytes");
    return 0;
}

int key_check(const char *key, struct sf_error *err)
{
    const char *segment = key;

    if (key[0] == '\0')
        return sf_fail(err, SF_INVALID, "the key is empty");
    if (strlen(key) > KEY_MAX_BYTES)
        return key_fail(err, SF_TOO_LARGE, key, "the key is longer than 4096 bytes");
    if (key_is_reserved(key))
        return key_fail(err, SF_INVALID, key, "this name is the plugin's own");
    for (;;) {
        size_t length = strcspn(segment, "/");

        if (segment_check(key, segment, length, err) < 0)
            return -1;
        if (segment[length] == '\0')
            return 0;
        segment += length + 1;
    }
}
