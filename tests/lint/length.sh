#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# No file over 500 lines (an error), no C function over 60 (a warning). Reads file names on stdin; ./dev lint runs it.
# One exception: include/snapferry/plugin.h, since a plugin is promised a single header that needs no other.
set -euo pipefail

mapfile -t files
awk '
    FNR == 1 { lines[FILENAME] = 0; start = 0 }
    { lines[FILENAME]++ }
    FILENAME ~ /\.c$/ && /^[A-Za-z_].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
    FILENAME ~ /\.c$/ && /^\{/ { start = FNR }
    FILENAME ~ /\.c$/ && /^\}/ && start {
        if (FNR - start - 1 > 60)
            printf "warning: %s:%d: %s has %d lines; more than 60 read badly: give its steps names\n", FILENAME, start, name, FNR - start - 1
        start = 0
    }
    END {
        for (file in lines)
            if (lines[file] > 500 && file != "include/snapferry/plugin.h") {
                printf "%s has %d lines, 500 is the limit: split it, a file a noun or verb (and list the new one in its meson.build)\n", file, lines[file]
                bad = 1
            }
        exit bad
    }' "${files[@]}"
