# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the monitor costs the host when nothing happens.

test_idle_without_wakeups() {
	local tracer calls

	fixture 4096 "$TMP/mnt"
	monitor --mount "$TMP/mnt"
	settle "$TMP/mnt"
	strace -f -o "$TMP/trace" -p "$MON_PID" 2>"$TMP/strace.err" &
	tracer=$!
	appears "$TMP/strace.err" 'strace: ' || return 1
	grep -q attached "$TMP/strace.err" || skip "$(head -n 1 "$TMP/strace.err")"
	# What the kernel announces of other things is not for it.
	echo change >/sys/class/mem/null/uevent
	echo add >/sys/class/mem/null/uevent
	echo remove >/sys/class/mem/null/uevent
	# This measures ten seconds; it waits for nothing.
	timeout 10 tail -f /dev/null || true
	cp "$TMP/trace" "$TMP/trace.idle"
	# Proves that the tracer worked all the time: it sees what comes now.
	kill -s HUP "$MON_PID"
	appears "$TMP/trace" 'read('
	finish
	wait "$tracer" || true
	calls=$(wc -l <"$TMP/trace.idle")
	# The call that is under way has not returned, so its line is not whole.
	same "calls in 10 s" "$calls" 0
	unfixture "$TMP/mnt"
}

# changes N: bind mounts, from one process. They come faster than anybody can read the table.
changes() {
	local i

	mkdir "$TMP/at"
	# One mount above all of them, for one umount.
	mount -t tmpfs none "$TMP/at"
	for ((i = 0; i < $1; i++)); do
		mkdir "$TMP/at/$i"
		echo "$TMP/mnt/settle $TMP/at/$i none bind 0 0"
	done >"$TMP/fstab"
	mount -a -T "$TMP/fstab"
}

# A burst of mounts costs some looks at the mount table, not one each.
test_idle_burst_of_mounts() {
	local tracer reads start=$SECONDS

	fixture 4096 "$TMP/mnt"
	mkdir "$TMP/mnt/settle"
	monitor
	strace -f -e trace=openat -o "$TMP/trace" -p "$MON_PID" 2>"$TMP/strace.err" &
	tracer=$!
	appears "$TMP/strace.err" 'strace: ' || return 1
	grep -q attached "$TMP/strace.err" || skip "$(head -n 1 "$TMP/strace.err")"
	changes 300
	same mounts "$(grep -c " $TMP/at/" /proc/self/mountinfo)" 300
	# The last change is seen, too.
	mkdir "$TMP/last"
	mount --bind "$TMP/mnt/settle" "$TMP/last"
	finish
	wait "$tracer" || true
	reads=$(grep -c '"/proc/self/mountinfo"' "$TMP/trace")
	echo "$reads reads in $((SECONDS - start)) s"
	# One each half second, one at the end, one for what was cut off by the clock.
	((reads >= 2 && reads <= 2 * (SECONDS - start + 1) + 2))
	umount -R "$TMP/at"
	umount "$TMP/last"
	unfixture "$TMP/mnt"
}

test_idle_resident_memory() {
	local rss

	[[ -z ${SANITIZED:-} ]] || skip "a sanitizer's own memory is in it"
	fixture 4096 "$TMP/mnt"
	monitor
	settle "$TMP/mnt"
	rss=$(awk '/^VmRSS:/ { print $2 }' "/proc/$MON_PID/status")
	finish
	echo "$rss KiB"
	((rss > 0 && rss < 10 * 1024))
	unfixture "$TMP/mnt"
}

# After attaching the monitor keeps only the capabilities to read maps and paths.
test_idle_capabilities_are_dropped() {
	local caps

	monitor
	caps=$(awk '/^CapPrm:/ { print $2 }' "/proc/$MON_PID/status")
	finish
	# CAP_DAC_READ_SEARCH 2, CAP_SYSLOG 34, CAP_PERFMON 38, CAP_BPF 39
	same "capabilities" "$((16#$caps & ~(1 << 2 | 1 << 34 | 1 << 38 | 1 << 39)))" 0
}
