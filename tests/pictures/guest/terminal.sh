# SPDX-License-Identifier: GPL-2.0-only
# In the guest: the monitor on a terminal, and a race that a person can follow.
export TERM=xterm LC_ALL=C.UTF-8
pty 140x40 ext4race-detect >/out/bytes &
pty=$!
# Attached when its programs are: the race must not begin before.
until monitor=$(pidof ext4race-detect) &&
	[ "$(ls -l "/proc/$monitor/fd" 2>/dev/null | grep -c 'bpf_link\|perf_event')" -ge 8 ]; do
	kill -0 "$pty" || exit 1
	usleep 100000
done
race --dir /mnt/ext4 --mode fallocate --rate 5 --pages 16 --no-aim --duration 120 >/tmp/load &
race=$!
# The race goes on while the last screen is drawn: it is the picture. The verdict comes first, as
# finding it takes most of an emulated CPU.
tries=0
until grep -q 'says vulnerable' /out/bytes; do
	tries=$((tries + 1))
	[ "$tries" -lt 600 ] || exit 1
	usleep 200000
done
sleep 5
kill -INT "$monitor"
wait "$pty"
status=$?
kill "$race"
exit "$status"
