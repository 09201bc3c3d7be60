# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the host tests and the bench share: a scratch ext4, a monitor in the background,
# and what BPF objects are left behind.

# fixture BLOCKSIZE DIR: a new ext4 on a loop device, mounted at DIR. The device goes away
# with the mount, and the mount with the mount namespace of the test.
fixture() {
	local image=$2.img

	truncate -s "${FIXTURE_SIZE:-256M}" "$image"
	mkfs.ext4 -q -F -b "$1" -E lazy_itable_init=0,lazy_journal_init=0 "$image"
	mkdir -p "$2"
	mount -o loop,nodiscard "$image" "$2"
	rm -f "$image"
}

unfixture() {
	umount "$1"
	rmdir "$1"
}

# ---- a monitor in the background ----

MON_PID=
MON_FD=

# monitor ARG...: starts a monitor with JSON output, and returns when it watches. Its pid is in
# $MON_PID, its start line in $MON_START, its messages in $TMP/mon.err.
monitor() {
	local fifo=$TMP/mon.fifo

	rm -f "$fifo" "$TMP/mon.out"
	mkfifo "$fifo"
	"$TOOL" -o json "$@" >"$fifo" 2>"$TMP/mon.err" &
	MON_PID=$!
	exec {MON_FD}<"$fifo"
	if ! read -r -t 30 MON_START <&"$MON_FD"; then
		echo "the monitor did not start:"
		cat "$TMP/mon.err"
		return 1
	fi
	echo "$MON_START" >"$TMP/mon.out"
	[[ $MON_START == *'"type":"start"'* ]]
}

# settle DIR: waits until the monitor has judged the kernel and sleeps again. Makes the
# delayed inserts that the monitor needs for that.
settle() {
	local line nr _ until=$((SECONDS + 30))

	head -c 1000000 /dev/zero >"$1/settle"
	rm "$1/settle"
	while read -r -t 10 line <&"$MON_FD"; do
		echo "$line" >>"$TMP/mon.out"
		[[ $line != *'"type":"verdict"'* ]] || break
	done
	sync -f "$1"
	# epoll_wait, epoll_pwait, epoll_pwait2; 22 is arm64's
	until read -r nr _ <"/proc/$MON_PID/syscall" && [[ $nr =~ ^(232|281|441|22)$ ]]; do
		((SECONDS < until)) || return 1
	done
}

# types FILE: the types of the lines, without the verdict, which comes at its own time.
types() {
	jq -r '.type | select(. != "verdict")' "$1" | xargs
}

# finish [SIGNAL]: sends SIGNAL (default: INT; "-": none) and waits for the end. The output
# is in $TMP/mon.out, the exit status in $MON_RC.
finish() {
	local signal=${1:-INT}

	[[ $signal == - ]] || kill -s "$signal" "$MON_PID"
	if ! timeout 30 cat <&"$MON_FD" >>"$TMP/mon.out"; then
		echo "the monitor did not end within 30 s of SIG$signal"
		kill -s KILL "$MON_PID"
	fi
	exec {MON_FD}<&-
	MON_RC=0
	# shellcheck disable=SC2034 # read by the tests
	wait "$MON_PID" || MON_RC=$?
	MON_PID=
}

# Ends what this shell started and a failed test left running.
end_monitor() {
	local pid

	for pid in $(jobs -p); do
		kill -s KILL "$pid" 2>/dev/null || true
	done
}

# appears FILE PATTERN: waits until a line that matches is in FILE.
appears() {
	local tail fd rc=0

	exec {fd}< <(exec tail -n +1 -F "$1" 2>/dev/null)
	tail=$!
	timeout 30 grep -q -m1 -e "$2" <&"$fd" || rc=$?
	exec {fd}<&-
	# Without this it would hold the file open until the next line.
	kill "$tail" 2>/dev/null || true
	wait "$tail" 2>/dev/null || true
	return "$rc"
}

# summary MEMBER: a member of the summary of the monitor that finished last.
summary() {
	jq -er "select(.type == \"summary\") | .$1" "$TMP/mon.out"
}

# ---- what is in the kernel ----

# shellcheck disable=SC2120 # the arguments are optional
# held [PID...]: the BPF objects that these processes hold; without PID, that any process holds.
held() {
	local pid dirs=()

	for pid in "$@"; do
		dirs+=("/proc/$pid/fdinfo")
	done
	((${#dirs[@]})) || dirs=(/proc/[0-9]*/fdinfo)
	# Processes end meanwhile: one that cannot be read holds nothing.
	{ grep -rhE '^(prog|map|link)_id:' "${dirs[@]}" 2>/dev/null || true; } |
		sed 's/_id:[[:space:]]*/ /' | sort -u
}

# objects KIND: their ids. bpftool fails when one goes away while it makes the list.
objects() {
	local list _

	for _ in {1..10}; do
		list=$(bpftool -j "$1" list 2>/dev/null) || continue
		jq -r --arg kind "$1" '.[] | "\($kind) \(.id)"' <<<"$list"
		return 0
	done
	echo "bpftool cannot list: $1" >&2
	return 1
}

# in_kernel: every BPF object in the kernel, as "prog 17".
in_kernel() {
	local kind

	for kind in prog map link; do
		objects "$kind"
	done | sort -u
}

# gone FILE: waits until the kernel has freed the objects listed in FILE. It frees them some
# time after the last reference is gone, after RCU grace periods.
gone() {
	local until=$((SECONDS + 30)) left

	while :; do
		left=$(comm -12 "$1" <(in_kernel))
		[[ -n $left ]] || return 0
		((SECONDS < until)) || break
	done
	echo "still in the kernel:"
	echo "$left"
	return 1
}

# no_trace FILE: the kernel has no BPF object that was not there when FILE was made, apart
# from those that a living process holds: other programs use BPF, too.
no_trace() {
	comm -13 "$1" <(in_kernel) >"$TMP/new"
	# shellcheck disable=SC2119
	held >"$TMP/held"
	comm -23 "$TMP/new" "$TMP/held" >"$TMP/left"
	gone "$TMP/left"
}
