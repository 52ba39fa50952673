/* SPDX-License-Identifier: Apache-2.0
 *
 * Spellings that protocols share: percent-encoding and dates. Pure.
 */
#ifndef PLUGINS_COMMON_TEXT_H
#define PLUGINS_COMMON_TEXT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* Appends text with every byte but A-Z a-z 0-9 - _ . ~ as %XX in upper case (RFC 3986, unreserved). keep_slash: '/' stays too. */
void percent_encode(struct buf *out, const char *text, bool keep_slash);
/* Appends text with %XX decoded, and '+' as a space where it stands for one. false on a '%' without two hex digits, or one that hides a NUL: out is as it was then. */
bool percent_decode(struct buf *out, const char *text, bool plus_is_space);

/* An HTTP date (RFC 9110, 5.6.7: all three forms), in ms since 1970. */
bool http_date_parse(const char *text, int64_t *ms);

/* 20130524T000000Z of a time in ms since 1970, and its first eight digits alone. */
#define AMZ_DATE_BYTES 17
void amz_date(int64_t ms, char out[AMZ_DATE_BYTES]);

#endif
