# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# How a run ends, and SIGHUP.

ends_with_summary() {
	monitor
	finish "$1"
	same "exit status" "$MON_RC" 0
	same "last line" "$(tail -n 1 "$TMP/mon.out" | jq -r .type)" summary
	same messages "$(cat "$TMP/mon.err")" ""
}

test_end_on_sigint() {
	ends_with_summary INT
}

test_end_on_sigterm() {
	ends_with_summary TERM
}

test_end_after_duration() {
	monitor -d 1s
	finish -
	same "exit status" "$MON_RC" 0
	jq -es '.[-1].seconds >= 1' "$TMP/mon.out"
}

test_end_with_fail_on_race() {
	fixture 4096 "$TMP/mnt"
	monitor --fail-on-race --mount "$TMP/mnt"
	finish
	same "exit status" "$MON_RC" 0
	unfixture "$TMP/mnt"
}

# to_file FILE ARG...: starts a monitor that writes to FILE, and returns when it watches. The
# filesystem is idle, so there are no events.
to_file() {
	local file=$1

	shift
	fixture 4096 "$TMP/mnt"
	"$TOOL" -o json --output-file "$file" --mount "$TMP/mnt" "$@" 2>"$TMP/mon.err" &
	MON_PID=$!
	appears "$file" '"type":"start"'
}

ended_in() {
	MON_RC=0
	wait "$MON_PID" || MON_RC=$?
	MON_PID=
}

# As logrotate does it: the file is renamed, then comes the signal.
test_hup_reopens_output_file() {
	to_file "$TMP/log"
	mv "$TMP/log" "$TMP/log.1"
	kill -s HUP "$MON_PID"
	kill -s TERM "$MON_PID"
	ended_in
	same "exit status" "$MON_RC" 0
	same "old file" "$(types "$TMP/log.1")" start
	same "new file" "$(types "$TMP/log")" summary
}

test_hup_with_nowhere_to_go() {
	mkdir "$TMP/dir"
	to_file "$TMP/dir/log"
	mv "$TMP/dir" "$TMP/dir.1"
	kill -s HUP "$MON_PID"
	kill -s TERM "$MON_PID"
	ended_in
	same "exit status" "$MON_RC" 0
	same "old file" "$(types "$TMP/dir.1/log")" "start summary"
	same messages "$(grep -c '' "$TMP/mon.err")" 1
	grep -q "dir/log: No such file or directory; writing to the old one" "$TMP/mon.err"
}

# Nobody reads the FIFO, and to open it would wait for a reader.
test_hup_to_fifo_without_reader() {
	to_file "$TMP/log"
	mv "$TMP/log" "$TMP/log.1"
	mkfifo "$TMP/log"
	kill -s HUP "$MON_PID"
	kill -s TERM "$MON_PID"
	ended_in
	same "exit status" "$MON_RC" 0
	same "old file" "$(types "$TMP/log.1")" "start summary"
	grep -q "log: No such device or address; writing to the old one" "$TMP/mon.err"
}

# refused WHAT REASON: whoever owns the log's directory has put WHAT in its place. It gets
# nothing, and the old one goes on.
refused() {
	kill -s HUP "$MON_PID"
	appears "$TMP/mon.err" "$1: $2; writing to the old one"
	kill -s TERM "$MON_PID"
	ended_in
	same "exit status" "$MON_RC" 0
	same "old file" "$(types "$TMP/dir/log.1")" "start summary"
	same "root's file" "$(cat "$TMP/precious")" ""
	unfixture "$TMP/mnt"
}

rotated_by_another_user() {
	mkdir "$TMP/dir"
	chown daemon "$TMP/dir"
	: >"$TMP/precious"
	to_file "$TMP/dir/log"
	mv "$TMP/dir/log" "$TMP/dir/log.1"
}

test_hup_to_symbolic_link() {
	rotated_by_another_user
	ln -s "$TMP/precious" "$TMP/dir/log"
	refused "$TMP/dir/log" 'it is a symbolic link, which is not followed'
	# Nor is what it leads to made.
	to_file "$TMP/dir/next"
	mv "$TMP/dir/next" "$TMP/dir/log.1"
	ln -s "$TMP/made" "$TMP/dir/next"
	refused "$TMP/dir/next" 'it is a symbolic link, which is not followed'
	[[ ! -e $TMP/made ]]
}

test_hup_to_hard_link() {
	rotated_by_another_user
	ln "$TMP/precious" "$TMP/dir/log"
	refused "$TMP/dir/log" 'it has another name as well (a hard link)'
}

test_hup_to_file_of_another_user() {
	rotated_by_another_user
	: >"$TMP/dir/log"
	chown daemon "$TMP/dir/log"
	refused "$TMP/dir/log" "it belongs to another user (uid $(id -u daemon))"
	same "their file" "$(cat "$TMP/dir/log")" ""
}

# What is made there anew is ours.
test_hup_in_directory_of_another_user() {
	rotated_by_another_user
	kill -s HUP "$MON_PID"
	kill -s TERM "$MON_PID"
	ended_in
	same "new file" "$(types "$TMP/dir/log")" summary
	same messages "$(cat "$TMP/mon.err")" ""
}

