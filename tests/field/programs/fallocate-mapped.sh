#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# fallocate(1) on a sparse file that another process has mapped and stores to.
cd /srv || exit
end=$((SECONDS + FIELD_SECONDS))
while ((SECONDS < end)); do
	rm -f data && truncate -s 16m data
	coproc python3 /field/store.py data
	store=$COPROC_PID
	# Python starts slowly: without this the other side would be done before it has begun.
	read -r -u "${COPROC[0]}" _
	for ((at = 0; at < 16; at++)); do
		fallocate -o $((at << 20)) -l 1MiB data
	done
	wait $store
done
