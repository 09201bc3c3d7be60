# SPDX-License-Identifier: GPL-2.0-only
# lines-guest.sh, in the guest: no cache line is written by two CPUs on a path without an event.
mount -t tracefs none /sys/kernel/tracing 2>/dev/null || true
bench lines /usr/local/bin/ext4race-detect none /mnt/ext4 1
