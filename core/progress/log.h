/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages for people on stderr: "snapferry: warning: text". Thread-safe; a progress bar on the same terminal is wiped before
 * and drawn again after a message.
 */
#ifndef CORE_PROGRESS_LOG_H
#define CORE_PROGRESS_LOG_H

#include "snapferry/plugin.h"

#include <pthread.h>
#include <stdbool.h>

#define LOG_BAR_MAX 512 /* bytes of a bar's line */

struct log {
    enum sf_log_level level; /* most talkative that is printed */
    struct {
        pthread_mutex_t mutex;
        bool bar_shown;        /* a bar stands on the current line */
        char bar[LOG_BAR_MAX]; /* it */
    } locked;
};

#define LOG_INIT                                                                                                       \
    {                                                                                                                  \
        SF_LOG_INFO,                                                                                                   \
        {                                                                                                              \
            PTHREAD_MUTEX_INITIALIZER, false,                                                                          \
            {                                                                                                          \
                0                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

/* A NULL log is a silent one. */

void log_error(struct log *log, const char *fmt, ...) SF_PRINTF(2, 3);
void log_warning(struct log *log, const char *fmt, ...) SF_PRINTF(2, 3);
void log_info(struct log *log, const char *fmt, ...) SF_PRINTF(2, 3);
void log_debug(struct log *log, const char *fmt, ...) SF_PRINTF(2, 3);
/* text may hold anything; control characters are made printable. */
void log_write(struct log *log, enum sf_log_level level, const char *text);
/* Replaces the bar's line (stderr is a terminal); NULL removes it. */
void log_bar(struct log *log, const char *line);

#endif
