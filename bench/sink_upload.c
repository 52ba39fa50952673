/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sink_upload.h"

#include "base/clock.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct upload *upload_begin(struct upload **list, uint64_t number, const char *name, char *headers)
{
    struct upload *upload = mem_alloc(sizeof(*upload));

    snprintf(upload->id, sizeof(upload->id), "u-%" PRIx64, number);
    upload->name = mem_text(name);
    upload->headers = headers;
    upload->begun_ms = clock_wall_ms();
    while (*list != NULL)
        list = &(*list)->next;
    *list = upload;
    return upload;
}

struct upload *upload_find(struct upload *list, const char *id, const char *name)
{
    while (list != NULL && (strcmp(list->id, id) != 0 || strcmp(list->name, name) != 0))
        list = list->next;
    return list;
}

void upload_set(struct upload *upload, unsigned number, uint64_t size, uint64_t tag, char *body)
{
    struct part *part;

    if (number > upload->count) {
        upload->parts = mem_resize(upload->parts, number * sizeof(*part));
        memset(upload->parts + upload->count, 0, (number - upload->count) * sizeof(*part));
        upload->count = number;
    }
    part = &upload->parts[number - 1];
    free(part->body);
    *part = (struct part){size, tag, body};
}

const struct part *upload_part(const struct upload *upload, uint64_t number)
{
    if (number < 1 || number > upload->count || upload->parts[number - 1].tag == 0)
        return NULL;
    return &upload->parts[number - 1];
}

void upload_end(struct upload **list, struct upload *upload)
{
    while (*list != upload)
        list = &(*list)->next;
    *list = upload->next;
    for (size_t i = 0; i < upload->count; i++)
        free(upload->parts[i].body);
    free(upload->parts);
    free(upload->headers);
    free(upload->name);
    free(upload);
}
