# SPDX-License-Identifier: GPL-2.0-only
# In the guest: watch.sh NAME MODE WORKLOAD-OPTIONS -- MONITOR-OPTIONS
#
# Runs the workload under the monitor. In /out: NAME.json (the monitor's lines),
# NAME.log (the workload's operations), NAME.load (its summary).
name=$1
mode=$2
shift 2
load=
while [ "$1" != -- ]; do
	load="$load $1"
	shift
done
shift

ext4race-detect -o json "$@" >"/out/$name.json" 2>"/out/$name.err" &
monitor=$!
# The start line promises that everything is attached.
while ! grep -q '"type":"start"' "/out/$name.json" 2>/dev/null; do
	if ! kill -0 "$monitor" 2>/dev/null; then
		wait "$monitor"
		echo "$name: the monitor ended with $?: $(cat "/out/$name.err")"
		exit 1
	fi
	usleep 20000
done
# The monitor is stopped: its buffer has to overflow, and the counts have to be exact all the same.
[ "$name" != overflow ] || kill -STOP "$monitor"
# A victim that is held up in its window finds what was unwritten WRITTEN.
if [ "$name" = written ]; then
	widen race-fault 3000 >/out/widen 2>&1 &
	widen=$!
fi
# shellcheck disable=SC2086
race --dir /mnt/ext4 --mode "$mode" --log "/out/$name.log" $load >"/out/$name.load" &
race=$!
# A written victim is rare, and a busy machine makes it rarer: enough of them end this run.
while [ "$name" = written ] && kill -0 "$race" 2>/dev/null; do
	[ "$(grep -c '"was":"written"' "/out/$name.json")" -lt 4 ] || kill -TERM "$race"
	usleep 200000
done
wait "$race"
status=$?
[ "$name" != written ] || wait "$widen" || exit 1
kill -TERM "$monitor"
kill -CONT "$monitor"
wait "$monitor"
echo "$? $status" >"/out/$name.status"
# Umount gives leaked blocks back, so every run starts at zero.
umount /mnt/ext4 && mount -t ext4 /dev/vda /mnt/ext4
