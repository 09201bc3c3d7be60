#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The detector on this kernel, with its exporter: Prometheus scrapes it, the page has what
# the documentation says, and it costs next to nothing. Runs in a mount namespace with an
# ext4 of its own.
set -euo pipefail

if [[ ${1:-} != inside ]]; then
	if ((EUID)); then
		echo "1..0 # skip needs root"
		exit 77
	fi
	exec unshare --mount --propagation private "$0" inside
fi

# shellcheck source=tests/fleet/lib.sh
. "$(dirname "$0")/lib.sh"
need curl jq promtool prometheus mkfs.ext4
COMMAND=${EXT4RACE_DETECT:-$ROOT/ext4race-detect}
need "$COMMAND"

MNT=/mnt # in the namespace of the test only
IDLE_SEC=10
RESIDENT_KIB_MAX=12288
CPU_NS_MAX=1000000
BYTES_MAX=65536
SCRAPES=200
PORT=$(free_port)
URL=http://127.0.0.1:$PORT/metrics
PROM=http://127.0.0.1:$(free_port)

# The loop device goes away with the mount, and the mount with the namespace.
filesystem() {
	truncate -s 64M "$TMP/image"
	mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$TMP/image"
	mount -o loop "$TMP/image" "$MNT"
	truncate -s 1M "$TMP/other"
}

configure() {
	cp "$ROOT/deploy/prometheus/ext4race.rules.yml" "$TMP/"
	sed -E "s/localhost:9877/127.0.0.1:$PORT/; /^alerting:/,/9093/d
		s/^( *(scrape|evaluation)_interval:).*/\1 1s/" \
		"$ROOT/deploy/prometheus/prometheus.yml" >"$TMP/prometheus.yml"
}

query() {
	curl -fsS --data-urlencode "query=$1" "$PROM/api/v1/query" |
		jq -r '.data.result[0].value[1] // empty'
}

is() {
	[[ $(query "$1") == "$2" ]]
}

value() { # NAME{LABELS} of $TMP/page
	awk -v want="$1" '$1 == want { print $2; found = 1 } END { exit !found }' "$TMP/page"
}

# These delayed inserts also let the monitor judge the kernel.
judged() {
	head -c 1000000 /dev/zero >"$MNT/file"
	rm "$MNT/file"
	curl -fsS "$URL" >"$TMP/page"
	[[ $(value 'ext4race_kernel_verdict{verdict="unknown"}') == 0 ]]
}

# All metrics that are documented for every host are there. The others need --mount, a mode
# that sees near misses, a kernel that accounts BPF programs, or a verdict.
whole() {
	local name
	while read -r name; do
		case $name in
		ext4race_near_misses_total | ext4race_mount_watched | ext4race_bpf_* | ext4race_verdict_evidence) continue ;;
		esac
		grep -qE "^$name(_bucket)?[{ ]" "$TMP/page" || {
			echo "no $name"
			return 1
		}
	done < <(grep -oE '^\| `[a-z0-9_]+' "$ROOT/docs/metrics.md" | tr -d '|` ')
}

only_documented() {
	local unknown
	unknown=$(comm -23 <(sed -nE 's/^([a-z0-9_]+).*/\1/p' "$TMP/page" | sed -E 's/_(bucket|sum|count)$//' | sort -u) \
		<(grep -oE '^\| `[a-z0-9_]+' "$ROOT/docs/metrics.md" | tr -d '|` ' | sort -u))
	echo "$unknown"
	[[ -z $unknown ]]
}

lint() {
	promtool check metrics <"$TMP/page"
}

# The detector is attached in one of the three modes, and says whether it sees everything.
attached() {
	grep -E '^ext4race_attach_info\{mode="(fentry|kprobe|tracepoint)",certainty="(full|reduced)"\} 1$' "$TMP/page"
}

one_verdict() {
	awk '/^ext4race_kernel_verdict\{/ { n++; s += $2 } END { exit !(n == 3 && s == 1) }' "$TMP/page"
}

# The exporter has the same verdict as the command `verify`.
same_verdict() {
	local verdict status=0
	verdict=$("$COMMAND" verify --quiet --dir "$MNT") || status=$?
	echo "verify: $verdict ($status)"
	[[ $(value "ext4race_kernel_verdict{verdict=\"$verdict\"}") == 1 ]]
}

kernel_is_this() {
	[[ $(value "ext4race_kernel_info{release=\"$(uname -r)\"}") == 1 ]]
}

