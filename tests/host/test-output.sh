# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What is printed: the lines' schema, and the text for people.

schema() {
	jq -rn -f "$HERE/schema.jq" "$1" >"$TMP/complaints"
	same "schema of $1" "$(cat "$TMP/complaints")" ""
}

test_output_json_schema() {
	fixture 4096 "$TMP/mnt"
	monitor --mount "$TMP/mnt"
	"$RACE" --dir "$TMP/mnt" --mode count --blocks 100
	finish
	schema "$TMP/mon.out"
	monitor
	finish
	schema "$TMP/mon.out"
	# Every line has its end, and there is nothing between the lines.
	same "lines" "$(wc -l <"$TMP/mon.out")" "$(jq -c . "$TMP/mon.out" | wc -l)"
	unfixture "$TMP/mnt"
}

# The check itself has to find lines that break the contract.
test_output_schema_complains() {
	local broken

	monitor
	finish
	for broken in 'del(.schema)' '.time = "now"' '.surprise = 1' \
		'if .type == "summary" then .lost_events = "0" else . end' \
		'if .type == "start" then .hooks[0].reason = null | .hooks[0].bound = null else . end' \
		'select(.type == "start")' '.type = "else"'; do
		jq -c "$broken" "$TMP/mon.out" >"$TMP/broken"
		jq -rn -f "$HERE/schema.jq" "$TMP/broken" >"$TMP/complaints"
		[[ -s $TMP/complaints ]] || {
			echo "nothing said about: $broken"
			return 1
		}
	done
}

# What each command prints here, and a recording of a race from elsewhere, which is older than
# some members of a summary and a leak.
printed_lines() {
	"$TOOL" verify -o json --dir "$TMP/mnt" || true
	"$TOOL" provoke -o json --dir "$TMP/mnt" --yes -d 100ms 2>/dev/null || true
	"$TOOL" doctor -o json || true
	"$TOOL" -o json --mount "$TMP/mnt" -d 100ms
	jq -c 'select(.type != "summary") | if .type == "leak" then del(.mount) else . end' \
		"$ROOT"/tests/fleet/recorded/*.jsonl
}

complaints() { # LINES: what docs/json.md and they do not agree on
	jq -r '.type as $type | paths as $path | select($path[-1] | type == "string") |
		($path | map(if type == "number" then "[]" else . end) | join(".") |
			gsub("\\.\\[]"; "[]")) as $name |
		"\($type) \($name) \(getpath($path) | type)"' "$1" | sort -u >"$TMP/members"
	awk -f "$HERE/json-doc.awk" "$ROOT/docs/json.md" "$TMP/members"
}

test_output_json_documented() {
	local member

	fixture 4096 "$TMP/mnt"
	printed_lines >"$TMP/lines"
	unfixture "$TMP/mnt"
	same "complaints" "$(complaints "$TMP/lines")" ""
	# The schema knows at least the members that may be left out.
	while read -r member; do
		grep -q "\"$member\"" "$HERE/schema.jq"
	done < <(sed -nE 's/^\| `([a-z_]+\[\]\.)?([a-z_]+)` .*left out (unless|without).*/\2/p' \
		"$ROOT/docs/json.md")
	# The check itself.
	jq -c 'select(.type != "leak") | if .type == "verdict" then .more = 1 else . end |
		if .type == "doctor" then .arch = 1 else . end' "$TMP/lines" >"$TMP/broken"
	same "complaints about the broken" "$(complaints "$TMP/broken" | LC_ALL=C sort)" \
		"## \`leak\`: nothing printed blocks
## \`leak\`: nothing printed dev
## \`leak\`: nothing printed ino
## \`leak\`: nothing printed overwrites
doctor: arch is number
verdict: no row for more"
}

# The start line says truly how the monitor is attached.
test_output_says_how_it_is_attached() {
	local programs

	monitor
	programs=$(held "$MON_PID" | grep -c '^link ')
	jq -e '.attach | . == "tracepoint" or . == "fentry" or . == "kprobe"' <<<"$MON_START"
	jq -e '.certainty | length > 0' <<<"$MON_START"
	jq -e --argjson n "$programs" '[.hooks[] | select(.bound)] | length > 0 and length <= $n' \
		<<<"$MON_START"
	same kernel "$(jq -r .kernel <<<"$MON_START")" "$(uname -r)"
	finish
}

# mounts_of LINE: where the filesystems of a start line are mounted.
mounts_of() {
	jq -r '.filesystems[].mount' <<<"$1"
}

