#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every source file says its licence in one of its first three lines. Reads file names on stdin; ./dev lint runs it.
set -euo pipefail

status=0
while IFS= read -r file; do
    if ! head -n 3 "$file" | grep -qF 'SPDX-License-Identifier: Apache-2.0'; then
        echo "$file: add a line \"SPDX-License-Identifier: Apache-2.0\" at its top, as a comment"
        status=1
    fi
done
exit $status
