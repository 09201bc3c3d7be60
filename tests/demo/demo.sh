# SPDX-License-Identifier: GPL-2.0-only
# In the guest. A rate that a person can follow, then the accounts side by side; "stay": until
# the guest is ended.
stay=$1

# To whoever is let in by --forward the exporter looks as on loopback: it shows all it has.
modprobe virtio_net
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
nc -ll -p 9878 -e nc 127.0.0.1 9877 &
proxy=$!

echo "This is $(uname -sr). One thread stores into a hole through mmap, another one"
echo "calls fallocate on the same pages. The detector watches:"
echo
ext4race-detect --listen 127.0.0.1:9877 &
monitor=$!
# Attached when its programs are: the race must not begin before.
while [ "$(ls -l /proc/$monitor/fd 2>/dev/null | grep -c 'bpf_link\|perf_event')" -lt 8 ]; do
	kill -0 "$monitor" || exit 1
	usleep 100000
done
race_for() { # RATE SECONDS
	race --dir /mnt/ext4 --mode fallocate --rate "$1" --pages 32 --no-aim --duration "$2" >/tmp/load
}
while [ "$stay" = stay ]; do
	race_for 4 600
done
race_for 40 15
kill -TERM "$monitor"
wait "$monitor"
kill "$proxy"
echo
echo "The kernel's own accounts, no detector involved:"
echo "  /sys/fs/ext4/vda/delayed_allocation_blocks  $(cat /sys/fs/ext4/vda/delayed_allocation_blocks)"
echo "  its only messages about it:"
dmesg | grep -o 'Inode .* not cleared!' | tail -n 3 | sed 's/^/    /'
umount /mnt/ext4 && mount -t ext4 /dev/vda /mnt/ext4
echo "  after umount and mount                      $(cat /sys/fs/ext4/vda/delayed_allocation_blocks)"
