/* SPDX-License-Identifier: Apache-2.0
 *
 * From the command line to an exit code.
 */
#include "core/cli/options.h"
#include "core/command/command.h"
#include "core/command/output.h"
#include "core/pipeline/pipeline.h"
#include "core/progress/log.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static enum exit_code run_command(const struct options *options, struct log *log)
{
    switch (options->command) {
    case COMMAND_BACKUP:
        return pipeline_backup(options, log);
    case COMMAND_RESTORE:
        return pipeline_restore(options, log);
    case COMMAND_VERIFY:
        return pipeline_verify(options, log);
    case COMMAND_LIST:
        return pipeline_list(options, log);
    case COMMAND_PLUGIN_LIST:
        return command_plugin_list(options, log);
    case COMMAND_PLUGIN_INFO:
        return command_plugin_info(options, log);
    case COMMAND_PLUGIN_CHECK:
        return command_plugin_check(options, log);
    case COMMAND_CONFIG_CHECK:
        return command_config_check(options, log);
    case COMMAND_CONFIG_SHOW:
        return command_config_show(options, log);
    case COMMAND_CONFIG_SCHEMA:
        return command_config_schema(options, log);
    case COMMAND_HELP:
    case COMMAND_VERSION:
        break;
    }
    return output_text("", log); /* it is printed: if that worked */
}

/* What is closed would be the number of the next file that is opened, and what is printed would go into it: an object, say. Opened
 * for reading, so that printing fails as it must. */
static int keep_standard_files(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    return fd < 0 ? -1 : close(fd);
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct sf_error err = SF_ERROR_INIT;
    struct log log = LOG_INIT;
    enum exit_code code;

    if (keep_standard_files() < 0)
        return EXIT_FAILED;
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is a failed write, not a death */
    if (options_parse(&options, argc, argv, &err) == 0) {
        log.level = options.log_level;
        code = run_command(&options, &log);
    } else {
        code = output_failure(&options, &log, &err, EXIT_USAGE);
    }
    options_cleanup(&options);
    return (int)code;
}
