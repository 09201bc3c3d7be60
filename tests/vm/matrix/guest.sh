# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest: guest.sh EXPECT N VARIANT LOAD WORKLOAD-OPTIONS -- MONITOR-OPTIONS
expect=$1
n=$2
variant=$3
load=$4
shift 4

# Makes the shrinker reclaim extent status entries inside the window.
press() {
	while :; do
		echo 2 >/proc/sys/vm/drop_caches
		usleep 1000
	done
}

# Records how many entries the extent status trees have at most.
measure_tree() {
	most=0
	while :; do
		read -r _ objects _ <<-END
			$(grep -m 1 objects /proc/fs/ext4/vda/es_shrinker_info | sed 's/^/x /')
		END
		[ "${objects:-0}" -le "$most" ] || echo "$((most = objects))" >/out/objects
		usleep 300000
	done
}

left() {
	if grep -q ext4_ /sys/kernel/debug/kprobes/list 2>/dev/null; then
		echo "kprobes left"
	elif grep -q ext4_ /sys/kernel/tracing/enabled_functions 2>/dev/null; then
		echo "fentry programs left"
	elif grep -qr '^1' /sys/kernel/tracing/events/ext4/*/enable; then
		echo "tracepoints left"
	else
		echo "nothing left"
	fi
}

# 20 short runs of the monitor while four processes race.
storm() {
	work=
	while [ "$1" != -- ]; do
		work="$work $1"
		shift
	done
	shift
	# shellcheck disable=SC2086
	race --dir /mnt/ext4 --mode "$load" --processes 4 $work >/out/row.load &
	racing=$!
	i=0
	while [ "$i" -lt 20 ]; do
		i=$((i + 1))
		before=$(cat /sys/fs/ext4/vda/delayed_allocation_blocks)
		ext4race-detect -o json -d 1.5 "$@" >"/out/storm-$i.json" || exit 1
		after=$(cat /sys/fs/ext4/vda/delayed_allocation_blocks)
		echo "$((after - before))" >"/out/storm-$i.kernel"
	done
	left >/out/left
	# The storm lasts as long as the runs. It prints its counts when it ends.
	kill -TERM "$racing"
	wait "$racing" || :
	[ -s /out/row.load ]
}

wait_for() { # PID PATTERN FILE
	while ! grep -q "$2" "$3"; do
		kill -0 "$1" 2>/dev/null || { cat "$3"; exit 1; }
		usleep 20000
	done
}

wait_for_count() { # PID COUNT PATTERN FILE
	until [ "$(grep -c "$3" "$4")" -ge "$2" ]; do
		kill -0 "$1" 2>/dev/null || { echo "the monitor ended without $3, $2 times"; exit 1; }
		usleep 100000
	done
}

# netlink COLUMN: the sum of a column over the sockets that receive the kernel's announcements.
netlink() {
	awk -v column="$1" '$2 == 15 { n += $column } END { print n + 0 }' /proc/net/netlink
}

# deaf PID COMMAND...: runs the command; the monitor PID loses all announcements of it.
deaf() {
	pid=$1
	shift
	lost=$(netlink 9)
	kill -STOP "$pid"
	i=0
	while [ "$i" -lt 2000 ]; do
		i=$((i + 1))
		echo add >/sys/module/printk/uevent || exit 1
	done
	"$@" || exit 1
	[ "$(netlink 9)" -gt "$lost" ] || { echo "no announcement was lost"; exit 1; }
	kill -CONT "$pid"
	while [ "$(netlink 5)" -gt 0 ]; do
		kill -0 "$pid" 2>/dev/null || { echo "the monitor ended"; exit 1; }
		usleep 20000
	done
}

reload() {
	rmmod ext4 && modprobe ext4
}

unload() { # PID COUNT
	rmmod ext4 || exit 1
	wait_for_count "$1" "$2" "ext4 was unloaded" /out/row.err
}

# The module is not loaded, then loaded, unloaded and loaded again; the monitor does not hear of the last time.
module() {
	while [ "$1" != -- ]; do shift; done
	shift
	ext4race-detect --no-wait -d 1 "$@" 2>/out/no-wait
	echo $? >>/out/no-wait
	ext4race-detect -o json --output-file /out/row.json "$@" 2>/out/row.err &
	monitor=$!
	wait_for "$monitor" "waiting for it" /out/row.err
	# The log is rotated meanwhile: all further output has to be in the new file.
	mv /out/row.json /out/row.json.1
	kill -HUP "$monitor"
	until [ -e /out/row.json ]; do
		kill -0 "$monitor" 2>/dev/null || { echo "SIGHUP ended the monitor"; exit 1; }
		usleep 20000
	done
	for life in 1 2 3; do
		case $life in
		1) modprobe ext4 && wait_for "$monitor" '"type":"start"' /out/row.json ;;
		2) modprobe ext4 ;;
		3) deaf "$monitor" reload ;;
		esac
		wait_for_count "$monitor" $((life - 1)) "is back: attached" /out/row.err
		mount -t ext4 /dev/vda /mnt/ext4 || exit 1
		race --dir /mnt/ext4 --mode "$load" --leaks 500 --duration 60 >"/out/load-$life" || exit 1
		umount /mnt/ext4
		# While the verdict is sampled, the sample's tracepoints keep the module loaded.
		wait_for_count "$monitor" "$life" '"type":"verdict"' /out/row.json
		case $life in
		# The ext4 that runs is still the same.
		1) deaf "$monitor" true && unload "$monitor" 1 ;;
		3) unload "$monitor" 3 ;;
		esac
	done
	kill -TERM "$monitor"
	wait "$monitor"
}

# What doctor predicts, before anything is attached.
foretell() {
	while [ "$1" != -- ]; do shift; done
	shift
	ext4race-detect doctor -o json "$@" >/out/doctor.json 2>/out/doctor.err
	echo $? >/out/doctor.status
	left >/out/doctor.left
}

# A second monitor counts the same run in another way.
second=
start_second() {
	# shellcheck disable=SC2086
	ext4race-detect -o json $1 >/out/second.json 2>/out/second.err &
	second=$!
	wait_for "$second" '"type":"start"' /out/second.json
}

# Where nothing leaks, the workload cannot count: the monitor's own count ends the run.
stop_at() { # N
	until [ "$(grep -c '"type":"overwrite"' /out/row.json)" -ge "$1" ]; do
		usleep 300000
	done
	killall -TERM race
}

# The rights of the systemd unit, on a Debian that nobody changed.
take_rights() {
	caps="-all,+bpf,+perfmon,+syslog,+dac_read_search"
	mv /usr/local/bin/ext4race-detect /usr/local/bin/with-all-rights
	cat >/usr/local/bin/ext4race-detect <<-END
		#!/bin/sh
		exec /usr/local/bin/setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \
			--inh-caps $caps --ambient-caps $caps --bounding-set $caps \
			/usr/local/bin/with-all-rights "\$@"
	END
	chmod +x /usr/local/bin/ext4race-detect
	echo 3 >/proc/sys/kernel/perf_event_paranoid
}

[ "$variant" != unit-rights ] || take_rights || exit 1
if [ "$expect" = module ]; then
	module "$@"
	exit
fi
if [ "$expect" = storm ]; then
	storm "$@"
	exit
fi
# As if the kernel had been built without BTF.
[ "$variant" != no-kernel-btf ] || mount -t tmpfs none /sys/kernel/btf || exit 1
[ "$variant" != pressure ] || press &
[ "$variant" != large-tree ] || measure_tree &
[ "$expect" != agree ] || stop_at "$n" &
foretell "$@"
[ ! -e /usr/local/bin/second ] || start_second "$(cat /usr/local/bin/second)"
sh /usr/local/bin/watch.sh row "$load" "$@" || exit 1
if [ -n "$second" ]; then
	kill -TERM "$second"
	wait "$second" || exit 1
fi
cat /proc/fs/ext4/vda/es_shrinker_info >/out/shrinker 2>/dev/null || :
