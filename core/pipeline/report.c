/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pipeline/report.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/progress/log.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

enum exit_code report_code(const struct session *session, const struct sf_error *err)
{
    int signal = session->run.cancel_signal;

    if (err->cls == SF_CANCELLED && signal != 0)
        return (enum exit_code)(EXIT_SIGNAL + signal);
    return err->cls == SF_DENIED || err->cls == SF_AUTH ? EXIT_DENIED : EXIT_FAILED;
}

const char *report_status(const struct session *session, const struct failure *failure)
{
    if (!failure->set)
        return "complete";
    if (failure->code == EXIT_GUARD)
        return "skipped";
    if (failure->err.cls == SF_CANCELLED)
        return session->run.cancel_signal == 0 && run_call_timed_out(&session->run) ? "timeout" : "cancelled";
    return "failed";
}

json_t *report_text(const char *raw)
{
    size_t size = strlen(raw) * 4 + 8;
    AUTO_FREE char *text = mem_alloc(size);

    return json_string(err_printable(raw, text, size));
}

static json_t *error_json(const struct failure *failure)
{
    json_t *error = json_object();

    json_object_set_new(error, "class", json_string(err_class_name(failure->err.cls)));
    json_object_set_new(error, "path", failure->path != NULL ? report_text(failure->path) : json_null());
    json_object_set_new(error, "text", report_text(failure->err.text));
    json_object_set_new(error, "status", json_integer(failure->err.status));
    return error;
}

json_t *report_json(const struct session *session, const struct failure *failure)
{
    json_t *report = json_object(), *requests = json_object();
    unsigned kind;

    json_object_set_new(report, "status", json_string(report_status(session, failure)));
    if (failure->set)
        json_object_set_new(report, "error", error_json(failure));
    for (kind = 0; kind < REQUEST_KINDS; kind++)
        json_object_set_new(requests, request_name(kind), json_integer((json_int_t)session->run.requests[kind]));
    json_object_set_new(report, "requests", requests);
    json_object_set_new(report, "retries", json_integer((json_int_t)session->run.retries));
    json_object_set_new(report, "duration_ms", json_integer(clock_mono_ms() - session->began_ms));
    return report;
}

int report_flush(struct log *log)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    log_error(log, "standard output: %s", strerror(errno));
    return -1;
}

int report_print(struct session *session, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    int result = -1;

    if (!atomic_exchange(&session->printed, true)) {
        puts(text != NULL ? text : "{}");
        result = report_flush(session->log);
    }
    free(text);
    json_decref(value);
    return result;
}

void report_failure(const struct session *session, struct failure *failure)
{
    struct sf_error why = SF_ERROR_INIT;

    if (!failure->set)
        return;
    /* what was in flight says only that it was stopped */
    run_call_cancel_error(&session->run, &why);
    if (failure->err.cls == SF_CANCELLED && strstr(failure->err.text, why.text) == NULL)
        err_prefix(&failure->err, "%s", why.text);
    log_error(session->log, "%s", failure->err.text);
}

int report_stuck(void *ctx, const struct sf_error *stuck)
{
    struct session *session = ctx;
    struct failure failure = {.set = true, .err = *stuck};
    struct sf_error why = SF_ERROR_INIT;

    run_call_cancel_error(&session->run, &why);
    err_prefix(&failure.err, "%s, and the plugin does not return", why.text);
    /* A failure that nobody has told yet: the pipeline waits for the very calls that do not return. */
    if (session->run.cancel_signal == 0 && run_call_first_error(&session->run, &failure.err))
        log_error(session->log, "%s", failure.err.text);
    log_error(session->log, "%s, and the plugin does not return: this process ends itself", why.text);
    if (session->options->json)
        report_print(session, report_json(session, &failure));
    return (int)report_code(session, &failure.err);
}
