/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pipeline/summary.h"

#include "base/clock.h"
#include "core/progress/log.h"
#include "core/progress/units.h"

#include <inttypes.h>
#include <jansson.h>

static json_t *source_json(const struct backup_source *source)
{
    const struct tally *tally = &source->tally;

    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "name", source->source->name, "files",
                     (json_int_t)tally->files, "bytes", (json_int_t)tally->bytes, "uploaded_files",
                     (json_int_t)tally->uploaded_files, "uploaded_bytes", (json_int_t)tally->uploaded_bytes,
                     "referenced_files", (json_int_t)tally->referenced_files, "copied_files",
                     (json_int_t)tally->copied_files, "kept_files", (json_int_t)tally->kept_files, "repaired_files",
                     (json_int_t)tally->repaired_files);
}

int summary_print_json(struct session *session, const struct backup *backup, const struct failure *failure)
{
    json_t *report = report_json(session, failure), *sources = json_array();
    bool claimed = backup->claim.time_dir[0] != '\0';
    size_t i;

    for (i = 0; i < backup->source_count; i++)
        if (backup->sources[i].source != NULL)
            json_array_append_new(sources, source_json(&backup->sources[i]));
    json_object_set_new(report, "dry_run", json_boolean(backup->dry_run));
    json_object_set_new(report, "time_dir", claimed ? json_string(backup->claim.time_dir) : json_null());
    json_object_set_new(report, "run", json_string(session->id));
    json_object_set_new(report, "sources", sources);
    return report_print(session, report);
}

void summary_log(const struct session *session, const struct backup *backup)
{
    char all[UNITS_TEXT], sent[UNITS_TEXT], time[UNITS_TEXT];
    size_t i;

    for (i = 0; i < backup->source_count; i++) {
        const struct tally *tally = &backup->sources[i].tally;

        log_info(session->log, "%s %s: %" PRIu64 " files, %s: %" PRIu64 " %s (%s), %" PRIu64 " unchanged%s%s",
                 backup->sources[i].source->name, backup->dry_run ? "would be backed up" : "backed up", tally->files,
                 units_bytes(tally->bytes, all), tally->uploaded_files + tally->repaired_files,
                 backup->dry_run ? "to send at most" : "sent", units_bytes(tally->uploaded_bytes, sent),
                 (uint64_t)tally->referenced_files,
                 tally->repaired_files != 0 ? "; objects damaged in the store were sent again" : "",
                 tally->sockets_skipped != 0 ? "; sockets skipped" : "");
    }
    if (!backup->dry_run)
        log_info(session->log, "point %s is complete (run %s, %s)", backup->claim.time_dir, backup->claim.run,
                 units_duration(clock_mono_ms() - session->began_ms, time));
}
