# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest: guest.sh COUNT SEED. Kills the monitor COUNT times in a storm. Afterwards two
# runs on a fresh filesystem have to count exactly: their files in /out are for tests/vm/race/check.
count=$1
seed=$2
outputs="--listen 127.0.0.1:9877 --textfile /tmp/text/e4r.prom"

left() {
	if grep -q ext4_ /sys/kernel/debug/kprobes/list || grep -q ext4_ /sys/kernel/tracing/enabled_functions ||
		grep -q ':ext4race/' /sys/kernel/tracing/kprobe_events ||
		grep -qr '^1' /sys/kernel/tracing/events/ext4/*/enable; then
		echo "something left"
	else
		echo "nothing left"
	fi
}

mkdir -p /tmp/text
# Below the monitor in priority: its threads spin, and a start that waits for them takes a minute.
sh -c 'renice -n 10 -p $$ >/dev/null && exec race --dir /mnt/ext4 --mode processes --processes 2 --duration 14400' >/out/storm.load &
storm=$!
# shellcheck disable=SC2086
{
	killer "$count" "$seed" 9877 /tmp/e4r.json /tmp/text/e4r.prom -- \
		ext4race-detect -o json --output-file /tmp/e4r.json $outputs
	echo $? >/tmp/killer.status
} | tee /out/killer
# The kills prove nothing without the storm.
kill -0 "$storm" || { cat /out/storm.load; echo "the storm ended before the last kill"; exit 1; }
kill -TERM "$storm"
wait "$storm"
left >/out/left
cat /out/storm.load
[ "$(cat /tmp/killer.status)" = 0 ] || exit 1

for attach in auto kprobe; do
	umount /mnt/ext4 && mkfs.ext4 -q -F -b 4096 /dev/vda && mount -t ext4 /dev/vda /mnt/ext4 || exit 1
	# shellcheck disable=SC2086
	sh /usr/local/bin/watch.sh "$attach" fallocate --leaks 200 --duration 600 -- --attach "$attach" $outputs || exit 1
	left >>/out/left
done
