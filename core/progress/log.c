/* SPDX-License-Identifier: Apache-2.0 */
#include "core/progress/log.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define WIPE "\r\033[K" /* the bar's line, from its start */

/* The level as it stands in a message; what is merely told has none. */
static const char *level_word(enum sf_log_level level)
{
    switch (level) {
    case SF_LOG_ERROR:
        return "error: ";
    case SF_LOG_WARNING:
        return "warning: ";
    case SF_LOG_INFO:
        return "";
    case SF_LOG_DEBUG:
        return "debug: ";
    }
    return "";
}

/* In one write, so that messages of several processes on one stderr stay whole. Nobody can be told that it failed. */
static void put_out(const struct buf *out)
{
    size_t done = 0;

    while (done < out->length) {
        ssize_t written = write(STDERR_FILENO, out->data + done, out->length - done);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        done += (size_t)written;
    }
}

void log_write(struct log *log, enum sf_log_level level, const char *text)
{
    struct buf out = BUF_INIT;
    size_t room;
    char *clean;

    if (log == NULL || level > log->level)
        return;
    room = strlen(text) * 4 + 8; /* \xNN for each byte, "..." and NUL */
    clean = mem_alloc(room);
    err_printable(text, clean, room);
    pthread_mutex_lock(&log->locked.mutex);
    buf_printf(&out, "%ssnapferry: %s%s\n", log->locked.bar_shown ? WIPE : "", level_word(level), clean);
    if (log->locked.bar_shown)
        buf_add_text(&out, log->locked.bar);
    put_out(&out);
    pthread_mutex_unlock(&log->locked.mutex);
    buf_cleanup(&out);
    free(clean);
}

static void log_args(struct log *log, enum sf_log_level level, const char *fmt, va_list args) SF_PRINTF(3, 0);
static void log_args(struct log *log, enum sf_log_level level, const char *fmt, va_list args)
{
    char *text = NULL;

    if (log == NULL || level > log->level)
        return;
    if (vasprintf(&text, fmt, args) < 0)
        return;
    log_write(log, level, text);
    free(text);
}

void log_error(struct log *log, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_args(log, SF_LOG_ERROR, fmt, args);
    va_end(args);
}

void log_warning(struct log *log, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_args(log, SF_LOG_WARNING, fmt, args);
    va_end(args);
}

void log_info(struct log *log, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_args(log, SF_LOG_INFO, fmt, args);
    va_end(args);
}

void log_debug(struct log *log, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    log_args(log, SF_LOG_DEBUG, fmt, args);
    va_end(args);
}

void log_bar(struct log *log, const char *line)
{
    struct buf out = BUF_INIT;

    if (log == NULL)
        return;
    pthread_mutex_lock(&log->locked.mutex);
    if (line != NULL || log->locked.bar_shown)
        buf_add_text(&out, WIPE);
    snprintf(log->locked.bar, sizeof(log->locked.bar), "%s", line != NULL ? line : "");
    log->locked.bar_shown = line != NULL;
    buf_add_text(&out, log->locked.bar);
    put_out(&out);
    pthread_mutex_unlock(&log->locked.mutex);
    buf_cleanup(&out);
}
