# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# while_mapped SIZE COMMAND...: again and again, for FIELD_SECONDS, on a new sparse file
# /srv/data that another process has mapped and stores to.
while_mapped() {
	local size=$1 end=$((SECONDS + FIELD_SECONDS)) rounds=0
	shift
	cd /srv || exit
	# One Python for all rounds: it starts slowly.
	coproc python3 /field/store.py
	while ((SECONDS < end)); do
		rm -f data && truncate -s "$size" data
		echo data >&"${COPROC[1]}"
		read -r -u "${COPROC[0]}" _ || exit
		"$@"
		read -r -u "${COPROC[0]}" _ || exit
		rounds=$((rounds + 1))
	done
	echo "rounds: $rounds"
}
