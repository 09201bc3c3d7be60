# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Bad input gives one line that says what happened and what to do, the right exit status, and
# attaches nothing.

# refuses STATUS PATTERN COMMAND...: it prints one line on stderr, from the program, that matches.
refuses() {
	local want=$1 pattern=$2 rc=0

	shift 2
	in_kernel >"$TMP/before"
	timeout -k 5 30 "$@" >"$TMP/out" 2>"$TMP/err" || rc=$?
	same "exit status of: $*" "$rc" "$want" || {
		cat "$TMP/err"
		return 1
	}
	same "lines on stderr of: $*" "$(grep -c '' "$TMP/err")" 1 || {
		cat "$TMP/err"
		return 1
	}
	grep -Eq "^ext4race-detect( [a-z]+)?: .*($pattern)" "$TMP/err" || {
		echo "message of: $*"
		cat "$TMP/err"
		return 1
	}
	same "output of: $*" "$(cat "$TMP/out")" ""
	no_trace "$TMP/before"
}

# A copy that every user may execute.
public_copy() {
	cp "$TOOL" "$TMP/ext4race-detect"
	chmod 755 "$TMP/ext4race-detect"
	echo "$TMP/ext4race-detect"
}

test_input_not_root() {
	local copy

	copy=$(public_copy)
	refuses 1 'needs root, or CAP_BPF and CAP_PERFMON.*sudo' \
		setpriv --reuid 65534 --regid 65534 --clear-groups "$copy" -d 1
}

test_input_without_cap_bpf() {
	refuses 1 'CAP_BPF' setpriv --bounding-set -bpf,-sys_admin "$TOOL" -d 1
}

test_input_without_cap_perfmon() {
	refuses 1 'CAP_PERFMON' setpriv --bounding-set -perfmon,-sys_admin "$TOOL" -d 1
}

# The program needs only these two capabilities, so the service can run with few.
test_input_two_capabilities_suffice() {
	local copy

	copy=$(public_copy)
	setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps +bpf,+perfmon \
		--ambient-caps +bpf,+perfmon "$copy" -o json -d 100ms >"$TMP/out"
	same "first and last line" "$(jq -rs '.[0].type, .[-1].type' "$TMP/out" | xargs)" "start summary"
}

# hidden DIR COMMAND...: runs the command with an empty directory in the place of DIR.
hidden() {
	local dir=$1

	shift
	# shellcheck disable=SC2016
	unshare --mount --propagation private bash -c \
		'mount -t tmpfs none "$0" && exec "$@"' "$dir" "$@"
}
export -f hidden

test_input_no_btf() {
	[[ -e /sys/kernel/btf/vmlinux ]] || skip "no BTF here anyway"
	[[ ! -e /boot/vmlinux-$(uname -r) ]] || skip "BTF would be found in /boot"
	# Without BTF only the classic tracepoints are left, and they need tracefs.
	# shellcheck disable=SC2016
	refuses 1 'no BTF describes ext4' bash -c 'hidden "$@"' - /sys/kernel/btf bash -c \
		'hidden "$@"' - /sys/kernel/tracing bash -c 'hidden "$@"' - /sys/kernel/debug "$TOOL" -d 1
}

test_input_bpf_refused() {
	local rc=0

	"$DENY" true || rc=$?
	((rc != SKIP)) || skip "no seccomp filter here"
	((rc == 0))
	refuses 1 'Operation not permitted' "$DENY" "$TOOL" -d 1
	refuses 1 'Operation not permitted' "$DENY" "$TOOL" --attach tracepoint -d 1
}

# An attach mode that this kernel refuses is refused, not replaced.
test_input_attach_not_possible() {
	local mode refused=0

	for mode in fentry kprobe; do
		"$TOOL" --attach "$mode" -d 10ms >/dev/null 2>&1 && continue
		refused=$((refused + 1))
		refuses 1 "$mode" "$TOOL" --attach "$mode" -d 1
	done
	((refused)) || skip "this kernel takes every mode"
}

# provoke does not replace it either, although it can do without a detector.
test_input_attach_not_possible_for_provoke() {
	local rc=0

	! "$TOOL" --attach kprobe -d 10ms >/dev/null 2>&1 || skip "this kernel has kprobes"
	fixture 4096 "$TMP/mnt"
	# On a vulnerable kernel it first says what will leak.
	"$TOOL" provoke --dir "$TMP/mnt" --yes --attach kprobe -d 1 >"$TMP/out" 2>"$TMP/err" || rc=$?
	same "exit status" "$rc" 1
	tail -n 1 "$TMP/err" | grep kprobe
	unfixture "$TMP/mnt"
}

