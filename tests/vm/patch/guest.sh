# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2034
# In the guest: what the scenarios of the patch proofs share. They print one line per
# check, "ok NAME: what was seen" or "FAIL NAME: what was seen", which run counts.

RESIDUAL=/sys/fs/ext4/vda/delayed_allocation_blocks
KLP=/sys/kernel/livepatch/ext4race_livepatch
COUNTERS=/sys/kernel/ext4race_livepatch

# check NAME CONDITION-STATUS TEXT...
check() {
	name=$1
	status=$2
	shift 2
	if [ "$status" = 0 ]; then
		echo "ok $name: $*"
	else
		echo "FAIL $name: $*"
	fi
}

# between NAME VALUE LOW HIGH TEXT: HIGH may be empty.
between() {
	if [ -n "$2" ] && [ "$2" -ge "$3" ] && { [ -z "$4" ] || [ "$2" -le "$4" ]; }; then
		check "$1" 0 "$2 $5"
	else
		check "$1" 1 "${2:-nothing} $5, expected from $3 to ${4:-any}"
	fi
}

# field NAME <<summary: a number out of the workload's summary.
field() {
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"
}

# race_until OPTION...: runs the workload until the options end it (--leaks N, --races N,
# --files N), never until a time. Sets leaked, attempts, mismatches.
race_until() {
	summary=$(race --dir /mnt/ext4 --mode fallocate "$@" | tail -n 1)
	sync
	leaked=$(echo "$summary" | field blocks_leaked)
	attempts=$(echo "$summary" | field attempts)
	mismatches=$(echo "$summary" | field data_mismatches)
}

# wait_for TEXT COMMAND...: waits until it succeeds, a minute at most.
wait_for() {
	text=$1
	shift
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		if [ "$tries" -ge 6000 ]; then
			echo "FAIL wait: $text did not happen"
			dmesg | tail -n 20
			exit 1
		fi
		usleep 10000
	done
}

# by_ftrace: does the module redirect the insert by ftrace? Then nothing is in transition,
# and nothing but rmmod ends it.
by_ftrace() {
	[ "$(cat $COUNTERS/way 2>/dev/null)" = ftrace ]
}

patched() {
	by_ftrace && [ "$(cat $COUNTERS/active)" = 1 ] ||
		[ "$(cat $KLP/enabled 2>/dev/null)$(cat $KLP/transition 2>/dev/null)" = 10 ]
}

unpatched() {
	[ ! -e $KLP ] && { ! by_ftrace || [ ! -e $COUNTERS ]; }
}

livepatch_load() {
	insmod /usr/local/bin/ext4race_livepatch.ko || return 1
	wait_for "the transition to the livepatch" patched
}

livepatch_disable() {
	if by_ftrace; then
		rmmod ext4race_livepatch
		return
	fi
	echo 0 >$KLP/enabled
	wait_for "the transition back" unpatched
}

# is_loaded: is the module there, in use or not?
is_loaded() {
	grep -q '^ext4race_livepatch ' /proc/modules
}

livepatch_unload() {
	livepatch_disable
	is_loaded || return 0
	# The kernel drops its reference to the module a moment after it removes the directory.
	wait_for "removal of the module" rmmod ext4race_livepatch 2>/dev/null
}

# has_command NAME: is the detector here, and does it have this subcommand?
has_command() {
	[ -x /usr/local/bin/ext4race-detect ] &&
		! ext4race-detect "$1" --dir /nowhere 2>&1 | grep -q 'not built yet'
}

# verify_is NAME VERDICT: the detector has to say VERDICT, without any race.
verify_is() {
	has_command verify || return 0
	said=$(ext4race-detect verify --quiet 2>&1)
	[ "$said" = "$2" ]
	check "$1" $? "verify says \"$said\", expected \"$2\""
}

# provoke_averts N: the detector makes the race happen, and the fix catches it.
provoke_averts() {
	has_command provoke || return 0
	mkdir -p /mnt/ext4/provoke
	ext4race-detect provoke --dir /mnt/ext4/provoke --widen 2000 --yes -d 20 -o json >/out/provoke
	check provoke $? 'provoke saw nothing overwritten'
	summary=$(sed -n '/"type":"provoke"/p' /out/provoke)
	between averted "$(echo "$summary" | field averted)" "$1" '' 'averted under provoke --widen'
	between overwritten "$(echo "$summary" | field overwritten_blocks)" 0 0 'overwritten under provoke --widen'
	rm -rf /mnt/ext4/provoke
}

# monitor_start, monitor_stop: the detector watches between them. monitor_stop sets
# seen_averted and seen_overwritten.
monitor_start() {
	watch_start auto
}

monitor_stop() {
	watch_stop auto
}

# watch_start MODE, watch_stop MODE: the same for a detector with --attach MODE; several may
# watch at once. watch_stop sets seen_leaked, too.
watch_start() {
	ext4race-detect -o json --attach "$1" >"/out/monitor-$1.json" 2>"/out/monitor-$1.err" &
	echo $! >"/tmp/monitor-$1.pid"
	until grep -q '"type":"start"' "/out/monitor-$1.json"; do
		if ! kill -0 "$(cat "/tmp/monitor-$1.pid")" 2>/dev/null; then
			check "monitor-$1" 1 "ended early: $(tail -n 1 "/out/monitor-$1.err")"
			return
		fi
		usleep 20000
	done
}

watch_stop() {
	pid=$(cat "/tmp/monitor-$1.pid")
	kill -TERM "$pid"
	wait "$pid"
	summary=$(sed -n '/"type":"summary"/p' "/out/monitor-$1.json")
	seen_averted=$(echo "$summary" | field averted)
	seen_overwritten=$(echo "$summary" | field overwritten_blocks)
	seen_leaked=$(echo "$summary" | field leaked_blocks)
}
