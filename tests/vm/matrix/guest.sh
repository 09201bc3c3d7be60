# SPDX-License-Identifier: GPL-2.0-only
# In the guest: guest.sh EXPECT VARIANT LOAD WORKLOAD-OPTIONS -- MONITOR-OPTIONS
expect=$1
variant=$2
load=$3
shift 3

# The shrinker takes extent status entries away inside the window.
press() {
	while :; do
		echo 2 >/proc/sys/vm/drop_caches
		usleep 1000
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
		ext4race-detect -o json -d 1.5 "$@" >"/out/storm-$i.json" || exit 1
	done
	left >/out/left
	wait "$racing" || exit 1
}

if [ "$expect" = storm ]; then
	storm "$@"
	exit
fi
[ "$variant" != pressure ] || press &
sh /usr/local/bin/watch.sh row "$load" "$@" || exit 1
cat /proc/fs/ext4/vda/es_shrinker_info >/out/shrinker 2>/dev/null || :
