/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pipeline/session.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/real.h"
#include "core/lanes/budget.h"
#include "core/pipeline/cgroup.h"
#include "core/pipeline/report.h"

#include <malloc.h>
#include <string.h>
#include <sys/stat.h>

/* Workers allocate little and seldom; an arena a thread would only keep freed memory apart. */
#define ARENAS 4

/* Large files at once where their parts go in parallel anyway. Each is hashed by one worker, which is slower than a network may be: while
 * the parts of one wait for a core to hash them, another's are sent. */
#define PARALLEL_LARGE 2u

/* What the stages will take beyond what the process has when the pool opens: zstd streams (window 2^19), a sorted folder a level of depth,
 * entries read ahead. */
#define STAGES_BYTES (4u << 20)

static int load_plugin(struct session *session, struct sf_error *err)
{
    const struct config *config = &session->config;
    struct plugin_path path;
    int result;

    plugin_path_init(&path, (const char *const *)config->plugin_dirs, config->plugin_dir_count);
    if (config->destination.plugin != NULL)
        result = plugin_load(&session->plugin, config->destination.plugin, &path, session->log, err);
    else
        result = plugin_load_by_scheme(&session->plugin, config_scheme(config), &path, session->log, err);
    plugin_path_cleanup(&path);
    return result;
}

static int open_settings(struct session *session, bool writes, struct sf_error *err)
{
    session->code = EXIT_USAGE;
    if (config_load(&session->config, session->options, err) < 0)
        return -1;
    if (session->config.destination.plugin == NULL && session->config.destination.url == NULL)
        return sf_fail(
            err, SF_INVALID,
            "no destination: name one with --dest URL, or as \"destination\" in a config file (--config FILE)");
    if (state_open(&session->state, session->options->state_dir, writes, err) < 0 || load_plugin(session, err) < 0)
        return -1;
    if (config_settings(&session->config, &session->plugin.table, &session->settings, err) < 0)
        return -1;
    session->base_name = config_base_name(&session->config, &session->plugin.table, &session->settings);
    return 0;
}

static enum exit_code code_of_open(const struct sf_error *err)
{
    if (err->cls == SF_DENIED || err->cls == SF_AUTH)
        return EXIT_DENIED;
    return err->cls == SF_INVALID ? EXIT_USAGE : EXIT_FAILED;
}

int session_open(struct session *session, const struct options *options, struct log *log, bool writes,
                 struct sf_error *err)
{
    mallopt(M_ARENA_MAX, ARENAS);
    session->options = options;
    session->log = log;
    session->began_ms = clock_mono_ms();
    session->meter.log = log;
    state_random_hex(session->id, RUN_ID_HEX);
    if (open_settings(session, writes, err) < 0)
        return -1;
    run_call_init(&session->run, writes ? session->config.timeout_ms : 0);
    bandwidth_init(&session->run.bandwidth, session->config.bandwidth);
    run_call_catch_signals(&session->run);
    session->code = EXIT_FAILED;
    if (watch_start(&session->watch, &session->run, log, session->config.grace_ms, report_stuck, session, err) < 0)
        return -1;
    if (store_open(&session->store, &session->plugin.table, &session->settings.settings, &session->run, log, err) < 0 ||
        session->store.table->conn_open(&session->run.call, session->store.handle, &session->base.conn, err) < 0) {
        session->code = code_of_open(err);
        return err_prefix(err, "destination %s", session->base_name);
    }
    session->base.store = &session->store;
    session->base.run = &session->run;
    session->base.prefix = session->settings.prefix;
    log_debug(log, "destination: %s", session->store.info.description);
    return 0;
}

int session_choose_workers(struct session *session, struct sf_error *err)
{
    const struct sf_store_info *info = &session->store.info;
    struct budget budget = {.memory_max = session->config.memory_max,
                            .process = memory_resident() + STAGES_BYTES,
                            .conn_bytes = info->conn_bytes};
    unsigned wanted = session->config.concurrency;
    char text[BUDGET_TEXT];

    if (info->connections_max != 0 && wanted > info->connections_max)
        wanted = info->connections_max;
    if (budget.memory_max == 0)
        budget.memory_max = cgroup_memory_max(CGROUP_SELF, CGROUP_MOUNT);
    if (budget_workers(&budget, wanted, &session->workers, text, err) < 0) {
        session->code = EXIT_USAGE;
        return -1;
    }
    if (text[0] != '\0')
        log_info(session->log, "%u workers instead of %u: %s", session->workers, wanted, text);
    return 0;
}

