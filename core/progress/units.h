/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers as people read them. Each writes into out, at most UNITS_TEXT bytes, and returns it. Pure.
 */
#ifndef CORE_PROGRESS_UNITS_H
#define CORE_PROGRESS_UNITS_H

#include <stdint.h>

#define UNITS_TEXT 32

char *units_bytes(uint64_t bytes, char out[UNITS_TEXT]); /* "0 B", "999 B", "1.2 KiB", "85 MiB" */
char *units_count(uint64_t count, char out[UNITS_TEXT]); /* "1,234,567" */
char *units_clock(int64_t ms, char out[UNITS_TEXT]);     /* "0:20", "12:05", "1:02:03"; what is left or has passed */
char *units_duration(int64_t ms, char out[UNITS_TEXT]);  /* "85 ms", "1.2 s", "3 min 20 s", "2 h 5 min" */

#endif
