/* SPDX-License-Identifier: Apache-2.0
 *
 * One variant of the memory plugin: its table with one thing changed, by -DVARIANT_... (tests/abi/meson.build). The memory plugin itself
 * is linked in with its entry renamed to memory_plugin. What is handed over lies in memory of exactly its size, so that a sanitizer
 * sees a host that reads beyond it.
 */
#include <snapferry/plugin.h>

#include <stdlib.h>

const struct sf_plugin *memory_plugin(const struct sf_host *host);

/* A plugin of a newer minor version: slots that this header does not know. */
struct larger_table {
    struct sf_plugin known;
    int (*newer_slot)(void);
    uint64_t newer_member;
};

struct larger_option {
    struct sf_option known;
    const char *newer_member;
};

/* The table lives until the process ends; what it points to is found by leak checkers here. */
static struct {
    void *handed_over;
    struct larger_table table;
    struct larger_option *larger_options;
    struct sf_option options[2];
} made;

#ifdef VARIANT_SCHEME
static const char *const schemes[] = {VARIANT_SCHEME};
#endif

#ifdef VARIANT_LARGER
static int newer_slot(void)
{
    abort();
}

static void grow(const struct sf_plugin *plugin)
{
    size_t i, count = plugin->option_count;

    made.table.newer_slot = newer_slot;
    made.table.newer_member = UINT64_MAX;
    made.table.known.size = sizeof(made.table);
    made.table.known.abi_minor = SF_ABI_MINOR + 7;
    /* Its options are larger, too: who steps by a sizeof of his own finds a pointer of all ones. */
    free(made.larger_options);
    made.larger_options = malloc(count * sizeof(made.larger_options[0]));
    memset(made.larger_options, 0xff, count * sizeof(made.larger_options[0]));
    for (i = 0; i < count; i++) {
        made.larger_options[i].known = plugin->options[i];
        made.larger_options[i].known.size = sizeof(made.larger_options[i]);
    }
    made.table.known.options = &made.larger_options[0].known;
    made.table.known.option_element_size = sizeof(made.larger_options[0]);
}
#endif

#ifdef VARIANT_SIZE
/* A plugin without the optional slots does not claim what they do. */
static int open_without_uploads(const struct sf_call *call, const struct sf_settings *settings,
                                struct sf_store_info *info, struct sf_store **store, struct sf_error *err)
{
    if (memory_plugin(NULL)->store_open(call, settings, info, store, err) != 0)
        return -1;
    info->capabilities &= ~(SF_CAP_UPLOAD | SF_CAP_PARALLEL_PARTS | SF_CAP_CREATE_ONLY_COMMIT);
    return 0;
}
#endif

static const struct sf_plugin *hand_over(void)
{
    uint32_t size = made.table.known.size;

    free(made.handed_over);
    made.handed_over = malloc(size);
    memcpy(made.handed_over, &made.table, size);
    return made.handed_over;
}

const struct sf_plugin *snapferry_plugin_v1(const struct sf_host *host)
{
    const struct sf_plugin *plugin = memory_plugin(host);

#ifdef VARIANT_REFUSE
    host->log(host, SF_LOG_INFO, "looking around");
    host->log(host, SF_LOG_ERROR, "the moon is in the wrong phase");
    return NULL;
#endif
#ifdef VARIANT_REFUSE_SILENT
    return NULL;
#endif
    made.table.known = *plugin;
#ifdef VARIANT_LARGER
    grow(plugin);
#endif
#ifdef VARIANT_SIZE
    made.table.known.size = VARIANT_SIZE;
    made.table.known.store_open = open_without_uploads;
#endif
#ifdef VARIANT_NAME
    made.table.known.name = VARIANT_NAME;
#endif
#ifdef VARIANT_SCHEME
    made.table.known.schemes = schemes;
#endif
#ifdef VARIANT_CHANGE
    made.table.known.VARIANT_CHANGE;
#endif
#ifdef VARIANT_OPTION
    made.options[0] = plugin->options[0];
    made.options[1] = plugin->options[1];
    made.options[1].VARIANT_OPTION;
    made.table.known.options = made.options;
#endif
    return hand_over();
}
