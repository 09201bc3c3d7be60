# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest: a host that works while the detector watches it. Each textfile
# that the detector writes goes out between two marks.
seconds=$1
file=/tmp/ext4race.prom
ext4race-detect -o json --textfile $file >/tmp/json 2>/tmp/err &
detector=$!
race --dir /mnt/ext4 --mode fallocate --no-aim --duration "$seconds" >/tmp/load &
load=$!
shown=
while kill -0 $load 2>/dev/null; do
	now=$(stat -c '%Y %i' $file 2>/dev/null)
	if [ -n "$now" ] && [ "$now" != "$shown" ]; then
		shown=$now
		echo "BEGIN METRICS"
		cat $file
		echo "END METRICS"
	fi
	# Buffered writes, as every host makes: what the verdict is sampled from.
	dd if=/dev/zero of=/mnt/ext4/buffered bs=4k count=16 2>/dev/null
	rm /mnt/ext4/buffered
	kill -0 $detector || { cat /tmp/err; exit 1; }
	usleep 200000
done
kill -TERM $detector
wait $detector || exit 1
echo "BEGIN METRICS"
cat $file
echo "END METRICS"
cat /tmp/load
