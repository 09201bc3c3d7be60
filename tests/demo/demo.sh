# SPDX-License-Identifier: GPL-2.0-only
# In the guest. A rate that a person can follow, then the accounts side by side.
echo "This is $(uname -sr). One thread stores into a hole through mmap, another one"
echo "calls fallocate on the same pages. The detector watches:"
echo
ext4race-detect &
monitor=$!
# Attached when its programs are: the race must not begin before.
while [ "$(ls -l /proc/$monitor/fd 2>/dev/null | grep -c 'bpf_link\|perf_event')" -lt 8 ]; do
	kill -0 "$monitor" || exit 1
	usleep 100000
done
race --dir /mnt/ext4 --mode fallocate --rate 40 --pages 32 --no-aim --duration 15 >/tmp/load
kill -TERM "$monitor"
wait "$monitor"
echo
echo "The kernel's own accounts, no detector involved:"
echo "  /sys/fs/ext4/vda/delayed_allocation_blocks  $(cat /sys/fs/ext4/vda/delayed_allocation_blocks)"
echo "  its only messages about it:"
dmesg | grep -o 'Inode .* not cleared!' | tail -n 3 | sed 's/^/    /'
umount /mnt/ext4 && mount -t ext4 /dev/vda /mnt/ext4
echo "  after umount and mount                      $(cat /sys/fs/ext4/vda/delayed_allocation_blocks)"
