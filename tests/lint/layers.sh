#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Who may include whom (docs/design.md, "Rooms"). Reads names of C files on stdin; ./dev lint runs it. The table is the law:
# a file is ruled by the longest name at the left that its path begins with, and may include its own room, <system headers>,
# snapferry/plugin.h, and what stands at the right: a folder (with its slash) or one header of plain data.
set -euo pipefail

TABLE=$(cat <<'END'
base/             -
core/progress/    base/ core/cli/options.h
core/manifest/    base/
core/walk/        base/ core/manifest/
core/merge/       base/ core/manifest/entry.h
core/plan/        base/ core/manifest/entry.h
core/store/       base/ core/progress/log.h
core/cli/         base/ core/walk/pattern.h core/manifest/manifest.h
core/config/      base/ core/cli/options.h core/cli/names.h core/manifest/manifest.h core/plan/plan.h core/walk/pattern.h
core/guard/       base/
core/lanes/       base/ core/manifest/ core/store/ core/walk/walk.h
core/point/       base/ core/manifest/ core/store/ core/config/config.h
core/check/       base/ core/manifest/ core/store/ core/point/point.h core/lanes/pool.h core/progress/
core/backup/      base/ core/manifest/ core/store/ core/point/point.h core/lanes/ core/merge/ core/walk/ core/plan/plan.h core/check/check.h core/config/config.h core/progress/
core/restore/     base/ core/manifest/ core/store/ core/point/point.h core/lanes/pool.h core/merge/merge.h core/walk/ core/guard/guard.h core/progress/
core/pipeline/    base/ core/
core/command/     base/ core/cli/ core/config/ core/store/ core/progress/ tests/conformance/conformance.h
core/main.c       base/ core/cli/ core/command/ core/pipeline/pipeline.h core/progress/
plugins/common/   base/
plugins/          base/ plugins/common/
include/          -
bench/            base/
examples/         -
tests/conformance/ base/
tests/            base/ core/ plugins/ tests/
END
)

# Third-party headers have rooms of their own too: the core never speaks HTTP, plugins never read our JSON.
SYSTEM=$(cat <<'END'
curl/       plugins/common/ bench/ tests/
expat.h     plugins/common/ bench/ tests/
jansson.h   core/ plugins/s3/ plugins/gcs/ tests/
zstd.h      core/manifest/ tests/
openssl/    base/ core/lanes/hash.c plugins/ bench/ tests/
isa-l.h     base/ bench/ tests/
dlfcn.h     core/store/ tests/
END
)

mapfile -t files
if [ -z "${files[0]:-}" ]; then
    echo "no files given"
    exit 1
fi

grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]' -- /dev/null "${files[@]}" | awk -v table="$TABLE" -v systems="$SYSTEM" '
    function under(path, start) { return substr(path, 1, length(start)) == start }
    function room_of(path,    i, best) {
        best = ""
        for (i in rooms)
            if (under(path, i) && length(i) > length(best))
                best = i
        return best
    }
    BEGIN {
        count = split(table, lines, "\n")
        for (i = 1; i <= count; i++) {
            fields = split(lines[i], word, /[ \t]+/)
            rooms[word[1]] = ""
            for (j = 2; j <= fields; j++)
                rooms[word[1]] = rooms[word[1]] " " word[j]
        }
        count = split(systems, lines, "\n")
        for (i = 1; i <= count; i++) {
            split(lines[i], word, /[ \t]+/)
            allowed[word[1]] = lines[i]
            sub(/^[^ \t]+[ \t]+/, "", allowed[word[1]])
        }
    }
    {
        file = $0; sub(/:.*/, "", file)
        line = substr($0, length(file) + 2); sub(/:.*/, "", line)
        angle = $0 ~ /include[[:space:]]*</
        header = $0; sub(/^[^"<]*["<]/, "", header); sub(/[">].*/, "", header)
        room = room_of(file)
        if (room == "") {
            if (!told[file]++)
                printf "%s: no room in the table of tests/lint/layers.sh has this file: add a line for its folder\n", file
            bad = 1
            next
        }
        if (angle && header != "snapferry/plugin.h") {
            for (name in allowed) {
                if (header != name && !under(header, name))
                    continue
                fields = split(allowed[name], word, /[ \t]+/)
                fine = 0
                for (i = 1; i <= fields; i++)
                    fine = fine || under(file, word[i])
                if (!fine) {
                    printf "%s:%s: <%s> belongs to %s: move what needs it there\n", file, line, header, allowed[name]
                    bad = 1
                }
            }
            next
        }
        if (header == "snapferry/plugin.h" || (room ~ /\/$/ && under(header, room) && room != "plugins/"))
            next
        own = file; sub(/[^\/]*$/, "", own) # plugins and examples: a folder of their own each, built by itself
        if ((room == "plugins/" || room == "examples/") && (under(header, own) || header !~ /\//))
            next
        fine = 0
        fields = split(rooms[room], word, " ")
        for (i = 1; i <= fields; i++)
            if (header == word[i] || (word[i] ~ /\/$/ && under(header, word[i])))
                fine = 1
        if (room == "core/pipeline/" && under(header, "core/command/"))
            fine = 0
        if (!fine) {
            printf "%s:%s: %s may not include \"%s\": pass what is needed as an argument or move it to a room that both may use; " \
                "if the direction is right after all, change the table in tests/lint/layers.sh and docs/design.md\n", \
                file, line, room, header
            bad = 1
        }
    }
    END { exit bad }'
