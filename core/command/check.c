/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin check: the conformance suite with any plugin, on a live destination.
 */
#include "core/command/command.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/command/output.h"
#include "core/config/config.h"
#include "core/progress/log.h"
#include "core/store/load.h"
#include "tests/conformance/conformance.h"

#include <jansson.h>
#include <string.h>

struct checking {
    struct config config;
    struct plugin_path path;
    struct plugin plugin;
    struct setting_list values;
    struct conformance_counts counts;
    bool json;
    json_t *cases;
    enum exit_code code; /* of a failure before the first case */
};

static void checking_cleanup(struct checking *checking)
{
    json_decref(checking->cases);
    setting_list_cleanup(&checking->values);
    plugin_cleanup(&checking->plugin);
    plugin_path_cleanup(&checking->path);
    config_cleanup(&checking->config);
}

/* The destination must be one for this very plugin: the suite writes there. */
static int check_destination(const struct checking *checking, struct sf_error *err)
{
    const struct destination *destination = &checking->config.destination;
    const struct sf_plugin *table = &checking->plugin.table;
    const char *scheme = config_scheme(&checking->config);

    if (destination->plugin == NULL && scheme == NULL)
        return sf_fail(err, SF_INVALID,
                       "no destination to check plugin %s on: name one with --dest URL or in a config file",
                       table->name);
    if (scheme != NULL && !plugin_serves(table, scheme))
        return sf_fail(err, SF_INVALID, "plugin %s does not serve %s:// URLs", table->name, scheme);
    if (scheme == NULL && strcmp(destination->plugin, table->name) != 0)
        return sf_fail(err, SF_INVALID, "the config's destination is for plugin %s, not %s", destination->plugin,
                       table->name);
    return 0;
}

static int open_plugin(struct checking *checking, const struct options *options, struct log *log, struct sf_error *err)
{
    checking->code = EXIT_USAGE;
    if (config_load(&checking->config, options, err) < 0)
        return -1;
    plugin_path_init(&checking->path, (const char *const *)checking->config.plugin_dirs,
                     checking->config.plugin_dir_count);
    if (strchr(options->argument, '/') != NULL) {
        if (plugin_load_file(&checking->plugin, options->argument, log, err) < 0)
            return -1;
    } else if (plugin_load(&checking->plugin, options->argument, &checking->path, log, err) < 0) {
        return -1;
    }
    if (check_destination(checking, err) < 0)
        return -1;
    return config_settings(&checking->config, &checking->plugin.table, &checking->values, err);
}

static void report(void *ctx, const char *name, enum conformance_verdict verdict, const char *text)
{
    static const char *const words[] = {
        [CONFORMANCE_OK] = "ok", [CONFORMANCE_FAILED] = "FAILED", [CONFORMANCE_SKIPPED] = "skipped"};
    struct checking *checking = ctx;

    if (checking->json) {
        json_array_append_new(checking->cases, json_pack("{s:s, s:s, s:o}", "name", name, "verdict", words[verdict],
                                                         "text", output_string(text)));
        return;
    }
    printf("%-8s %s\n", words[verdict], name);
    if (verdict != CONFORMANCE_OK)
        printf("         %s\n", text);
    fflush(stdout); /* a plugin that crashes in the next case leaves what was found so far */
}

static enum exit_code print_result(struct checking *checking, const struct sf_error *failure, struct log *log)
{
    const struct conformance_counts *counts = &checking->counts;
    bool passed = failure == NULL && counts->failed == 0;
    json_t *result;

    if (!checking->json) {
        AUTO_FREE char *line =
            mem_printf("%u passed, %u failed, %u skipped\n", counts->passed, counts->failed, counts->skipped);

        return output_text(line, log);
    }
    result =
        json_pack("{s:s, s:i, s:i, s:i, s:O}", "status", passed ? "complete" : "failed", "passed", (int)counts->passed,
                  "failed", (int)counts->failed, "skipped", (int)counts->skipped, "cases", checking->cases);
    if (failure != NULL)
        json_object_set_new(result, "error", output_error(failure));
    return output_json(result, log);
}

static int run(struct checking *checking, const struct options *options, struct log *log, struct sf_error *err)
{
    if (open_plugin(checking, options, log, err) < 0)
        return -1;
    checking->code = EXIT_FAILED;
    return conformance_run(&checking->plugin.table, &checking->values.settings, checking->values.prefix, NULL, report,
                           checking, &checking->counts, err);
}

enum exit_code command_plugin_check(const struct options *options, struct log *log)
{
    SF_AUTO(checking) checking = {.json = options->json, .cases = json_array()};
    struct sf_error err = SF_ERROR_INIT;
    int result = run(&checking, options, log, &err);

    if (result < 0)
        log_error(log, "%s", err.text);
    if ((result == 0 || checking.json) && print_result(&checking, result < 0 ? &err : NULL, log) != EXIT_DONE)
        return EXIT_FAILED;
    if (result < 0)
        return checking.code;
    return checking.counts.failed == 0 ? EXIT_DONE : EXIT_FAILED;
}
