/* SPDX-License-Identifier: Apache-2.0
 *
 * Time. Wall clock in ms since 1970 UTC, monotonic in ms. RFC 3339 in UTC with milliseconds: 2026-11-22T15:04:05.123Z.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_TEXT 32

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
char *clock_text(int64_t ms, char out[CLOCK_TEXT]); /* returns out */
bool clock_parse(const char *text, int64_t *ms);    /* the form above only, fraction optional (1 to 9 digits) */
void clock_sleep_ms(int64_t ms);

#endif
