/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/config/plugins.h"

#include "tests/kit/unit.h"

#include <stdio.h>

/* As a plugin built with a newer header has them. */
struct wide_option {
    struct sf_option option;
    uint64_t later[3];
};

#define OPTION(type, flags, key, fallback, choices)                                                                    \
    {                                                                                                                  \
        {sizeof(struct wide_option), type, flags, 0, key, fallback, choices, "help of " key},                          \
        {                                                                                                              \
            UINT64_MAX, UINT64_MAX, UINT64_MAX                                                                         \
        }                                                                                                              \
    }

static const struct wide_option s3_options[] = {
    OPTION(SF_OPTION_TEXT, SF_OPTION_REQUIRED | SF_OPTION_URL_HOST, "bucket", NULL, NULL),
    OPTION(SF_OPTION_TEXT, 0, "region", "us-east-1", NULL),
    OPTION(SF_OPTION_TEXT, SF_OPTION_SECRET, "secret_key", NULL, NULL),
    OPTION(SF_OPTION_BOOL, 0, "path_style", "false", NULL),
    OPTION(SF_OPTION_INTEGER, 0, "attempts", NULL, NULL),
    OPTION(SF_OPTION_BYTES, 0, "part_size", "16MiB", NULL),
    OPTION(SF_OPTION_DURATION, 0, "stall", "30s", NULL),
    OPTION(SF_OPTION_CHOICE, 0, "checksum", "crc32c", "crc32c|sha256"),
    OPTION(99, 0, "later", NULL, NULL), /* a type that this host does not know */
};

static const struct wide_option folder_options[] = {
    OPTION(SF_OPTION_TEXT, SF_OPTION_REQUIRED | SF_OPTION_URL_PATH, "path", NULL, NULL),
    OPTION(SF_OPTION_CHOICE, 0, "sync", "batch", "batch|each|none"),
};

#define TABLE(its_name, its_options, its_count)                                                                        \
    {                                                                                                                  \
        .size = sizeof(struct sf_plugin), .abi_major = SF_ABI_MAJOR, .name = its_name,                                 \
        .description = "the plugin " its_name, .option_count = its_count,                                              \
        .option_element_size = sizeof(struct wide_option), .options = its_options                                      \
    }

const struct sf_plugin plugin_s3 = TABLE("s3", &s3_options[0].option, sizeof(s3_options) / sizeof(s3_options[0]));
const struct sf_plugin plugin_folder = TABLE("folder", &folder_options[0].option, 2);
const struct sf_plugin plugin_plain = TABLE("plain", NULL, 0);

const char *text_file(void)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/c.json", unit_temp_dir());
    return path;
}

int load_text(struct config *config, struct options *options, const char *text, struct sf_error *err)
{
    unit_write("c.json", text, -1);
    options->config_file = text_file();
    return config_load(config, options, err);
}
