/* SPDX-License-Identifier: Apache-2.0 */
#include "core/command/output.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/progress/log.h"

#include <jansson.h>
#include <string.h>

enum exit_code output_text(const char *text, struct log *log)
{
    if (fputs(text, stdout) != EOF && fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_DONE;
    log_error(log, "standard output: %m");
    return EXIT_FAILED;
}

enum exit_code output_json(json_t *value, struct log *log)
{
    AUTO_FREE char *text = json_dumps(value, JSON_INDENT(2));
    AUTO_FREE char *line = mem_printf("%s\n", text != NULL ? text : "{}");

    json_decref(value);
    return output_text(line, log);
}

void output_printable(struct buf *out, const char *raw)
{
    size_t size = strlen(raw) * 4 + 8; /* \xNN for each byte, "..." and NUL */
    AUTO_FREE char *text = mem_alloc(size);

    buf_add_text(out, err_printable(raw, text, size));
}

json_t *output_string(const char *raw)
{
    SF_AUTO(buf) text = BUF_INIT;

    if (raw == NULL)
        return json_null();
    output_printable(&text, raw);
    return json_string(buf_text(&text));
}

json_t *output_error(const struct sf_error *err)
{
    return json_pack("{s:s, s:n, s:o, s:i}", "class", err_class_name(err->cls), "path", "text",
                     output_string(err->text), "status", (int)err->status);
}

enum exit_code output_failure(const struct options *options, struct log *log, const struct sf_error *err,
                              enum exit_code code)
{
    log_error(log, "%s", err->text);
    if (options->json &&
        output_json(json_pack("{s:s, s:o}", "status", "failed", "error", output_error(err)), log) != EXIT_DONE)
        log_debug(log, "the failure above is not on standard output");
    return code;
}
