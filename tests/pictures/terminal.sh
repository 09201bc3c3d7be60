#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# terminal.sh: docs/pictures/terminal.svg, of what the monitor writes to a terminal while a
# vulnerable kernel races in a VM. Needs the command and the workload; make pictures has them.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${CC:-cc}" -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -static -o "$work/pty" "$top/tests/host/pty.c"
"$top/tests/vm/run" --timeout 600 --silence 300 --out "$work/out" --add "$work/pty" \
	--add "$top/ext4race-detect" --add "$top/tests/workload/race" \
	5.10.0-32-cloud "$here/guest/terminal.sh"
mkdir -p "$top/docs/pictures"
"${PYTHON:-python3}" "$here/terminal.py" 140x40 <"$work/out/bytes" >"$work/svg"
grep -q ' overwritten' "$work/svg"
mv "$work/svg" "$top/docs/pictures/terminal.svg"
echo "docs/pictures/terminal.svg: $(wc -c <"$top/docs/pictures/terminal.svg") bytes"
