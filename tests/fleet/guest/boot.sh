# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Debian with its systemd as the first process of a PID namespace, its root on an ext4
# filesystem that is mounted. It runs /guest/test.sh there and exits with its status.
#
# In a virtual machine without arguments. On a machine that does other work, too:
#	boot.sh here DEBIAN.tar GUEST ROOT OUT
# Then it cannot reach that machine's devices, sysctls, network and control groups.
where=${1:-vm}
tar=${2:-/debian.tar} guest=${3:-/guest} root=${4:-/mnt/ext4} out=${5:-/out}
[ -d "$root" ] || exit 1
tar -xf "$tar" -C "$root" || exit 1
cp -r "$guest" "$root/guest"
mkdir -p "$root/out"
cat >"$root/etc/systemd/system/fleet-test.service" <<-END
	[Unit]
	Description=Fleet test
	After=multi-user.target
	[Service]
	Type=exec
	ExecStart=/bin/bash /guest/test.sh
	StandardOutput=file:/out/log
	StandardError=file:/out/log
	ExecStopPost=/bin/sh -c 'systemctl exit \$\$EXIT_STATUS'
END
ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
mkdir -p "$root/etc/systemd/system/default.target.wants"
ln -s ../fleet-test.service "$root/etc/systemd/system/default.target.wants/"
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
echo vm >"$root/etc/hostname"

# The modules of this kernel are not in there: what mounts an image finds the devices.
[ "$where" = here ] || modprobe loop || exit 1
mkdir -p "$out"
: >"$out/log"
tail -f "$out/log" &
tail=$!
lead="unshare -m -p -f"
if [ "$where" = here ]; then
	# It ends with whoever ends this.
	lead="setpriv --pdeathsig KILL $lead -n -i -u -C --kill-child"
	top=/sys/fs/cgroup
	[ -e $top/cgroup.procs ] || top=$top/unified
	old=$top$(sed -n 's/^0:://p' /proc/self/cgroup)
	group=$top/ext4race-fleet.$$
	mkdir $group && echo $$ >$group/cgroup.procs || exit 1
fi
# shellcheck disable=SC2016,SC2086 # of the inner shell; several words
$lead sh -c '
	mount --make-rprivate /
	cd "$1" || exit 1
	mount -t proc proc proc
	mount --rbind /sys sys
	drop=
	if [ "$3" = here ]; then
		disk=$(stat -c "0x%t 0x%T" "$(df --output=source . | tail -n 1)")
		mount --bind proc/sys proc/sys && mount -o remount,bind,ro proc/sys &&
			mount -o remount,bind,ro sys && umount -l sys/fs/cgroup &&
			mount -t cgroup2 cgroup2 sys/fs/cgroup && mount -t tmpfs -o mode=755 tmpfs dev || exit 1
		for node in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
			set -- "$1" "$2" "$3" $node
			mknod -m 666 "dev/$4" c "$5" "$6"
		done
		mkdir dev/pts dev/shm dev/mqueue dev/hugepages
		ln -s pts/ptmx dev/ptmx
		# Something to be kept from.
		mknod -m 600 dev/vda b $disk
		drop="setpriv --bounding-set -sys_time,-sys_boot,-sys_module"
	else
		mount --rbind /dev dev
	fi
	mount -t tmpfs -o mode=755 tmpfs run
	mount --bind "$2" out
	mount --move . /
	exec $drop chroot . /usr/bin/env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		/lib/systemd/systemd --log-target=journal
' sh "$root" "$out" "$where"
status=$?
if [ "$where" = here ]; then
	echo $$ >"$old/cgroup.procs"
	find "$group" -depth -type d -exec rmdir {} \;
fi
usleep 300000 2>/dev/null || sleep 0.3
kill $tail
exit $status
