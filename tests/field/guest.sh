# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest: guest.sh SECONDS NAME...: each program in the userland on the ext4 image,
# between start and end of a monitor. What both say goes to /out.
seconds=$1
shift
R=/mnt/ext4
RESIDUAL=/sys/fs/ext4/vda/delayed_allocation_blocks

for dir in dev proc sys tmp run; do
	mkdir -p $R/$dir
done
mount -o bind /dev $R/dev
mount -o bind /sys $R/sys
mount -t cgroup2 cgroup $R/sys/fs/cgroup
mount -t proc proc $R/proc
mount -t tmpfs run $R/run
mkdir -p $R/run/lock
# Its httpd sends ranges of a file, which Python's does not.
cp /bin/busybox $R/field/

begin_monitor() {
	ext4race-detect -o json >"$1" 2>/tmp/monitor.err &
	monitor=$!
	until grep -q '"type":"start"' "$1"; do
		kill -0 $monitor || { cat /tmp/monitor.err; exit 1; }
		usleep 50000
	done
}

status=0
for name; do
	rm -rf $R/srv/*
	sync
	before=$(cat $RESIDUAL)
	begin_monitor "/out/$name.json"
	FIELD_SECONDS=$seconds chroot $R /bin/bash "/field/$name.sh" >"/out/$name.log" 2>&1
	ended=$?
	sync
	kill -INT $monitor
	wait $monitor
	echo "$name: ended with $ended, residual $before to $(cat $RESIDUAL)"
	# Told at once, too: what is in /out is lost when the whole run takes too long.
	sed -n '/"type":"summary"/p' "/out/$name.json"
	if [ $ended != 0 ]; then
		tail -n 5 "/out/$name.log"
		status=1
	fi
done
umount $R/run $R/proc $R/sys/fs/cgroup $R/sys $R/dev
exit $status
