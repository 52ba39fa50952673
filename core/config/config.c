/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config/config.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/cli/options.h"
#include "core/config/keys.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* An object in the file, on the way to what it sets. */
struct scope {
    const struct config_text *in;
    const char *rows;  /* "", "upload.", "sources[]." */
    const char *place; /* "", "upload.", "sources[3]." */
    void *base;        /* what the rows' offsets count from */
};

static int unknown_key(const struct scope *scope, const char *member, struct sf_error *err)
{
    AUTO_FREE char *dotted = mem_printf("%s%s", scope->place, member);
    AUTO_FREE const char **names = mem_alloc(config_key_count * sizeof(*names));
    char shown[SHOWN_BYTES];
    SF_AUTO(buf) known = BUF_INIT;
    const struct key *key;
    const char *near;
    size_t at = 0, count = 0, i;

    while ((key = key_next(scope->rows, &at)) != NULL) {
        names[count++] = key_member(key);
        buf_printf(&known, "%s%s", count > 1 ? ", " : "", key_member(key));
    }
    err_printable(dotted, shown, sizeof(shown));
    near = nearest_name(member, names, count);
    if (near != NULL)
        return config_text_fail(scope->in, dotted, err, "unknown key '%s': did you mean '%s%s'?", shown, scope->place,
                                near);
    for (i = 0; i < config_key_count; i++)
        if (strcmp(key_member(&config_keys[i]), member) == 0)
            return config_text_fail(scope->in, dotted, err, "unknown key '%s': did you mean '%s'?", shown,
                                    config_keys[i].name);
    return config_text_fail(scope->in, dotted, err, "unknown key '%s': known here are %s", shown, buf_text(&known));
}

static int check_required(const struct scope *scope, const json_t *object, struct sf_error *err)
{
    const struct key *key;
    size_t at = 0;

    while ((key = key_next(scope->rows, &at)) != NULL) {
        SF_AUTO(buf) expected = BUF_INIT;
        AUTO_FREE char *place = NULL;

        if (!key->required || json_object_get(object, key_member(key)) != NULL)
            continue;
        place = mem_text(scope->place);
        place[strlen(place) - 1] = '\0'; /* the dot: a required key is never at the top */
        key_describe(key, &expected);
        return config_text_fail(scope->in, place, err, "%s.%s is missing: expected %s", place, key_member(key),
                                buf_text(&expected));
    }
    return 0;
}

/* Keys that belong to the plugin are kept for config_settings, with their lines. */
static void keep_plugin_key(struct destination *destination, const struct scope *scope, const char *member,
                            json_t *value)
{
    AUTO_FREE char *dotted = mem_printf("%s%s", scope->place, member);

    json_object_set(destination->keys, member, value);
    json_object_set_new(destination->lines, member, json_integer((json_int_t)config_text_line(scope->in, dotted)));
}

static int load_object(const struct scope *scope, json_t *object, struct config *config, struct sf_error *err);

static int load_destination(const struct scope *top, json_t *value, struct config *config, struct sf_error *err)
{
    const struct scope scope = {top->in, "destination.", "destination.", config};

    if (!json_is_object(value))
        return config_text_fail(top->in, "destination", err, "destination: expected an object");
    if (config->destination.url != NULL)
        return 0; /* --dest replaces it as a whole */
    config->destination.keys = json_object();
    config->destination.lines = json_object();
    return load_object(&scope, value, config, err);
}

static int check_unique(const struct scope *scope, const struct config *config, size_t index, struct sf_error *err)
{
    const struct source *source = &config->sources[index];
    AUTO_FREE char *dotted = mem_printf("%sname", scope->place);
    size_t i;

    for (i = 0; i < index; i++)
        if (strcasecmp(config->sources[i].name, source->name) == 0)
            return config_text_fail(scope->in, dotted, err,
                                    "%s: '%s' is the name of sources[%zu] already (case does not count)", dotted,
                                    source->name, i);
    return 0;
}

static int load_sources(const struct scope *top, json_t *value, struct config *config, struct sf_error *err)
{
    json_t *item;
    size_t i;

    if (!json_is_array(value))
        return config_text_fail(top->in, "sources", err, "sources: expected a list of objects");
    config->sources = mem_alloc((json_array_size(value) + 1) * sizeof(*config->sources));
    json_array_foreach(value, i, item)
    {
        AUTO_FREE char *place = mem_printf("sources[%zu].", i);
        const struct scope scope = {top->in, "sources[].", place, &config->sources[i]};
        struct source *source = &config->sources[i];

        config->source_count = i + 1;
        if (!json_is_object(item)) {
            place[strlen(place) - 1] = '\0';
            return config_text_fail(top->in, place, err, "%s: expected an object with name and path", place);
        }
        if (load_object(&scope, item, config, err) < 0 || check_unique(&scope, config, i, err) < 0)
            return -1;
        if (source->restore_to == NULL)
            source->restore_to = mem_text(source->path);
    }
    return 0;
}

