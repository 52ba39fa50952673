/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin that calls a function which is nowhere to be found.
 */
#include <snapferry/plugin.h>

const struct sf_plugin *function_that_is_nowhere(const struct sf_host *host);

const struct sf_plugin *snapferry_plugin_v1(const struct sf_host *host)
{
    return function_that_is_nowhere(host);
}
