# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest: cycles.sh N. Load and unload the livepatch N times under load.
# shellcheck source=tests/vm/patch/guest.sh
. /usr/local/bin/guest.sh

race --dir /mnt/ext4 --mode fallocate --verify-data --duration 86400 >/tmp/load.json &
load=$!
cycle=0
averted=0
while [ $cycle -lt "$1" ]; do
	livepatch_load || break
	averted=$((averted + $(cat $COUNTERS/averted)))
	livepatch_unload
	cycle=$((cycle + 1))
	[ $((cycle % 20)) != 0 ] || echo "cycle $cycle"
done
kill -0 $load
check alive $? 'the workload is still there'
kill -TERM $load
wait $load
between cycles $cycle "$1" '' 'cycles of load and unload under load'
between errors "$(field data_mismatches </tmp/load.json)" 0 0 'pages differ'
between averted "$averted" 1 '' 'inserts refused meanwhile'
echo end
