/* SPDX-License-Identifier: Apache-2.0
 *
 * The public header must stand alone: this file includes nothing else, and is compiled as C99, C11 and C++ with all warnings as errors. It
 * uses each inline function and macro, so that they are compiled too.
 */
#include <snapferry/plugin.h>

static int use_errors(struct sf_error *err)
{
    struct sf_error fresh = SF_ERROR_INIT;

    sf_give(err, &fresh);
    return sf_fail(err, SF_DENIED, "%s: %d", "key", 1);
}

static const char *use_settings(void)
{
    struct sf_setting item;
    struct sf_settings settings;

    memset(&item, 0, sizeof(item));
    memset(&settings, 0, sizeof(settings));
    item.size = sizeof(item);
    item.key = "a";
    item.value = "b";
    settings.size = sizeof(settings);
    settings.count = 1;
    settings.element_size = sizeof(item);
    settings.items = &item;
    return sf_setting_value(&settings, "a");
}

static int use_object(const struct sf_object *theirs)
{
    struct sf_object own;

    sf_take(&own, sizeof(own), theirs);
    if (!SF_HAS(theirs, struct sf_object, meta) || sf_object_add_meta(&own, SF_META_SHA256, "00") != 0)
        return -1;
    return sf_object_meta(&own, SF_META_SHA256) != NULL ? 0 : -1;
}

const struct sf_plugin *snapferry_plugin_v1(const struct sf_host *host)
{
    static struct sf_plugin plugin;
    struct sf_error err = SF_ERROR_INIT;
    struct sf_object object;
    sf_plugin_entry entry = snapferry_plugin_v1;
    uint64_t capabilities = SF_CAP_CREATE_ONLY_PUT | SF_CAP_BARRIER;

    memset(&object, 0, sizeof(object));
    object.size = sizeof(object);
    if (use_errors(&err) == 0 || use_settings() == NULL || use_object(&object) != 0 || entry == NULL)
        host->log(host, SF_LOG_ERROR, err.text);
    plugin.size = sizeof(plugin);
    plugin.abi_major = SF_ABI_MAJOR;
    plugin.threads = capabilities != 0 ? SF_PER_CONN : SF_SERIAL;
    return &plugin;
}
