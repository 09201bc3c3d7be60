# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest: Debian with its systemd as the first process of a PID namespace,
# its root on the ext4 filesystem. It runs test.sh and exits with its status.
root=/mnt/ext4
tar -xf /debian.tar -C $root || exit 1
cp -r /guest $root/guest
mkdir -p $root/out
cat >$root/etc/systemd/system/fleet-test.service <<-END
	[Unit]
	Description=Fleet test
	After=multi-user.target
	[Service]
	Type=oneshot
	ExecStart=/bin/bash /guest/test.sh
	StandardOutput=file:/out/log
	StandardError=file:/out/log
	ExecStopPost=/bin/sh -c 'systemctl exit \$\$EXIT_STATUS'
	TimeoutStartSec=infinity
END
ln -sf /lib/systemd/system/multi-user.target $root/etc/systemd/system/default.target
mkdir -p $root/etc/systemd/system/default.target.wants
ln -s ../fleet-test.service $root/etc/systemd/system/default.target.wants/
echo 0123456789abcdef0123456789abcdef >$root/etc/machine-id
echo vm >$root/etc/hostname

mkdir -p /out
: >/out/log
tail -f /out/log &
# shellcheck disable=SC2016 # of the inner shell
unshare -m -p -f sh -c '
	mount --make-rprivate /
	cd "$1" || exit 1
	mount -t proc proc proc
	mount --rbind /sys sys
	mount --rbind /dev dev
	mount -t tmpfs -o mode=755 tmpfs run
	mount --bind /out out
	mount --move . /
	exec chroot . /usr/bin/env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		/lib/systemd/systemd --log-target=console
' sh $root
status=$?
usleep 300000
exit $status
