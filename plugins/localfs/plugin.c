/* SPDX-License-Identifier: Apache-2.0
 *
 * The plugin's table: a folder on a local disk or a mounted share as the destination. docs/abi.md says what each
 * slot does.
 */
#include "plugins/localfs/localfs.h"

#include "base/err.h"

static const struct sf_option options[] = {
    {sizeof(struct sf_option), SF_OPTION_TEXT, SF_OPTION_REQUIRED | SF_OPTION_URL_PATH, 0, "path", NULL, NULL,
     "absolute path of the destination folder; it is created in an existing folder"},
    {sizeof(struct sf_option), SF_OPTION_CHOICE, 0, 0, "durability", "batch", "batch|each|none",
     "when writes are on the disk: all before a point is committed, each by itself, or whenever the system likes"},
};

static const char *const schemes[] = {"file"};

const struct sf_plugin localfs_plugin = {
    .size = sizeof(struct sf_plugin),
    .abi_major = SF_ABI_MAJOR,
    .abi_minor = SF_ABI_MINOR,
    .name = "localfs",
    .version = SF_VERSION,
    .description = "a folder on a local disk or a mounted share",
    .threads = SF_PER_CONN,
    .option_count = sizeof(options) / sizeof(options[0]),
    .option_element_size = sizeof(options[0]),
    .scheme_count = sizeof(schemes) / sizeof(schemes[0]),
    .options = options,
    .schemes = schemes,
    .store_open = localfs_store_open,
    .store_close = localfs_store_close,
    .conn_open = localfs_conn_open,
    .conn_close = localfs_conn_close,
    .put = localfs_put,
    .get = localfs_get,
    .stat = localfs_stat,
    .list_open = localfs_list_open,
    .list_next = localfs_list_next,
    .list_close = localfs_list_close,
    .remove = localfs_remove,
    .copy = localfs_copy,
};

const struct sf_plugin *snapferry_plugin_v1(const struct sf_host *host)
{
    (void)host;
    return &localfs_plugin;
}
