/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/batch.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>

struct batch_result {
    bool known;
    int32_t cls;
    char *text; /* NULL for a success */
};

void batch_init(struct batch *batch, const struct sf_plugin *table, const struct sf_remove *items, uint32_t count,
                uint32_t element_size)
{
    uint32_t i;

    *batch = (struct batch){.table = table, .open = count};
    batch->items = mem_alloc(count * sizeof(*batch->items));
    batch->index = mem_alloc(count * sizeof(*batch->index));
    batch->results = mem_alloc(count * sizeof(*batch->results));
    for (i = 0; i < count; i++) {
        sf_take(&batch->items[i], sizeof(batch->items[i]), (const char *)items + (size_t)i * element_size);
        batch->index[i] = i;
    }
}

static void forget(struct batch_result *result)
{
    free(result->text);
    *result = (struct batch_result){0};
}

void batch_cleanup(struct batch *batch)
{
    uint32_t i;

    for (i = 0; i < batch->open; i++)
        forget(&batch->results[i]);
    free(batch->items);
    free(batch->index);
    free(batch->results);
    *batch = (struct batch){0};
}

static void keep(void *ctx, uint32_t index, int32_t cls, const char *text)
{
    struct batch *batch = ctx;
    struct batch_result *result;

    if (index >= batch->open || batch->results[index].known)
        return; /* not ours, or said before */
    result = &batch->results[index];
    result->known = true;
    result->cls = cls < SF_OK || cls > SF_PERMANENT ? (int32_t)SF_PERMANENT : cls;
    if (result->cls != SF_OK)
        result->text = text != NULL && *text != '\0' ? mem_text(text)
                                                     : mem_printf("plugin %s: remove of %s failed without saying why",
                                                                  batch->table->name, batch->items[index].key);
}

struct sf_remove_sink batch_begin(struct batch *batch)
{
    uint32_t i;

    for (i = 0; i < batch->open; i++)
        forget(&batch->results[i]);
    return (struct sf_remove_sink){.size = sizeof(struct sf_remove_sink), .ctx = batch, .result = keep};
}

int batch_end(struct batch *batch, int result, const struct sf_remove_sink *sink, struct sf_error *err)
{
    uint32_t i, open = 0;

    for (i = 0; i < batch->open; i++) {
        struct batch_result *one = &batch->results[i];

        if (!one->known && result == 0) {
            one->known = true;
            one->cls = SF_PERMANENT;
            one->text = mem_printf("plugin %s: remove gave no result for %s", batch->table->name, batch->items[i].key);
        }
        if (one->known && !err_is_retryable(one->cls)) {
            sink->result(sink->ctx, batch->index[i], one->cls, one->text != NULL ? one->text : "");
            forget(one);
            continue;
        }
        if (open != i) {
            batch->items[open] = batch->items[i];
            batch->index[open] = batch->index[i];
            batch->results[open] = *one;
            *one = (struct batch_result){0};
        }
        open++;
    }
    batch->open = open;
    if (open > 0 && result == 0)
        return sf_fail(err, (enum sf_class)batch->results[0].cls, "%s", batch->results[0].text);
    return open > 0 ? -1 : 0;
}

void batch_give_up(struct batch *batch, const struct sf_remove_sink *sink)
{
    uint32_t i;

    for (i = 0; i < batch->open; i++) {
        sink->result(sink->ctx, batch->index[i], batch->results[i].cls, batch->results[i].text);
        forget(&batch->results[i]);
    }
    batch->open = 0;
}
