/* SPDX-License-Identifier: Apache-2.0 */
#include "base/real.h"

#include "base/auto.h"
#include "base/mem.h"

#include <errno.h>
#include <string.h>

/* The last component, where it lies in head, slashes behind it cut off; NULL if there is none. */
static char *last_part(char *head)
{
    size_t end = strlen(head), begin;

    while (end > 0 && head[end - 1] == '/')
        end--;
    for (begin = end; begin > 0 && head[begin - 1] != '/'; begin--)
        ;
    if (begin == end)
        return NULL;
    head[end] = '\0';
    return head + begin;
}

char *real_path(const char *path)
{
    AUTO_FREE char *head = mem_text(path);
    AUTO_FREE char *rest = mem_text("");

    for (;;) {
        AUTO_FREE char *real = realpath(head[0] != '\0' ? head : ".", NULL);
        char *last, *longer;

        if (real != NULL)
            return mem_printf("%s%s", strcmp(real, "/") == 0 && rest[0] != '\0' ? "" : real, rest);
        if (errno != ENOENT)
            return NULL;
        last = last_part(head);
        if (last == NULL || strcmp(last, "..") == 0) {
            errno = ENOENT;
            return NULL;
        }
        if (strcmp(last, ".") != 0) {
            longer = mem_printf("/%s%s", last, rest);
            free(rest);
            rest = longer;
        }
        *last = '\0';
    }
}

bool real_is_inside(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    return strncmp(path, folder, length) == 0 &&
           (path[length] == '\0' || path[length] == '/' || (length > 0 && folder[length - 1] == '/'));
}