test_hup_without_output_file() {
	fixture 4096 "$TMP/mnt"
	monitor --mount "$TMP/mnt"
	kill -s HUP "$MON_PID"
	finish TERM
	same "exit status" "$MON_RC" 0
	same lines "$(types "$TMP/mon.out")" "start summary"
}

# signal_at CALL COMMAND ARG...: SIGHUP at the first such system call. Its exit status is in
# $MON_RC, its output in $TMP/mon.out.
signal_at() {
	local call=$1

	shift
	# Under nohup(1) a signal would be ignored.
	env --default-signal=HUP strace -o "$TMP/trace" -e trace="$call" -e inject="$call":signal=HUP:when=1 "$@" \
		>"$TMP/mon.out" 2>"$TMP/mon.err" && MON_RC=0 || MON_RC=$?
	# The call was made, so that the signal was sent.
	grep -q "^$call(" "$TMP/trace" || skip "$(head -n 1 "$TMP/mon.err")"
}

# The first thing that main() asks, the first that it does to the kernel.
test_hup_while_it_starts() {
	local call

	fixture 4096 "$TMP/mnt"
	for call in fcntl bpf; do
		signal_at "$call" "$TOOL" -o json -d 100ms --mount "$TMP/mnt"
		same "exit status after $call" "$MON_RC" 0
		same "lines after $call" "$(types "$TMP/mon.out")" "start summary"
	done
	unfixture "$TMP/mnt"
}

# What does not run until it is told to stop ends by it, as any program does.
test_hup_ends_other_commands() {
	signal_at bpf "$TOOL" doctor
	same "exit status" "$MON_RC" 129
}

# The monitor appends to a file and never truncates it.
test_output_file_is_appended_to() {
	fixture 4096 "$TMP/mnt"
	echo '{"type":"earlier"}' >"$TMP/log"
	"$TOOL" -o json -d 100ms --mount "$TMP/mnt" --output-file "$TMP/log"
	same lines "$(types "$TMP/log")" "earlier start summary"
}

# ask PORT PATH: prints the status of the answer.
ask() {
	local fd line

	exec {fd}<>"/dev/tcp/127.0.0.1/$1"
	printf 'GET %s HTTP/1.0\r\n\r\n' "$2" >&"$fd"
	read -r -t 10 line <&"$fd"
	exec {fd}<&-
	cut -d' ' -f2 <<<"$line"
}

# The kernel's ext4 is hidden here, as if it were not loaded yet.
test_end_while_waiting_for_ext4() {
	local pid port=$((20000 + RANDOM % 10000)) rc=0

	mount -t tmpfs none /sys/fs
	"$TOOL" -o json --listen "127.0.0.1:$port" >"$TMP/out" 2>"$TMP/err" &
	pid=$!
	appears "$TMP/err" 'waiting for it'
	same /healthz "$(ask "$port" /healthz)" 200
	same /metrics "$(ask "$port" /metrics)" 503
	kill "$pid"
	wait "$pid" || rc=$?
	umount /sys/fs
	same "exit status" "$rc" 3
	same output "$(cat "$TMP/out")" ""
}

# rotate FILE PID: renames the file, sends the signal, and waits for the new file.
rotate() {
	local until=$((SECONDS + 30))

	mv "$1" "$1.1"
	kill -s HUP "$2"
	until [[ -e $1 ]]; do
		((SECONDS < until)) || return 1
	done
}

# SIGHUP while the monitor waits for ext4: the files are open already, and the privileges are
# still needed, to attach.
test_hup_while_waiting_for_ext4() {
	local pid caps port=$((20000 + RANDOM % 10000)) rc=0

	[[ ! -e /sys/module/ext4/initstate ]] || skip "ext4 is a module here: it cannot be hidden"
	echo 'basic_auth_users: {}' >"$TMP/web.yml"
	mount -t tmpfs none /sys/fs
	"$TOOL" -o json --output-file "$TMP/log" --listen "127.0.0.1:$port" \
		--web.config.file "$TMP/web.yml" 2>"$TMP/err" &
	pid=$!
	appears "$TMP/err" 'waiting for it'
	caps=$(grep '^Cap' "/proc/$pid/status")
	echo 'no_such_key: 1' >"$TMP/web.yml"
	rotate "$TMP/log" "$pid"
	appears "$TMP/err" 'configuration kept as it was'
	# A second time: then everything that follows the first reopen is done.
	rotate "$TMP/log" "$pid"
	same capabilities "$(grep '^Cap' "/proc/$pid/status")" "$caps"
	kill "$pid"
	wait "$pid" || rc=$?
	umount /sys/fs
	same "exit status" "$rc" 3
}

# Faults of the options are reported before the monitor waits for anything.
test_end_at_once_of_bad_options() {
	local rc=0

	mount -t tmpfs none /sys/fs
	timeout 30 "$TOOL" --textfile /nowhere/x.prom >"$TMP/out" 2>"$TMP/err" || rc=$?
	umount /sys/fs
	same "exit status" "$rc" 1
	same lines "$(wc -l <"$TMP/err")" 1
}