switches() {
	awk '/ctxt_switches/ { s += $2 } END { printf "%.0f\n", s }' "/proc/$DETECTOR"/task/*/status
}

# This measures ten seconds; it waits for nothing. Wake-ups by the kernel's announcements of
# devices do not count.
sleeps() {
	local before after device
	before=$(switches)
	device=$(losetup -f --show "$TMP/other")
	losetup -d "$device"
	sleep "$IDLE_SEC"
	after=$(switches)
	echo "# $((after - before)) wake-ups in $IDLE_SEC s" >&3
	((after == before))
}

http_cpu() {
	local task
	for task in "/proc/$DETECTOR"/task/*; do
		if [[ $(<"$task/comm") == http ]]; then
			cut -d' ' -f1 "$task/schedstat"
		fi
	done
}

# Each request has its own connection. Answers that share a snapshot count as one scrape, so
# the result is the price of a whole scrape.
scrape_is_cheap() {
	local before after last='' now n=0
	before=$(http_cpu)
	while ((n < SCRAPES)); do
		curl -fsS "$URL" >"$TMP/page"
		now=$(value ext4race_snapshot_timestamp_seconds)
		if [[ $now != "$last" ]]; then
			n=$((n + 1))
		fi
		last=$now
	done
	after=$(http_cpu)
	echo "# $SCRAPES scrapes of $(wc -c <"$TMP/page") bytes, $(((after - before) / SCRAPES / 1000)) us of CPU each" >&3
	(((after - before) / SCRAPES < CPU_NS_MAX && $(wc -c <"$TMP/page") < BYTES_MAX))
}

small() {
	local kib
	kib=$(awk '/^VmRSS:/ { print $2 }' "/proc/$DETECTOR/status")
	echo "# $kib KiB resident" >&3
	((kib > 0 && kib <= RESIDENT_KIB_MAX))
}

ends_well() {
	kill -TERM "$DETECTOR"
	wait "$DETECTOR" && jq -se '.[-1].type == "summary"' "$TMP/events"
}

into_pipe() {
	exec "$COMMAND" --mount "$MNT" --listen "$PORT" -o json --textfile "$TMP/stopped.prom" >"$TMP/pipe"
}

# The reader of the output is stopped, and the pipe to it is full before the first line. The
# exporter has to answer all the same, and the textfile has to be written.
watches_all_the_same() {
	mkfifo "$TMP/pipe"
	exec 7<>"$TMP/pipe"
	# Fills the pipe, which takes 64 KiB, with empty lines, which JSON ignores.
	timeout 10 head -c 65536 /dev/zero | tr '\0' '\n' >"$TMP/pipe"
	spawn "$TMP/stopped.log" into_pipe
	DETECTOR=$SPAWNED
	until_ok 60 curl -fsS --max-time 5 "http://127.0.0.1:$PORT/healthz" &&
		until_ok 60 judged && test -s "$TMP/stopped.prom"
}

# At its end the monitor waits for the reader: no line that was queued is lost.
gives_all_in_the_end() {
	local detector=$DETECTOR
	kill -TERM "$detector"
	spawn "$TMP/lines" cat "$TMP/pipe"
	# Closes the last writer but the detector, so the reader sees the end.
	exec 7<&-
	wait "$detector" || return 1
	until_ok 20 jq -se '[.[].type] | .[0] == "start" and .[-1] == "summary"' "$TMP/lines"
}

exec 3>&1
ok "an ext4 of its own" filesystem
configure
spawn "$TMP/detector.log" "$COMMAND" --mount "$MNT" --listen "$PORT" -o json --output-file "$TMP/events"
DETECTOR=$SPAWNED
ok "the detector answers" until_ok 60 curl -fsS "http://127.0.0.1:$PORT/healthz"
ok "it judges the kernel" until_ok 60 judged
ok "promtool check metrics" lint
ok "every metric of the documentation" whole
ok "and no other" only_documented
ok "how it is attached" attached
ok "this kernel's release" kernel_is_this
ok "one verdict of three" one_verdict
ok "the verdict of verify" same_verdict
sync -f "$MNT"
# Writeback of what was just written takes CPU time, too.
ok "no wake-up while nothing happens" until_ok 60 sleeps
ok "a scrape costs less than 1 ms of CPU and 64 KiB" scrape_is_cheap
ok "resident memory at most $((RESIDENT_KIB_MAX / 1024)) MiB" small
spawn "$TMP/prom.log" prometheus --config.file="$TMP/prometheus.yml" \
	--storage.tsdb.path="$TMP/prom" --web.listen-address="${PROM#http://}"
ok "Prometheus is up" until_ok 60 curl -fsS "$PROM/-/ready"
ok "it scrapes the detector" until_ok 60 is 'up{job="ext4race"}' 1
ok "and has its release" until_ok 60 is "sum(release:ext4race_hosts:count{release=\"$(uname -r)\"})" 1
ok "the detector ends well" ends_well
PORT=$(free_port)
URL=http://127.0.0.1:$PORT/metrics
ok "a reader that stopped does not hold it up" watches_all_the_same
ok "and has all in the end" gives_all_in_the_end
