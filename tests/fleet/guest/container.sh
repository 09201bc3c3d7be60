# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# In the guest, a node: the container as the manifest has it, while the host races.
fail() {
	echo "not ok - $*" >&2
	head -c 3000 /tmp/out; cat /tmp/err
	exit 1
}
if [ "${1:-}" = debugfs ]; then
	# As on nodes where nobody mounts tracefs for itself.
	umount /sys/kernel/tracing
fi
mkdir -p /run/crun
# pivot_root does not go from an initramfs.
crun --cgroup-manager=disabled run --no-pivot -b /bundle detector >/tmp/out 2>/tmp/err &
runtime=$!
started() {
	grep -q '"type":"start"' /tmp/out
}
n=0
until started; do
	kill -0 $runtime 2>/dev/null || fail "it ended before it started"
	n=$((n + 1))
	[ $n -lt 600 ] || fail "it does not start"
	usleep 200000
done
echo "ok - it starts"
sed -n 's/.*\("attach":"[a-z]*"\).*/# \1/p' /tmp/out
pid=$(crun --cgroup-manager=disabled state detector | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p')
grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' "/proc/$pid/status" | sed 's/^/# /'
[ "$(sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$pid/status")" = 2 ] || fail "no seccomp filter"
echo "ok - under its seccomp profile"
seen() {
	grep -c '"type":"overwrite"' /tmp/out
}
i=0
while [ "$(seen)" -lt 5 ]; do
	i=$((i + 1))
	[ $i -le 20 ] || fail "no race was seen"
	race --dir /mnt/ext4 --mode fallocate --no-aim --duration 5 >/tmp/load
	echo "# round $i, $(seen) overwrites"
done
grep '"type":"overwrite"' /tmp/out | grep -q '"path":"/host/mnt/ext4/' || fail "no path in the events"
echo "ok - events name files on the node"
kill -TERM "$pid"
wait $runtime || fail "ended with $?"
echo "ok - it ends well"
sync
residual=$(cat /sys/fs/ext4/*/delayed_allocation_blocks | awk '{ s += $1 } END { print s }')
counted=$(sed -n '/"type":"summary"/s/.*"overwritten_blocks":\([0-9]*\).*/\1/p' /tmp/out)
echo "# counted $counted, the kernel's own accounting $residual"
[ -n "$counted" ] && [ "$counted" = "$residual" ] || fail "counted $counted, residual $residual"
echo "ok - it counts exactly"
