/* SPDX-License-Identifier: Apache-2.0
 *
 * To be preloaded: counts how often files, folders and file systems below $SYNCS_BELOW are synced, and writes the three numbers to
 * $SYNCS_REPORT at the end. The calls are made all the same.
 */
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    atomic_int files, folders, systems;
} counted;

static void count(int fd, atomic_int *system)
{
    const char *below = getenv("SYNCS_BELOW");
    char link[64], path[PATH_MAX];
    struct stat st;
    ssize_t length;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof(path) - 1);
    if (below == NULL || length < 0 || fstat(fd, &st) < 0)
        return;
    path[length] = '\0';
    if (strncmp(path, below, strlen(below)) != 0)
        return;
    if (system == NULL)
        system = S_ISDIR(st.st_mode) ? &counted.folders : &counted.files;
    atomic_fetch_add(system, 1);
}

int fsync(int fd)
{
    count(fd, NULL);
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    count(fd, NULL);
    return (int)syscall(SYS_fdatasync, fd);
}

int syncfs(int fd)
{
    count(fd, &counted.systems);
    return (int)syscall(SYS_syncfs, fd);
}

static void report(void) __attribute__((destructor));
static void report(void)
{
    const char *name = getenv("SYNCS_REPORT");
    FILE *file = name != NULL ? fopen(name, "w") : NULL;

    if (file == NULL)
        return;
    fprintf(file, "{\"files\": %d, \"folders\": %d, \"systems\": %d}\n", counted.files, counted.folders,
            counted.systems);
    fclose(file);
}
