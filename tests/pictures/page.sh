#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/pictures/page-{light,dark}.png: the live page while the race goes on in a virtual machine
# with Debian 11's vulnerable kernel. The guest keeps what the page said every 5 seconds; the
# browser here is shown these, one after the other.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$top/tests/vm/kernel" 5.10.0-32-cloud >/dev/null
"$top/tests/vm/run" --timeout 900 --silence 300 --out "$work/out" --add "$top/ext4race-detect" \
	--add "$top/tests/workload/race" 5.10.0-32-cloud "$top/tests/pictures/guest/page.sh"
mkdir -p "$top/docs/pictures"
"$top/tests/page/drive" "$top/tests/pictures/page.js" "$work/out" "$top/user/http/page" "$top/docs/pictures"
