#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The main job from end to end, with the snapshot of a real database. Everything happens in a temporary folder that is
# removed at the end. ./dev demo builds snapferry and runs this with the path of the binary.
set -euo pipefail

snapferry_binary=$(realpath "$1")
archive=$(realpath "$(dirname "$0")/../tests/data/banyandb-small.tar.zst")
work=$(mktemp -d "${TMPDIR:-/tmp}/snapferry-demo-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
exec 2>&1
unset SNAPFERRY_CONFIG STATE_DIRECTORY
export XDG_STATE_HOME=$work/state

tell() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
[ -t 1 ] || tell() { printf '\n# %s\n' "$*"; }
show() { # COMMAND...: prints it as one would type it, then runs it
    printf '$ %s\n' "$*"
    "$@"
}
attributes() { (cd "$1" && find ./*/ -printf '%p %y %m %U %G %T@ %l\n' | sort); }
snapferry() { "$snapferry_binary" "$@"; }

tell "A database left its snapshot on disk: folders of many small files"
mkdir db
tar --use-compress-program=zstd -xf "$archive" -C db
show du -sh db/measure db/property db/schema-property
echo "$(find db -type f | wc -l) files, $(find db -type f -size -4k | wc -l) of them smaller than 4 KiB"

tell "One config file says where they are and where they go"
cat >snapferry.json <<END
{ "destination": { "plugin": "localfs", "path": "$work/store", "prefix": "prod/db-1" },
  "sources": [ { "name": "measure",         "path": "$work/db/measure" },
               { "name": "property",        "path": "$work/db/property" },
               { "name": "schema-property", "path": "$work/db/schema-property" } ] }
END
mkdir store
export SNAPFERRY_CONFIG=$work/snapferry.json
show cat snapferry.json

tell "First backup: everything is sent, then one commit makes the restore point exist"
show snapferry backup

tell "Second backup, nothing has changed: no data is written, every file is referred to"
show snapferry backup

tell "A file changes, one is new, one goes; third backup: only what changed is sent"
changed=$(find db/measure -type f -name '*.bin' | sort | head -n 1)
gone=$(find db/property -type f | sort | tail -n 1)
cp -a db before
show sh -c "echo 'one more line' >>'$changed'"
show sh -c "echo 'a new file' >db/measure/new-file"
show rm "$gone"
show snapferry backup

tell "Three restore points"
show snapferry list

tell "Is the newest one whole? Every byte is read back and hashed"
show snapferry verify latest --deep

tell "What lies in the store: plain files under their own paths, and an index a source"
find store -type f -path '*/.snapferry/*' | sort
find store -type f -not -path '*/.snapferry/*' | sort | sed -n '1,3p'
echo "..., $(find store -type f -not -path '*/.snapferry/*' | wc -l) objects in all"

tell "Disaster: the database's folders are gone. Bring them back"
mv db lost
show snapferry restore latest --to db
show diff -r --no-dereference lost db
diff <(attributes lost) <(attributes db)
echo "identical: content, types, modes, owners, times"

tell "And as they were at first"
first=$(snapferry list --json | jq -r '[.[] | select(.status == "complete")] | sort_by(.started)[0].time_dir')
show snapferry restore "$first" --to first
show diff -r --no-dereference before first
diff <(attributes before) <(attributes first)
echo "identical"

tell "Without Snapferry: the index is JSON Lines in zstd"
manifest=$(find store -name 'measure.manifest.jsonl.zst' | sort | head -n 1)
printf '$ zstdcat %s | jq -c %s | head -n 3\n' "${manifest#"$work"/}" "'select(.type==\"file\") | {path, size, sha256}'"
zstd -dcq "$manifest" | jq -c 'select(.type == "file") | {path, size, sha256}' | head -n 3 || true

tell "That was the main job. ./dev test runs the tests; README.md has the first backup of your own"