int session_open_pool(struct session *session, struct sf_error *err)
{
    bool parallel_parts = (session->store.info.capabilities & SF_CAP_PARALLEL_PARTS) != 0;
    unsigned large = session->config.large_file_concurrency, workers;

    if (session->workers == 0 && session_choose_workers(session, err) < 0)
        return -1;
    workers = session->workers;
    if (large == 0)
        large = parallel_parts ? PARALLEL_LARGE : workers / 2;
    if (large == 0)
        large = 1;
    return pool_open(&session->pool, &session->store, &session->run, workers, large < workers ? large : workers, err);
}

void session_cleanup(struct session *session)
{
    meter_stop(&session->meter);
    pool_close(session->pool);
    if (session->base.conn != NULL)
        session->store.table->conn_close(session->base.conn);
    store_cleanup(&session->store);
    watch_stop(&session->watch);
    run_call_catch_signals(NULL);
    free(session->base_name);
    setting_list_cleanup(&session->settings);
    plugin_cleanup(&session->plugin);
    state_cleanup(&session->state);
    config_cleanup(&session->config);
}

/* The folder of a destination that is one, and its option's value for messages; NULL where it is something else. To free. */
static char *destination_folder(const struct session *session, const char **value)
{
    const struct sf_plugin *table = &session->plugin.table;
    uint32_t i;

    for (i = 0; i < table->option_count; i++) {
        const struct sf_option *option =
            (const struct sf_option *)(const void *)((const char *)table->options +
                                                     (size_t)i * table->option_element_size);

        *value = sf_setting_value(&session->settings.settings, option->key);
        if ((option->flags & SF_OPTION_URL_PATH) != 0 && *value != NULL)
            return real_path(*value);
    }
    return NULL;
}

int session_check_sources(struct session *session, struct sf_error *err)
{
    const char *value;
    AUTO_FREE char *folder = destination_folder(session, &value);
    AUTO_FREE char *base = folder != NULL ? mem_printf("%s/%s", folder, session->base.prefix) : NULL;
    size_t i;

    for (i = 0; i < session->config.source_count && base != NULL; i++) {
        const struct source *source = &session->config.sources[i];
        AUTO_FREE char *root = realpath(source->path, NULL);

        if (root == NULL || !real_is_inside(base, root))
            continue;
        session->code = EXIT_USAGE;
        return sf_fail(err, SF_INVALID,
                       "destination %s lies inside source %s (%s): each backup would hold all those "
                       "before it; choose a folder elsewhere",
                       value, source->name, source->path);
    }
    return 0;
}

int session_check_target(struct session *session, const char *target, struct sf_error *err)
{
    const char *value;
    AUTO_FREE char *folder = destination_folder(session, &value);
    AUTO_FREE char *real = real_path(target);

    if (folder == NULL || real == NULL || (!real_is_inside(folder, real) && !real_is_inside(real, folder)))
        return 0;
    session->code = EXIT_USAGE;
    return sf_fail(err, SF_INVALID,
                   "target %s and the destination %s lie inside one another: the restore could remove the "
                   "backups it reads; choose a folder elsewhere",
                   target, value);
}

/* Across a mount point neither restore touches what is the other's. */
static bool is_another_disk(const char *inner, const char *outer)
{
    struct stat a, b;

    return stat(inner, &a) == 0 && stat(outer, &b) == 0 && a.st_dev != b.st_dev;
}

bool session_targets_clash(const char *one, const char *other)
{
    AUTO_FREE char *a = real_path(one);
    AUTO_FREE char *b = real_path(other);

    if (a == NULL || b == NULL)
        return strcmp(one, other) == 0; /* opening them will say what is wrong */
    if (strcmp(a, b) == 0)
        return true;
    return (real_is_inside(a, b) && !is_another_disk(a, b)) || (real_is_inside(b, a) && !is_another_disk(b, a));
}

const struct source *session_find_source(const struct session *session, const char *name)
{
    size_t i;

    for (i = 0; i < session->config.source_count; i++)
        if (strcmp(session->config.sources[i].name, name) == 0)
            return &session->config.sources[i];
    return NULL;
}
