/* SPDX-License-Identifier: Apache-2.0
 *
 * How a moment of a run looks: as a bar that fits a terminal's width, or as a plain line. Pure.
 */
#ifndef CORE_PROGRESS_BAR_H
#define CORE_PROGRESS_BAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct moment {
    const char *verb;  /* "backup" */
    const char *stage; /* "upload" */
    uint64_t files_done;
    uint64_t files_known;
    uint64_t bytes_done;
    uint64_t bytes_known;
    bool total_known;          /* else the known is not all, and there is no percent */
    uint64_t bytes_per_second; /* lately */
    int64_t left_ms;           /* -1: unknown */
    unsigned tick;             /* turns the spinner */
};

/* "backup  upload [=====>    ]  42%  1,234/3,000 files  1.2 GiB/2.9 GiB  85 MiB/s  ETA 0:20" in at most columns - 1 columns:
 * the bar shrinks first, then what stands at the right end goes, piece by piece. */
void bar_line(const struct moment *moment, unsigned columns, char *out, size_t size);

/* "backup: upload: 42 %, 1,234 of 3,000 files, 1.2 GiB of 2.9 GiB, 85 MiB/s, 0:20 left". */
void bar_plain(const struct moment *moment, char *out, size_t size);

/* 0 to 100, rounded down; by bytes where there are any, else by files. */
unsigned bar_percent(const struct moment *moment);

#endif
