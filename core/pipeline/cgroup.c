/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pipeline/cgroup.h"

#include "base/auto.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define NO_LIMIT (UINT64_C(1) << 60) /* v1 says "none" with the largest number of whole pages */

/* A limit in a file of its own; 0: none ("max"), or no such file. */
static uint64_t read_limit(const char *folder, const char *name)
{
    AUTO_FREE char *path = mem_printf("%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    uint64_t limit = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%" SCNu64, &limit) != 1 || limit >= NO_LIMIT)
        limit = 0;
    fclose(file);
    return limit;
}

/* The lowest on the way from mount/group up to mount itself. In a container the mount may be the group already, while self names it as
 * the host sees it: then what is not found sets no limit. */
static uint64_t lowest(const char *mount, const char *group, const char *name)
{
    AUTO_FREE char *folder = mem_printf("%s%s", mount, group);
    uint64_t limit, least = 0;
    char *slash;

    for (;;) {
        limit = read_limit(folder, name);
        if (limit != 0 && (least == 0 || limit < least))
            least = limit;
        slash = strrchr(folder, '/');
        if (slash == NULL || strlen(folder) <= strlen(mount))
            return least;
        *slash = '\0';
    }
}

/* Whether the controllers of a line of v1, "cpu,memory", name memory. */
static bool names_memory(char *controllers)
{
    char *at = NULL, *word;

    for (word = strtok_r(controllers, ",", &at); word != NULL; word = strtok_r(NULL, ",", &at))
        if (strcmp(word, "memory") == 0)
            return true;
    return false;
}

/* "0::/group" of v2, "9:cpu,memory:/group" of v1. */
static uint64_t limit_of_line(char *line, const char *mount)
{
    char *controllers = strchr(line, ':');
    char *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
    AUTO_FREE char *below = NULL;

    if (group == NULL)
        return 0;
    *group++ = '\0';
    controllers++;
    group[strcspn(group, "\n")] = '\0';
    if (*controllers == '\0')
        return lowest(mount, strcmp(group, "/") == 0 ? "" : group, "memory.max");
    if (!names_memory(controllers))
        return 0;
    below = mem_printf("%s/memory", mount);
    return lowest(below, strcmp(group, "/") == 0 ? "" : group, "memory.limit_in_bytes");
}

uint64_t cgroup_memory_max(const char *self, const char *mount)
{
    FILE *file = fopen(self, "re");
    AUTO_FREE char *line = NULL;
    uint64_t least = 0;
    size_t size = 0;

    if (file == NULL)
        return 0;
    while (getline(&line, &size, file) >= 0) {
        uint64_t limit = limit_of_line(line, mount);

        if (limit != 0 && (least == 0 || limit < least))
            least = limit;
    }
    fclose(file);
    return least;
}

uint64_t memory_resident(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    uint64_t size, resident = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%" SCNu64 " %" SCNu64, &size, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}