# Tracepoints with BTF do not need tracefs, so they have to work without it.
test_input_no_tracefs() {
	hidden /sys/kernel/tracing bash -c 'hidden "$@"' - /sys/kernel/debug \
		"$TOOL" -o json -d 100ms >"$TMP/out" 2>"$TMP/err"
	same messages "$(cat "$TMP/err")" ""
	same "first and last line" "$(jq -rs '.[0].type, .[-1].type' "$TMP/out" | xargs)" "start summary"
	jq -es '.[0].hooks[] | select(.hook == "delayed_insert") | .bound' "$TMP/out"
}

test_input_no_proc() {
	[[ -z ${SANITIZED:-} ]] || skip "a sanitizer does not do without /proc"
	refuses 1 'mountinfo' bash -c 'hidden "$@"' - /proc "$TOOL" -d 1
}

test_input_no_ext4() {
	[[ ! -e /sys/module/ext4/initstate ]] || skip "ext4 is a module here: it cannot be hidden"
	refuses 1 'ext4 is not loaded' bash -c 'hidden "$@"' - /sys/fs "$TOOL" --no-wait -d 1
}

test_input_unknown_option() {
	refuses 64 "--bogus" "$TOOL" --bogus
	refuses 64 "'?Z'?" "$TOOL" -Z
	refuses 64 "--bogus" "$TOOL" verify --bogus
	refuses 64 "'?d'?" "$TOOL" -d
	refuses 64 "--mount" "$TOOL" --mount
	refuses 64 "--stacks" "$TOOL" --stacks=3
	refuses 64 "no command 'frob'" "$TOOL" frob
	refuses 64 "unexpected argument 'more'" "$TOOL" monitor more
	refuses 64 "--output is text or json, not 'yaml'" "$TOOL" -o yaml
	refuses 64 "--attach is auto.*not 'x'" "$TOOL" --attach x
	refuses 64 "--buffer takes" "$TOOL" --buffer 3
	refuses 64 "--buffer takes" "$TOOL" --buffer 12
	refuses 64 "--quiet" "$TOOL" verify --quiet -o json
	refuses 64 "--web.config.file needs --listen" "$TOOL" --web.config.file x
	refuses 64 "--listen foo: not an address" "$TOOL" --listen foo
	refuses 64 "--listen 99999: not an address" "$TOOL" --listen 99999
	refuses 64 "--listen 127.0.0.1: not an address" "$TOOL" --listen 127.0.0.1
	refuses 64 "--textfile x.txt: .*[*].prom" "$TOOL" --textfile x.txt
}

test_input_bad_duration() {
	local bad

	for bad in '' abc 0 -1 1e3 nan inf 1x 400000000 0x10 ' 5' '5 ' 1..2 .; do
		refuses 64 "--duration takes a time" "$TOOL" -d "$bad"
	done
}

test_input_too_many_mounts() {
	local args=() i

	for ((i = 0; i < 17; i++)); do
		args+=(--mount /)
	done
	refuses 64 "--mount can be given 16 times" "$TOOL" "${args[@]}"
}

test_input_mount_missing() {
	refuses 1 "--mount /no/such: No such file" "$TOOL" --mount /no/such -d 1
	refuses 1 "--mount" "$TOOL" --mount '' -d 1
}

test_input_mount_not_ext4() {
	refuses 1 "--mount /proc: not on an ext4 filesystem" "$TOOL" --mount /proc -d 1
}

# --mount is a directory where an ext4 was mounted, now on a filesystem that is not ext4.
test_input_mount_not_mounted() {
	mkdir "$TMP/outer"
	mount -t tmpfs none "$TMP/outer"
	fixture 4096 "$TMP/outer/mnt"
	"$TOOL" -d 10ms --mount "$TMP/outer/mnt" >/dev/null
	umount "$TMP/outer/mnt"
	refuses 1 "not on an ext4 filesystem" "$TOOL" --mount "$TMP/outer/mnt" -d 1
	umount "$TMP/outer"
}

# The filesystem is unmounted while it is watched: that is said, and the run ends as usual.
test_input_mount_goes_away() {
	fixture 4096 "$TMP/mnt"
	monitor --mount "$TMP/mnt"
	"$RACE" --dir "$TMP/mnt" --mode count --blocks 10
	unfixture "$TMP/mnt"
	finish
	same "exit status" "$MON_RC" 0
	same delayed_inserts "$(summary delayed_inserts)" 20
	same messages "$(cat "$TMP/mon.err")" "ext4race-detect: --mount $TMP/mnt: no ext4 filesystem is mounted at $TMP/mnt any more: nothing is watched there until one is"
}

