#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# --output-file on a filesystem that is full for a while, or frozen: reports are missed and
# counted, the run goes on, and every line is whole. Runs in a mount namespace of its own.
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
need curl jq

mkdir "$TMP/small"
mount -t tmpfs -o size=256k none "$TMP/small"
trap 'umount -l "$TMP/small"; finish' EXIT
OUT=$TMP/small/out.json

missed() {
	metric "localhost:$PORT/metrics" 'ext4race_sink_missed_reports_total{sink="json"}'
}
some_missed() {
	(($(missed) > 0))
}
# What jq cannot read of a line is not one.
broken() {
	jq -R 'try (fromjson | empty) catch "broken"' "$OUT" | wc -l
}
grown() { # BYTES
	(($(stat -c %s "$OUT") > $1))
}
# The start, the verdict and the events of this run: written or missed.
accounted() {
	local replayed lines
	end "$FEEDER"
	replayed=$(tail -n 1 "$TMP/output.log" | jq .replayed)
	lines=$(jq -cR 'fromjson? | .type' "$OUT" | wc -l)
	echo "replayed $replayed, lines $lines, missed $1"
	((lines + $1 == replayed + 2))
}

# Full in the middle of a line: less than a page is free, and lines are not that long.
dd if=/dev/zero of="$TMP/small/filler" bs=1024 count=200 status=none
feeder output --record "$FLEET/recorded/vulnerable.jsonl" --listen 0 --rate 400 --count 2000 \
	--output-file "$OUT"
FEEDER=$SPAWNED
ok "a full file costs reports" until_ok 30 some_missed
ok "it is said" grep -q 'No space left on device' "$TMP/output.log"
rm "$TMP/small/filler"
size=$(stat -c %s "$OUT")
ok "it goes on when there is room" until_ok 30 grown "$size"
ok "and says how much was missed" until_ok 10 grep -q 'can be written again: [0-9]* reports' "$TMP/output.log"
dd if=/dev/zero of="$TMP/small/filler" bs=1024 status=none 2>/dev/null || true
until_ok 30 grep -q '^done' "$TMP/output.log"
m=$(missed)
ok "every report is in the file, or counted" accounted "$m"
ok "at most one line a time was cut short" test "$(broken)" -le 2

# A restart finds half a line there.
rm "$TMP/small/filler"
printf '{"half":' >"$OUT"
feeder again --record "$FLEET/recorded/vulnerable.jsonl" --listen 0 --output-file "$OUT"
ok "a line of its own after half a line" until_ok 10 jq -eR 'fromjson? | .type == "start"' <(sed -n 2p "$OUT")
end "$SPAWNED"

# The command itself: the counts are there to the end, and only then the file is missed.
if ! [[ -x $ROOT/ext4race-detect ]]; then
	echo "# the command itself is left out: needs ./ext4race-detect"
	exit 0
fi
: >"$OUT"
dd if=/dev/zero of="$TMP/small/filler" bs=1024 status=none 2>/dev/null || true
HTTP=$(free_port)
spawn "$TMP/monitor.log" "$ROOT/ext4race-detect" -o json --output-file "$OUT" --listen "$HTTP"
ok "the command watches on" until_ok 60 metric "http://127.0.0.1:$HTTP/metrics" \
	'ext4race_sink_missed_reports_total{sink="json"}'
rm "$TMP/small/filler"
rc=0
kill -TERM "$SPAWNED"
wait "$SPAWNED" || rc=$?
ok "exit status" test "$rc" = 0
ok "the summary is there" jq -es '.[-1].type == "summary" and .[-1].lost_events > 0' "$OUT"

# ---- a filesystem that does not answer ----
# The output on a filesystem that is frozen under it. The one that it watches is another one, so
# that its summary has nothing to wait for.
if ! command -v fsfreeze >/dev/null; then
	echo "# a frozen filesystem is left out: needs fsfreeze"
	exit 0
fi
trap 'thaw; umount -l "$TMP/small" "$TMP/frozen" "$TMP/watched" 2>/dev/null; finish' EXIT
frozen_setup
OUT=$TMP/frozen/out.json
spawn "$TMP/frozen.log" "$ROOT/ext4race-detect" -o json --output-file "$OUT" --mount "$TMP/watched" \
	--listen "$HTTP" --textfile "$TMP/small/e4r.prom"
MONITOR=$SPAWNED
has_verdict() {
	jq -es 'any(.type == "verdict")' "$OUT"
}
ok "it watches, and has its verdict" until_ok 90 has_verdict
ok "healthy before" until_ok 20 healthy
# As logrotate does it: the file that is opened again has to be made.
mv "$OUT" "$OUT.1"
fsfreeze --freeze "$TMP/frozen"
kill -HUP "$MONITOR"
ok "a frozen output: /healthz is 503 and says why" until_ok 40 unhealthy 'the output: a write has not ended'
ok "scrapes are answered all the same" metric "http://127.0.0.1:$HTTP/metrics" ext4race_delayed_inserts_total
age() {
	awk '$1 == "ext4race_snapshot_timestamp_seconds" { print $2 }' "$TMP/small/e4r.prom"
}
before=$(age)
newer() {
	[[ $(age) != "$before" ]]
}
ok "the loop goes on: the textfile is new" until_ok 60 newer
kill -TERM "$MONITOR"
detached() {
	! grep -qE '^(prog|link)_id' "/proc/$MONITOR"/fdinfo/* 2>/dev/null
}
said() {
	grep -q 'a write does not end; is its filesystem frozen' "$TMP/frozen.log" &&
		grep -q 'output lost (its file does not answer)' "$TMP/frozen.log"
}
ok "SIGTERM is heard while it is frozen, and what is lost is said" until_ok 30 said
ok "nothing is attached any more" until_ok 30 detached
ends_with_the_thaw "the summary is missing"
