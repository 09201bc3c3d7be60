#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# fallocate(1) on a sparse file that another process has mapped and stores to.
# shellcheck source=tests/field/programs/while-mapped.bash
. /field/while-mapped.bash
allocate() {
	local at
	for ((at = 0; at < 16; at++)); do
		fallocate -o $((at << 20)) -l 1MiB data
	done
}
while_mapped 16m allocate