test_input_output_full() {
	refuses 1 'output lost \(No space left on device\).*summary' \
		bash -c 'exec "$@" >/dev/full' - "$TOOL" -d 60
	refuses 1 'output lost \(No space left on device\).*summary' \
		bash -c 'exec "$@" >/dev/full' - "$TOOL" -o json -d 60
	refuses 1 'output lost \(No space left on device\)' \
		"$TOOL" -o json -d 60 --output-file /dev/full
}

# A file that is as large as it may get is a full one: the run goes on, and only the summary
# has no later. The messages go through a pipe: the limit would also apply to a file for them.
test_input_output_limited() {
	local rc=0
	# The thread sanitizer's runtime writes a file before the program can ignore the signal.
	local sanitized=(${SANITIZED:+env --ignore-signal=XFSZ})

	in_kernel >"$TMP/before"
	prlimit --fsize=0 "${sanitized[@]}" "$TOOL" -d 1s --output-file "$TMP/limited" 2>&1 | cat >"$TMP/err" || rc=$?
	same "exit status" "$rc" 1
	grep -q 'the output cannot be written (File too large)' "$TMP/err"
	grep -q 'output lost (File too large).*summary' "$TMP/err"
	no_trace "$TMP/before"
}

test_input_output_closed() {
	refuses 1 'standard output is closed' bash -c 'exec "$@" >&-' - "$TOOL" -d 60
	# shellcheck disable=SC2016
	refuses 1 'output lost \(Broken pipe\).*summary' bash -c \
		'mkfifo "$0/pipe"; exec 3<>"$0/pipe" 4>"$0/pipe" 3<&-; exec "$@" >&4 4>&-' \
		"$TMP" "$TOOL" -d 60
}

# The monitor notices at once that its reader is gone, not only at the next line.
test_input_reader_goes_away() {
	local form

	for form in text json; do
		rm -f "$TMP/pipe"
		mkfifo "$TMP/pipe"
		"$TOOL" -o "$form" -d 60 >"$TMP/pipe" 2>"$TMP/mon.err" &
		MON_PID=$!
		head -n 1 "$TMP/pipe" >/dev/null
		held "$MON_PID" >"$TMP/ours"
		MON_RC=0
		wait "$MON_PID" || MON_RC=$?
		same "exit status" "$MON_RC" 1
		same messages "$(cat "$TMP/mon.err")" \
			"ext4race-detect: output lost (Broken pipe): stopping, the summary could not be written"
		gone "$TMP/ours"
	done
	MON_PID=
}

# The start line fits. Then the filesystem is filled up, and the summary does not fit.
test_input_disk_full_later() {
	mkdir "$TMP/small"
	mount -t tmpfs -o size=8k none "$TMP/small"
	head -c 3500 /dev/zero | tr '\0' ' ' >"$TMP/small/log"
	"$TOOL" -o json --output-file "$TMP/small/log" 2>"$TMP/mon.err" &
	MON_PID=$!
	appears "$TMP/small/log" '"type":"start"'
	# Fills the last bytes of the page, too.
	head -c 4096 /dev/zero | tr '\0' ' ' >>"$TMP/small/log" 2>/dev/null || true
	kill -s INT "$MON_PID"
	MON_RC=0
	wait "$MON_PID" || MON_RC=$?
	MON_PID=
	same "exit status" "$MON_RC" 1
	cat "$TMP/mon.err"
	grep -q 'cannot be written (No space left on device)' "$TMP/mon.err"
	grep -q 'output lost (No space left on device).*summary' "$TMP/mon.err"
	# Lazily: the tail in appears() ends only at its next write.
	umount -l "$TMP/small"
}

test_input_output_file_not_writable() {
	refuses 1 '--output-file /no/such/file: No such file' "$TOOL" --output-file /no/such/file -d 1
	refuses 1 '--output-file /: Is a directory' "$TOOL" --output-file / -d 1
}

test_input_btf_file() {
	echo nonsense >"$TMP/btf"
	refuses 1 '--btf /no/such: ' "$TOOL" --btf /no/such -d 1
	refuses 1 '--btf .*/btf: ' "$TOOL" --btf "$TMP/btf" -d 1
	refuses 1 '--btf /: not a regular file' "$TOOL" --btf / -d 1
}

test_input_image() {
	refuses 1 '--image /no/such: No such file' "$TOOL" verify --image /no/such
	refuses 1 '--image /: not a regular file' "$TOOL" verify --image /
	refuses 1 '--image /dev/null: not a regular file' "$TOOL" verify --image /dev/null
}

test_input_few_descriptors() {
	refuses 1 'Too many open files' prlimit --nofile=8 "$TOOL" -d 1
}
