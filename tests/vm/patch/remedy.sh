# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest: remedy.sh N [counts]. The module before, with and after it, loaded and taken
# out in the middle of a storm. It is livepatch.sh with numbers for slow guests: N blocks
# leak before it and after it, and N inserts are averted with it. "counts" is for 6.12 and
# newer, where races leave no reservations behind but blocks that are charged twice. e2fsck
# would find those, and here nothing races without the module.
# shellcheck source=tests/vm/patch/guest.sh
. /usr/local/bin/guest.sh

storm_begins() {
	race --dir /mnt/ext4 --mode processes --processes 2 --duration 3600 >/tmp/storm.json &
	storm=$!
}

# The storm must still be there: a task that died in the module would have taken it along.
storm_ends() { # NAME
	kill -TERM $storm
	check "$1" $? 'the storm went on'
	wait $storm
	sync
}

averted() {
	cat $COUNTERS/averted
}

enough() {
	[ $(($(averted) - from)) -ge "$1" ]
}

verify_is verify-before vulnerable
if [ -z "${2:-}" ]; then
	race_until --leaks "$1"
	between before "$leaked" "$1" '' "blocks leaked in $attempts attempts before"
fi

storm_begins
if ! livepatch_load; then
	check load 1 "$(dmesg | tail -n 3)"
	exit 1
fi
check load 0 "loaded in a storm, by $(cat $COUNTERS/way)"
storm_ends storm-load

base=$(cat $RESIDUAL)
from=$(averted)
verify_is verify-loaded fixed
rounds=0
all=0
differ=0
until enough "$1" || [ $rounds -ge 100 ]; do
	race_until --races $((50 * $1)) --verify-data
	rounds=$((rounds + 1))
	echo "round $rounds: $(($(averted) - from)) averted in $attempts attempts"
	all=$((all + leaked))
	differ=$((differ + mismatches))
done
between averted $(($(averted) - from)) "$1" '' 'inserts averted'
between unchecked "$(cat $COUNTERS/unchecked)" 0 0 'inserts that could not be checked'
between loaded "$all" 0 0 'blocks leaked meanwhile'
between residual "$(cat $RESIDUAL)" "$base" "$base" 'blocks still held from before'
between data "$differ" 0 0 'pages differ'
# The files stay for e2fsck, which runs on the image afterwards.
race_until --files 8 --keep
between kept "$leaked" 0 0 'blocks leaked with files kept'

storm_begins
livepatch_unload
check unload $? 'taken out in a storm'
storm_ends storm-unload
verify_is verify-after vulnerable
if [ -z "${2:-}" ]; then
	race_until --leaks "$1"
	between after "$leaked" "$1" '' "blocks leaked in $attempts attempts after"
fi
echo end
