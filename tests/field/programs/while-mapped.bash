# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# while_mapped SIZE COMMAND...: again and again, for FIELD_SECONDS, on a new sparse file
# /srv/data that another process has mapped and stores to.
while_mapped() {
	local size=$1 store end=$((SECONDS + FIELD_SECONDS))
	shift
	cd /srv || exit
	while ((SECONDS < end)); do
		rm -f data && truncate -s "$size" data
		coproc python3 /field/store.py data
		store=$COPROC_PID
		# Python starts slowly: without this the other side would be done before it has begun.
		read -r -u "${COPROC[0]}" _
		"$@"
		wait "$store"
	done
}
