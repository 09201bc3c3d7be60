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

# to_file FILE ARG...: a monitor that writes to FILE and watches already. Of an idle
# filesystem, so that there are no events.
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

# logrotate's way: the file is renamed, then the signal.
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

test_hup_without_output_file() {
	fixture 4096 "$TMP/mnt"
	monitor --mount "$TMP/mnt"
	kill -s HUP "$MON_PID"
	finish TERM
	same "exit status" "$MON_RC" 0
	same lines "$(types "$TMP/mon.out")" "start summary"
}

# A file is appended to, never cut off.
test_output_file_is_appended_to() {
	fixture 4096 "$TMP/mnt"
	echo '{"type":"earlier"}' >"$TMP/log"
	"$TOOL" -o json -d 100ms --mount "$TMP/mnt" --output-file "$TMP/log"
	same lines "$(types "$TMP/log")" "earlier start summary"
}
