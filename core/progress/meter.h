/* SPDX-License-Identifier: Apache-2.0
 *
 * How far a run is: counters that stages add to from any thread, and a thread that shows them as a bar (terminal) or as a
 * plain line every 30 s.
 */
#ifndef CORE_PROGRESS_METER_H
#define CORE_PROGRESS_METER_H

#include "core/cli/options.h"
#include "core/progress/log.h"

#include <stdatomic.h>

struct meter {
    _Atomic uint64_t files_known; /* that are to be looked at, so far */
    _Atomic uint64_t bytes_known;
    _Atomic uint64_t files_done;
    _Atomic uint64_t bytes_done;
    _Atomic bool total_known;  /* the walk has ended: percent and ETA make sense */
    const char *_Atomic stage; /* "walk", "upload", "check", ...; static */
    struct log *log;
    struct meter_thread *thread; /* NULL: nothing is shown */
};

/* PROGRESS_AUTO: a bar if stderr is a terminal, else plain. */
void meter_start(struct meter *meter, enum progress_style style, const char *verb, struct log *log);
void meter_stop(struct meter *meter); /* removes the bar; fine if never started */

#endif
