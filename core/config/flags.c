/* SPDX-License-Identifier: Apache-2.0
 *
 * What flags change in the config.
 */
#include "core/config/config_priv.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/cli/options.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Without slashes at its end; of "./x" the "./" goes. */
static char *absolute_path(const char *path, struct sf_error *err)
{
    AUTO_FREE char *cwd = NULL;
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/')
        length--;
    if (path[0] == '/')
        return mem_printf("%.*s", (int)length, path);
    cwd = getcwd(NULL, 0);
    if (cwd == NULL) {
        err_errno(err, errno, "find the current folder, which %s is relative to", path);
        return NULL;
    }
    if (length == 1 && path[0] == '.')
        return ptr_take(&cwd);
    if (length > 2 && path[0] == '.' && path[1] == '/') {
        path += 2;
        length -= 2;
    }
    return mem_printf("%s/%.*s", strcmp(cwd, "/") == 0 ? "" : cwd, (int)length, path);
}

/* --plugin-dir goes in front of what the file has. */
int config_apply_plugin_dirs(struct config *config, const struct options *options, struct sf_error *err)
{
    size_t extra = options->plugin_dir_count, i;
    char **all;

    if (extra == 0)
        return 0;
    all = mem_alloc((extra + config->plugin_dir_count) * sizeof(*all));
    for (i = 0; i < config->plugin_dir_count; i++)
        all[extra + i] = config->plugin_dirs[i];
    free(config->plugin_dirs);
    config->plugin_dirs = all;
    config->plugin_dir_count += extra;
    for (i = 0; i < extra; i++) {
        all[i] = absolute_path(options->plugin_dirs[i], err);
        if (all[i] == NULL)
            return -1;
    }
    return 0;
}

static struct source *find_source(const struct config *config, const char *name)
{
    size_t i;

    for (i = 0; i < config->source_count; i++)
        if (strcasecmp(config->sources[i].name, name) == 0)
            return &config->sources[i];
    return NULL;
}

static int no_such_source(const struct config *config, const char *name, struct sf_error *err)
{
    SF_AUTO(buf) names = BUF_INIT;
    size_t i;

    for (i = 0; i < config->source_count; i++)
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", config->sources[i].name);
    if (config->source_count == 0)
        return sf_fail(err, SF_INVALID, "--source %s: the config has no sources: give its folder, --source %s=DIR",
                       name, name);
    return sf_fail(err, SF_INVALID, "--source %s: no such source in %s: it has %s; or give its folder, --source %s=DIR",
                   name, config->file, buf_text(&names), name);
}

/* Exactly the sources that --source names, in that order. */
int config_apply_sources(struct config *config, const struct options *options, struct sf_error *err)
{
    struct source *chosen;
    size_t i;

    if (options->source_count == 0)
        return 0;
    for (i = 0; i < options->source_count; i++)
        if (options->sources[i].dir == NULL && find_source(config, options->sources[i].name) == NULL)
            return no_such_source(config, options->sources[i].name, err);
    chosen = mem_alloc(options->source_count * sizeof(*chosen));
    for (i = 0; i < options->source_count; i++) {
        const struct source_flag *flag = &options->sources[i];
        struct source *known = find_source(config, flag->name);

        if (known != NULL) {
            chosen[i] = *known;
            *known = (struct source){.path = NULL};
        } else {
            memcpy(chosen[i].name, flag->name, strlen(flag->name) + 1);
        }
    }
    for (i = 0; i < config->source_count; i++)
        config_source_cleanup(&config->sources[i]);
    free(config->sources);
    config->sources = chosen;
    config->source_count = options->source_count;
    for (i = 0; i < options->source_count; i++) {
        if (options->sources[i].dir == NULL)
            continue;
        free(chosen[i].path);
        chosen[i].path = absolute_path(options->sources[i].dir, err);
        if (chosen[i].path == NULL)
            return -1;
        if (chosen[i].restore_to == NULL)
            chosen[i].restore_to = mem_text(chosen[i].path);
    }
    return 0;
}

int config_apply_dest(struct config *config, const struct options *options, struct sf_error *err)
{
    struct destination *destination = &config->destination;
    SF_AUTO(url) url = {NULL, NULL, NULL};
    size_t i;

    destination->overrides = mem_alloc((options->dest_option_count + 1) * sizeof(*destination->overrides));
    for (i = 0; i < options->dest_option_count; i++)
        destination->overrides[destination->override_count++] = mem_text(options->dest_options[i]);
    if (options->dest == NULL)
        return 0;
    if (url_parse(&url, options->dest, err) < 0)
        return err_prefix(err, "--dest");
    destination->url = mem_text(options->dest);
    destination->scheme = ptr_take(&url.scheme);
    return 0;
}
