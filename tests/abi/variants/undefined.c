/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin that calls a function which is nowhere to be found.
 */
#include <snapferry/plugin.h>

int function_that_is_nowhere(void);

const struct sf_plugin *snapferry_plugin_v1(const struct sf_host *host)
{
    (void)host;
    return function_that_is_nowhere() ? NULL : NULL;
}
