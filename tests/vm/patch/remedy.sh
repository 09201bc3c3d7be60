# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest: remedy.sh N [counts | MODE...]. The module before, with and after it, loaded and
# taken out in the middle of a storm. It is livepatch.sh with numbers for slow guests: N blocks
# leak before it and after it, and N inserts are averted with it. "counts" is for 6.12 and
# newer, where races leave no reservations behind but blocks that are charged twice. e2fsck
# would find those, and here nothing races without the module. For each MODE a detector watches
# with --attach MODE, before, with and after the module: it has to count as the kernel and the
# module do.
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
	cat $COUNTERS/averted 2>/dev/null || echo 0
}

# The module's counter goes with it. Its last word in the log is the whole sum.
averted_to_the_end() {
	dmesg | sed -n 's/.*ext4race_livepatch: unloaded after averting \([0-9]*\).*/\1/p' | tail -n 1
}

watch_begins() {
	held=$(cat $RESIDUAL)
	caught=$(averted)
	for mode in $modes; do
		watch_start "$mode"
	done
}

# What each detector saw since watch_begins: as many overwrites as blocks are held more, and as
# many averted inserts as the module counted, which are CAUGHT in all.
watch_ends() { # NAME CAUGHT
	for mode in $modes; do
		watch_stop "$mode"
		over=$(($(cat $RESIDUAL) - held))
		between "$1-$mode-overwritten" "$seen_overwritten" "$over" "$over" 'overwrites seen, as the kernel holds'
		between "$1-$mode-averted" "$seen_averted" $(($2 - caught)) $(($2 - caught)) 'averted seen, as the module counted'
		between "$1-$mode-leaked" "$seen_leaked" "$over" "$over" 'leaked blocks seen'
	done
}

enough() {
	[ $(($(averted) - from)) -ge "$1" ]
}

needed=$1
shift
counts=
modes=
if [ "${1:-}" = counts ]; then
	counts=yes
elif [ -x /usr/local/bin/ext4race-detect ]; then
	modes=$*
fi

verify_is verify-before vulnerable
watch_begins
if [ -z "$counts" ]; then
	race_until --leaks "$needed"
	between before "$leaked" "$needed" '' "blocks leaked in $attempts attempts before"
fi

storm_begins
if ! livepatch_load; then
	check load 1 "$(dmesg | tail -n 3)"
	exit 1
fi
check load 0 "loaded in a storm, by $(cat $COUNTERS/way)"
storm_ends storm-load
watch_ends before "$(averted)"

base=$(cat $RESIDUAL)
from=$(averted)
watch_begins
verify_is verify-loaded fixed
rounds=0
all=0
differ=0
until enough "$needed" || [ $rounds -ge 100 ]; do
	race_until --races $((50 * needed)) --verify-data
	rounds=$((rounds + 1))
	echo "round $rounds: $(($(averted) - from)) averted in $attempts attempts"
	all=$((all + leaked))
	differ=$((differ + mismatches))
done
between averted $(($(averted) - from)) "$needed" '' 'inserts averted'
between unchecked "$(cat $COUNTERS/unchecked)" 0 0 'inserts that could not be checked'
between loaded "$all" 0 0 'blocks leaked meanwhile'
between residual "$(cat $RESIDUAL)" "$base" "$base" 'blocks still held from before'
between data "$differ" 0 0 'pages differ'
# The files stay for e2fsck, which runs on the image afterwards.
race_until --files 8 --keep
between kept "$leaked" 0 0 'blocks leaked with files kept'
watch_ends loaded "$(averted)"

watch_begins
storm_begins
livepatch_unload
check unload $? 'taken out in a storm'
storm_ends storm-unload
verify_is verify-after vulnerable
if [ -z "$counts" ]; then
	race_until --leaks "$needed"
	between after "$leaked" "$needed" '' "blocks leaked in $attempts attempts after"
fi
watch_ends after "$(averted_to_the_end)"
echo end