static int load_group(const struct scope *top, const struct key *key, json_t *value, struct config *config,
                      struct sf_error *err)
{
    AUTO_FREE char *place = mem_printf("%s.", key->name);
    const struct scope scope = {top->in, place, place, config};

    if (!json_is_object(value))
        return config_text_fail(top->in, key->name, err, "%s: expected an object", key->name);
    return load_object(&scope, value, config, err);
}

static int load_member(const struct scope *scope, const char *member, json_t *value, struct config *config,
                       struct sf_error *err)
{
    const struct key *key = key_find(scope->rows, member);
    AUTO_FREE char *dotted = mem_printf("%s%s", scope->place, member);

    if (key == NULL && strcmp(scope->rows, "destination.") == 0) {
        keep_plugin_key(&config->destination, scope, member, value);
        return 0;
    }
    if (key == NULL && scope->rows[0] == '\0' &&
        (strcmp(member, "$schema") == 0 || strncmp(member, "_comment", 8) == 0))
        return 0;
    if (key == NULL)
        return unknown_key(scope, member, err);
    if (key->type == KEY_DESTINATION)
        return load_destination(scope, value, config, err);
    if (key->type == KEY_SOURCES)
        return load_sources(scope, value, config, err);
    if (key->type == KEY_GROUP)
        return load_group(scope, key, value, config, err);
    return key_set(key, scope->base, value, scope->in, dotted, err);
}

static int load_object(const struct scope *scope, json_t *object, struct config *config, struct sf_error *err)
{
    const char *member;
    json_t *value;

    json_object_foreach(object, member, value) if (load_member(scope, member, value, config, err) < 0) return -1;
    return check_required(scope, object, err);
}

static bool needs_destination(enum command command)
{
    return command == COMMAND_BACKUP || command == COMMAND_RESTORE || command == COMMAND_VERIFY ||
           command == COMMAND_LIST || command == COMMAND_PLUGIN_CHECK;
}

/* The file to read; NULL if there is none and none is needed, or -1. */
static int choose_file(const char **file, const struct options *options, struct sf_error *err)
{
    const char *environment = getenv("SNAPFERRY_CONFIG");

    *file = options->config_file;
    if (*file == NULL && environment != NULL && environment[0] != '\0')
        *file = environment;
    if (*file != NULL)
        return 0;
    *file = CONFIG_FILE_DEFAULT;
    if (access(CONFIG_FILE_DEFAULT, F_OK) == 0 || errno != ENOENT)
        return 0;
    *file = NULL;
    if (options->dest == NULL && (needs_destination(options->command) || options->command == COMMAND_CONFIG_CHECK))
        return sf_fail(err, SF_INVALID,
                       "no config file: %s does not exist; name one with --config, or a destination with --dest",
                       CONFIG_FILE_DEFAULT);
    return 0;
}

int config_load(struct config *config, const struct options *options, struct sf_error *err)
{
    SF_AUTO(config_text) in = {NULL, BUF_INIT, NULL};
    const struct scope top = {&in, "", "", config};
    const char *file;
    size_t i;

    *config = (struct config){.file = NULL};
    for (i = 0; i < config_key_count; i++)
        if (strncmp(config_keys[i].name, "sources[].", 10) != 0)
            key_set_fallback(&config_keys[i], config);
    if (config_apply_dest(config, options, err) < 0 || choose_file(&file, options, err) < 0)
        return -1;
    if (file != NULL) {
        config->file = mem_text(file);
        if (config_text_read(&in, file, err) < 0 || load_object(&top, in.root, config, err) < 0)
            return -1;
    }
    if (config_apply_plugin_dirs(config, options, err) < 0)
        return -1;
    if (needs_destination(options->command) && config->destination.url == NULL && config->destination.plugin == NULL)
        return sf_fail(err, SF_INVALID, "%s: no destination: add \"destination\", or give --dest URL", file);
    if (options->command != COMMAND_BACKUP)
        return 0;
    if (config_apply_sources(config, options, err) < 0)
        return -1;
    if (config->source_count == 0)
        return sf_fail(err, SF_INVALID, "no sources: add \"sources\" to the config file, or give --source NAME=DIR");
    return 0;
}

const char *config_scheme(const struct config *config)
{
    return config->destination.scheme;
}

void config_source_cleanup(struct source *source)
{
    free(source->path);
    free(source->restore_to);
    patterns_cleanup(&source->exclude);
    *source = (struct source){.path = NULL};
}

void config_cleanup(struct config *config)
{
    struct destination *destination = &config->destination;
    size_t i;

    for (i = 0; i < config->source_count; i++)
        config_source_cleanup(&config->sources[i]);
    for (i = 0; i < config->plugin_dir_count; i++)
        free(config->plugin_dirs[i]);
    for (i = 0; i < destination->override_count; i++)
        free(destination->overrides[i]);
    free(config->sources);
    free(config->plugin_dirs);
    free(config->file);
    free(destination->overrides);
    free(destination->plugin);
    free(destination->url);
    free(destination->scheme);
    free(destination->prefix);
    json_decref(destination->keys);
    json_decref(destination->lines);
    *config = (struct config){.file = NULL};
}
