/* SPDX-License-Identifier: Apache-2.0
 *
 * The one function of the HTTP session that signing needs, without the session and libcurl.
 */
#include "plugins/common/http.h"

const char *http_method_name(enum http_method method)
{
    static const char *const names[] = {"GET", "HEAD", "PUT", "POST", "DELETE"};

    return names[method];
}
