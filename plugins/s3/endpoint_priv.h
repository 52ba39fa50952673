/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of endpoint share.
 */
#ifndef PLUGINS_S3_ENDPOINT_PRIV_H
#define PLUGINS_S3_ENDPOINT_PRIV_H

#include "base/auto.h"
#include "snapferry/plugin.h"

#include <stdbool.h>

/* --- endpoint_url.c */

struct endpoint_url {
    char *host;      /* in lower case; IPv6 in brackets */
    char *authority; /* with the port, unless it is the scheme's own */
    bool is_tls;
    bool is_literal; /* an IP address or localhost: nothing can stand in front of it */
};

/* http(s)://host[:port][/]. SF_INVALID says what else is in it. */
MUST_CHECK int endpoint_url_parse(struct endpoint_url *url, const char *text, struct sf_error *err);
void endpoint_url_cleanup(struct endpoint_url *url); /* zero value is fine */

/* --- endpoint_name.c: what names may look like. own: AWS', as the rules of other stores are wider */

MUST_CHECK int bucket_name_check(const char *bucket, bool own, struct sf_error *err);
MUST_CHECK int region_name_check(const char *region, bool own, struct sf_error *err);
/* Whether a bucket's name can be part of a host name. */
bool bucket_name_fits_host(const char *bucket);

#endif