# The monitor is held at its first call of bpf(2): the mount table was read long before.
test_output_mounted_while_it_loads() {
	local until=$((SECONDS + 30)) pid

	strace -o "$TMP/trace" -e trace=bpf -e inject=bpf:signal=STOP:when=1 \
		"$TOOL" -o json >"$TMP/out" 2>"$TMP/err" &
	MON_PID=$!
	until grep -q 'stopped by SIGSTOP' "$TMP/trace" 2>/dev/null; do
		kill -0 "$MON_PID" || skip "$(head -n 1 "$TMP/err")"
		((SECONDS < until))
	done
	fixture 4096 "$TMP/mnt"
	pid=$(pgrep -P "$MON_PID")
	kill -s CONT "$pid"
	appears "$TMP/out" '"type":"start"'
	kill "$pid"
	wait "$MON_PID"
	mounts_of "$(head -n 1 "$TMP/out")" | grep -qx "$TMP/mnt"
	unfixture "$TMP/mnt"
}

test_output_text() {
	fixture 4096 "$TMP/mnt"
	"$TOOL" -d 200ms --mount "$TMP/mnt" >"$TMP/text" 2>"$TMP/err"
	same messages "$(cat "$TMP/err")" ""
	grep -q "^  kernel  *$(uname -r)" "$TMP/text"
	grep -q "^  attach  *[a-z]" "$TMP/text"
	grep -q "$TMP/mnt" "$TMP/text"
	grep -q "^No overwrite seen" "$TMP/text"
	grep -q "OVERWRITTEN  *LEAKED  *RESIDUAL" "$TMP/text"
	grep -q "lost events  *0" "$TMP/text"
	unfixture "$TMP/mnt"
}

# The monitor gives up privileges that it does not need, but can still write in the user's directory.
test_output_in_a_directory_of_another_user() {
	local dir=$TMP/theirs

	mkdir "$dir"
	chown nobody "$dir"
	monitor --textfile "$dir/x.prom" --output-file "$dir/x.json" -d 1s || true
	finish -
	same "exit status" "$MON_RC" 0
	same messages "$(cat "$TMP/mon.err")" ""
	grep -q '^ext4race_build_info' "$dir/x.prom"
}

test_output_textfile_that_does_not_fit() {
	local rc=0

	mkdir "$TMP/tiny"
	mount -t tmpfs -o size=4k none "$TMP/tiny"
	"$TOOL" -d 1s --textfile "$TMP/tiny/x.prom" >"$TMP/out" 2>"$TMP/err" || rc=$?
	same files "$(ls -A "$TMP/tiny")" ""
	umount "$TMP/tiny"
	same "exit status" "$rc" 1
	# Of all writes that failed like this.
	same messages "$(cat "$TMP/err")" \
		"ext4race-detect: --textfile $TMP/tiny/x.prom: No space left on device"
}

test_output_help_that_cannot_be_written() {
	local option rc

	for option in --help --version; do
		rc=0
		"$TOOL" "$option" >/dev/full 2>"$TMP/err" || rc=$?
		same "exit status of $option" "$rc" 1
		same "lines of $option" "$(wc -l <"$TMP/err")" 1
	done
}

test_output_without_standard_error() {
	"$TOOL" -o json -d 1s --output-file "$TMP/x.json" --textfile "$TMP/x.prom" 2>&-
	jq -es 'length >= 2' "$TMP/x.json"
}

# With --output-file the program needs neither standard output nor standard error.
test_output_without_standard_output_and_error() {
	"$TOOL" -o json -d 1s --output-file "$TMP/x.json" >&- 2>&-
	jq -es 'length >= 2' "$TMP/x.json"
	"$TOOL" -o json -d 1s --output-file "$TMP/y.json" <&- >&- 2>&-
	jq -es 'length >= 2' "$TMP/y.json"
}

# The unit gives the program all capabilities that are of use, except those that only some
# kernels need. This test looks at the version for that; the tool does not.
test_output_doctor_privilege() {
	local line

	setpriv --bounding-set -all,+bpf,+perfmon,+syslog,+dac_read_search \
		"$TOOL" doctor >"$TMP/out" || true
	line=$(grep '^  privilege ' "$TMP/out")
	if (($(</proc/sys/kernel/perf_event_paranoid) > 2)) && grep -q 'kprobes: yes' "$TMP/out"; then
		grep -q CAP_SYS_ADMIN <<<"$line"
	else
		! grep CAP_SYS_ADMIN <<<"$line" || return 1
	fi
	if [[ $(printf '%s\n' 5.11 "$(uname -r)" | sort -V | head -n 1) == 5.11 ]]; then
		! grep CAP_SYS_RESOURCE <<<"$line" || return 1
	fi
}
